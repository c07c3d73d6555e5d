package lint_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"conclave/ca/lint"
)

// TestMain lets the test binary be the program, under its name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == lint.ProgramName {
		if err := lint.Serve(os.Stdin, os.Stdout, echo{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// echo finds what it was asked.
type echo struct{}

func (echo) Certificate(der []byte, by lint.Demands) ([]lint.Finding, error) {
	if len(der) == 0 {
		return nil, errors.New("nothing to read")
	}
	return []lint.Finding{{Lint: "certificate", Severity: string(by), Details: fmt.Sprintf("%x", der)}}, nil
}

func (echo) CRL(der []byte, by lint.Demands) ([]lint.Finding, error) {
	return []lint.Finding{{Lint: "CRL", Severity: string(by), Details: fmt.Sprintf("%x", der)}}, nil
}

func TestProgram(t *testing.T) {
	var program lint.Linter = lint.Program{}
	t.Setenv("PATH", t.TempDir())
	if _, err := program.CRL(nil, lint.Public); err == nil || !strings.Contains(err.Error(), "install it with: go install") {
		t.Errorf("without the program: %v", err)
	}
	dir := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(dir, lint.ProgramName)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, tc := range []struct {
		judge func([]byte, lint.Demands) ([]lint.Finding, error)
		want  string
	}{{program.Certificate, "certificate"}, {program.CRL, "CRL"}} {
		found, err := tc.judge([]byte{0x30, 0x03}, lint.Private)
		if want := []lint.Finding{{Lint: tc.want, Severity: "private", Details: "3003"}}; err != nil || !reflect.DeepEqual(found, want) {
			t.Errorf("%v, %v; %v was expected", found, err, want)
		}
	}
	if _, err := program.Certificate(nil, lint.Public); err == nil || err.Error() != "nothing to read" {
		t.Errorf("what the program cannot read: %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	for question, want := range map[string]string{"": "a request was expected", `{"Kind":"key"}`: `a request for a "key"`} {
		if err := lint.Serve(strings.NewReader(question), io.Discard, echo{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; %q was expected", question, err, want)
		}
	}
}
