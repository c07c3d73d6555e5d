//go:build linux

package main

import (
	"errors"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/internal/foreign"
)

// TestRevoke works with a root that was made a minute ago: what it issues begins when
// it does. A certificate is revoked at a terminal. An earlier program has taken a
// time to come, before which no CRL could be signed; it is put right.
func TestRevoke(t *testing.T) {
	foreign.Need(t, "openssl")
	home(t)
	t.Chdir(t.TempDir())
	began := time.Now().UTC().Add(-time.Minute).Truncate(time.Second)
	conclave(t, "key", "generate", "--type", "ec:secp256r1", "--label", "root", "--pin", "env:PIN")
	conclave(t, "ca", "root", "1", "root.pem", "--subject", "CN=Acme Root", "--from", began.Format(time.RFC3339), "--until", "2046-10-31", "--pin", "env:PIN")
	if out, err := exec.Command("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "sub.key", "-out", "sub.csr", "-subj", "/CN=Acme Sub").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, serial := range []string{"8182838485868788", "9192939495969798"} {
		conclave(t, "ca", "issue", "sub.csr", serial, "--issuer", "root.pem", "--subject", "CN=Acme Sub", "--until", "2036-10-31", "--serial", serial, "--pin", "env:PIN")
	}
	sub, err := ca.ReadCertificate("8182838485868788")
	if err != nil {
		t.Fatal(err)
	}
	if midnight := time.Now().UTC().Truncate(24 * time.Hour); !sub.NotBefore.Equal(began) && !sub.NotBefore.Equal(midnight) {
		t.Errorf("the certificate begins at %s; the beginning of its issuer was expected, %s", sub.NotBefore, began)
	}
	issuer, err := ca.ReadCertificate("root.pem")
	if err != nil {
		t.Fatal(err)
	}

	revoke := []string{"ca", "revoke", "81:82:83:84:85:86:87:88", "--issuer", "root.pem", "--reason", "keyCompromise"}
	const question = `Certificate 8182838485868788 of CN=Acme Sub will be revoked from \S+ on, reason keyCompromise, which is final. To go on, type its serial number \(8182838485868788\): $`
	s := begin(t, revoke...)
	s.Answer(question, "yes")
	s.Expect("its serial number was not typed; nothing was changed")
	s.End(1)
	s = begin(t, revoke...)
	s.Answer(question, "8182838485868788")
	s.Expect("Certificate 8182838485868788 is revoked")
	s.End(0)

	r, err := register.Open("register.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	later := ca.Revocation{Serial: new(big.Int).SetUint64(0x9192939495969798), Time: time.Now().AddDate(10, 0, 0), Reason: 1}
	if err := errors.Join(r.Revoke(t.Context(), issuer.RawSubject, later), r.Close()); err != nil {
		t.Fatal(err)
	}
	crl := []string{"ca", "crl", "root.crl", "--issuer", "root.pem", "--next-update", time.Now().AddDate(1, 0, 0).Format(time.DateOnly), "--pin", "env:PIN"}
	if out, err := exec.Command("conclave", crl...).CombinedOutput(); err == nil || !strings.Contains(string(out), "if that is a mistake, revoke it again with an earlier time") {
		t.Errorf("a revocation in ten years: %v, %s", err, out)
	}
	conclave(t, "ca", "revoke", "9192939495969798", "--issuer", "root.pem", "--reason", "keyCompromise", "--yes")
	if out := conclave(t, crl...); !strings.Contains(out, "certificates revoked: 2") {
		t.Errorf("conclave ca crl shows %s", out)
	}
}
