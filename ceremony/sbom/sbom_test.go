package sbom

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

var when = time.Date(2026, 6, 1, 14, 0, 0, 5, time.FixedZone("CEST", 7200))

// inventInfo gives everything that a program's information may have.
func inventInfo() *debug.BuildInfo {
	return &debug.BuildInfo{
		GoVersion: "go1.26.0 X:something",
		Path:      "conclave/cmd/conclave",
		Main:      debug.Module{Path: "conclave", Version: "v1.2.3+dirty"},
		Deps: []*debug.Module{
			{Path: "github.com/BurntSushi/toml", Version: "v1.5.0", Sum: "h1:W5quZX/G/csjUnuI8SUYlsHs9M38FC7znL0lIO+DvMg="},
			{Path: "example.org/old", Version: "v9.0.0+incompatible", Sum: "h1:old", Replace: &debug.Module{Path: "example.org/new", Version: "v9.1.0+incompatible", Sum: "h1:new"}},
			{Path: "example.org/here", Version: "v1.0.0", Replace: &debug.Module{Path: "../here"}},
		},
		Settings: []debug.BuildSetting{
			{Key: "-ldflags", Value: "-s"},
			{Key: "vcs", Value: "git"},
			{Key: "vcs.revision", Value: "286bfcc"},
			{Key: "vcs.modified", Value: "false"},
		},
	}
}

// build builds a program, and gives its file and what it says about itself.
func build(t *testing.T) (string, *debug.BuildInfo) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", file, "./testdata/program").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, info
}

func decode(t *testing.T, b []byte) *cyclonedx.BOM {
	t.Helper()
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(b), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	return &bom
}

func document(t *testing.T, info *debug.BuildInfo) []byte {
	t.Helper()
	hash := sha256.Sum256([]byte("the program"))
	b, err := Of(info, hash[:], when)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	b := document(t, inventInfo())
	d, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := Document{"conclave", "v1.2.3+dirty", "286bfcc", sha256.Sum256([]byte("the program")), when.UTC().Truncate(time.Second)}
	if d != want {
		t.Errorf("document is %+v; %+v was expected", d, want)
	}
	if !bytes.Equal(b, document(t, inventInfo())) {
		t.Error("the same program has two documents")
	}
}

// TestModulesAreComplete has `go version -m` say what the modules are.
func TestModulesAreComplete(t *testing.T) {
	file, info := build(t)
	said, err := exec.Command("go", "version", "-m", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := []string{"stdlib " + strings.TrimPrefix(info.GoVersion, "go") + " "}
	for line := range strings.Lines(string(said)) {
		if f := strings.Fields(line); f[0] == "dep" {
			listed = append(listed, strings.Join(f[1:], " "))
		}
	}
	var components []string
	for _, c := range *decode(t, document(t, info)).Components {
		components = append(components, c.Name+" "+c.Version+" "+sum(c))
	}
	if !slices.Equal(components, listed) || len(listed) < 2 || !strings.Contains(listed[1], " h1:") {
		t.Errorf("components are\n%q\nexpected\n%q", components, listed)
	}
}

// sum is what the document says of a module's go.sum.
func sum(c cyclonedx.Component) string {
	if c.Properties == nil {
		return ""
	}
	for _, p := range *c.Properties {
		if p.Name == "conclave:go.sum" {
			return p.Value
		}
	}
	return ""
}

func TestComponents(t *testing.T) {
	for i, want := range []struct{ name, version, purl, sum string }{
		{"stdlib", "1.26.0", "pkg:golang/stdlib@1.26.0", ""},
		{"github.com/BurntSushi/toml", "v1.5.0", "pkg:golang/github.com/burntsushi/toml@v1.5.0", "h1:W5quZX/G/csjUnuI8SUYlsHs9M38FC7znL0lIO+DvMg="},
		{"example.org/new", "v9.1.0+incompatible", "pkg:golang/example.org/new@v9.1.0%2Bincompatible", "h1:new"},
		{"../here", "", "", ""},
	} {
		c := (*decode(t, document(t, inventInfo())).Components)[i]
		if c.Name != want.name || c.Version != want.version || c.PackageURL != want.purl || sum(c) != want.sum {
			t.Errorf("component %d is %+v; %+v was expected", i, c, want)
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := Of(inventInfo(), []byte("short"), when); err == nil {
		t.Error("a hash of five bytes was accepted")
	}
	if _, err := Of(&debug.BuildInfo{}, make([]byte, 32), when); err == nil {
		t.Error("a program without a module was accepted")
	}
	good := string(document(t, inventInfo()))
	for _, c := range []struct{ old, new string }{
		{"CycloneDX\"", "SPDX\""},
		{`"1.6"`, `"1.7"`},
		{`"2026-06-01T12:00:00Z"`, `"yesterday"`},
		{`"SHA-256"`, `"SHA-512"`},
		{`"content": "`, `"content": "00`},
		{`"content": "`, `"content": "x`},
		{`"v1.2.3+dirty"`, `""`},
		{`"name": "conclave"`, `"name": ""`},
		{`"component"`, `"other"`},
		{"{", "{{"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%s is not in the document", c.old)
		}
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%s instead of %s was accepted", c.new, c.old)
		}
	}
	if _, err := Parse([]byte(good + "{}")); err == nil {
		t.Error("a second value was ignored")
	}
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		if d.Program == "" || d.Version == "" || d.Made.Location() != time.UTC {
			t.Errorf("%q is %+v", b, d)
		}
		info := inventInfo()
		info.Path, info.Main.Version = "x/"+d.Program, d.Version
		info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: d.Revision}}
		again, err := Of(info, d.SHA256[:], d.Made)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Parse(again)
		if err != nil || read.SHA256 != d.SHA256 || read.Version != d.Version || read.Revision != d.Revision || !read.Made.Equal(d.Made.Truncate(time.Second)) {
			t.Errorf("%+v was written and read as %+v, %v", d, read, err)
		}
	})
}
