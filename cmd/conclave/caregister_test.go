package main

import (
	"crypto/sha256"
	"errors"
	"math/big"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/register"
)

// TestSettle settles what a power cut left: the register says that its signing began,
// but not that it ended.
func TestSettle(t *testing.T) {
	home(t)
	dir := t.TempDir()
	path, root := filepath.Join(dir, "register.sqlite"), filepath.Join(dir, "root.pem")
	conclave(t, "key", "generate", "--type", "ec:secp256r1", "--label", "root", "--pin", "env:PIN")
	conclave(t, "ca", "root", "1", root, "--subject", "CN=Acme Root", "--until", "2046-10-31", "--register", path, "--pin", "env:PIN")
	r, err := register.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := ca.ReadCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	intent := ca.Intent{Kind: ca.KindCertificate, Issuer: issuer.RawSubject, Number: big.NewInt(0xc0ffee), Subject: "CN=Lost", TBS: sha256.Sum256(nil), Time: time.Now()}
	if err := errors.Join(r.Begin(t.Context(), intent), r.Close()); err != nil {
		t.Fatal(err)
	}
	settle := []string{"ca", "settle", "c0ffee", "the power failed; the file was never seen", "--issuer", root, "--register", path}
	for _, want := range []struct {
		args []string
		out  string
	}{
		{[]string{"ca", "list", "--register", path}, `c0ffee +intended +CN=Lost`},
		{settle, "The certificate c0ffee is settled; its number stays used"},
		{[]string{"ca", "list", "--register", path}, `c0ffee +settled: the power failed; the file was never seen +CN=Lost`},
	} {
		if out := conclave(t, want.args...); !regexp.MustCompile(want.out).MatchString(out) {
			t.Errorf("conclave %s shows, without %q:\n%s", strings.Join(want.args, " "), want.out, out)
		}
	}
}
