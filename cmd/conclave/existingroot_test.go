//go:build linux

package main

import (
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// TestExistingRootPage does what docs/existing-root.md says, at a terminal, with a
// device that has a DKEK.
func TestExistingRootPage(t *testing.T) {
	foreign.Need(t, "openssl")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("PIN", pin)
	t.Setenv("SOPIN", soPIN)
	p := enterShell(t, t.TempDir())
	p.do("conclave hsm create && conclave hsm init --pin env:PIN --so-pin env:SOPIN --dkek-shares 1")
	p.do("conclave dkek create dkek.pbe --threshold 2 --custodian Alice --custodian Bob --custodian Carol")
	for _, number := range []string{"1", "3"} { // who come to the import of the key
		p.once = append(p.once, oneAnswer{`a custodian comes to the screen alone[^\n]*\s+Press <enter> when you are alone\. $`, ""},
			oneAnswer{`Type from the sheet\. Code[^:]*: $`, p.codes[number]})
	}
	shown := map[string]string{}
	for _, command := range commands(t, "../../docs/existing-root.md") {
		shown[command] = p.do(command)
	}
	for begin, want := range map[string]string{
		"conclave key import": `Key 1 is imported: RSA-2048, "old-root"`,
		"conclave ca adopt":   "certificates: 3; without their content: 0; revocations: 1. It had before: 0",
		"conclave ca crl":     "CRL number 48 written to root-next.crl; certificates revoked: 1",
		"openssl verify -crl_check -CAfile demoCA/cacert.pem -CRLfile root-next.crl good.pem": "good.pem: OK",
		"openssl verify -crl_check -CAfile demoCA/cacert.pem -CRLfile root-next.crl bad.pem":  "certificate revoked",
		"conclave ca renew":                   "Certificate written to root-new.pem",
		"openssl verify -CAfile root-new.pem": "good.pem: OK",
		"openssl verify -x509_strict":         "root-new.pem: OK",
	} {
		found := false
		for command, text := range shown {
			found = found || strings.HasPrefix(command, begin) && strings.Contains(text, want)
		}
		if !found {
			t.Errorf("%s does not show %q", begin, want)
		}
	}
}
