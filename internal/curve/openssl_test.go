package curve_test

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"conclave/internal/curve"
	"conclave/internal/foreign"
	"conclave/internal/testrun"
)

// openSSL is the foreign judge: it runs the openssl command in a directory of
// its own.
type openSSL struct {
	t   *testing.T
	dir string
}

func newOpenSSL(t *testing.T) openSSL {
	t.Helper()
	foreign.Need(t, "openssl")
	return openSSL{t, t.TempDir()}
}

// run returns what openssl writes to standard output.
func (o openSSL) run(args ...string) []byte {
	o.t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("openssl %v: %v\n%s%s", args, err, out, stderr.Bytes())
	}
	return out
}

// write puts content into a file of the directory.
func (o openSSL) write(name string, content []byte) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, name), content, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// generate leaves a new key pair in key.der and pub.der, and returns its
// private scalar and its SubjectPublicKeyInfo.
func (o openSSL) generate(c *curve.Curve) (d, spki []byte) {
	o.t.Helper()
	var key struct { // ECPrivateKey, RFC 5915
		Version int
		D       []byte
		Curve   asn1.RawValue `asn1:"optional,explicit,tag:0"`
		Q       asn1.RawValue `asn1:"optional,explicit,tag:1"`
	}
	der := o.run("ecparam", "-name", c.Name, "-genkey", "-noout", "-outform", "DER")
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		o.t.Fatal(err)
	}
	o.write("key.der", der)
	spki = o.run("ec", "-inform", "DER", "-in", "key.der", "-pubout", "-outform", "DER")
	o.write("pub.der", spki)
	return key.D, spki
}

func TestOpenSSLHasTheSameParameters(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		var params struct { // SpecifiedECDomain, SEC 1, version 2.0, section C.2
			Version int
			Field   struct {
				Type  asn1.ObjectIdentifier
				Prime *big.Int
			}
			Curve struct {
				A, B []byte
				Seed asn1.BitString `asn1:"optional"`
			}
			G        []byte
			Order    *big.Int
			Cofactor int
		}
		openssl := newOpenSSL(t)
		if _, err := asn1.Unmarshal(openssl.run("ecparam", "-name", c.Name, "-param_enc", "explicit", "-conv_form", "uncompressed", "-outform", "DER"), &params); err != nil {
			t.Fatal(err)
		}
		found, err := curve.ByParams(params.Field.Prime.Bytes(), params.Curve.A, params.Curve.B, params.Order.Bytes(), params.G)
		if err != nil || found != c || params.Cofactor != 1 || params.Field.Prime.BitLen() != c.Bits {
			t.Errorf("found %v, %v, cofactor %d, field of %d bits", found, err, params.Cofactor, params.Field.Prime.BitLen())
		}
		var oid asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(openssl.run("ecparam", "-name", c.Name, "-outform", "DER"), &oid); err != nil || !oid.Equal(c.OID) {
			t.Errorf("object identifier %s, %v; ours is %s", oid, err, c.OID)
		}
	})
}

func TestOpenSSLKeysAndSPKI(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		d, spki := newOpenSSL(t).generate(c)
		k := newKey(t, c, d)
		if ours, err := c.MarshalSPKI(k.Q); err != nil || !bytes.Equal(ours, spki) {
			t.Errorf("our SPKI %x, %v; theirs %x", ours, err, spki)
		}
		if parsed, q, err := curve.ParseSPKI(spki); err != nil || parsed != c || !bytes.Equal(q, k.Q) {
			t.Errorf("parsed %v %x, %v", parsed, q, err)
		}
	})
}

// TestOpenSSLWritesParametersOut, in all forms that it has for the generator.
func TestOpenSSLWritesParametersOut(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		o := newOpenSSL(t)
		_, named := o.generate(c)
		for _, form := range []string{"compressed", "hybrid", "uncompressed"} {
			der := o.run("ecparam", "-name", c.Name, "-param_enc", "explicit", "-conv_form", form, "-outform", "DER")
			if got, err := curve.ParseParameters(der); err != nil || got != c {
				t.Errorf("%s: %v, %v", form, got, err)
			}
		}
		explicit := o.run("ec", "-inform", "DER", "-in", "key.der", "-pubout", "-param_enc", "explicit", "-outform", "DER")
		got, q, err := curve.ParseSPKI(explicit)
		if err != nil || got != c {
			t.Fatalf("%v, %v", got, err)
		}
		if again, err := c.MarshalSPKI(q); err != nil || !bytes.Equal(again, named) {
			t.Errorf("%x became %x, %v", explicit, again, err)
		}
	})
}

func TestOpenSSLVerifiesOurSignatures(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		openssl, k := newOpenSSL(t), generate(t, c)
		spki, err := c.MarshalSPKI(k.Q)
		if err != nil {
			t.Fatal(err)
		}
		openssl.write("pub.der", spki)
		for _, length := range []int{1, 20, 32, 48, 64} {
			digest := bytes.Repeat([]byte{0xA7}, length)
			signature, err := k.Sign(digest)
			if err != nil {
				t.Fatal(err)
			}
			openssl.write("digest", digest)
			openssl.write("signature", signature)
			openssl.run("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "pub.der", "-in", "digest", "-sigfile", "signature")
		}
	})
}

func TestOpenSSLSignsAndWeVerify(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		openssl := newOpenSSL(t)
		d, _ := openssl.generate(c)
		q := newKey(t, c, d).Q
		for _, length := range testrun.Draw(t, []int{1, 20, 32, 48, 64}, 2) {
			digest := bytes.Repeat([]byte{0xA7}, length)
			openssl.write("digest", digest)
			// Four times, so that high and low values of s both occur.
			for range 4 {
				signature := openssl.run("pkeyutl", "-sign", "-keyform", "DER", "-inkey", "key.der", "-in", "digest")
				if !c.Verify(q, digest, signature) {
					t.Errorf("signature %x of a digest of %d bytes does not verify", signature, length)
				}
				digest[0] ^= 0x80
				if c.Verify(q, digest, signature) {
					t.Errorf("signature %x verifies for another digest of %d bytes", signature, length)
				}
				digest[0] ^= 0x80
			}
		}
	})
}

func TestOpenSSLAgreesOnECDH(t *testing.T) {
	forEachCurve(t, func(t *testing.T, c *curve.Curve) {
		openssl, ours := newOpenSSL(t), generate(t, c)
		d, _ := openssl.generate(c)
		spki, err := c.MarshalSPKI(ours.Q)
		if err != nil {
			t.Fatal(err)
		}
		openssl.write("peer.der", spki)
		x := openssl.run("pkeyutl", "-derive", "-keyform", "DER", "-inkey", "key.der", "-peerform", "DER", "-peerkey", "peer.der")

		shared, err := ours.ECDH(newKey(t, c, d).Q)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckPoint(shared); err != nil || !bytes.Equal(shared[1:1+c.FieldLen()], x) {
			t.Errorf("we have %x (%v), OpenSSL has x = %x", shared, err, x)
		}
	})
}
