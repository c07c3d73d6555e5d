//go:build linux

package main

import (
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// TestKeyInAFilePage does what docs/key-in-a-file.md says, at a terminal.
func TestKeyInAFilePage(t *testing.T) {
	foreign.Need(t, "openssl")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("PIN", pin)
	t.Setenv("SOPIN", soPIN)
	const old = "ten years old"
	t.Setenv("OLDPW", old)
	p := enterShell(t, t.TempDir())
	p.once = []oneAnswer{{`Password of root.key: $`, old}}
	shown := map[string]string{}
	for _, command := range commands(t, "../../docs/key-in-a-file.md") {
		if strings.Contains(command, " import ") {
			p.twoCome()
		}
		words := strings.Fields(command)
		shown[strings.Join(words[:3], " ")] = p.do(command)
	}
	for command, want := range map[string]string{
		"conclave key import":  "it signed, and the signature verifies against root.key",
		"openssl dgst -sha256": "Verified OK",
		"conclave dkek import": "DKEK share imported",
		"conclave key unwrap":  `Key 1 is restored: RSA-2048, "example-root", public key`,
	} {
		if !strings.Contains(shown[command], want) {
			t.Errorf("%s does not show %q:\n%s", command, want, shown[command])
		}
	}
	if strings.Contains(string(p.All), old) {
		t.Error("the terminal showed the password of the file")
	}
}
