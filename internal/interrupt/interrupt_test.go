//go:build unix

package interrupt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave/internal/interrupt"
)

// childVariable lets a process run child instead of the tests.
const childVariable = "CONCLAVE_INTERRUPT_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		child(what)
		return
	}
	os.Exit(m.Run())
}

// child sends itself a Ctrl-C, in a hold, or in a context.
func child(what string) {
	ctrlC := func() { syscall.Kill(os.Getpid(), syscall.SIGINT) }
	switch what {
	case "hold":
		h := interrupt.NewHolder()
		release := h.Hold()
		arrived := make(chan os.Signal, 1) // the system may hand it to any thread, and later
		signal.Notify(arrived, syscall.SIGINT)
		ctrlC()
		<-arrived
		signal.Stop(arrived)
		release()
		fmt.Println("after: ", h.Err())
		fmt.Println("once: ", h.Err())
	case "no hold":
		interrupt.NewHolder().Hold()()
		ctrlC()
		time.Sleep(time.Hour) // it may take a moment
	case "context":
		ctx, stop := interrupt.Context(context.Background())
		defer stop()
		under, done := context.WithCancel(ctx)
		defer done()
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		<-under.Done()
		code, _ := interrupt.ExitCode(under.Err())
		fmt.Println(under.Err(), errors.Is(under.Err(), context.Canceled), code)
	}
}

// shell runs the child as a command of a shell.
func shell(t *testing.T, what, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = append(os.Environ(), childVariable+"="+what, "CHILD="+os.Args[0])
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestHold(t *testing.T) {
	if got := shell(t, "hold", `"$CHILD"; echo $?`); got != "after: interrupted once: <nil> 0" {
		t.Errorf("a held Ctrl-C: %q", got)
	}
	if got := shell(t, "no hold", `"$CHILD"; echo $?`); got != "130" {
		t.Errorf("a Ctrl-C after a hold: %q", got)
	}
}

// TestIgnoredSignals: what was started to ignore Ctrl-C goes on ignoring it.
func TestIgnoredSignals(t *testing.T) {
	if got := shell(t, "hold", `trap "" INT; "$CHILD"; echo $?`); got != "after: <nil> once: <nil> 0" {
		t.Errorf("an ignored Ctrl-C: %q", got)
	}
}

func TestContext(t *testing.T) {
	if got := shell(t, "context", `"$CHILD"; echo $?`); got != "interrupted true 143 0" {
		t.Errorf("a SIGTERM in a context: %q", got)
	}
	ctx, stop := interrupt.Context(context.Background())
	if ctx.Err() != nil {
		t.Errorf("a context that has not ended: %v", ctx.Err())
	}
	if stop(); ctx.Err() != context.Canceled {
		t.Errorf("one that was stopped: %v", ctx.Err())
	}
	parent, end := context.WithCancel(context.Background())
	ctx, stop = interrupt.Context(parent)
	defer stop()
	end()
	if <-ctx.Done(); ctx.Err() != context.Canceled {
		t.Errorf("one under another that has ended: %v", ctx.Err())
	}
}

func TestExitCode(t *testing.T) {
	err := fmt.Errorf("key 1: %w", &interrupt.Error{Signal: syscall.SIGTERM})
	if code, ok := interrupt.ExitCode(err); code != 143 || !ok {
		t.Errorf("SIGTERM exits with %d, %v", code, ok)
	}
	if code, ok := interrupt.ExitCode(errors.New("other")); ok {
		t.Errorf("another error exits with %d", code)
	}
}
