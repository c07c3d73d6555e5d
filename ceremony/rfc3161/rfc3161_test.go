package rfc3161

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

var content = []byte("the head of a transcript\n")

func TestRequest(t *testing.T) {
	first, err := Request(content)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Request(content)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, second) {
		t.Error("two requests have the same nonce")
	}
	request, err := timestamp.ParseRequest(first)
	if err != nil || !request.Certificates || request.Nonce == nil {
		t.Errorf("request is %+v, %v; certReq and a nonce were expected", request, err)
	}
}

func TestVerifyAgreesWithOpenSSL(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "good", "sub", "good", "20200101", "20981231")
	a.issue(t, "short", "sub", "good", "20200101", "20210101")
	for _, extensions := range []string{"eku-none", "eku-not-critical", "eku-two"} {
		a.issue(t, extensions, "sub", extensions, "20200101", "20981231")
	}
	now, y2019, y2099 := time.Now(), time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 6, 1, 0, 0, 0, 0, time.UTC)
	good := a.stamp(t, "good", content)
	for _, c := range []struct {
		name    string
		answer  []byte
		content string
		root    string
		at      time.Time // at which OpenSSL checks the chain: that of the stamp
		want    error
	}{
		{"good", good, string(content), "root", now, nil},
		{"the CA as a root", good, string(content), "sub", now, nil},
		{"other content", good, "another head\n", "root", now, ErrContent},
		{"other root", good, string(content), "other", now, ErrCertificate},
		{"signed with an expired certificate", a.stamp(t, "short", content), string(content), "root", now, ErrSignature},
		{"stamps a time after it expired", a.forge(t, "good", content, y2099), string(content), "root", y2099, ErrCertificate},
		{"stamps a time before it was issued", a.forge(t, "good", content, y2019), string(content), "root", y2019, ErrCertificate},
		{"no extended key usage", a.forge(t, "eku-none", content, now), string(content), "root", now, ErrCertificate},
		{"usage not critical", a.forge(t, "eku-not-critical", content, now), string(content), "root", now, ErrCertificate},
		{"a second usage", a.forge(t, "eku-two", content, now), string(content), "root", now, ErrCertificate},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Verify(c.answer, []byte(c.content), a.roots(t, c.root))
			if !errors.Is(err, c.want) {
				t.Errorf("%v; expected %v", err, c.want)
			}
			judged := a.judge(t, c.answer, []byte(c.content), c.root, c.at)
			// OpenSSL wants a chain to a self-signed root.
			if c.root != "sub" && (judged == nil) != (c.want == nil) {
				t.Errorf("OpenSSL says %v; expected %v", judged, c.want)
			}
		})
	}
}

func TestStamp(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "good", "sub", "good", "20200101", "20981231")
	before := time.Now().Truncate(time.Second)
	answer := a.stamp(t, "good", content)
	a.run(t, "ts", "-reply", "-in", "answer.tsr", "-token_out", "-out", "token.der")
	for _, form := range [][]byte{answer, a.read(t, "token.der")} {
		stamp, err := Verify(form, content, a.roots(t, "root"))
		if err != nil {
			t.Fatal(err)
		}
		if stamp.TSA != "CN=good" || stamp.Serial.Int64() != 0x0a02 || stamp.Time.Before(before) || stamp.Time.After(time.Now()) {
			t.Errorf("stamp is %+v; CN=good, serial 0x0a02 and now were expected", stamp)
		}
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(a.dir, "root.pem"))
	if _, err := Verify(answer, content, nil); !errors.Is(err, ErrCertificate) {
		t.Errorf("without roots: %v; the system's must not stand in for them", err)
	}
}

