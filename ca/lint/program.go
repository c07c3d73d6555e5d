package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ProgramName is the program that judges for Program.
const ProgramName = "conclave-lint"

// Program is the linter that runs the program of that name: the one beside this
// program, or one on PATH if there is none.
type Program struct{}

// request and response are what is written to the program and read from it, as
// JSON.
type request struct {
	Kind string // "certificate" or "CRL"
	DER  []byte
	By   Demands
}

type response struct {
	Findings []Finding
	Error    string
}

// Certificate implements Linter.
func (Program) Certificate(der []byte, by Demands) ([]Finding, error) {
	return run(request{"certificate", der, by})
}

// CRL implements Linter.
func (Program) CRL(der []byte, by Demands) ([]Finding, error) { return run(request{"CRL", der, by}) }

func run(q request) ([]Finding, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	question, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path)
	cmd.Stdin = bytes.NewReader(question)
	out, err := cmd.Output()
	var answer response
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	switch failure, ok := errors.AsType[*exec.ExitError](err); {
	case ok:
		return nil, fmt.Errorf("lint: %s: %w: %s", path, err, strings.TrimSpace(string(failure.Stderr)))
	case err != nil:
		return nil, fmt.Errorf("lint: %s: %w", path, err)
	case answer.Error != "":
		return nil, errors.New(answer.Error)
	}
	return answer.Findings, nil
}

func find() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if resolved, err := filepath.EvalSymlinks(self); err == nil {
		self = resolved
	}
	beside := filepath.Join(filepath.Dir(self), ProgramName)
	if path, err := exec.LookPath(beside); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(ProgramName)
	if err != nil {
		//lint:ignore ST1005 the dots are the command's
		return "", fmt.Errorf("lint: %s is neither beside %s nor on PATH; install it with: go install conclave/cmd/...", ProgramName, self)
	}
	return path, nil
}

// Serve answers one request, as the program does.
func Serve(in io.Reader, out io.Writer, linter Linter) error {
	var q request
	if err := json.NewDecoder(in).Decode(&q); err != nil {
		return fmt.Errorf("a request was expected: %w", err)
	}
	judge := map[string]func([]byte, Demands) ([]Finding, error){"certificate": linter.Certificate, "CRL": linter.CRL}[q.Kind]
	if judge == nil {
		return fmt.Errorf("a request for a %q; one for a certificate or a CRL was expected", q.Kind)
	}
	var answer response
	var err error
	if answer.Findings, err = judge(q.DER, q.By); err != nil {
		answer.Error = err.Error()
	}
	return json.NewEncoder(out).Encode(answer)
}
