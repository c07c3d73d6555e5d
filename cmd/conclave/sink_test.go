package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestOneSink: what people are shown goes through Printf of an output, which knows the
// program's words from those of others; fmt does not.
func TestOneSink(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	around := regexp.MustCompile(`fmt\.Fprint\w*\([\w.]*\.(?:out|err),.*|\\x1b\[.*`)
	for _, name := range files {
		if matched, _ := filepath.Match("*_test.go", name); matched {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := around.Find(content); found != nil {
			t.Errorf("%s: %s; Printf of the output was expected", name, found)
		}
	}
}
