package ca_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

// request lets OpenSSL make a request, PEM.
func request(t testing.TB, subject string, extensions ...string) []byte {
	t.Helper()
	f := newFolder(t)
	args := []string{"req", "-new", "-utf8", "-key", f.key("key", newKey(t)), "-subj", subject}
	for _, e := range extensions {
		args = append(args, "-addext", e)
	}
	return []byte(mustRun(t, "openssl", args...))
}

const planned = "/C=CH/ST=Bern/L=Thun/O=Beispiel & Söhne/CN=Example subordinate"

// TestCheckRequest accepts what OpenSSL makes, and names what it should not have
// asked for.
func TestCheckRequest(t *testing.T) {
	foreign.Need(t, "openssl")
	limited := constrained(ca.Subordinate)
	limited.ExtKeyUsage, limited.Policies = []string{"serverAuth", "clientAuth"}, []string{"1.2.3.4"}
	unlimited := spec(ca.Subordinate)
	for _, tc := range []struct {
		spec       ca.Spec
		subject    string
		extensions []string
		want       string // "" for good
	}{
		{limited, planned, nil, ""},
		{limited, "/CN=Example subordinate/O=Beispiel & Söhne/ST=Bern/L=Thun/C=CH", nil, ""},
		{limited, "/", nil, ""},
		{limited, planned, []string{
			"basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign", "extendedKeyUsage=serverAuth,clientAuth",
			"nameConstraints=critical,permitted;DNS:example.com,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::",
			"certificatePolicies=1.2.3.4", "subjectKeyIdentifier=hash",
		}, ""},
		{limited, planned, []string{"basicConstraints=CA:TRUE", "keyUsage=keyCertSign,cRLSign,digitalSignature"}, ""},
		{limited, planned, []string{"extendedKeyUsage=clientAuth,serverAuth"}, ""},
		{limited, planned, []string{"1.3.6.1.4.1.311.21.1=DER:020100"}, ""},
		{limited, "/CN=Example subordinate", nil, "its subject is CN=Example subordinate, but CN=Example subordinate,O=Beispiel"},
		{limited, planned + "/OU=more", nil, "its subject is OU=more,"},
		{limited, planned, []string{"basicConstraints=CA:FALSE"}, "it asks for basicConstraints (no CA), but planned is a CA with path length 0: leave it out with --leave-out basicConstraints (in a plan: leaveOut)"},
		{limited, planned, []string{"basicConstraints=CA:TRUE,pathlen:1"}, "but planned is a CA with path length 0: follow it with --path-len 1 (in a plan: pathLen), or leave it out"},
		{unlimited, planned, []string{"basicConstraints=critical,CA:TRUE,pathlen:0"}, "it asks for basicConstraints (a CA with path length 0, critical), but planned is a CA with any path length: follow it with --path-len 0"},
		{limited, planned, []string{"keyUsage=digitalSignature"}, "it asks for keyUsage (digitalSignature), but planned is keyCertSign, cRLSign: leave"},
		{limited, planned, []string{"extendedKeyUsage=codeSigning"}, "it asks for extKeyUsage (codeSigning), but planned is serverAuth, clientAuth: follow it with --usage codeSigning (in a plan: extKeyUsage), or"},
		{unlimited, planned, []string{"extendedKeyUsage=codeSigning"}, "it asks for extKeyUsage (codeSigning), which the certificate will not have: follow it with --usage codeSigning"},
		{limited, planned, []string{"nameConstraints=permitted;DNS:example.org"}, "it asks for nameConstraints (permitted dns example.org), but planned is permitted dns example.com, excluded ip 0.0.0.0/0,::/0: follow it with --permit-dns example.org (in a plan: nameConstraints), or"},
		{limited, planned, []string{"subjectAltName=DNS:www.example.com"}, "it asks for subjectAltName (DNS www.example.com), which the certificate will not have: leave it out with --leave-out subjectAltName (in a plan: leaveOut)"},
		{limited, planned, []string{"certificatePolicies=1.2.3.4,1.2.3.5"}, "it asks for certificatePolicies (1.2.3.4, 1.2.3.5), but planned is 1.2.3.4: follow it with --policy 1.2.3.4,1.2.3.5"},
		{unlimited, planned, []string{"certificatePolicies=DER:301e301c06022a033016301406082b060105050702011608687474703a2f2f78"}, "(1.2.3), which the certificate will not have: leave it out"}, // with a qualifier
		{unlimited, planned, []string{"nameConstraints=permitted;DNS:.example.com"}, "(permitted dns .example.com), which the certificate will not have: leave it out"},                          // without example.com itself
		{unlimited, planned, []string{"nameConstraints=permitted;DNS:example.com,permitted;URI:.example.com"}, "(permitted dns example.com), which the certificate will not have: leave it out"},
		{limited, planned, []string{"crlDistributionPoints=URI:http://x.example/a.crl"}, "it asks for cRLDistributionPoints (http://x.example/a.crl), which"},
		{limited, planned, []string{"authorityInfoAccess=OCSP;URI:http://x.example/ocsp"}, "it asks for authorityInfoAccess (http://x.example/ocsp), which"},
		{limited, planned, []string{"subjectAltName=email:a@example.com,URI:spiffe://cluster.local/ns/a,IP:192.0.2.1,RID:1.2.3,otherName:1.2.3;UTF8:x"},
			"it asks for subjectAltName (email a@example.com, URI spiffe://cluster.local/ns/a, IP 192.0.2.1, 2 bytes of another kind, a name of another kind, 9 bytes), which"},
		{limited, planned, []string{"subjectAltName=" + strings.Repeat("DNS:"+strings.Repeat("a", 300)+",", 9) + "DNS:b"}, strings.Repeat("a", 196) + "… and 2 more), which"},
		{limited, planned, []string{"2.25.329800735698586629295641978511506172918=DER:0500"}, "it asks for 2.25.329800735698586629295641978511506172918 (2 bytes), which the certificate will not have: leave it out with --leave-out 2.25.329800735698586629295641978511506172918"},
		{limited, planned, []string{"1.2.3.4.5=DER:0500"}, "it asks for 1.2.3.4.5 (2 bytes), which the certificate will not have: leave it out with --leave-out 1.2.3.4.5"},
	} {
		content := request(t, tc.subject, tc.extensions...)
		asked, err := ca.CheckRequest(content, tc.spec)
		if tc.want != "" {
			mustSay(t, tc.subject, err, tc.want)
			continue
		}
		if err != nil {
			t.Errorf("%s, %q: %v", tc.subject, tc.extensions, err)
			continue
		}
		block, _ := pem.Decode(content)
		if again, err := ca.CheckRequest(block.Bytes, tc.spec); err != nil || !asked.Public.(*ecdsa.PublicKey).Equal(again.Public) {
			t.Errorf("%s: as DER: %v", tc.subject, err)
		}
	}
}

