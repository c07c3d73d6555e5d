package conclave_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestEveryClaimHasATest: what docs/assurance.md names exists, and is not named
// twice. At least forty claims were asked for when the list was begun.
func TestEveryClaimHasATest(t *testing.T) {
	text, err := os.ReadFile("docs/assurance.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| (.+) \\| `([a-z0-9/.]+)` `(\\w+)` \\|$").FindAllSubmatch(text, -1)
	if len(rows) < 40 {
		t.Errorf("%d claims", len(rows))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		claim, dir, name := string(row[1]), string(row[2]), string(row[3])
		if seen[dir+name] {
			t.Errorf("%s of %s is named twice", name, dir)
		}
		seen[dir+name] = true
		if !hasTest(t, dir, name) {
			t.Errorf("%q: there is no %s in %s", claim, name, dir)
		}
	}
}

// hasTest says whether a test is in the files of a folder, for whatever system.
func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
				return true
			}
		}
	}
	return false
}
