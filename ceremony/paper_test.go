package ceremony_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"conclave/ceremony/plan"
	"conclave/ceremony/runbook"
)

// TestRunbook: the paper has what is read aloud, and what is known before.
func TestRunbook(t *testing.T) {
	s := newStage(t, nil)
	f := plan.File{Path: filepath.Join(s.Base, "plan.json"), Content: s.Source, Plan: s.Plan}
	book, err := s.Program.Runbook(t.Context(), f, s.Linter, s.Plan.Start)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range book.Materials {
		names = append(names, m.Name)
	}
	if want := []string{"Plan", "Program", "issuing.csr"}; !slices.Equal(names, want) {
		t.Errorf("materials %q; %q were expected", names, want)
	}
	if book.Materials[0].SHA256 != sha256.Sum256(s.Source) || book.Materials[1].SHA256 != s.Program.SHA256 {
		t.Error("plan or program is not the one that there is")
	}
	for _, step := range []string{"certificate-root", "certificate-issuing", "crl-root-crl-1"} {
		if len(book.Expect[step]) == 0 {
			t.Errorf("the paper does not say what is seen in the step %s", step)
		}
	}
	if _, err := runbook.HTML(book); err != nil {
		t.Error(err)
	}
	path := filepath.Join(s.Base, "register.sqlite")
	format1, err := os.ReadFile("../ca/register/testdata/registers/format-1")
	if err == nil {
		err = os.WriteFile(path, format1, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Plan.Register = "register.sqlite"
	if book, err = s.Program.Runbook(t.Context(), f, s.Linter, s.Plan.Start); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || bytes.Equal(content, format1) || book.Materials[2].SHA256 != sha256.Sum256(content) {
		t.Errorf("the paper has %v for the register, which the ceremony will not see (%v)", book.Materials[2], err)
	}
	if err := os.Remove(filepath.Join(s.Base, "issuing.csr")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Program.Runbook(t.Context(), f, s.Linter, s.Plan.Start); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a paper without the request: %v", err)
	}
}
