package sbom

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// TestSchemaFacts has lines of bom-1.6.schema.json that the documents must
// follow.
func TestSchemaFacts(t *testing.T) {
	var fields map[string]any
	b := document(t, inventInfo())
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for _, fact := range []struct{ path, pattern string }{
		{"$schema", `^http://cyclonedx\.org/schema/bom-1\.6\.schema\.json$`},
		{"bomFormat", `^CycloneDX$`},
		{"specVersion", `^1\.6$`},
		{"version", `^1$`},
		{"metadata.timestamp", `^2026-06-01T12:00:00Z$`},
		{"metadata.component.type", `^application$`},
		{"metadata.component.hashes.0.alg", `^SHA-256$`},
		{"metadata.component.hashes.0.content", `^[a-f0-9]{64}$`},
		{"components.1.type", `^library$`},
		{"components.1.properties.0.name", `^conclave:go\.sum$`},
	} {
		var at any = fields
		for _, step := range strings.Split(fact.path, ".") {
			if list, ok := at.([]any); ok {
				at = list[step[0]-'0']
			} else {
				at = at.(map[string]any)[step]
			}
		}
		if text, _ := json.Marshal(at); !regexp.MustCompile(fact.pattern).Match(bytes.Trim(text, `"`)) {
			t.Errorf("%s is %s; %s was expected", fact.path, text, fact.pattern)
		}
	}
	if fields["serialNumber"] != nil {
		t.Error("there is a serial number")
	}
}

// judge validates standard input against the schema that it is given.
const judge = `
import json, sys, jsonschema
jsonschema.Draft7Validator(json.load(open(sys.argv[1]))).validate(json.load(sys.stdin))
`

// TestSchema has Python's jsonschema judge, with the schema of OWASP that is
// in the library's module.
func TestSchema(t *testing.T) {
	python := foreign.NeedPython(t, "jsonschema")
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	schema := filepath.Join(strings.TrimSpace(string(dir)), "schema", "bom-1.6.schema.json")
	validate := func(b []byte) error {
		cmd := exec.Command(python, "-c", judge, schema)
		cmd.Stdin = bytes.NewReader(b)
		return cmd.Run()
	}
	_, real := build(t)
	for _, info := range []*debug.BuildInfo{real, inventInfo()} {
		if err := validate(document(t, info)); err != nil {
			t.Errorf("%s: %v", info.Path, err)
		}
	}
	if validate(bytes.Replace(document(t, inventInfo()), []byte("SHA-256"), []byte("h1"), 1)) == nil {
		t.Error("the judge accepts a hash that is not one of the specification's")
	}
}
