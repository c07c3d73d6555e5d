package ceremony_test

import (
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
	if err := os.Remove(filepath.Join(s.Base, "issuing.csr")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Program.Runbook(t.Context(), f, s.Linter, s.Plan.Start); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a paper without the request: %v", err)
	}
}
