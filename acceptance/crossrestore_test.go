package acceptance

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
)

// crossKeys are the keys that cross: as pkcs11-tool and as conclave name them.
func crossKeys() []struct{ pkcs11, own string } {
	return []struct{ pkcs11, own string }{
		{"rsa:2048", "rsa:2048"}, {"rsa:4096", "rsa:4096"}, {"EC:secp256r1", "ec:secp256r1"},
	}
}

const ref = "0123456789" // key references are single digits here

// custodians makes or opens a share file with the expect scripts, which work
// for both tools.
func (d *desk) custodians(script string, args ...string) string {
	d.t.Helper()
	return d.run("expect", append([]string{"-f", testdata(d.t, "bin/"+script)}, args...)...)
}

func (d *desk) p11(args ...string) string {
	d.t.Helper()
	return d.run("pkcs11-tool", append([]string{"--module", module(d.t)}, args...)...)
}

// openSCKey signs and reads the public key with OpenSC's tools, and lets
// OpenSSL judge.
func (d *desk) openSCKey(id string, publicKey string) {
	d.t.Helper()
	d.p11("--read-object", "--type", "pubkey", "--id", id, "-o", d.file(publicKey))
	mechanism := "SHA256-RSA-PKCS"
	if strings.Contains(d.run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", d.file(publicKey), "-noout", "-text"), "prime256v1") {
		mechanism = "ECDSA-SHA256"
	}
	d.write("data", "hello")
	d.p11("-l", "--pin", "648219", "-s", "-m", mechanism, "--signature-format", "openssl", "--id", id, "-i", d.file("data"), "-o", d.file("signature"))
	d.run("openssl", "dgst", "-sha256", "-verify", d.file(publicKey), "-keyform", "DER", "-signature", d.file("signature"), d.file("data"))
}

func (d *desk) write(name, content string) {
	d.t.Helper()
	if err := os.WriteFile(d.file(name), []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) equal(a, b string) {
	d.t.Helper()
	left, err := os.ReadFile(d.file(a))
	if err != nil {
		d.t.Fatal(err)
	}
	right, err := os.ReadFile(d.file(b))
	if err != nil {
		d.t.Fatal(err)
	}
	if !bytes.Equal(left, right) {
		d.t.Errorf("%s and %s differ", a, b)
	}
}

// TestOpenSCsBackupRestoredByUs: share file and wrapped keys made by OpenSC's
// sc-hsm-tool come back with our tools, on a device without any daemon.
func TestOpenSCsBackupRestoredByUs(t *testing.T) {
	foreign.Need(t, "sc-hsm-tool", "pkcs11-tool", "expect", "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.run("our conclave", "hsm", "create", "--device", "first")
	stop := d.serve("first")
	d.custodians("create-share.exp", d.file("dkek.pbe"), "2", "4", d.file("shares"), "")
	d.run("sc-hsm-tool", "--initialize", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1")
	d.custodians("import-share.exp", d.file("dkek.pbe"), d.file("shares"), "", "sc-hsm-tool", "1", "2")
	for i, key := range crossKeys() {
		n := ref[i+1 : i+2]
		d.p11("-l", "--pin", "648219", "--keypairgen", "--key-type", key.pkcs11, "--id", "1"+n)
		d.openSCKey("1"+n, "before"+n+".der")
		d.run("sc-hsm-tool", "--wrap-key", d.file("key"+n+".wrap"), "--key-reference", n, "--pin", "env:PIN")
	}
	stop()
	d.run("our conclave", "hsm", "delete", "--device", "first", "--yes")

	d.run("our conclave", "hsm", "create", "--device", "second")
	t.Setenv("CONCLAVE_DEVICE", "second")
	d.run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1", "--yes")
	d.custodians("import-share.exp", d.file("dkek.pbe"), d.file("shares"), "", bin+"/sc-hsm-tool", "3", "4")
	for i := range crossKeys() {
		n := ref[i+1 : i+2]
		d.run("our conclave", "key", "unwrap", d.file("key"+n+".wrap"), "--ref", n, "--pin", "env:PIN")
		d.run("our conclave", "key", "public", n, "--format", "der", "--out", d.file("after"+n+".der"))
		d.equal("before"+n+".der", "after"+n+".der")
		d.ownSignature(n)
	}
}

// ownSignature signs with conclave, and lets OpenSSL judge with the public key
// that was read before the backup.
func (d *desk) ownSignature(n string) {
	d.t.Helper()
	algorithm := "rsa-pkcs1-sha256"
	if n == "3" {
		algorithm = "ecdsa-sha256"
	}
	d.write("data", "hello")
	d.run("our conclave", "key", "sign", n, "--algorithm", algorithm, "--in", d.file("data"), "--out", d.file("own"+n+".sig"), "--pin", "env:PIN")
	d.run("openssl", "dgst", "-sha256", "-verify", d.file("before"+n+".der"), "-keyform", "DER", "-signature", d.file("own"+n+".sig"), d.file("data"))
}

// TestOurBackupRestoredByOpenSC is the reverse.
func TestOurBackupRestoredByOpenSC(t *testing.T) {
	foreign.Need(t, "sc-hsm-tool", "pkcs11-tool", "pkcs15-tool", "expect", "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.run("our conclave", "hsm", "create", "--device", "first")
	t.Setenv("CONCLAVE_DEVICE", "first")
	d.custodians("create-share.exp", d.file("dkek.pbe"), "2", "4", d.file("shares"), "", bin+"/sc-hsm-tool")
	d.run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1", "--yes")
	d.custodians("import-share.exp", d.file("dkek.pbe"), d.file("shares"), "", bin+"/sc-hsm-tool", "1", "2")
	for i, key := range crossKeys() {
		n := ref[i+1 : i+2]
		d.run("our conclave", "key", "generate", "--type", key.own, "--label", key.own, "--id", "1"+n, "--pin", "env:PIN")
		d.run("our conclave", "key", "public", n, "--format", "der", "--out", d.file("before"+n+".der"))
		d.run("our conclave", "key", "wrap", n, d.file("key"+n+".wrap"), "--pin", "env:PIN")
		d.ownSignature(n)
	}

	d.run("our conclave", "hsm", "create", "--device", "second")
	stop := d.serve("second")
	defer stop()
	d.run("sc-hsm-tool", "--initialize", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1")
	d.custodians("import-share.exp", d.file("dkek.pbe"), d.file("shares"), "", "/usr/bin/sc-hsm-tool", "3", "4")
	for i, key := range crossKeys() {
		n := ref[i+1 : i+2]
		if out := d.run("sc-hsm-tool", "--unwrap-key", d.file("key"+n+".wrap"), "--key-reference", n, "--pin", "env:PIN"); !strings.Contains(out, "Key successfully imported") {
			t.Fatalf("%s", out)
		}
		d.openSCKey("1"+n, "after"+n+".der")
		d.equal("before"+n+".der", "after"+n+".der")
		if out := d.run("pkcs15-tool", "-D"); !regexp.MustCompile(`Private \w+ Key \[` + key.own + `\]`).MatchString(out) {
			t.Errorf("the label of %s did not come over:\n%s", key.own, out)
		}
	}
}
