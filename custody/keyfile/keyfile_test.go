package keyfile_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody/keyfile"
	"conclave/dkek"
	"conclave/internal/curve"
	"conclave/internal/foreign"
	"conclave/internal/secret"
)

const password = "a key, a file und ein Schlüssel"

// openSSL is the foreign judge, in a directory of its own. It has made the key:
// generated.pem, key.der and pub.pem are its files, and key is what we know about
// it.
type openSSL struct {
	t   *testing.T
	dir string
	key any
}

// forEachKey runs body with a key of each kind.
func forEachKey(t *testing.T, body func(o openSSL)) {
	foreign.Need(t, "openssl")
	names := []string{"rsa-2048", "secp256k1", "secp224r1", "secp256r1", "secp384r1", "secp521r1"}
	if testing.Short() {
		names = names[:2]
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body(newKey(t, name))
		})
	}
}

func newKey(t *testing.T, name string) openSSL {
	t.Helper()
	o := openSSL{t: t, dir: t.TempDir()}
	o.write("password", []byte(password+"\n"))
	switch name {
	case "rsa-2048":
		o.generate("RSA", "rsa_keygen_bits:2048")
		key, err := x509.ParsePKCS8PrivateKey(o.read("key.der"))
		if err != nil {
			t.Fatal(err)
		}
		o.key = key
	case "secp256r1":
		o.generate("EC", "ec_paramgen_curve:prime256v1")
		o.key = o.ecKey(name)
	default:
		o.generate("EC", "ec_paramgen_curve:"+name)
		o.key = o.ecKey(name)
	}
	return o
}

// generate leaves a key pair in generated.pem, key.der and pub.pem.
func (o openSSL) generate(algorithm, option string) {
	o.t.Helper()
	o.run("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", "generated.pem")
	o.run("pkcs8", "-topk8", "-nocrypt", "-in", "generated.pem", "-outform", "DER", "-out", "key.der")
	o.run("pkey", "-in", "generated.pem", "-pubout", "-out", "pub.pem")
}

