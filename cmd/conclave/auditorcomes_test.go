//go:build linux

package main

import (
	"os"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// TestAuditorComesPage does what docs/auditor-comes.md says, with the evidence of a
// rehearsal, and is shown what the page says.
func TestAuditorComesPage(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole ceremony")
	}
	foreign.Need(t, "openssl")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	plan, err := os.ReadFile("../../examples/offline-root/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := enterShell(t, dir)
	if err := os.WriteFile(dir+"/plan.json", plan, 0o600); err != nil {
		t.Fatal(err)
	}
	p.do(`openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout issuing.key -out issuing.csr -subj "/C=CH/O=Example Ltd/CN=Example Issuing CA 1"`)
	p.do("conclave ceremony rehearse plan.json --auto --dir plan.ceremony")
	p.ends("7", "conclave ceremony verify plan.ceremony/evidence --json > paper.json")
	for name, member := range map[string]string{"KEY": "ceremony_key", "CLOSING": "closing"} {
		p.do(name + `=$(sed -n 's/.*"` + member + `": "\(.*\)",/\1/p' paper.json)`)
	}
	var shown []string
	for _, command := range commands(t, "../../docs/auditor-comes.md") {
		shown = append(shown, p.do(command))
	}
	for i, want := range []string{
		"evidence.report.pdf; the evidence is unanchored.", "Report written to audit.html and audit.pdf; the evidence is proved.",
		"All of it is as it was made, going by what is on the paper.", "every file is as it was", "plan.ceremony/evidence/checkpoint", "issuing.pem: OK",
	} {
		if i >= len(shown) || !strings.Contains(shown[i], want) {
			t.Errorf("%d of %d commands: %q does not show %q", i, len(shown), shown[min(i, len(shown)-1)], want)
		}
	}
}
