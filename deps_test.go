// Package conclave_test holds the architecture: what may import what, and what
// no package may have.
package conclave_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// goPackage is what `go list -json` says.
type goPackage struct {
	ImportPath, Dir, Name     string
	GoFiles, CgoFiles, Deps   []string
	TestGoFiles, XTestGoFiles []string
	Imports                   []string
	Module                    *struct{ Main bool }
	Standard                  bool
}

func list(t *testing.T, args ...string) (packages []goPackage) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// forbidden says, beside the floors, which packages, and all that is under them,
// may not be reached from which, by however many steps.
func forbidden() map[string][]string {
	return map[string][]string{
		"conclave/card":                {"conclave/link", "conclave/internal/tty"},
		"conclave/hsm":                 {"conclave/link", "conclave/internal/tty"},
		"conclave/dkek":                {"conclave/apdu"},
		"conclave/quorum":              {"conclave/apdu", "conclave/link", "conclave/wire", "conclave/internal/tty"},
		"conclave/quorum/paper":        {"conclave/internal", "conclave/dkek", "conclave/shamir"},
		"conclave/ca":                  {"conclave/apdu", "conclave/link", "conclave/wire", "conclave/internal/tty"},
		"conclave/ceremony/transcript": {"conclave/apdu", "conclave/ca", "conclave/card", "conclave/hsm", "conclave/link", "conclave/wire", "conclave/quorum"},
		// Loading the linter takes longer than most commands run.
		"conclave/cmd/conclave": {"conclave/ca/lint/zlint", "github.com/zmap", "github.com/weppos"},
		// What a ceremony has left is verified without any device.
		"conclave/ceremony/evidence": {"conclave/card", "conclave/hsm", "conclave/link", "conclave/device"},
		"conclave/ceremony/plan":     {"conclave/card", "conclave/hsm", "conclave/link"},
		// Words, and nothing that could be done with them.
		"conclave/ceremony/step": {"conclave/apdu", "conclave/ca", "conclave/quorum", "conclave/wire", "conclave/ceremony/plan"},
		"conclave/device":        {"conclave/quorum", "conclave/ca", "conclave/internal/tty"},
		"conclave/custody":       {"conclave/ca", "conclave/card", "conclave/link", "conclave/internal/tty", "github.com/alecthomas/kong"},
		// Key files are read where there is no device.
		"conclave/custody/keyfile": {"conclave/hsm", "conclave/quorum"},
		"conclave/ceremony":        {"conclave/internal/tty", "github.com/alecthomas/kong"},
		"conclave/terminal":        {"github.com/alecthomas/kong"},
		// Programs talk to tokens, and people do not.
		"conclave/agent": {"conclave/quorum", "conclave/ca", "conclave/internal/tty", "github.com/alecthomas/kong"},
		// The page for everyone does not know the screen that custodians come to.
		"conclave/web": {"conclave/internal/tty", "github.com/alecthomas/kong"},
	}
}

// excepted is the one package that may be reached in spite of a rule: those who
// print sheets see no machinery of secrets, but they set text.
func excepted() map[string]string {
	return map[string]string{"conclave/quorum/paper": "conclave/internal/typeset"}
}

// floors are the floors of the house, the ground first. A package imports from
// lower floors and from its own tree.
func floors() [][]string {
	return [][]string{
		{"conclave/internal", "conclave/docs"},
		{"conclave/apdu", "conclave/tlv", "conclave/shamir"},
		{"conclave/wire", "conclave/dkek", "conclave/link"},
		{"conclave/card", "conclave/hsm", "conclave/quorum", "conclave/ca"},
		{"conclave/device"},
		{"conclave/custody", "conclave/token"},
		{"conclave/ceremony", "conclave/agent"},
		{"conclave/terminal", "conclave/web"},
		{"conclave/cmd"},
	}
}

// floorOf gives the floor of a package, and the root of its tree.
func floorOf(path string) (floor int, root string) {
	for floor, roots := range floors() {
		for _, root := range roots {
			if under(path, root) {
				return floor, root
			}
		}
	}
	return -1, ""
}

// TestFloors: no import runs upward, or to a neighbour on the same floor.
func TestFloors(t *testing.T) {
	for _, p := range list(t, "./...") {
		if slices.ContainsFunc(forTests(), func(root string) bool { return under(p.ImportPath, root) }) || p.ImportPath == "conclave" {
			continue
		}
		floor, root := floorOf(p.ImportPath)
		if floor < 0 {
			t.Errorf("%s is on no floor", p.ImportPath)
		}
		for _, path := range p.Imports {
			below, other := floorOf(path)
			if below > floor || below == floor && other != root {
				t.Errorf("%s imports %s, which is not below it", p.ImportPath, path)
			}
		}
	}
}

