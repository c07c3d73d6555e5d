//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conclave/dkek/dkektest"
	"conclave/internal/pcscdtest"
)

// TestMain lets the test binary be the program, and the maker of devices.
func TestMain(m *testing.M) {
	testscript.Main(pcscdtest.Wrap(m), map[string]func(){program: practisingMain, "device": deviceMain})
}

// PINs of the devices in these tests.
const (
	userPIN = "648219"
	soPIN   = "3537363231383830"
)

// TestScripts runs each script with devices of its own: embedded:hsm is the
// one that CONCLAVE_DEVICE names. The share files of quorum's vectors are made
// again at the cost of practice.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv(deviceVariable, "hsm")
			env.Setenv("PIN", userPIN)
			env.Setenv("SOPIN", soPIN)
			for file, name := range map[string]string{"2-of-4.pbe": "2-of-4", "leading-zero.pbe": "leading-zero"} {
				v := dkektest.ReadVector(t, filepath.Join("..", "..", "quorum", "testdata", name))
				if err := os.WriteFile(filepath.Join(env.WorkDir, file), v.Practice.Bytes(), 0o600); err != nil {
					return err
				}
			}
			return os.CopyFS(env.WorkDir, os.DirFS("testdata/vectors"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "answers": answers, "edit": edit},
	})
}

// exits runs a command that must end with a status: exits 2 sc-hsm-tool -z
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := 0, ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got, err = exit.ExitCode(), nil
	}
	ts.Check(err)
	if got != want {
		ts.Fatalf("exit status %d, %d expected", got, want)
	}
}

// answers writes what custodians with sheets from FROM type, either
// what the program printed or the lines of a vector: answers FROM TO ID...
func answers(ts *testscript.TestScript, _ bool, args []string) {
	prime, values := sheets(ts.ReadFile(args[0]))
	typed := prime + "\n"
	for _, id := range args[2:] {
		if values[id] == "" {
			ts.Fatalf("%s has no sheet %s", args[0], id)
		}
		typed += "\n" + id + "\n" + values[id] + "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(typed), 0o600))
}

// sheets gives the prime, and the values by ID.
func sheets(text string) (prime string, values map[string]string) {
	values = map[string]string{}
	id := ""
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); strings.TrimSpace(name) {
		case "Prime":
			prime = value
		case "Share ID":
			id = value
		case "Share value":
			values[id] = value
		}
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 2 && words[0] == "prime":
			prime = words[1]
		case len(words) == 3 && words[0] == "share":
			values[words[1]] = words[2]
		}
	}
	return prime, values
}

// edit changes a file byte by byte: edit FILE cut N takes N bytes off its end,
// edit FILE flip N inverts byte N.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	content := []byte(ts.ReadFile(args[0]))
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	switch args[1] {
	case "cut":
		content = content[:len(content)-n]
	case "flip":
		content = slices.Clone(content)
		content[n] ^= 0xFF
	default:
		ts.Fatalf("cut or flip was expected")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o600))
}

func deviceMain() {
	if err := deviceCommand(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "device:", err)
		os.Exit(1)
	}
}