// ecKey reads the private number of key.der.
func (o openSSL) ecKey(name string) *curve.PrivateKey {
	o.t.Helper()
	var info struct { // RFC 5958
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
	}
	var ec struct { // RFC 5915
		Version int
		D       []byte
		Q       asn1.RawValue
	}
	if _, err := asn1.Unmarshal(o.read("key.der"), &info); err != nil {
		o.t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(info.Key, &ec); err != nil {
		o.t.Fatal(err)
	}
	c, err := curve.ByName(name)
	if err != nil {
		o.t.Fatal(err)
	}
	key, err := c.NewPrivateKey(ec.D)
	if err != nil {
		o.t.Fatal(err)
	}
	return key
}

func (o openSSL) command(args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	return cmd.CombinedOutput()
}

func (o openSSL) run(args ...string) string {
	o.t.Helper()
	out, err := o.command(args...)
	if err != nil {
		o.t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// refused runs openssl, which must fail.
func (o openSSL) refused(args ...string) {
	o.t.Helper()
	if out, err := o.command(args...); err == nil {
		o.t.Errorf("openssl %v went well\n%s", args, out)
	}
}

func (o openSSL) write(name string, content []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), content, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// writeKey writes what a function of keyfile has returned.
func (o openSSL) writeKey(name string, content []byte, err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	o.write(name, content)
}

func (o openSSL) read(name string) []byte {
	o.t.Helper()
	content, err := os.ReadFile(filepath.Join(o.dir, name))
	if err != nil {
		o.t.Fatal(err)
	}
	return content
}

// checkSigns signs with a key file of ours, and verifies with OpenSSL's own
// public key.
func (o openSSL) checkSigns(name string) {
	o.t.Helper()
	o.write("data", []byte("hello"))
	o.run("dgst", "-sha256", "-sign", name, "-out", "signature", "data")
	o.run("dgst", "-sha256", "-verify", "pub.pem", "-signature", "signature", "data")
}

func TestPKCS8IsWhatOpenSSLWrites(t *testing.T) {
	forEachKey(t, func(o openSSL) {
		if ours, err := keyfile.PKCS8(o.key); err != nil || !bytes.Equal(ours, o.read("key.der")) {
			o.t.Errorf("another encoding than OpenSSL's, %v", err)
		}
		if ours, err := keyfile.PublicPEM(o.key); err != nil || !bytes.Equal(ours, o.read("pub.pem")) {
			o.t.Errorf("another public key than OpenSSL's, %v:\n%s", err, ours)
		}
	})
}

func TestPlainPEM(t *testing.T) {
	forEachKey(t, func(o openSSL) {
		file, err := keyfile.PlainPEM(o.key)
		o.writeKey("key.pem", file, err)
		o.run("pkey", "-in", "key.pem", "-check", "-noout")
		o.checkSigns("key.pem")
	})
}

func TestEncryptedPEM(t *testing.T) {
	foreign.Need(t, "openssl")
	for _, name := range []string{"rsa-2048", "secp521r1"} { // what is encrypted, TestPKCS8IsWhatOpenSSLWrites has for all
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newKey(t, name)
			file, err := keyfile.EncryptedPEM(o.key, secret.Bytes(password))
			o.writeKey("key.pem", file, err)
			if !bytes.HasPrefix(o.read("key.pem"), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")) {
				o.t.Error("another label in PEM")
			}
			o.run("pkey", "-in", "key.pem", "-passin", "file:password", "-out", "again.pem")
			if !bytes.Equal(o.read("again.pem"), o.read("generated.pem")) {
				o.t.Error("another key came back")
			}
			o.checkSigns("again.pem")
			o.refused("pkey", "-in", "key.pem", "-passin", "pass:"+password+"x", "-noout")
		})
	}
}

func TestEncryptedPEMNeverRepeats(t *testing.T) {
	key := generate(t, "secp256r1")
	one, err := keyfile.EncryptedPEM(key, secret.Bytes(password))
	if err != nil {
		t.Fatal(err)
	}
	if two, _ := keyfile.EncryptedPEM(key, secret.Bytes(password)); bytes.Equal(one, two) {
		t.Error("two files are the same: salt and IV are not random")
	}
}

// certificate makes OpenSSL sign one for the key.
func (o openSSL) certificate() []byte {
	o.t.Helper()
	o.run("req", "-new", "-x509", "-key", "key.der", "-keyform", "DER", "-subj", "/CN=root", "-outform", "DER", "-out", "cert.der")
	return o.read("cert.der")
}

func TestPKCS12(t *testing.T) {
	forEachKey(t, func(o openSSL) {
		cert := o.certificate()
		file, err := keyfile.PKCS12(o.key, cert, secret.Bytes(password))
		if k, ok := o.key.(*curve.PrivateKey); ok && k.Curve.Name == "secp256k1" {
			wantError(o.t, err, "NIST curve", "use the PEM form")
			return
		}
		o.writeKey("key.p12", file, err)
		o.run("pkcs12", "-in", "key.p12", "-passin", "file:password", "-nodes", "-nocerts", "-out", "key.pem")
		o.checkSigns("key.pem")
		o.run("pkcs12", "-in", "key.p12", "-passin", "file:password", "-nokeys", "-out", "cert.pem")
		o.run("x509", "-in", "cert.pem", "-outform", "DER", "-out", "again.der")
		if !bytes.Equal(o.read("again.der"), cert) {
			o.t.Error("another certificate came back")
		}
		o.refused("pkcs12", "-in", "key.p12", "-passin", "pass:"+password+"x", "-noout")
	})
}

func TestPKCS12Refuses(t *testing.T) {
	foreign.Need(t, "openssl")
	o, other := newKey(t, "secp256r1"), newKey(t, "secp256r1")
	cert, good := o.certificate(), secret.Bytes(password)
	for _, test := range []struct {
		name     string
		key      any
		cert     []byte
		password secret.Bytes
		want     []string
	}{
		{"no certificate", o.key, nil, good, []string{"needs the certificate", "use the PEM form"}},
		{"a request", o.key, []byte{0x7F, 0x21, 0}, good, []string{"a request", "use the PEM form"}},
		{"another key's", other.key, cert, good, []string{"another key's"}},
		{"AES", dkek.AESKey(make([]byte, 16)), cert, good, []string{"restore it to a device"}},
		{"no password", o.key, cert, nil, []string{"password", "empty"}},
		{"not text", o.key, cert, secret.Bytes{0xFF, 'x'}, []string{"not UTF-8"}},
		{"beyond UCS-2", o.key, cert, secret.Bytes("\U0001F511"), []string{"UCS-2"}},
	} {
		_, err := keyfile.PKCS12(test.key, test.cert, test.password)
		wantError(t, err, test.want...)
	}
}

func TestRefuses(t *testing.T) {
	wiped, strange := generate(t, "secp256r1"), generate(t, "secp256k1")
	wiped.Wipe()
	strange.Q = strange.Curve.G
	invalid := &rsa.PrivateKey{PublicKey: rsa.PublicKey{E: 3}}
	for _, test := range []struct {
		name string
		key  any
		want string
	}{
		{"AES", dkek.AESKey(make([]byte, 32)), "restore it to a device with conclave key unwrap"},
		{"wiped", wiped, "was it wiped?"},
		{"another public point", strange, "unwrap it again"},
		{"not a key", "a string", "a string cannot be written"},
		{"no numbers", invalid, "RSA key: "},
	} {
		_, err := keyfile.PKCS8(test.key)
		wantError(t, err, test.want)
		_, err = keyfile.PlainPEM(test.key)
		wantError(t, err, test.want)
		_, err = keyfile.EncryptedPEM(test.key, secret.Bytes(password))
		wantError(t, err, test.want)
	}
	_, err := keyfile.PublicPEM(dkek.AESKey(make([]byte, 32)))
	wantError(t, err, "restore it to a device")
	_, err = keyfile.EncryptedPEM(generate(t, "secp256r1"), nil)
	wantError(t, err, "password", "empty")
}

func generate(t *testing.T, name string) *curve.PrivateKey {
	t.Helper()
	c, err := curve.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want %q", err, part)
		}
	}
}
