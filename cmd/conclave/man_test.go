package main

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/docs"
	"conclave/internal/foreign"
	"conclave/internal/safefile"
)

// TestManPages: mandoc finds nothing to warn of, and every page that one names is there.
func TestManPages(t *testing.T) {
	foreign.Need(t, "mandoc")
	dir := t.TempDir()
	conclave(t, "man", dir)
	pages, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(pages) < 60 {
		t.Fatalf("pages %q, %v", pages, err)
	}
	pages = append(pages, "../sc-hsm-tool/sc-hsm-tool.1")
	if out, err := exec.Command("mandoc", append([]string{"-Tlint", "-Wwarning"}, pages...)...).Output(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	out, err := exec.Command("mandoc", append([]string{"-Tutf8"}, pages...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\b(conclave[a-z-]*)\(([15])\)`).FindAllStringSubmatch(string(out), -1) {
		if !safefile.Exists(filepath.Join(dir, name[1]+"."+name[2])) {
			t.Errorf("%s is named, and there is no such page", name[0])
		}
	}
}

func TestManPageOfACommand(t *testing.T) {
	day := time.Date(2026, time.November, 7, 0, 0, 0, 0, time.UTC)
	pages, err := manPages(day)
	if err != nil {
		t.Fatal(err)
	}
	again, err := manPages(day)
	if err != nil || !maps.Equal(pages, again) {
		t.Errorf("the pages are made differently again, %v", err)
	}
	for _, want := range []string{
		".Dd November 7, 2026\n.Dt CONCLAVE-DKEK-REKEY 1\n", ".Fl Fl dkek Ns = Ns Ar \\&FILE\n", "Required.\n", ".It Ar \\&wraps\n",
		".Sh EXAMPLES\n", "conclave dkek rekey new.pbe root.wrap \\-\\-dkek dkek.pbe", ".Xr conclave-dkek 1\n",
	} {
		if !strings.Contains(pages["conclave-dkek-rekey.1"], want) {
			t.Errorf("%q is missing:\n%s", want, pages["conclave-dkek-rekey.1"])
		}
	}
	if want := "130 if it was stopped;\n.Xr conclave-files 5\n"; !strings.Contains(pages["conclave-key-sign.1"], want) {
		t.Errorf("%q is missing", want)
	}
	if pages["conclave-man.1"] != "" {
		t.Error("a hidden command has a page")
	}
	if want := `.It \fBcustody.threshold\fR` + "\nhow many custodians restore the keys\n"; !strings.Contains(pages["conclave-plan.5"], want) {
		t.Errorf("%q is missing:\n%s", want, pages["conclave-plan.5"])
	}
}

// TestExamples: the examples of the man pages are command lines.
func TestExamples(t *testing.T) {
	for path, lines := range examples() {
		for _, line := range lines {
			words, _, _ := splitLine("conclave " + line)
			command, _, err := parse(words)
			if err != nil || command.Selected().Path() != path {
				t.Errorf("%s: %s: %v", path, line, err)
			}
		}
	}
}

// TestExitStatuses: the page of them has them all.
func TestExitStatuses(t *testing.T) {
	page, err := docs.Page("files")
	if err != nil {
		t.Fatal(err)
	}
	for status := range exitExists + 1 {
		if !strings.Contains(page, fmt.Sprintf("\n| %d | ", status)) {
			t.Errorf("exit status %d is missing", status)
		}
	}
}
