package evidence_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/docs"
)

// format is the page.
func format(t *testing.T) string {
	t.Helper()
	page, err := docs.Page("evidence-format")
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// constants are the texts of constants in the sources that a pattern names, of those
// that are wanted by their name and type.
func constants(t *testing.T, pattern string, wanted func(name, kind string) bool) (values []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	for _, file := range files {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			literal, ok := spec.Values[0].(*ast.BasicLit)
			kind, _ := spec.Type.(*ast.Ident)
			if ok && wanted(spec.Names[0].Name, fmt.Sprint(kind)) {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	return values
}

// TestFormatHasEveryFile: the page has every file and folder of a bundle.
func TestFormatHasEveryFile(t *testing.T) {
	page := format(t)
	names := constants(t, "[a-z]*.go", func(name, _ string) bool {
		return ast.IsExported(name) && (strings.HasSuffix(name, "File") || strings.HasSuffix(name, "Dir"))
	})
	if len(names) < 16 {
		t.Fatalf("the sources have %q", names)
	}
	names = append(names, evidence.CertificateFile("CERTIFICATE"), evidence.CRLFile("CRL"), evidence.CRLRegisterFile("CRL"), evidence.InputFile("PATH"),
		evidence.DeviceFile("DEVICE"), evidence.ProofFile("DEVICE"), evidence.AttestationFile("KEY"), evidence.SignatureFile("NAME"), evidence.SignersFile("NAME"))
	for _, name := range names {
		if !regexp.MustCompile("`[^`\n]*" + regexp.QuoteMeta(name) + "[^`\n]*`").MatchString(page) {
			t.Errorf("docs/evidence-format.md does not have %s", name)
		}
	}
	for _, text := range []string{evidence.Namespace, strings.Split(evidence.ProofPurpose([32]byte{}, ""), " 0")[0]} {
		if !strings.Contains(page, text) {
			t.Errorf("docs/evidence-format.md does not say %q", text)
		}
	}
}

// TestFormatHasEveryKind: the page says the rules of every kind of entry, and of no other.
func TestFormatHasEveryKind(t *testing.T) {
	kinds := constants(t, "../transcript/transcript.go", func(_, kind string) bool { return kind == "Kind" })
	var rows []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| [^`|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(section(t, "Entries"), -1) {
		rows = append(rows, row[1])
	}
	slices.Sort(kinds)
	slices.Sort(rows)
	if !slices.Equal(rows, kinds) {
		t.Errorf("docs/evidence-format.md has rules for %q; the kinds are %q", rows, kinds)
	}
}

// section is a section of the page.
func section(t *testing.T, title string) string {
	t.Helper()
	_, text, found := strings.Cut(format(t), "\n## "+title+"\n")
	if !found {
		t.Fatalf("docs/evidence-format.md has no section %q", title)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// TestFormatHasEveryFact: the page has every fact of every step and entry, since
// when it is, and whether it may be missing; and no other.
func TestFormatHasEveryFact(t *testing.T) {
	want := map[string]bool{}
	expect := func(entry string, facts any) {
		for _, f := range step.Fields(facts) {
			want[fmt.Sprintf("%s: %s %t, since %d, optional %t", entry, f.Name, f.Family, max(1, f.Since), f.Optional)] = true
		}
	}
	for entry, facts := range map[string]any{"opened": step.Opened{}, "resumed": step.Resumed{}, "note": step.NoteFacts{}, "exception": step.ExceptionFacts{}} {
		expect(entry, facts)
	}
	for _, action := range constants(t, "../step/step.go", func(_, kind string) bool { return kind == "Action" }) {
		expect(action, step.Action(action).New())
		if step.Action(action).MayBeUnshown() {
			expect(action, step.UnshownFacts{})
		}
		if !strings.Contains(section(t, "The steps"), "`"+action) {
			t.Errorf("docs/evidence-format.md does not say when there is a step %s", action)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+?)(?:-[A-Z]+)?` \\| `([^`]+?)([A-Z]{3,})?` \\| (\\d) \\| (.*) \\|$").FindAllStringSubmatch(section(t, "Facts"), -1) {
		optional := strings.Contains(row[5], "may be missing") || strings.HasSuffix(row[5], "else it is missing")
		found := fmt.Sprintf("%s: %s %t, since %s, optional %t", row[1], row[2], row[3] != "", row[4], optional)
		if !want[found] {
			t.Errorf("docs/evidence-format.md has a fact that there is not: %s", found)
		}
		delete(want, found)
	}
	for _, fact := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("docs/evidence-format.md does not have %s", fact)
	}
}