// TestCheckRequestForm refuses what is not a good request at all.
func TestCheckRequestForm(t *testing.T) {
	foreign.Need(t, "openssl")
	good := request(t, planned)
	block, _ := pem.Decode(good)
	forged := bytes.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf("1.2.3.%d=DER:0500", i))
	}
	for _, tc := range []struct {
		content []byte
		want    string
	}{
		{nil, "request: the file is empty; a request (PKCS #10) was expected"},
		{[]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), "ALARM: it holds a key store of Java, which is for private keys. If someone has sent it"},
		{[]byte("PuTTY-User-Key-File-3: ecdsa"), "ALARM: it holds a private key of PuTTY. If"},
		{[]byte("dear all"), "request: it is neither DER nor PEM nor base64; a request (PKCS #10) was expected"},
		{append(bytes.Clone(block.Bytes), 0), "request: there is more after it, 1 bytes; a request (PKCS #10) alone was expected"},
		{append(bytes.Clone(good), good...), "there are 2 things in it, a request (PKCS #10), a request (PKCS #10)…; a request (PKCS #10) alone was expected"},
		{newAuthority(t, ca.Root, newKey(t)).Certificate.Raw, "it is a certificate; a request (PKCS #10) was expected: ask for the request"},
		{forged, "request: it is not signed with its own key"},
		{bytes.Replace(block.Bytes, []byte{0x31, 11, 0x30, 9}, []byte{0x30, 11, 0x30, 9}, 1), "request: its subject is not a distinguished name"},
		{bytes.Replace(block.Bytes, []byte{2, 1, 0}, []byte{4, 1, 0}, 1), "request: it is not PKCS #10 (RFC 2986), or is damaged"},
		{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: append(bytes.Clone(block.Bytes), 0)}), "it is not PKCS #10"},
		{request(t, planned, many...), "it asks for 101 extensions; 100 at most were expected"},
		{request(t, planned, "1.2"+strings.Repeat(".3", 320)+"=DER:0500"), "an extension's object identifier has 321 bytes; 320 at most were expected"},
		{[]byte(mustRun(t, "openssl", "req", "-new", "-newkey", "rsa:1024", "-nodes", "-keyout", newFolder(t).dir+"/k", "-subj", "/CN=x", "-batch")), "RSA with 1024 bits"},
	} {
		_, err := ca.CheckRequest(dropChatter(tc.content), spec(ca.Subordinate))
		mustSay(t, "CheckRequest", err, tc.want)
	}
}

// dropChatter removes the dots that OpenSSL prints while it makes an RSA key.
func dropChatter(content []byte) []byte {
	if i := bytes.Index(content, []byte("-----BEGIN")); i > 0 {
		return content[i:]
	}
	return content
}

