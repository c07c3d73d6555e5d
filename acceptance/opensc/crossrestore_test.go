//go:build linux

package opensc

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"conclave/acceptance"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/wire"
)

// crossKeys are the keys that cross: as pkcs11-tool and as conclave name them.
func crossKeys() []struct{ pkcs11, own string } {
	return []struct{ pkcs11, own string }{
		{"rsa:2048", "rsa:2048"}, {"rsa:4096", "rsa:4096"}, {"EC:secp256r1", "ec:secp256r1"},
	}
}

const ref = "0123456789" // key references are single digits here

func (d *desk) p11(args ...string) string {
	d.T.Helper()
	return d.Run("pkcs11-tool", append([]string{"--module", acceptance.Module(d.T)}, args...)...)
}

// openSCKey signs and reads the public key with OpenSC's tools, and lets
// OpenSSL judge.
func (d *desk) openSCKey(id string, publicKey string) {
	d.T.Helper()
	d.p11("--read-object", "--type", "pubkey", "--id", id, "-o", d.File(publicKey))
	mechanism := "SHA256-RSA-PKCS"
	if strings.Contains(d.Run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", d.File(publicKey), "-noout", "-text"), "prime256v1") {
		mechanism = "ECDSA-SHA256"
	}
	d.Write("data", "hello")
	d.p11("-l", "--pin", "648219", "-s", "-m", mechanism, "--signature-format", "openssl", "--id", id, "-i", d.File("data"), "-o", d.File("signature"))
	d.Run("openssl", "dgst", "-sha256", "-verify", d.File(publicKey), "-keyform", "DER", "-signature", d.File("signature"), d.File("data"))
}

// Both tools are at the cost of practice here: that each opens the other's files at
// the real one is shown elsewhere (TestScripts/real, TestOpenSCImportsSetsOf128Bits).

