//go:build linux

package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestBackUpTheCardPage does what docs/back-up-the-card.md says, at a terminal: on a
// device with two keys, whose DKEK custodians have.
func TestBackUpTheCardPage(t *testing.T) {
	home(t)
	p := enterShell(t, t.TempDir())
	p.do("conclave dkek create dkek.pbe --threshold 2 --custodian Alice --custodian Bob --custodian Carol")
	p.twoCome()
	p.do("conclave dkek import dkek.pbe")
	for _, label := range []string{"root", "tls"} {
		p.do("conclave key generate --type ec:P-256 --pin env:PIN --label " + label)
	}
	keys := p.do("conclave key list")
	var shown []string
	for _, command := range commands(t, "../../docs/back-up-the-card.md") {
		if strings.Contains(command, "--dkek ") {
			p.twoCome()
		}
		status := "0"
		if len(shown) == 0 { // nothing is backed up yet
			status = "8"
		}
		shown = append(shown, p.ends(status, command))
	}
	for i, want := range []string{
		`1 +secp256r1 +root +NOT BACKED UP`,
		`Key 1 \(secp256r1, "root"\) is saved to key-01-[0-9a-f]{8}\.wrap`,
		`Key 2 \(secp256r1, "tls"\): key-02-[0-9a-f]{8}\.wrap opens on a practice device, and signs`,
		`ZZCL`, `is initialised`,
		`Key 2 \(secp256r1, "tls"\) is restored, and signs`,
		regexp.QuoteMeta(keys),
		`Key 1 \(secp256r1, "root"\) is there already`,
		`(?s)1 +secp256r1 +root +20\S+ \S+ \S+/card/key-01-.*spare, device ZZCL.*2 +secp256r1 +tls +20`,
	} {
		if i >= len(shown) || !regexp.MustCompile(want).MatchString(shown[i]) {
			t.Errorf("%d of %d commands: %q does not show %s", i, len(shown), shown[min(i, len(shown)-1)], want)
		}
	}
}