// TestTwin has a token name another certificate for the key that signed it,
// which no signature prevents: the signed attributes do.
func TestTwin(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "good", "sub", "good", "20200101", "20981231")
	a.certify(t, "twin", "good", "sub", "good", "20200101", "20981231")
	named := func(name string) []byte {
		c := a.certificate(t, name)
		serial, err := asn1.Marshal(c.SerialNumber)
		if err != nil {
			t.Fatal(err)
		}
		return append(bytes.Clone(c.RawIssuer), serial...)
	}
	a.write(t, "both.pem", append(a.read(t, "sub.pem"), a.read(t, "twin.pem")...))
	answer := a.stamp(t, "good", content, "-chain", "both.pem")
	if _, err := Verify(answer, content, a.roots(t, "root")); err != nil {
		t.Fatal(err)
	}
	twin := bytes.Replace(answer, named("good"), named("twin"), 1)
	if _, err := Verify(twin, content, a.roots(t, "root")); !errors.Is(err, ErrCertificate) {
		t.Errorf("%v; expected %v", err, ErrCertificate)
	}
	if a.judge(t, twin, content, "root", time.Now()) == nil {
		t.Error("OpenSSL accepts the twin")
	}
}

// TestExpiredSince has an answer of OpenSSL's whose certificate was valid for a
// minute: it stays good.
func TestExpiredSince(t *testing.T) {
	a := newAuthority(t)
	answer, pem := testdata(t, "expired.tsr"), testdata(t, "expired-root.pem")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	stamp, err := Verify(answer, content, roots)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, "expired-root.pem", pem)
	if err := a.judge(t, answer, content, "expired-root", stamp.Time); err != nil {
		t.Error(err)
	}
	if err := a.judge(t, answer, content, "expired-root", stamp.Time.Add(time.Hour)); err == nil {
		t.Error("the certificate is valid an hour later; one that has expired was expected")
	}
}

func testdata(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestRefusedAnswer(t *testing.T) {
	answer, err := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadRequest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(answer, content, x509.NewCertPool()); err == nil {
		t.Error("an authority's refusal is a stamp")
	}
}

// TestLongKeys are in a token and among the roots: nothing is verified with them.
func TestLongKeys(t *testing.T) {
	a := newAuthority(t)
	a.issue(t, "good", "sub", "good", "20200101", "20981231")
	modulus := new(big.Int).Lsh(big.NewInt(1), 19_999)
	key := &rsa.PublicKey{N: modulus.SetBit(modulus, 0, 1), E: 65537}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := a.certificate(t, "root")
	der, err := x509.CreateCertificate(rand.Reader, root, &x509.Certificate{Subject: root.Subject}, key, signer)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.write(t, "long.pem", append(a.read(t, "sub.pem"), text...))
	const want = "RSA with 20000 bits; 16384 at most were expected"
	if _, err := Verify(a.stamp(t, "good", content, "-chain", "long.pem"), content, a.roots(t, "root")); !errors.Is(err, ErrCertificate) || !strings.Contains(err.Error(), want) {
		t.Errorf("in a token: %v; %q was expected", err, want)
	}
	if _, err := Roots(append(a.read(t, "root.pem"), text...)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("among the roots: %v; %q was expected", err, want)
	}
}

// TestRoots passes over what is not a root, however much of it there is.
func TestRoots(t *testing.T) {
	block := []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
	many := bytes.Repeat(block, 100_000)
	if _, err := Roots(many); err == nil || err.Error() != "there is no certificate in it; PEM was expected" {
		t.Errorf("a hundred thousand that are not certificates: %v", err)
	}
	roots, err := Roots(append(many, testdata(t, "expired-root.pem")...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(testdata(t, "expired.tsr"), content, roots); err != nil {
		t.Errorf("a root after them: %v", err)
	}
	if _, err := Verify(make([]byte, maxToken+1), content, roots); err == nil || !strings.Contains(err.Error(), "131072 at most were expected") {
		t.Errorf("a long token: %v", err)
	}
}

// FuzzVerify looks for a panic, and for a second form of a good stamp: the one in
// testdata is good.
func FuzzVerify(f *testing.F) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(testdata(f, "expired-root.pem"))
	good := testdata(f, "expired.tsr")
	if _, err := Verify(good, content, roots); err != nil {
		f.Fatal(err)
	}
	token, err := unwrap(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Verify(b, content, roots); err != nil {
			return
		}
		if again, err := unwrap(b); err != nil || !bytes.Equal(again, token) {
			t.Errorf("%x is another form of the stamp", b)
		}
	})
}