// TestCheckRequestCross takes a request of the other root's key alone.
func TestCheckRequestCross(t *testing.T) {
	other := newAuthority(t, ca.Root, newKey(t)).Certificate
	s := ca.Spec{Profile: ca.Cross, NotBefore: began, NotAfter: began.AddDate(1, 0, 0), Existing: other.Raw}
	_, err := ca.CheckRequest(request(t, planned), s)
	mustSay(t, "CheckRequest", err, "its name and key are not those of the root that is cross-signed")
	a := newAuthority(t, ca.CABFRoot, newKey(t))
	_, err = a.Prepare(s, newKey(t).Public())
	mustSay(t, "Prepare", err, "key: it is not that of the root that is cross-signed")
}

// TestThrowAwayKey makes keys of the same kind and size.
func TestThrowAwayKey(t *testing.T) {
	for _, kind := range []string{"P-256", "P-384", "P-521", "rsa2048"} {
		public := makeKeys(t, kind)[0].Public()
		key, err := ca.ThrowAwayKey(public)
		if err != nil {
			t.Fatal(err)
		}
		switch k := key.Public().(type) {
		case *ecdsa.PublicKey:
			if k.Curve != public.(*ecdsa.PublicKey).Curve || k.Equal(public) {
				t.Errorf("%s: a key on %s, or the same", kind, k.Curve.Params().Name)
			}
		case *rsa.PublicKey:
			if k.Size() != public.(*rsa.PublicKey).Size() || k.Equal(public) {
				t.Errorf("%s: a key of %d bytes, or the same", kind, k.Size())
			}
		}
	}
	_, err := ca.ThrowAwayKey(ed25519.PublicKey{})
	mustSay(t, "ThrowAwayKey", err, "RSA, ECDSA or ML-DSA was expected")
	_, err = ca.ThrowAwayKey(longKey())
	mustSay(t, "ThrowAwayKey", err, "RSA with 20000 bits; 4096 at most were expected")
}

// longKey is an RSA key with which no signature is verified.
func longKey() *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), 19_999)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

// longRequest is a request for it, which no one has signed.
func longRequest(t *testing.T) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(longKey())
	if err != nil {
		t.Fatal(err)
	}
	type info struct { // RFC 2986 section 4.1
		Version       int
		Subject, SPKI asn1.RawValue
		Attributes    []asn1.RawValue `asn1:"tag:0"`
	}
	der, err := asn1.Marshal(struct {
		Info      info
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		info{Subject: asn1.RawValue{FullBytes: []byte{0x30, 0}}, SPKI: asn1.RawValue{FullBytes: spki}},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue}, // sha256WithRSAEncryption
		asn1.BitString{Bytes: make([]byte, 2500), BitLength: 20_000},
	})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestLongKeys are refused before anything is verified with them.
func TestLongKeys(t *testing.T) {
	const want = "key: RSA with 20000 bits; 16384 at most were expected"
	_, err := ca.CheckRequest(longRequest(t), spec(ca.Subordinate))
	mustSay(t, "CheckRequest", err, "key: RSA with 20000 bits; 2048 to 4096 and a multiple of 8 was expected")
	a := newAuthority(t, ca.Root, newKey(t))
	der, err := x509.CreateCertificate(rand.Reader, a.Certificate, a.Certificate, longKey(), a.Signer)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ca.ParseCertificate(der)
	mustSay(t, "ParseCertificate", err, want)
	mustSay(t, "Check", ca.Spec{Profile: ca.Cross, Existing: der}.Check(), "existing: the certificate of the root that is cross-signed, DER, was expected: "+want)
}

// TestLongFiles are not looked into, and names in them not shown.
func TestLongFiles(t *testing.T) {
	_, err := ca.ParseCertificate(make([]byte, ca.MaxFile+1))
	mustSay(t, "ParseCertificate", err, "131073 bytes; 131072 at most were expected")
	_, err = ca.CheckRequest(make([]byte, ca.MaxFile+1), spec(ca.Subordinate))
	mustSay(t, "CheckRequest", err, "131073 bytes; 131072 at most were expected")
	subject := pkix.Name{}
	for range ca.MaxName / 11 {
		subject.ExtraNames = append(subject.ExtraNames, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "x"})
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = ca.CheckRequest(der, spec(ca.Subordinate))
	mustSay(t, "CheckRequest", err, "its subject is a name of 17872 bytes")
}

