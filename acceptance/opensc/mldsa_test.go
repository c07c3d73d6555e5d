//go:build linux

package opensc

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/pqx509"
	"conclave/internal/secret"
	"conclave/wire"
)

// certify makes a certificate for a public key, DER, by an ML-DSA issuer.
func certify(t *testing.T, name string, p mldsa.Parameters, spki []byte) []byte {
	t.Helper()
	issuer, err := mldsa.GenerateKey(p)
	if err != nil {
		t.Fatal(err)
	}
	public, err := pqx509.ParsePKIXPublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := pqx509.CreateCertificate(rand.Reader, template, template, public, issuer)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// store writes files to the device without a reader.
func (d *desk) store(files map[wire.FID][]byte) {
	d.T.Helper()
	conn, err := device.NewHome(d.File("conclave")).Open("default")
	if err != nil {
		d.T.Fatal(err)
	}
	defer conn.Close()
	h, err := hsm.Open(conn)
	if err == nil {
		err = h.Login(wire.UserPIN, secret.Bytes("648219"))
	}
	for fid, content := range files {
		err = errors.Join(err, h.WriteFile(fid, content))
	}
	if err != nil {
		d.T.Fatal(err)
	}
}

// TestMLDSABesideOtherKeys: OpenSC does not know keys for ML-DSA, and shows and uses the
// others on their device as ever. The certificates are larger than its buffer of 4,096
// bytes for EF CExx: that of an ML-DSA key, one of an EC key, and one of no key. The last
// one is listed by pkcs15-tool, and not by the module, which cannot read its key.
func TestMLDSABesideOtherKeys(t *testing.T) {
	foreign.Need(t, "pkcs11-tool", "pkcs15-tool", "sc-hsm-tool", "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create")
	d.Run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "0", "--yes")
	public := map[string][]byte{}
	for i, kind := range []string{"rsa:2048", "ml-dsa-65", "ec:secp256r1", "ml-dsa-87", "rsa:3072"} {
		n := ref[i+1 : i+2]
		d.Run("our conclave", "key", "generate", "--type", kind, "--label", kind, "--id", "1"+n, "--pin", "env:PIN")
		d.Run("our conclave", "key", "public", n, "--format", "der", "--out", d.File("ours"+n))
		var err error
		if public[n], err = os.ReadFile(d.File("ours" + n)); err != nil {
			t.Fatal(err)
		}
	}
	description, err := wire.CD{Label: "root", ID: []byte{0x99}, File: wire.PrefixCACert.File(1)}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	files := map[wire.FID][]byte{
		wire.PrefixEECert.File(2): certify(t, "two", mldsa.MLDSA65(), public["2"]),
		wire.PrefixEECert.File(3): certify(t, "three", mldsa.MLDSA87(), public["3"]),
		wire.PrefixCACert.File(1): certify(t, "root", mldsa.MLDSA65(), public["2"]),
		wire.PrefixCD.File(1):     description,
	}
	for fid, content := range files {
		if len(content) <= 4096 && fid != wire.PrefixCD.File(1) {
			t.Fatalf("file %04X has %d bytes, and fits", fid, len(content))
		}
	}
	d.store(files)
	d.Write("three", string(files[wire.PrefixEECert.File(3)]))
	defer d.Serve("default")()

	for out, kinds := range map[string]map[string]int{
		d.Run("pkcs15-tool", "-D"):           {"Key ref ": 5, "Private RSA Key": 2, "Private EC Key": 1, "X.509 Certificate": 2},
		d.p11("-O", "-l", "--pin", "648219"): {"Private Key Object; RSA": 2, "Private Key Object; EC": 1, "Private Key Object": 3, "Certificate Object": 1},
	} {
		for kind, n := range kinds {
			if strings.Count(out, kind) != n {
				t.Errorf("%q is not there %d times:\n%s", kind, n, out)
			}
		}
		if strings.Contains(out, "ml-dsa") {
			t.Errorf("OpenSC knows ML-DSA by now: say so in docs/ml-dsa.md:\n%s", out)
		}
	}
	for _, n := range []string{"1", "3", "5"} {
		d.openSCKey("1"+n, "theirs"+n)
		d.Equal("ours"+n, "theirs"+n)
		d.Run("sc-hsm-tool", "--wrap-key", d.File("wrapped"+n), "--key-reference", n, "--pin", "env:PIN")
	}
	d.p11("--read-object", "--type", "cert", "--id", "13", "-o", d.File("their-three"))
	d.Equal("three", "their-three")
	if out := d.Run("sc-hsm-tool"); !strings.Contains(out, "DKEK key check value") {
		t.Error(out)
	}
}
