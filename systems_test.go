package conclave_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOtherSystems: the programs and their tests are right, as far as the compiler's types
// say, for the systems that make release builds them for. Here the tests are what counts, which
// would take minutes to compile: make cross compiles the programs. Nothing is for Linux on arm64
// alone, and for Linux all is compiled here.
func TestOtherSystems(t *testing.T) {
	if testing.Short() {
		t.Skip("all packages, for each system")
	}
	for _, system := range []string{"darwin/arm64", "windows/amd64"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			checkTypes(t, system)
		})
	}
}

// systemPackage is what `go list -json` says of a package on a system.
type systemPackage struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Module          *struct{ Main bool }
	Error           *struct{ Err string }
}

// checkTypes checks the packages of the programs, in the order in which they need one another.
func checkTypes(t *testing.T, system string) {
	goos, arch, _ := strings.Cut(system, "/")
	list := exec.Command("go", "list", "-test", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Module,Error", "./...")
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	checked := map[string]*types.Package{"unsafe": types.Unsafe}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p systemPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil || p.Error != nil {
			t.Fatal(err, p.Error)
		}
		if p.ImportPath != "unsafe" && !strings.HasSuffix(p.ImportPath, ".test") { // whose main go test makes
			checked[p.ImportPath] = p.check(t, types.SizesFor("gc", arch), checked)
		}
	}
	if checked["conclave/cmd/conclave"] == nil {
		t.Error("the programs were not among the packages")
	}
}

// check checks one package, of which those that it imports are checked.
func (p systemPackage) check(t *testing.T, sizes types.Sizes, checked map[string]*types.Package) *types.Package {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{
		Sizes: sizes, IgnoreFuncBodies: p.Module == nil || !p.Module.Main,
		Importer: importer(func(path string) (*types.Package, error) {
			if mapped := p.ImportMap[path]; mapped != "" {
				path = mapped
			}
			return checked[path], nil
		}),
	}
	result, err := config.Check(p.ImportPath, set, files, nil)
	if err != nil {
		t.Errorf("%s: %v", p.ImportPath, err)
	}
	return result
}

// importer gives packages as types.Config asks for them.
type importer func(path string) (*types.Package, error)

// Import implements types.Importer.
func (i importer) Import(path string) (*types.Package, error) { return i(path) }
