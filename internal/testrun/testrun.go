// Package testrun is about how a test runs: how long it may wait, which random
// numbers it draws, and the processes that it kills.
package testrun

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Patience gives a context that lasts as long as the tests of the package may run,
// less the time to say what was waited for. So no machine is too slow, and what
// hangs is named. Unlike the test's own context, it still works in a cleanup.
func Patience(tb testing.TB) context.Context {
	tb.Helper()
	ctx := context.Background()
	limited, ok := tb.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return ctx
	}
	deadline, ok := limited.Deadline()
	if !ok {
		return ctx
	}
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-5*time.Second))
	tb.Cleanup(cancel)
	return ctx
}

// SeedVariable holds the seed for a test that is to be repeated.
const SeedVariable = "CONCLAVE_TEST_SEED"

// Random gives random numbers whose seed is printed if the test fails.
func Random(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := rand.Uint64()
	if given, err := strconv.ParseUint(os.Getenv(SeedVariable), 10, 64); err == nil {
		seed = given
	}
	tb.Logf("to repeat it: %s=%d", SeedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// NeedRoot skips a test that only root can run, loudly, and fails if the environment
// variable CI is set. It says what is missing.
func NeedRoot(tb testing.TB, missing string) {
	tb.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("CI") != "":
		tb.Fatalf("%s: it needs root", missing)
	default:
		tb.Skipf("NOT TESTED, %s: it needs root", missing)
	}
}

// ExhaustiveVariable lets tests try all of what they otherwise draw from: make exhaustive
// sets it. What a test draws is drawn anew each time, so that many runs try all of it too.
const ExhaustiveVariable = "CONCLAVE_EXHAUSTIVE"

// Exhaustive says whether all is to be tried.
func Exhaustive() bool { return os.Getenv(ExhaustiveVariable) != "" }

// Draw draws n of what could be tried, in its order; all of it if all is to be tried.
func Draw[T any](tb testing.TB, all []T, n int) (drawn []T) {
	tb.Helper()
	if Exhaustive() || n >= len(all) {
		return all
	}
	places := Random(tb).Perm(len(all))[:n]
	slices.Sort(places)
	for _, i := range places {
		drawn = append(drawn, all[i])
	}
	return drawn
}

// OneIn gives what says of each place whether something is tried there: of one in n, or of
// all if all is to be tried.
func OneIn(tb testing.TB, n int) func() bool {
	tb.Helper()
	random := Random(tb)
	return func() bool { return Exhaustive() || random.IntN(n) == 0 }
}

// Times is how often something is done: many times if all is to be tried.
func Times(few, many int) int {
	if Exhaustive() {
		return many
	}
	return few
}
