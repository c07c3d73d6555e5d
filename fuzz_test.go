package conclave_test

import (
	"bytes"
	"go/ast"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fuzzVariable says how long TestFuzz runs each fuzz target, such as 2m20s.
const fuzzVariable = "CONCLAVE_FUZZ"

// fuzzTarget is a fuzz target of a package.
type fuzzTarget struct {
	in   goPackage
	name string
}

func fuzzTargets(t *testing.T) (targets []fuzzTarget) {
	t.Helper()
	for _, p := range list(t, "./...") {
		_, files := parse(t, p, append(p.TestGoFiles, p.XTestGoFiles...))
		for _, file := range files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Fuzz") {
					targets = append(targets, fuzzTarget{p, f.Name.Name})
				}
			}
		}
	}
	return targets
}

// TestFuzzTargetsHaveCorpora fails for a fuzz target without a seed to start
// from.
func TestFuzzTargetsHaveCorpora(t *testing.T) {
	targets := fuzzTargets(t)
	for _, f := range targets {
		if seeds, err := filepath.Glob(filepath.Join(f.in.Dir, "testdata", "fuzz", f.name, "*")); err != nil || len(seeds) == 0 {
			t.Errorf("%s: %s has no corpus in testdata/fuzz, %v", f.in.ImportPath, f.name, err)
		}
	}
	if len(targets) < 7 {
		t.Errorf("%d fuzz targets; APDU, TLV, CVC, key blob, share file, wrap file and vpcd frames have at least one", len(targets))
	}
}

// floor is how many inputs a target must get through in a second of a processor's
// time: decoders the most, those that play a session or try combinations fewer, and
// the one that plans a search, which takes a moment, hardly any.
func (f fuzzTarget) floor() float64 {
	switch f.name {
	case "FuzzCard", "FuzzRequest", "FuzzServe", "FuzzLocate", "FuzzUndo":
		return 200
	case "FuzzSheets":
		return 5
	}
	return 1000
}

// TestFuzz fuzzes: in CI one target, another with each commit, for some seconds;
// by hand all of them, each as long as CONCLAVE_FUZZ says (`make fuzz` takes an
// hour). It fails for what a target finds, and for a target that is too slow to find
// much. In CI a tenth of the floor will do, since its machine may be any.
func TestFuzz(t *testing.T) {
	targets, share := fuzzTargets(t), 1.0
	duration, err := time.ParseDuration(os.Getenv(fuzzVariable))
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		targets, share, duration = targets[turn(len(targets)):][:1], 0.1, 8*time.Second
	default:
		t.Skipf("%s is not set", fuzzVariable)
	}
	for _, f := range targets {
		path := strings.TrimPrefix(f.in.ImportPath, "conclave/")
		t.Run(strings.ReplaceAll(path, "/", ".")+"."+f.name, func(t *testing.T) {
			execs, busy := f.run(t, duration)
			rate := float64(execs) / busy.Seconds()
			t.Logf("%d inputs, %.0f in a second of a processor", execs, rate)
			if rate < share*f.floor() {
				t.Errorf("%.0f inputs in a second of a processor; %.0f at least were expected: what does the target do for each?", rate, share*f.floor())
			}
		})
	}
}

// turn picks one of n by the number of commits, so that all come in turn.
func turn(n int) int {
	out, err := exec.Command("git", "rev-list", "--count", "HEAD").Output()
	commits, parseErr := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || parseErr != nil {
		commits = time.Now().YearDay()
	}
	return commits % n
}

// run runs the target, and says how many inputs it had and how much of the
// processors' time that took. What it finds lies in its testdata. The fuzzer is
// guided by what is reached in our own packages: `go test -fuzz` would build all
// others anew too, SQLite among them, which takes longer than the fuzzing. And it
// does not stop at each input that reaches something to make that shorter, which by
// default may take a minute: of time stamps, four were tried in one.
func (f fuzzTarget) run(t *testing.T, duration time.Duration) (execs int, busy time.Duration) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fuzz.test")
	if out, err := exec.Command("go", "test", "-c", "-gcflags=conclave/...=-d=libfuzzer", "-o", program, f.in.ImportPath).CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run", "^$", "-test.fuzz", "^"+f.name+"$", "-test.fuzztime", duration.String(),
		"-test.fuzzminimizetime", "10x", "-test.fuzzcachedir", filepath.Join(strings.TrimSpace(string(cache)), "fuzz", f.in.ImportPath))
	cmd.Dir = f.in.Dir
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("context deadline exceeded")) { // which is what a slow machine can end with
		t.Fatalf("%v\n%s", err, out)
	}
	counts := regexp.MustCompile(`execs: (\d+)`).FindAllSubmatch(out, -1)
	if len(counts) == 0 {
		t.Fatalf("it says nothing of its inputs:\n%s", out)
	}
	if execs, err = strconv.Atoi(string(counts[len(counts)-1][1])); err != nil {
		t.Fatal(err)
	}
	return execs, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
