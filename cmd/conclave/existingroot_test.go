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
	home(t)
	p := enterShell(t, t.TempDir())
	p.do("conclave dkek create dkek.pbe --threshold 2 --custodian Alice --custodian Bob --custodian Carol")
	p.twoCome() // to the import of the key
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