// TestOpenSCsBackupRestoredByUs: share file and wrapped keys made by OpenSC's
// sc-hsm-tool come back with our tools, on a device without any daemon.
func TestOpenSCsBackupRestoredByUs(t *testing.T) {
	foreign.Need(t, "sc-hsm-tool", "pkcs11-tool", "expect", "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create", "first")
	stop := d.Serve("first")
	_, openSC := d.PractisingOpenSC()
	d.Custodians("create-share.exp", d.File("dkek.pbe"), "2", "4", d.File("shares"), "", openSC)
	d.Run("sc-hsm-tool", "--initialize", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1")
	d.Custodians("import-share.exp", d.File("dkek.pbe"), d.File("shares"), "", openSC, "1", "2")
	for i, key := range crossKeys() {
		n := ref[i+1 : i+2]
		d.p11("-l", "--pin", "648219", "--keypairgen", "--key-type", key.pkcs11, "--id", "1"+n)
		d.openSCKey("1"+n, "before"+n+".der")
		d.Run("sc-hsm-tool", "--wrap-key", d.File("key"+n+".wrap"), "--key-reference", n, "--pin", "env:PIN")
	}
	stop()
	d.Run("our conclave", "hsm", "delete", "first", "--yes")

	d.Run("our conclave", "hsm", "create", "second")
	t.Setenv("CONCLAVE_DEVICE", "second")
	d.Run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1", "--yes")
	d.Custodians("import-share.exp", d.File("dkek.pbe"), d.File("shares"), "", acceptance.Bin("practice/sc-hsm-tool"), "3", "4")
	for i := range crossKeys() {
		n := ref[i+1 : i+2]
		d.Run("our conclave", "key", "unwrap", d.File("key"+n+".wrap"), "--ref", n, "--pin", "env:PIN")
		d.Run("our conclave", "key", "public", n, "--format", "der", "--out", d.File("after"+n+".der"))
		d.Equal("before"+n+".der", "after"+n+".der")
		d.ownSignature(n)
	}
}

// ownSignature signs with conclave, and lets OpenSSL judge with the public key
// that was read before the backup.
func (d *desk) ownSignature(n string) {
	d.T.Helper()
	algorithm := "rsa-pkcs1-sha256"
	if n == "3" {
		algorithm = "ecdsa-sha256"
	}
	d.Write("data", "hello")
	d.Run("our conclave", "key", "sign", n, "--algorithm", algorithm, "--in", d.File("data"), "--out", d.File("own"+n+".sig"), "--pin", "env:PIN")
	d.Run("openssl", "dgst", "-sha256", "-verify", d.File("before"+n+".der"), "-keyform", "DER", "-signature", d.File("own"+n+".sig"), d.File("data"))
}

// TestOurBackupRestoredByOpenSC is the reverse.
func TestOurBackupRestoredByOpenSC(t *testing.T) {
	foreign.Need(t, "sc-hsm-tool", "pkcs11-tool", "pkcs15-tool", "expect", "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create", "first")
	t.Setenv("CONCLAVE_DEVICE", "first")
	d.Custodians("create-share.exp", d.File("dkek.pbe"), "2", "4", d.File("shares"), "", acceptance.Bin("practice/sc-hsm-tool"))
	d.Run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1", "--yes")
	d.Custodians("import-share.exp", d.File("dkek.pbe"), d.File("shares"), "", acceptance.Bin("practice/sc-hsm-tool"), "1", "2")
	for i, key := range crossKeys() {
		n := ref[i+1 : i+2]
		d.Run("our conclave", "key", "generate", "--type", key.own, "--label", key.own, "--id", "1"+n, "--pin", "env:PIN")
		d.Run("our conclave", "key", "public", n, "--format", "der", "--out", d.File("before"+n+".der"))
		d.Run("our conclave", "key", "wrap", n, d.File("key"+n+".wrap"), "--pin", "env:PIN")
		d.ownSignature(n)
	}

	d.Run("our conclave", "hsm", "create", "second")
	stop := d.Serve("second")
	defer stop()
	d.Run("sc-hsm-tool", "--initialize", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1")
	_, openSC := d.PractisingOpenSC()
	d.Custodians("import-share.exp", d.File("dkek.pbe"), d.File("shares"), "", openSC, "3", "4")
	for i, key := range crossKeys() {
		n := ref[i+1 : i+2]
		if out := d.Run("sc-hsm-tool", "--unwrap-key", d.File("key"+n+".wrap"), "--key-reference", n, "--pin", "env:PIN"); !strings.Contains(out, "Key successfully imported") {
			t.Fatalf("%s", out)
		}
		d.openSCKey("1"+n, "after"+n+".der")
		d.Equal("before"+n+".der", "after"+n+".der")
		if out := d.Run("pkcs15-tool", "-D"); !regexp.MustCompile(`Private \w+ Key \[` + key.own + `\]`).MatchString(out) {
			t.Errorf("the label of %s did not come over:\n%s", key.own, out)
		}
	}
	for _, n := range []string{"1", "3"} {
		d.restoreBare(n)
	}
}

// restoreBare restores a key of the second device from its blob alone. OpenSC must
// show it with its public half, as it does what a card has made.
func (d *desk) restoreBare(n string) {
	d.T.Helper()
	content, err := os.ReadFile(d.File("key" + n + ".wrap"))
	if err != nil {
		d.T.Fatal(err)
	}
	f, err := wire.ParseWrapFile(content)
	if err != nil {
		d.T.Fatal(err)
	}
	bare, err := wire.WrapFile{Blob: f.Blob}.Bytes()
	if err != nil {
		d.T.Fatal(err)
	}
	d.Write("bare"+n+".wrap", string(bare))
	d.Run("our conclave", "key", "delete", n, "--device", "second", "--yes", "--pin", "env:PIN")
	d.Run("our conclave", "key", "unwrap", d.File("bare"+n+".wrap"), "--device", "second", "--ref", n, "--pin", "env:PIN")
	d.openSCKey("0"+n, "bare"+n+".der")
	d.Equal("before"+n+".der", "bare"+n+".der")
	if out := d.Run("pkcs15-tool", "-D"); !regexp.MustCompile(`Private \w+ Key \[key ` + n + `\]`).MatchString(out) {
		d.T.Errorf("OpenSC does not show the private key %s:\n%s", n, out)
	}
}
