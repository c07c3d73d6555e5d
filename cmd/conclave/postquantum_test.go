//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/ca"
	"conclave/internal/foreign"
)

// TestPostQuantumPage does what docs/post-quantum.md says, from nothing to both roots, and
// to their keys on another device.
func TestPostQuantumPage(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	foreign.Need(t, "openssl")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	p := enterShell(t, dir)
	media := t.TempDir()
	p.folders = []string{media}
	shown := map[string]string{}
	for _, command := range commands(t, "../../docs/post-quantum.md") {
		if strings.HasPrefix(command, "conclave dkek import") {
			p.twoCome()
		}
		shown[command] = p.do(command)
	}
	for begin, want := range map[string]string{
		"conclave ceremony check":         "the lints do not know ML-DSA: they have judged all but its keys and signatures",
		"conclave ceremony run plan.json": "The ceremony is closed. Its evidence is plan.ceremony/evidence",
		"conclave ceremony verify":        "CRL root-pq-crl-1: number 1, certificates revoked: 0, as planned byte for byte",
		"openssl verify":                  "issuing-classical.pem: OK",
		"conclave key unwrap plan.ceremony/backup/root-classical.wrap --device": `"root-classical"`,
		"conclave key unwrap plan.ceremony/backup/root-pq.wrap --device":        `ML-DSA-87, "root-pq"`,
	} {
		found := false
		for command, text := range shown {
			found = found || strings.HasPrefix(command, begin) && strings.Contains(strings.Join(strings.Fields(text), " "), want)
		}
		if !found {
			t.Errorf("%s does not show %q", begin, want)
		}
	}
	if !strings.Contains(string(p.All), "key root-pq (ML-DSA-87) is at reference 2") {
		t.Error("the type of the post-quantum root's key was not shown")
	}
	if status := p.do("conclave status || true"); !strings.Contains(status, "plan.ceremony/backup/root-pq.wrap") || !strings.Contains(status, "plan.ceremony/backup/root-classical.wrap") {
		t.Errorf("the computer that both keys were backed up on does not know of it:\n%s", status)
	}
	roots := filepath.Join(dir, "roots")
	signedByRoot(t, filepath.Join(roots, "plan.ceremony", "evidence", "certificates", "root-pq.pem"), filepath.Join(roots, "plan.json"), filepath.Join(roots, "plan.sig"))
	if out := verifyEvidence(t, filepath.Join(roots, "plan.ceremony", "evidence")); !strings.Contains(out, "All of it is as it was made, going by what is on the paper.") {
		t.Errorf("verify shows:\n%s", out)
	}
	for _, name := range []string{"dkek.pbe", "root-classical.wrap", "root-pq.wrap"} {
		if _, err := os.Stat(filepath.Join(media, name)); err != nil {
			t.Error(err)
		}
	}
}

// signedByRoot wants a file to be signed with the key of a certificate; OpenSSL is asked,
// too.
func signedByRoot(t *testing.T, certificate, file, signature string) {
	t.Helper()
	cert, err := ca.ReadCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := os.ReadFile(signature)
	if err != nil {
		t.Fatal(err)
	}
	if err := mldsa.Verify(cert.PublicKey.(*mldsa.PublicKey), content, sig, nil); err != nil {
		t.Error(err)
	}
	good := foreign.NodeVerifies(t, []foreign.Signed{
		{Key: cert.RawSubjectPublicKeyInfo, Content: content, Signature: sig},
		{Key: cert.RawSubjectPublicKeyInfo, Content: cert.RawTBSCertificate, Signature: cert.Signature, Certificate: cert.Raw, Issuer: cert.Raw},
	})
	if !good[0] || !good[1] {
		t.Errorf("OpenSSL finds the signature good: %t, and the root: %t", good[0], good[1])
	}
}
