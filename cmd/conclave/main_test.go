package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the command, for scripts and for exec.
func TestMain(m *testing.M) {
	testscript.Main(withLinter{m}, map[string]func(){"conclave": practisingMain})
}

// withLinter are the tests, with the program on PATH that conclave lets judge what it
// signs. It is apart as for users: what it begins with takes longer than all that many a
// command does.
type withLinter struct{ *testing.M }

func (m withLinter) Run() int {
	dir, err := os.MkdirTemp("", "conclave-lint-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command("go", "build", "-o", dir+"/", "conclave/cmd/conclave-lint").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the linter: %v\n%s", err, out)
		return 1
	}
	os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return m.M.Run()
}

// TestScripts runs each script with a home of its own, the PINs in its
// environment and the vectors in its directory.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "verifies": verifies},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("PIN", pin)
			env.Setenv("SOPIN", soPIN)
			writeVectors(t, env.WorkDir)
			return nil
		},
	})
}

// writeVectors writes keys and share files of others into a directory; the share
// files are made anew at the cost of practice, but for opensc.pbe.
func writeVectors(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob("testdata/vectors/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	opensc := readVector(t, "2-of-4")
	files := map[string][]byte{
		"opensc.pbe": opensc.File.Bytes(), "dkek.pbe": opensc.Practice.Bytes(), "leading-zero.pbe": readVector(t, "leading-zero").Practice.Bytes(),
	}
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// exits runs conclave, which must end with the exit code that is its first
// argument.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: exits CODE ARGUMENTS")
	}
	err = ts.Exec("conclave", args[1:]...)
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != want {
		ts.Fatalf("conclave ended with %v, exit code %d was expected", err, want)
	}
}

// The PINs of the tests' devices.
const (
	pin   = "648219"
	soPIN = "3537363231383830"
)

// home gives the test devices of its own, the default one initialised to wait
// for one DKEK share.
func home(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("PIN", pin)
	t.Setenv("SOPIN", soPIN)
	conclave(t, "hsm", "create")
	conclave(t, "hsm", "init", "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "1")
}

// verifyEvidence verifies evidence with the ceremony key as it would stand on the
// paper: everything must be proved.
func verifyEvidence(t *testing.T, folder string) string {
	t.Helper()
	out, _ := exec.Command("conclave", "ceremony", "verify", folder, "--json").Output() // without the paper it is not proved
	var report struct {
		Key string `json:"ceremony_key"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return conclave(t, "ceremony", "verify", folder, "--key", report.Key)
}

// conclave runs a command without a terminal and gives what it shows.
func conclave(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("conclave", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("conclave %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
