//go:build linux

package opensc

import (
	"bufio"
	"slices"
	"strings"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
)

// TestKeysThroughOpenSC makes keys of every kind with pkcs11-tool, and lets
// OpenSSL judge their signatures.
func TestKeysThroughOpenSC(t *testing.T) {
	foreign.Need(t, "pkcs11-tool", "pkcs15-tool", "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create")
	d.Run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--yes")
	defer d.Serve("default")()
	unreadable := []string{"EC:secp384r1", "EC:brainpoolP384r1", "EC:secp192r1"} // OpenSC 0.23: "cannot create EVP_PKEY", whatever the card
	for i, kind := range []string{"rsa:1024", "rsa:3072", "EC:secp256k1", "EC:secp384r1", "EC:secp521r1", "EC:brainpoolP256r1", "EC:brainpoolP384r1", "EC:brainpoolP512r1", "EC:secp192r1"} {
		id := "2" + ref[i:i+1]
		d.p11("-l", "--pin", "648219", "--keypairgen", "--key-type", kind, "--id", id)
		// The device is served, and read by another process all the same.
		d.Run("our conclave", "key", "public", ref[i+1:i+2], "--format", "der", "--out", d.File(id+".der"))
		if !slices.Contains(unreadable, kind) {
			d.p11("--read-object", "--type", "pubkey", "--id", id, "-o", d.File(id+".opensc"))
			d.Equal(id+".der", id+".opensc")
		}
		mechanism := "ECDSA-SHA256"
		if strings.HasPrefix(kind, "rsa") {
			mechanism = "SHA256-RSA-PKCS"
		}
		d.Write("data", "hello")
		d.p11("-l", "--pin", "648219", "-s", "-m", mechanism, "--signature-format", "openssl", "--id", id, "-i", d.File("data"), "-o", d.File(id+".sig"))
		d.Run("openssl", "dgst", "-sha256", "-verify", d.File(id+".der"), "-keyform", "DER", "-signature", d.File(id+".sig"), d.File("data"))
	}
	if out := d.Run("pkcs15-tool", "-D"); strings.Count(out, "Private RSA Key") != 2 || strings.Count(out, "Private EC Key") != 7 {
		t.Errorf("pkcs15-tool sees other keys:\n%s", out)
	}
	// OpenSC deletes, stores a certificate's worth of data, and changes PINs.
	d.p11("-l", "--pin", "648219", "--delete-object", "--type", "privkey", "--id", "20")
	d.Write("object", strings.Repeat("data of an object ", 40))
	d.p11("-l", "--pin", "648219", "--write-object", d.File("object"), "--type", "data", "--label", "public")
	d.p11("-l", "--pin", "648219", "--write-object", d.File("object"), "--type", "data", "--label", "secret", "--private")
	d.p11("--read-object", "--type", "data", "--label", "public", "-o", d.File("public"))
	d.p11("-l", "--pin", "648219", "--read-object", "--type", "data", "--label", "secret", "-o", d.File("secret"))
	d.Equal("object", "public")
	d.Equal("object", "secret")
	d.p11("-l", "--pin", "648219", "--change-pin", "--new-pin", "91284647")
	d.p11("-l", "--pin", "91284647", "--list-objects")
	d.p11("--login", "--login-type", "so", "--so-pin", "3537363231383830", "--init-pin", "--new-pin", "648219")
	d.p11("-l", "--pin", "648219", "--list-objects")
}

// TestServeWakesPCSCD: where pcscd is started on demand, the first who asks finds the
// card in its reader, since it was served.
func TestServeWakesPCSCD(t *testing.T) {
	foreign.Need(t, "systemd-socket-activate")
	pcscdtest.StartOnDemand(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create")
	serve := d.Command("our conclave", "hsm", "serve")
	said, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { serve.Process.Kill(); serve.Wait() }()
	if line, err := bufio.NewReader(said).ReadString('\n'); !strings.Contains(line, ": connected, reader at ") {
		t.Errorf("the card has no reader: %s (%v)", line, err)
	}
}

// TestConclaveThroughAReader: the tool drives a card in a reader as it does an
// embedded device.
func TestConclaveThroughAReader(t *testing.T) {
	foreign.Need(t, "openssl")
	pcscdtest.Start(t)
	d := newDesk(t)
	serial := strings.TrimSpace(d.Run("our conclave", "hsm", "create", "served", "--quiet"))
	defer d.Serve("served")()
	if out := strings.Fields(d.Run("our conclave", "hsm", "list")); !strings.Contains(strings.Join(out, " "),
		"pcsc:"+pcscdtest.Reader+" "+serial+" in a reader pcsc:"+pcscdtest.SecondReader+" reader without a card") {
		t.Errorf("the readers are not listed: %q", out)
	}
	t.Setenv("CONCLAVE_DEVICE", "pcsc:")
	if out := d.Run("our conclave", "hsm", "status"); !strings.Contains(out, serial) {
		t.Errorf("status lacks the serial number %s:\n%s", serial, out)
	}
	d.Run("our conclave", "hsm", "init", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "0", "--yes")
	d.Run("our conclave", "key", "generate", "--type", "rsa:2048", "--pin", "env:PIN")
	d.Run("our conclave", "key", "wrap", "1", d.File("key.wrap"), "--pin", "env:PIN")
	d.Run("our conclave", "key", "delete", "1", "--yes", "--pin", "env:PIN")
	d.Run("our conclave", "key", "unwrap", d.File("key.wrap"), "--ref", "3", "--pin", "env:PIN")
	if out := d.Run("our conclave", "status", "--readers"); !strings.Contains(out, pcscdtest.Reader+", device "+serial) || !strings.Contains(out, " has no card in it") {
		t.Errorf("one reader has a backed-up card in it, and the other one none:\n%s", out)
	}
	d.Run("our conclave", "key", "public", "3", "--format", "der", "--out", d.File("before3.der"))
	d.Write("data", "hello")
	d.Run("our conclave", "key", "sign", "3", "--algorithm", "rsa-pkcs1-sha256", "--in", d.File("data"), "--out", d.File("signature"), "--pin", "env:PIN")
	d.Run("openssl", "dgst", "-sha256", "-verify", d.File("before3.der"), "-keyform", "DER", "-signature", d.File("signature"), d.File("data"))
	d.Refused("wrong user PIN; 2 tries left", "our conclave", "key", "delete", "3", "--yes", "--pin", "000000")
}
