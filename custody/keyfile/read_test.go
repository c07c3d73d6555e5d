package keyfile_test

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/custody/keyfile"
	"conclave/internal/foreign"
	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// readAs reads a file with the usual password.
func readAs(t *testing.T, content []byte) (*keyfile.Source, error) {
	t.Helper()
	return keyfile.Read(content, func() (secret.Bytes, error) { return secret.Bytes(password), nil })
}

// checkReads reads a file, which must give the key of pub.pem.
func (o openSSL) checkReads(name, form string) *keyfile.Source {
	o.t.Helper()
	s, err := readAs(o.t, o.read(name))
	if err != nil {
		o.t.Fatalf("%s: %v", name, err)
	}
	public, err := keyfile.PublicPEM(s.Key)
	if err != nil || !bytes.Equal(public, o.read("pub.pem")) {
		o.t.Errorf("%s: another key, %v", name, err)
	}
	if s.Form != form {
		o.t.Errorf("%s: it is called %q, want %q", name, s.Form, form)
	}
	return s
}

// tool runs another program than openssl.
func (o openSSL) tool(args ...string) {
	o.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// oneOf makes a key with openssl in a directory of its own.
func oneOf(t *testing.T, algorithm, option string) openSSL {
	t.Helper()
	foreign.Need(t, "openssl")
	o := openSSL{t: t, dir: t.TempDir()}
	o.write("password", []byte(password+"\n"))
	o.generate(algorithm, option)
	return o
}

func TestReadWhatOpenSSLWrites(t *testing.T) {
	for _, kind := range []struct{ algorithm, option, form, traditional string }{
		{"RSA", "rsa_keygen_bits:1024", "PKCS#1", "rsa -traditional"},
		{"EC", "ec_paramgen_curve:prime256v1", "SEC 1", "ec"},
		{"EC", "ec_paramgen_curve:brainpoolP320r1", "SEC 1", "ec"},
		{"EC", "ec_paramgen_curve:secp256k1", "SEC 1", "ec"},
	} {
		t.Run(kind.option, func(t *testing.T) {
			t.Parallel()
			o := oneOf(t, kind.algorithm, kind.option)
			const old, encrypted = ", encrypted as OpenSSL once did (RFC 1421)", "PKCS#8, encrypted"
			for _, file := range []struct{ form, command string }{
				{"PKCS#8", "pkey"},
				{"PKCS#8", "pkcs8 -topk8 -nocrypt -outform DER"},
				{kind.form, kind.traditional},
				{kind.form, kind.traditional + " -outform DER"},
				{kind.form + old, kind.traditional + " -aes128 -passout file:password"},
				{kind.form + old, kind.traditional + " -des3 -passout file:password"},
				{encrypted, "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -passout file:password"},
				{encrypted, "pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA384 -passout file:password"},
				{encrypted, "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA512 -outform DER -passout file:password"},
				{encrypted, "pkcs8 -topk8 -v2 des3 -v2prf hmacWithSHA256 -passout file:password"},
				{encrypted, "pkcs8 -topk8 -v1 PBE-SHA1-3DES -passout file:password"},
				{encrypted, "pkcs8 -topk8 -v1 PBE-MD5-DES -passout file:password -provider default -provider legacy"},
				{encrypted, "pkcs8 -topk8 -v1 PBE-SHA1-DES -iter 1 -passout file:password -provider default -provider legacy"},
				{encrypted, "pkcs8 -topk8 -scrypt -scrypt_N 1024 -scrypt_r 8 -scrypt_p 1 -passout file:password"},
			} {
				o.run(append(strings.Fields(file.command), "-in", "generated.pem", "-out", "written")...)
				if s := o.checkReads("written", file.form); s.Encrypted != strings.Contains(file.form, "encrypted") {
					t.Errorf("%s: encrypted is %v", file.command, s.Encrypted)
				}
			}
		})
	}
}

func TestReadCurves(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:brainpoolP384r1")
	o.run("ecparam", "-name", "brainpoolP384r1", "-out", "curve.pem")
	o.run("ec", "-in", "generated.pem", "-out", "plain.pem")
	o.write("both.pem", append(o.read("curve.pem"), o.read("plain.pem")...))
	o.checkReads("both.pem", "SEC 1")
	for _, form := range []string{"compressed", "hybrid", "uncompressed"} {
		o.run("ec", "-in", "generated.pem", "-param_enc", "explicit", "-conv_form", form, "-out", "explicit.pem")
		o.checkReads("explicit.pem", "SEC 1")
	}
	o.run("pkcs8", "-topk8", "-nocrypt", "-in", "explicit.pem", "-out", "explicit8.pem")
	o.checkReads("explicit8.pem", "PKCS#8")

	o.run("ecparam", "-name", "prime256v1", "-out", "curve.pem")
	o.write("both.pem", append(o.read("curve.pem"), o.read("plain.pem")...))
	_, err := readAs(t, o.read("both.pem"))
	wantError(t, err, "its curve is secp256r1 in one place and brainpoolP384r1 in another")
	o.run("ecparam", "-name", "sect283r1", "-genkey", "-noout", "-out", "binary.pem")
	_, err = readAs(t, o.read("binary.pem"))
	wantError(t, err, "no known curve has the object identifier 1.3.132.0.17", "a SmartCard-HSM holds no key on another one")
	o.run("ec", "-in", "binary.pem", "-param_enc", "explicit", "-out", "binary.pem")
	_, err = readAs(t, o.read("binary.pem"))
	wantError(t, err, "field of characteristic 2")
}

func TestReadWhatOthersWrite(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	foreign.Need(t, "certtool", "keytool", "ssh-keygen")
	o.tool("certtool", "--to-p12", "--load-privkey", "generated.pem", "--p12-name", "A", "--pkcs-cipher", "3des-pkcs12", "--password", password, "--outfile", "gnutls.p12")
	o.checkReads("gnutls.p12", "PKCS#12") // in PEM
	o.run("base64", "-in", "key.der", "-out", "bare")
	o.checkReads("bare", "PKCS#8")
	o.tool("certtool", "--to-p8", "--load-privkey", "generated.pem", "--password", password, "--outfile", "gnutls.p8")
	o.checkReads("gnutls.p8", "PKCS#8, encrypted")
	o.tool("certtool", "--key-info", "--infile", "generated.pem", "--outfile", "text.pem") // with all its numbers before, and without its curve
	o.checkReads("text.pem", "SEC 1")
	o.write("crlf.pem", append([]byte("\xEF\xBB\xBFthe key of the root\r\n"), bytes.ReplaceAll(o.read("generated.pem"), []byte("\n"), []byte("\r\n"))...))
	o.checkReads("crlf.pem", "PKCS#8")
	o.run("ec", "-in", "generated.pem", "-aes128", "-passout", "file:password", "-out", "old.pem") // with headers, and an empty line
	for _, old := range []string{"generated.pem", "old.pem"} {
		form := map[string]string{"generated.pem": "PKCS#8", "old.pem": "SEC 1, encrypted as OpenSSL once did (RFC 1421)"}[old]
		text := o.read(old)
		wide := []byte("\xFF\xFE")
		for _, b := range text {
			wide = append(wide, b, 0)
		}
		o.write("utf16.pem", wide)
		o.checkReads("utf16.pem", form)
		o.write("quoted.pem", append([]byte("> "), bytes.ReplaceAll(text, []byte("\n"), []byte("\n> "))...))
		o.checkReads("quoted.pem", form)
		o.write("variable", bytes.ReplaceAll(text, []byte("\n"), []byte(`\n`)))
		o.checkReads("variable", form)
	}

	o.tool("keytool", "-genkeypair", "-alias", "Wurzel ä", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=root",
		"-storetype", "PKCS12", "-keystore", "java.p12", "-storepass", "ASCII only")
	o.run("pkcs12", "-in", "java.p12", "-passin", "pass:ASCII only", "-nodes", "-nocerts", "-out", "java.pem")
	o.run("pkey", "-in", "java.pem", "-pubout", "-out", "pub.pem")
	s, err := keyfile.Read(o.read("java.p12"), func() (secret.Bytes, error) { return secret.Bytes("ASCII only"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if public, err := keyfile.PublicPEM(s.Key); err != nil || !bytes.Equal(public, o.read("pub.pem")) {
		t.Errorf("another key, %v", err)
	}
	if s.Label != "wurzel ä" || s.Certificate == nil || len(s.Chain) != 0 { // keytool folds names
		t.Errorf("label %q, certificate of %d bytes, chain of %d", s.Label, len(s.Certificate), len(s.Chain))
	}

	o.tool("ssh-keygen", "-q", "-t", "ecdsa", "-N", "secret", "-f", "ssh")
	_, err = readAs(t, o.read("ssh"))
	wantError(t, err, "OpenSSH's own format", "ssh-keygen -p -m pkcs8 -f NEW.pem")
	o.tool("ssh-keygen", "-q", "-p", "-P", "secret", "-N", password, "-m", "pkcs8", "-f", "ssh")
	o.run("pkey", "-in", "ssh", "-passin", "file:password", "-pubout", "-out", "pub.pem")
	o.checkReads("ssh", "PKCS#8, encrypted")
}

func TestReadPKCS12(t *testing.T) {
	root, o := oneOf(t, "RSA", "rsa_keygen_bits:1024"), oneOf(t, "EC", "ec_paramgen_curve:secp384r1")
	root.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=root", "-out", "root.crt")
	o.run("req", "-new", "-key", "generated.pem", "-subj", "/CN=sub", "-out", "sub.csr")
	o.run("x509", "-req", "-in", "sub.csr", "-CA", filepath.Join(root.dir, "root.crt"), "-CAkey", filepath.Join(root.dir, "generated.pem"), "-out", "sub.crt")
	o.run("x509", "-in", "sub.crt", "-outform", "DER", "-out", "sub.der")
	for _, how := range []string{"-legacy", "-keypbe AES-128-CBC -certpbe AES-256-CBC", "-certpbe NONE"} {
		o.run(append(strings.Fields("pkcs12 -export -inkey generated.pem -in sub.crt -name A -passout file:password -out a.p12 -certfile "+
			filepath.Join(root.dir, "root.crt")), strings.Fields(how)...)...)
		s := o.checkReads("a.p12", "PKCS#12")
		if s.Label != "A" || !bytes.Equal(s.Certificate, o.read("sub.der")) || len(s.Chain) != 1 || !s.Encrypted {
			t.Errorf("%s: label %q, certificate of %d bytes, chain of %d", how, s.Label, len(s.Certificate), len(s.Chain))
		}
		_, err := keyfile.Read(o.read("a.p12"), func() (secret.Bytes, error) { return secret.Bytes("wrong"), nil })
		if !errors.Is(err, keyfile.ErrPassword) {
			t.Errorf("%s: with a wrong password: %v", how, err)
		}
	}
}

// TestReadPKCS12OfEveryKind reads what the encodings have in common with no other.
func TestReadPKCS12OfEveryKind(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:brainpoolP256r1")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.crt")
	o.write("none", []byte("\n"))
	o.write("emoji", []byte("Größe 😀\n"))
	o.write("latin1", []byte("Gr\xF6\xDFe\n"))
	const own, none = "-in a.crt -name A", "-in a.crt -name A -keypbe NONE -certpbe NONE"
	for how, want := range map[string]struct {
		password          string
		encrypted, lonely bool
	}{
		own:             {"password", true, false},
		own + " -nomac": {"password", true, false},
		own + " -nomaciter -noiter -macalg sha384": {"password", true, false},
		own + " -legacy":                {"none", true, false},
		own + " -legacy -macalg sha512": {"emoji", true, false},
		own + " -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-128 -legacy":  {"latin1", true, false},
		own + " -keypbe PBE-SHA1-2DES -certpbe PBE-SHA1-2DES -macalg sha224": {"password", true, false},
		own + " -keypbe DES-EDE3-CBC -certpbe AES-192-CBC -iter 3":           {"emoji", true, false},
		"-nocerts -name A":       {"password", true, true},
		none + " -macalg sha256": {"password", false, false},
		none + " -nomac":         {"", false, false},
	} {
		o.run(append(strings.Fields("pkcs12 -export -inkey generated.pem -out a.p12 -passout file:"+cmp.Or(want.password, "password")), strings.Fields(how)...)...)
		s, err := keyfile.Read(o.read("a.p12"), func() (secret.Bytes, error) {
			if want.password == "" {
				t.Errorf("%s: a password was asked for", how)
			}
			return bytes.TrimSuffix(o.read(want.password), []byte("\n")), nil
		})
		if err != nil {
			t.Errorf("%s: %v", how, err)
			continue
		}
		if public, err := keyfile.PublicPEM(s.Key); err != nil || !bytes.Equal(public, o.read("pub.pem")) {
			t.Errorf("%s: another key, %v", how, err)
		}
		if s.Label != "A" || (s.Certificate == nil) != want.lonely || s.Encrypted != want.encrypted {
			t.Errorf("%s: label %q, certificate of %d bytes, encrypted %v", how, s.Label, len(s.Certificate), s.Encrypted)
		}
		if strings.Contains(how, "NONE -nomac") {
			continue
		}
		_, err = keyfile.Read(o.read("a.p12"), func() (secret.Bytes, error) { return secret.Bytes("wrong"), nil })
		if !errors.Is(err, keyfile.ErrPassword) {
			t.Errorf("%s: with a wrong password: %v", how, err)
		}
	}
}

// inPieces writes DER as NSS and Bouncy Castle write BER: without lengths, and octet
// strings in pieces.
func inPieces(t *testing.T, der cryptobyte.String) (ber []byte) {
	t.Helper()
	for !der.Empty() {
		var element, content cryptobyte.String
		var kind cbasn1.Tag
		if !der.ReadAnyASN1Element(&element, &kind) {
			t.Fatal("no DER")
		}
		inner := element
		inner.ReadAnyASN1(&content, &kind)
		encrypted := kind == 0x80
		if kind&0x20 == 0 && kind != cbasn1.OCTET_STRING && !encrypted {
			ber = append(ber, element...)
			continue
		}
		ber = append(ber, byte(kind|0x20), 0x80)
		if kind&0x20 != 0 {
			ber = append(ber, inPieces(t, content)...)
		} else {
			for piece := range slices.Chunk(content, 100) {
				ber = append(append(ber, byte(cbasn1.OCTET_STRING), byte(len(piece))), piece...)
			}
		}
		ber = append(ber, 0, 0)
	}
	return ber
}

// TestReadBER: OpenSSL judges that it is PKCS#12.
func TestReadBER(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:brainpoolP256r1")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.crt")
	o.run("pkcs12", "-export", "-inkey", "generated.pem", "-in", "a.crt", "-passout", "file:password", "-out", "a.p12")
	ber := inPieces(t, o.read("a.p12"))
	o.write("ber.p12", ber)
	o.run("pkcs12", "-in", "ber.p12", "-passin", "file:password", "-nodes", "-out", "judged.pem")
	o.checkReads("judged.pem", "PKCS#8")
	if s := o.checkReads("ber.p12", "PKCS#12"); s.Certificate == nil {
		t.Error("no certificate")
	}
	for n := range ber {
		if s, err := readAs(t, ber[:n]); err == nil {
			t.Fatalf("cut after %d bytes it is read: %v", n, s.Form)
		}
	}
}

// TestReadPBMAC1 reads the encoding that RFC 9579 added, which OpenSSL 3.4 and later read.
func TestReadPBMAC1(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-outform", "DER", "-out", "a.der")
	key, err := x509.ParsePKCS8PrivateKey(o.read("key.der"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(o.read("a.der"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := pkcs12.Modern2026.Encode(key, cert, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	o.write("a.p12", file)
	o.checkReads("a.p12", "PKCS#12")
	file[len(file)/2] ^= 1
	if _, err := readAs(t, file); !errors.Is(err, keyfile.ErrPassword) {
		t.Errorf("changed, it is opened: %v", err)
	}
}

// TestReadPKCS12Names: the names that people gave come before those of Windows.
func TestReadPKCS12Names(t *testing.T) {
	foreign.Need(t, "keytool")
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.crt")
	o.run("pkcs12", "-export", "-inkey", "generated.pem", "-in", "a.crt", "-name", "old", "-keypbe", "NONE", "-certpbe", "NONE", "-nomac", "-passout", "file:password", "-out", "a.p12")
	// The certificates come first; OpenSSL names them as it does the key.
	if s, err := readAs(t, bytes.Replace(o.read("a.p12"), []byte("\x00o\x00l\x00d"), []byte("\x00R\x00o\x00t"), 1)); err != nil || s.Label != "Rot" {
		t.Errorf("label %q, %v", s.Label, err)
	}

	o.run("pkcs12", "-export", "-nokeys", "-in", "a.crt", "-passout", "file:password", "-out", "nokey.p12")
	_, err := readAs(t, o.read("nokey.p12"))
	wantError(t, err, "it holds no private key, but 1 certificates")
	for _, name := range []string{"one", "two"} {
		o.run("pkcs12", "-export", "-inkey", "generated.pem", "-in", "a.crt", "-name", name, "-passout", "pass:ASCII only", "-out", name+".p12")
	}
	o.tool("keytool", "-importkeystore", "-srckeystore", "one.p12", "-srcstorepass", "ASCII only", "-destkeystore", "two.p12", "-deststorepass", "ASCII only")
	_, err = keyfile.Read(o.read("two.p12"), func() (secret.Bytes, error) { return secret.Bytes("ASCII only"), nil })
	wantError(t, err, `it holds 2 private keys, named "two", "one"`, convertedPKCS12)
}

const convertedPKCS12 = "openssl pkcs12 -in FILE -out NEW.pem"

func TestReadBundle(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.crt")
	o.run("x509", "-in", "a.crt", "-addtrust", "serverAuth", "-trustout", "-out", "trusted.crt")
	o.run("x509", "-in", "a.crt", "-outform", "DER", "-out", "a.der")
	o.write("bundle.pem", append(o.read("trusted.crt"), o.read("generated.pem")...))
	if s := o.checkReads("bundle.pem", "PKCS#8"); !bytes.Equal(s.Certificate, o.read("a.der")) || len(s.Chain) != 0 {
		t.Errorf("certificate of %d bytes, chain of %d", len(s.Certificate), len(s.Chain))
	}
}

// TestReadTellsWhatItIs: each file that is no key for a card is named, with what to do.
func TestReadTellsWhatItIs(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.crt")
	o.run("req", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.csr")
	o.write("two.pem", bytes.Repeat(o.read("generated.pem"), 2))
	o.write("cut.pem", o.read("generated.pem")[:100])
	o.run("x509", "-in", "a.crt", "-outform", "DER", "-out", "a.der")
	o.run("req", "-in", "a.csr", "-outform", "DER", "-out", "csr.der")
	o.run("pkey", "-in", "generated.pem", "-pubout", "-outform", "DER", "-out", "pub.der")
	o.run("genpkey", "-algorithm", "ed25519", "-out", "ed.pem")
	o.run("genpkey", "-algorithm", "x25519", "-outform", "DER", "-out", "x.der")
	o.run("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160", "-out", "dsa.params")
	o.run("genpkey", "-paramfile", "dsa.params", "-out", "dsa.pem")
	o.run("pkey", "-in", "dsa.pem", "-traditional", "-out", "olddsa.pem")
	o.run("pkey", "-in", "dsa.pem", "-traditional", "-outform", "DER", "-out", "dsa.der")
	o.run("pkcs8", "-topk8", "-in", "generated.pem", "-v1", "PBE-SHA1-RC4-128", "-passout", "file:password", "-out", "pbe.pem", "-provider", "legacy", "-provider", "default")
	o.run("genrsa", "-primes", "3", "-out", "three.pem", "1024")
	o.run("crl2pkcs7", "-nocrl", "-certfile", "a.crt", "-out", "a.p7b")
	for name, want := range map[string][]string{
		"a.crt":      {"a certificate and no private key", "--certificate"},
		"a.der":      {"a certificate and no private key"},
		"a.csr":      {"a certificate request and no private key"},
		"csr.der":    {"a certificate request and no private key"},
		"pub.pem":    {"a public key and no private one"},
		"pub.der":    {"a public key and no private one"},
		"a.p7b":      {"PKCS#7", ".p12"},
		"two.pem":    {"it holds 2 private keys", "one by one"},
		"cut.pem":    {"1 of its 1 blocks of PEM are damaged", "copied whole"},
		"ed.pem":     {"a key for Ed25519", "devices hold RSA and EC keys"},
		"x.der":      {"a key for X25519"},
		"dsa.pem":    {"a key for DSA"},
		"olddsa.pem": {"a key for DSA"},
		"dsa.der":    {"a key for DSA"},
		"three.pem":  {"more than two primes"},
		"pbe.pem":    {"PKCS#12's RC4 with 128 bits", "openssl pkey -in FILE -aes256 -out NEW.pem"},
	} {
		_, err := readAs(t, o.read(name))
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want %q", name, err, part)
			}
		}
	}
	for content, want := range map[string]string{
		"":                                     "it is no key file that is known here",
		"YWJj":                                 "it is no key file that is known here",
		"\xFE\xED\xFE\xED\x00\x00":             "keytool -importkeystore",
		"PuTTY-User-Key-File-3: x":             "puttygen FILE",
		"Salted__12345678":                     "it is named with --dkek",
		"ssh-rsa AAAA":                         "without .pub",
		"\x30\x03\x04\x01\x00":                 "DER of a kind that is not known here",
		"\x30\x82":                             "copied whole",
		"\x30\x00\x00":                         "something follows its end",
		"\x30\x80\x02\x01\x03\x30\x80\x06\x09": "copied whole",
		"{":                                    "no JWK",
		`{"kty":"EC","kty":"RSA"}`:             "comes twice in one object",
		`{"kty":"EC","d":"!"}`:                 "a value in it is not what a JWK has there",
		`{"kty":"oct","k":"AA"}`:               "this card has no AES",
		`{"kty":"OKP","crv":"Ed25519"}`:        "a key for Ed25519",
		`{"kty":"RSA","n":"AA"}`:               "it is a public RSA key",
		`{"keys":[{"d":"AA"},{"k":"AA"}]}`:     "a set of 2 private keys",
		`{"keys":[{},{}]}`:                     "no JWK of an RSA, EC or ML-DSA key",
		`{"ciphertext":"AA"}`:                  "encrypted JWK",
		`{}`:                                   "no JWK of an RSA, EC or ML-DSA key",
	} {
		_, err := readAs(t, []byte(content))
		wantError(t, err, want)
	}
}

// TestReadJWK reads the keys of RFC 7517, appendix A.2, which OpenSSL then knows.
func TestReadJWK(t *testing.T) {
	foreign.Need(t, "openssl")
	o := openSSL{t: t, dir: t.TempDir()}
	content, err := os.ReadFile("testdata/rfc7517-a2.json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAs(t, content)
	wantError(t, err, "a set of 2 private keys")
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(content, &set); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ label, public string }{{"1", "30a0424cd21c2944838a2d75c92b37e76ea20d9f00893a3b4eee8a3c0aafec3e"}, {"2011-04-29", "d2fc7b6a0a1e6c67104aeb8f88b257669b4df679ddad099b5c4a6cd9a88015b5"}} {
		for _, content := range [][]byte{set.Keys[i], fmt.Appendf(nil, "{\"keys\":[%s]}", set.Keys[i]), fmt.Appendf(nil, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AA\"},%s]}", set.Keys[i])} {
			s, err := readAs(t, content)
			if err != nil {
				t.Fatal(err)
			}
			if s.Label != want.label || s.Form != "JWK" {
				t.Errorf("label %q, form %q", s.Label, s.Form)
			}
			file, err := keyfile.PlainPEM(s.Key)
			o.writeKey("key.pem", file, err)
			text := o.run("pkey", "-in", "key.pem", "-check", "-text")
			if !strings.Contains(strings.NewReplacer(":", "", "\n", "", " ", "").Replace(text), want.public) {
				t.Errorf("another key:\n%s", text)
			}
		}
		_, err := readAs(t, bytes.Replace(set.Keys[i], []byte(`"d":"`), []byte(`"d":"A`), 1))
		wantError(t, err, "key")
	}
}

func TestReadWrongPassword(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	o.run("ec", "-in", "generated.pem", "-aes256", "-passout", "file:password", "-out", "old.pem")
	o.run("pkcs8", "-topk8", "-in", "generated.pem", "-passout", "file:password", "-v2", "des3", "-iter", "1", "-out", "new.pem")
	// Of 1,000 wrong passwords some leave good padding.
	for _, name := range []string{"old.pem", "new.pem"} {
		content := o.read(name)
		for i := range 1000 {
			_, err := keyfile.Read(content, func() (secret.Bytes, error) { return fmt.Append(nil, "wrong", i), nil })
			if !errors.Is(err, keyfile.ErrPassword) {
				t.Fatalf("%s, password %d: %v", name, i, err)
			}
		}
	}
}

// pkcs1 is RFC 8017, appendix A.1.2, for encoding/asn1.
type pkcs1 struct {
	Version                     int
	N, E, D, P, Q, DP, DQ, QInv asn1.RawValue
}

// TestReadTamperedKeys changes one number at a time, which must not get through.
func TestReadTamperedKeys(t *testing.T) {
	o := oneOf(t, "RSA", "rsa_keygen_bits:1024")
	o.run("rsa", "-traditional", "-in", "generated.pem", "-outform", "DER", "-out", "rsa.der")
	parse := func() (k pkcs1) {
		if _, err := asn1.Unmarshal(o.read("rsa.der"), &k); err != nil {
			t.Fatal(err)
		}
		return k
	}
	written := func(k pkcs1) []byte {
		der, err := asn1.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for i, name := range []string{"n", "e", "d", "p", "q", "dp", "dq", "qInv"} {
		k := parse()
		field := []*asn1.RawValue{&k.N, &k.E, &k.D, &k.P, &k.Q, &k.DP, &k.DQ, &k.QInv}[i]
		field.FullBytes[len(field.FullBytes)-1] ^= 2
		if _, err := readAs(t, written(k)); err == nil {
			t.Errorf("a key with another %s was read", name)
		}
	}

	zero := asn1.RawValue{FullBytes: []byte{2, 1, 0}}
	k := parse()
	k.DP, k.DQ, k.QInv = zero, zero, zero
	o.write("nocrt.der", written(k))
	o.checkReads("nocrt.der", "PKCS#1")
	k.P, k.Q = zero, zero
	o.write("bare.der", written(k))
	o.checkReads("bare.der", "PKCS#1")

	ec := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	der := ec.read("key.der")
	der[len(der)-1] ^= 1
	_, err := readAs(t, der)
	wantError(t, err, "its public point is not that of its private number")
}

// TestReadIsBounded: work is refused that would take minutes, or all the memory.
func TestReadIsBounded(t *testing.T) {
	o := oneOf(t, "EC", "ec_paramgen_curve:prime256v1")
	o.run("pkcs8", "-topk8", "-in", "generated.pem", "-iter", "65793", "-passout", "file:password", "-outform", "DER", "-out", "iter.der")
	o.run("pkcs8", "-topk8", "-in", "generated.pem", "-scrypt", "-scrypt_N", "1024", "-scrypt_r", "8", "-scrypt_p", "1", "-passout", "file:password", "-outform", "DER", "-out", "scrypt.der")
	o.run("req", "-x509", "-new", "-key", "generated.pem", "-subj", "/CN=a", "-out", "a.crt")
	o.run("pkcs12", "-export", "-inkey", "generated.pem", "-in", "a.crt", "-iter", "65793", "-nomaciter", "-passout", "file:password", "-out", "iter.p12")
	unasked := func() (secret.Bytes, error) {
		t.Error("the password was asked for")
		return secret.Bytes(password), nil
	}
	for name, change := range map[string][2]string{
		"iter.der":   {"\x02\x03\x01\x01\x01", "\x02\x03\x7F\xFF\xFF"}, // 65,793 becomes 8 million
		"iter.p12":   {"\x02\x03\x01\x01\x01", "\x02\x03\x7F\xFF\xFF"},
		"scrypt.der": {"\x02\x02\x04\x00\x02\x01\x08", "\x02\x02\x7F\xFF\x02\x01\x7F"}, // 533 MB
	} {
		content := bytes.ReplaceAll(o.read(name), []byte(change[0]), []byte(change[1]))
		if bytes.Equal(content, o.read(name)) {
			t.Fatalf("%s does not have % X", name, change[0])
		}
		_, err := keyfile.Read(content, unasked)
		wantError(t, err, "more work than is done here")
	}
}