// most methods that a type may have. A card and its host have one for each command.
const mostMethods = 55

// TestNoTypeKnowsEverything counts the methods of types.
func TestNoTypeKnowsEverything(t *testing.T) {
	oneForEachCommand := []string{"conclave/card.Card", "conclave/hsm.HSM"}
	for _, p := range list(t, "./...") {
		methods := map[string]int{}
		_, files := parse(t, p, p.GoFiles)
		for _, file := range files {
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
					methods[receiverOf(f).Name]++
				}
			}
		}
		for name, n := range methods {
			if full := p.ImportPath + "." + name; n > mostMethods && !slices.Contains(oneForEachCommand, full) {
				t.Errorf("%s has %d methods; %d at most were expected: which of them are a type of their own?", full, n, mostMethods)
			}
		}
	}
}

// forTests are the packages that no program may reach. Those that make share files
// cheap to open are reached from tests alone, but for the one that they act on.
func forTests() []string {
	return []string{
		"conclave/acceptance", "conclave/card/store/storetest", "conclave/ceremony/evidence/evidencetest", "conclave/ceremony/medium/mediumtest", "conclave/dkek/dkektest", "conclave/internal/faultdisk", "conclave/internal/foreign",
		"conclave/internal/pcscdtest", "conclave/internal/smalldisk", "conclave/internal/sqlitefile/filetest", "conclave/internal/testrun",
		"conclave/internal/typeset/typesettest",
		"conclave/link/linktest", "conclave/terminal/terminaltest",
	}
}

func TestProgramsReachNothingOfTests(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, dep := range p.Deps {
			if under(p.ImportPath, "conclave/cmd") && slices.Contains(forTests(), dep) {
				t.Errorf("%s reaches %s", p.ImportPath, dep)
			}
		}
		for _, path := range p.Imports {
			if path == "conclave/internal/practice" && !under(p.ImportPath, "conclave/dkek") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
}

// standardOnly are the packages that import nothing but the standard library.
func standardOnly() []string {
	return []string{"conclave/apdu", "conclave/tlv", "conclave/shamir", "conclave/quorum/internal/bch32"}
}

func under(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		for root, banned := range forbidden() {
			if !under(p.ImportPath, root) {
				continue
			}
			seen[root] = true
			for _, dep := range p.Deps {
				for _, b := range banned {
					if under(dep, b) && dep != excepted()[root] {
						t.Errorf("%s reaches %s", p.ImportPath, dep)
					}
				}
			}
		}
		if slices.Contains(standardOnly(), p.ImportPath) {
			seen[p.ImportPath] = true
			checkStandardOnly(t, p)
		}
	}
	for root := range forbidden() {
		if !seen[root] {
			t.Errorf("the rule for %s holds no package", root)
		}
	}
	for _, path := range standardOnly() {
		if !seen[path] {
			t.Errorf("there is no package %s", path)
		}
	}
}

func checkStandardOnly(t *testing.T, p goPackage) {
	t.Helper()
	for _, path := range p.Imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || first == "conclave" {
			t.Errorf("%s imports %s; the standard library alone was expected", p.ImportPath, path)
		}
	}
}

func TestNoCgo(t *testing.T) {
	for _, p := range list(t, "-deps", "./...") {
		if p.Module != nil && p.Module.Main && len(p.CgoFiles) > 0 {
			t.Errorf("%s has cgo files: %v", p.ImportPath, p.CgoFiles)
		}
	}
}

// TestNoPackageState allows package-level variables for errors, and for tables
// that nothing can change: unexported, and never assigned to; files that the compiler
// embeds are such a table. There are no init
// functions.
func TestNoPackageState(t *testing.T) {
	for _, p := range list(t, "./...") {
		set, files := parse(t, p, p.GoFiles)
		written := writtenNames(files)
		for _, file := range files {
			for _, d := range file.Decls {
				checkDeclaration(t, set, d, written)
			}
		}
	}
}

// parse reads files of a package.
func parse(t *testing.T, p goPackage, names []string) (set *token.FileSet, files []*ast.File) {
	t.Helper()
	set = token.NewFileSet()
	for _, name := range names {
		file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return set, files
}

// writtenNames are the names that something is assigned to, in whole or in
// part, or whose address is taken.
func writtenNames(files []*ast.File) map[string]bool {
	written := map[string]bool{}
	note := func(e ast.Expr) {
		for {
			switch x := e.(type) {
			case *ast.Ident:
				written[x.Name] = true
				return
			case *ast.IndexExpr:
				e = x.X
			case *ast.SelectorExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			default:
				return
			}
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.AssignStmt:
				if x.Tok != token.DEFINE {
					for _, e := range x.Lhs {
						note(e)
					}
				}
			case *ast.IncDecStmt:
				note(x.X)
			case *ast.UnaryExpr:
				if x.Op == token.AND {
					note(x.X)
				}
			}
			return true
		})
	}
	return written
}