// FuzzCheckRequest wants a key that was accepted to be one that Prepare takes,
// and PEM to be as good as DER.
func FuzzCheckRequest(f *testing.F) {
	a := newAuthority(f, ca.Root, newKey(f))
	s := constrained(ca.Subordinate)
	f.Fuzz(func(t *testing.T, content []byte) {
		request, err := ca.CheckRequest(content, s)
		if err != nil {
			if request != nil || strings.TrimSpace(err.Error()) == "" {
				t.Errorf("%v beside the error %v", request, err)
			}
			return
		}
		if _, err := ca.TBS(withSerial(t, s), request.Public, a.Certificate, a.Publication); err != nil {
			t.Errorf("the key was accepted, and is refused: %v", err)
		}
		var der asn1.RawValue
		if rest, err := asn1.Unmarshal(content, &der); err == nil && len(rest) == 0 && der.Tag == asn1.TagSequence {
			wrapped := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: content})
			if _, err := ca.CheckRequest(wrapped, s); err != nil {
				t.Errorf("as PEM: %v", err)
			}
		}
	})
}

func withSerial(t testing.TB, s ca.Spec) ca.Spec {
	s.Serial = serial(t, "f000000000000001")
	return s
}

// TestBadKeys: what keycheck's tests refuse a request for, this package refuses to
// certify for every profile, and says why before anything is signed.
func TestBadKeys(t *testing.T) {
	why := map[string]string{
		"rsa-even": "is even", "rsa-prime": "is a prime number", "rsa-factor-3": "can be divided by 3;",
		"rsa-factor-20-bits": "can be divided by 1048573;", "rsa-factor-22-bits": "a prime factor so short",
		"rsa-smooth": "a p-1 of small factors", "rsa-square": "are so close", "rsa-cube": "is the power of a prime number",
		"rsa-close": "are so close", "rsa-infineon": "Infineon's chips made", "rsa-1024-bits": "RSA with 1024 bits",
		"rsa-2040-bits": "RSA with 2040 bits", "rsa-2047-bits": "RSA with 2047 bits", "rsa-2049-bits": "RSA with 2049 bits",
		"rsa-4104-bits": "RSA with 4104 bits", "rsa-exponent-1": "its RSA exponent is 1;", "rsa-exponent-3": "its RSA exponent is 3;",
		"rsa-exponent-even": "its RSA exponent is 65538;", "rsa-exponent-32-bits": "its RSA exponent is 4294967291;",
		"ec-p224": "ECDSA on secp224r1", "ec-private-1": "its private key is 1", "ec-off-curve": "not on curve",
		"ec-infinity": "not on curve", "ec-secp256k1": "ECDSA on secp256k1",
	}
	files, err := filepath.Glob(badKeys + "*-*.pem")
	if err != nil || len(files) != len(why)+1 { // and the root
		t.Errorf("%d files, %v; %d were expected", len(files), err, len(why)+1)
	}
	for name, want := range why {
		content, err := os.ReadFile(badKeys + name + ".pem")
		if err != nil {
			t.Fatal(err)
		}
		_, err = ca.CheckRequest(content, spec(ca.Subordinate))
		mustSay(t, name, err, want)
	}
}

// badKeys is where requests for bad keys are.
const badKeys = "../internal/keycheck/testdata/"

// TestPrimeModulus is refused for every profile, as a request's key, as a root's
// that signs itself, as one that is cross-signed, and as the issuer's.
func TestPrimeModulus(t *testing.T) {
	const want = "its RSA modulus is a prime number"
	content, err := os.ReadFile(badKeys + "rsa-prime.pem")
	if err != nil {
		t.Fatal(err)
	}
	root, err := ca.ReadCertificate(badKeys + "prime-root.pem")
	if err != nil {
		t.Fatal(err)
	}
	good := newAuthority(t, ca.CABFRoot, newKey(t))
	bad := ca.Authority{Signer: publicOnly{root.PublicKey}, Publication: published(), Ledger: newMemory(), Linter: zlint.Linter{}}
	for _, profile := range []ca.Profile{
		ca.Root, ca.CABFRoot, ca.Subordinate, ca.CABFSubordinate, ca.OCSP, ca.CABFOCSP, ca.Cross, ca.CABFCross,
	} {
		s, issuer := spec(profile), good
		switch profile {
		case ca.Root, ca.CABFRoot:
			issuer = bad
		case ca.Cross, ca.CABFCross:
			s.Existing, s.Subject = root.Raw, ca.Name{}
		}
		_, err := ca.CheckRequest(content, s)
		mustSay(t, "CheckRequest "+string(profile), err, want)
		_, err = issuer.Prepare(s, root.PublicKey)
		mustSay(t, "Prepare "+string(profile), err, want)
	}
	_, err = bad.PrepareRenewal(root, ca.Renewal{NotBefore: began, NotAfter: began.AddDate(1, 0, 0)})
	mustSay(t, "PrepareRenewal", err, want)
	bad.Certificate = root
	_, err = bad.Prepare(spec(ca.Subordinate), newKey(t).Public())
	mustSay(t, "Prepare", err, "issuer: key: "+want)
}

// publicOnly is a signer that is never asked to sign.
type publicOnly struct{ public crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.public }

func (publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("it was asked to sign")
}