func checkDeclaration(t *testing.T, set *token.FileSet, d ast.Decl, written map[string]bool) {
	t.Helper()
	if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
		t.Errorf("%s: an init function", set.Position(f.Pos()))
	}
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.VAR {
		return
	}
	embedded := g.Doc != nil && strings.HasPrefix(g.Doc.List[len(g.Doc.List)-1].Text, "//go:embed ")
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		for _, name := range v.Names {
			table := !name.IsExported() && (len(v.Values) > 0 || embedded) && !written[name.Name]
			if name.Name != "_" && !table && !isError(v) {
				t.Errorf("%s: %s is package-level state; a parameter, or a function that returns it, was expected", set.Position(v.Pos()), name.Name)
			}
		}
	}
}

// readers are the calls that read a file whatever it is, by package, with the reason.
func readers() map[string]string {
	return map[string]string{
		"conclave/internal/safefile os.Open": "it looks first, or is told that it may be a pipe",
		"conclave/cmd/conclave os.Open":      "what is signed is hashed as it comes, however long it is",
	}
}

// TestFilesAreReadByKindAndSize: a program of ours reads files with safefile.Read,
// which waits for no pipe and takes no more than was expected.
func TestFilesAreReadByKindAndSize(t *testing.T) {
	excepted := readers()
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		if slices.ContainsFunc(forTests(), func(root string) bool { return under(p.ImportPath, root) }) {
			continue
		}
		set, files := parse(t, p, p.GoFiles)
		for _, file := range files {
			for call, at := range readingCalls(file) {
				call = p.ImportPath + " " + call
				if seen[call] = true; excepted[call] == "" {
					t.Errorf("%s: %s; safefile.Read was expected", set.Position(at), call)
				}
			}
		}
	}
	for call := range excepted {
		if !seen[call] {
			t.Errorf("%s is excepted, and there is no such call any more", call)
		}
	}
}

// readingCalls are the functions in a file that read whatever they are given.
func readingCalls(file *ast.File) map[string]token.Pos {
	calls := map[string]token.Pos{}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.SelectorExpr); ok {
			if name := fmt.Sprint(f.X, ".", f.Sel); slices.Contains([]string{"os.ReadFile", "os.Open", "fs.ReadFile", "ioutil.ReadFile"}, name) {
				calls[name] = f.Pos()
			}
		}
		return true
	})
	return calls
}

// judges are the calls of crypto/x509 that make or judge what is signed, with the reason.
func judges() map[string]string {
	const stamps = "time stamps are signed with RSA or ECDSA; another key verifies nothing there"
	return map[string]string{
		"conclave/ceremony/rfc3161 x509.ParseCertificate": stamps,
		"conclave/ceremony/rfc3161 x509.VerifyOptions":    stamps,
	}
}

// TestSignaturesAreJudgedInOnePlace: crypto/x509 reads no ML-DSA key, and does not object to
// a signature that it cannot verify where it does not look at it; internal/pqx509 does.
func TestSignaturesAreJudgedInOnePlace(t *testing.T) {
	excepted := judges()
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		if p.ImportPath == "conclave/internal/pqx509" {
			continue
		}
		set, files := parse(t, p, p.GoFiles)
		for _, file := range files {
			for call, at := range judgingCalls(file) {
				call = p.ImportPath + " " + call
				if seen[call] = true; excepted[call] == "" {
					t.Errorf("%s: %s; that of internal/pqx509 was expected", set.Position(at), call)
				}
			}
		}
	}
	for call := range excepted {
		if !seen[call] {
			t.Errorf("%s is excepted, and there is no such call any more", call)
		}
	}
}

// judgingCalls are the functions and methods of crypto/x509 in a file that make, read or
// verify what is signed.
func judgingCalls(file *ast.File) map[string]token.Pos {
	imported := map[string]string{} // by name
	for _, i := range file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		imported[path[strings.LastIndex(path, "/")+1:]] = path
	}
	functions := regexp.MustCompile(`^((Parse|Create)(Certificate|RevocationList|CRL|DERCRL).*|VerifyOptions)$`)
	methods := regexp.MustCompile(`^Check(CRL)?Signature(From)?$`)
	calls := map[string]token.Pos{}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.SelectorExpr); ok {
			from, isName := f.X.(*ast.Ident)
			isPackage := isName && imported[from.Name] != ""
			if isPackage && imported[from.Name] == "crypto/x509" && functions.MatchString(f.Sel.Name) {
				calls["x509."+f.Sel.Name] = f.Pos()
			}
			if !isPackage && methods.MatchString(f.Sel.Name) {
				calls["method "+f.Sel.Name] = f.Pos()
			}
		}
		return true
	})
	return calls
}

// isError says whether all values of a declaration are errors.New or fmt.Errorf.
func isError(v *ast.ValueSpec) bool {
	for _, value := range v.Values {
		call, ok := value.(*ast.CallExpr)
		if !ok {
			return false
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || f.Sel.Name != "New" && f.Sel.Name != "Errorf" {
			return false
		}
	}
	return len(v.Values) > 0
}

// shown are the packages that newcomers begin with: each shows how it is used.
func shown() []string {
	return []string{
		"conclave/apdu", "conclave/ca", "conclave/ceremony/plan", "conclave/dkek", "conclave/hsm", "conclave/link",
		"conclave/quorum", "conclave/shamir", "conclave/tlv",
	}
}

// TestPackagesAreIntroduced: the comment of a package that others may import says
// what it is for, which type to begin with, and what it does not do. That takes
// three sentences.
func TestPackagesAreIntroduced(t *testing.T) {
	const threeSentences = 200 // characters
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		seen[p.ImportPath] = true
		_, files := parse(t, p, p.GoFiles)
		if n := len(comment(files)); n < threeSentences && isPublic(p) {
			t.Errorf("%s: its comment has %d characters; %d or more were expected: say what to begin with, and what it does not do", p.ImportPath, n, threeSentences)
		}
		for _, name := range deadLinks(files) {
			t.Errorf("%s: its comment names [%s], which it does not export", p.ImportPath, name)
		}
		if slices.Contains(shown(), p.ImportPath) && !hasExample(t, p) {
			t.Errorf("%s has no Example function with an output", p.ImportPath)
		}
	}
	for _, path := range shown() {
		if !seen[path] {
			t.Errorf("there is no package %s", path)
		}
	}
}

// isPublic says whether others may import a package, and not only its tests.
func isPublic(p goPackage) bool {
	isTest := slices.ContainsFunc(forTests(), func(root string) bool { return under(p.ImportPath, root) })
	return len(p.GoFiles) > 0 && p.Name != "main" && !isTest && !slices.Contains(strings.Split(p.ImportPath, "/"), "internal")
}

// comment is that of the package.
func comment(files []*ast.File) (text string) {
	for _, file := range files {
		text += file.Doc.Text()
	}
	return text
}

// deadLinks are the names in brackets in a package's comment that it does not have.
func deadLinks(files []*ast.File) (dead []string) {
	exported := map[string]bool{}
	for _, file := range files {
		for _, d := range file.Decls {
			for _, n := range exportedNames(d) {
				exported[n.name] = true
			}
		}
	}
	for _, link := range regexp.MustCompile(`\[([A-Z]\w*(?:\.\w+)?)\]`).FindAllStringSubmatch(comment(files), -1) {
		if !exported[link[1]] {
			dead = append(dead, link[1])
		}
	}
	return dead
}

func hasExample(t *testing.T, p goPackage) bool {
	t.Helper()
	_, files := parse(t, p, append(p.TestGoFiles, p.XTestGoFiles...))
	return slices.ContainsFunc(doc.Examples(files...), func(e *doc.Example) bool { return e.Output != "" })
}

// TestExportedNamesAreDocumented wants a comment for each, or for the group of
// constants or variables that it is in.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, p := range list(t, "./...") {
		set, files := parse(t, p, p.GoFiles)
		for _, file := range files {
			for _, d := range file.Decls {
				for _, n := range exportedNames(d) {
					if !n.documented {
						t.Errorf("%s: %s has no doc comment", set.Position(d.Pos()), n.name)
					}
				}
			}
		}
	}
}

// exportedName is a name that a package shows, a method with its type.
type exportedName struct {
	name       string
	documented bool
}

func exportedNames(d ast.Decl) (names []exportedName) {
	note := func(id *ast.Ident, prefix string, comments ...*ast.CommentGroup) {
		if id.IsExported() {
			names = append(names, exportedName{prefix + id.Name, slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil })})
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			note(d.Name, "", d.Doc)
		} else if receiver := receiverOf(d); receiver.IsExported() {
			note(d.Name, receiver.Name+".", d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if d.Lparen.IsValid() {
					note(s.Name, "", s.Doc)
				} else {
					note(s.Name, "", d.Doc)
				}
			case *ast.ValueSpec:
				for _, id := range s.Names {
					note(id, "", d.Doc, s.Doc, s.Comment)
				}
			}
		}
	}
	return names
}

// receiverOf is the type of a method.
func receiverOf(d *ast.FuncDecl) *ast.Ident {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		default:
			return t.(*ast.Ident)
		}
	}
}
