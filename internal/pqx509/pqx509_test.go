package pqx509_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
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
	"reflect"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"

	"conclave/internal/foreign"
	"conclave/internal/pqx509"
)

func sets() []mldsa.Parameters {
	return []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()}
}

// example is the certificate of RFC 9881 for a parameter set, DER, and its key.
func example(t testing.TB, set mldsa.Parameters) ([]byte, *mldsa.PrivateKey) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", set.String()+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	seed := make([]byte, mldsa.PrivateKeySize)
	for i := range seed {
		seed[i] = byte(i)
	}
	key, err := mldsa.NewPrivateKey(set, seed)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	return block.Bytes, key
}

// TestRFC9881 reads and verifies the certificates of others.
func TestRFC9881(t *testing.T) {
	for _, set := range sets() {
		der, key := example(t, set)
		cert, err := pqx509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if !key.PublicKey().Equal(cert.PublicKey) || pqx509.AlgorithmName(cert.SignatureAlgorithm) != set.String() {
			t.Errorf("%s: its key is a %T, and its signature %v", set, cert.PublicKey, cert.SignatureAlgorithm)
		}
		if err := pqx509.CheckSignatureFrom(cert, cert); err != nil {
			t.Errorf("%s: %v", set, err)
		}
		spki, err := pqx509.MarshalPKIXPublicKey(key.Public())
		if err != nil || !bytes.Equal(spki, cert.RawSubjectPublicKeyInfo) {
			t.Errorf("%s: the key is not written as it is there: %v", set, err)
		}
	}
}

// changed is something signed, DER, after a change to one of its three parts.
func changed(t testing.TB, der []byte, part int, with func([]byte) []byte) []byte {
	t.Helper()
	var parts []asn1.RawValue
	if _, err := asn1.Unmarshal(der, &parts); err != nil {
		t.Fatal(err)
	}
	parts[part].FullBytes = with(bytes.Clone(parts[part].FullBytes))
	der, err := asn1.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func flip(der []byte) []byte {
	der[len(der)-1] ^= 1
	return der
}

// resigned is an object, DER, that says in both places that its algorithm has NULL
// parameters, and is signed so.
func resigned(t testing.TB, o object, oid asn1.ObjectIdentifier, key crypto.Signer) []byte {
	t.Helper()
	null := func(der []byte) []byte { return withNULL(der, oid) }
	var content []byte
	der := changed(t, o.der, 0, func(der []byte) []byte {
		if content = der; o.algorithm >= 0 {
			content = changed(t, der, o.algorithm, null)
		}
		return content
	})
	signature, err := key.Sign(rand.Reader, content, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return changed(t, changed(t, der, 1, null), 2, func([]byte) []byte {
		value, _ := asn1.Marshal(asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)})
		return value
	})
}

// withNULL gives all identifiers of ML-DSA parameters, in a part without a length above 2^16.
func withNULL(der []byte, oid asn1.ObjectIdentifier) []byte {
	bare, _ := asn1.Marshal(pkix.AlgorithmIdentifier{Algorithm: oid})
	null, _ := asn1.Marshal(pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue})
	return bytes.ReplaceAll(der, bare, null)
}

// kinds of keys that sign, and are certified.
func kinds() []string {
	return []string{"P-256", "P-384", "RSA", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"}
}

func newKey(t testing.TB, kind string) (key crypto.Signer) {
	t.Helper()
	var err error
	switch kind {
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		for _, set := range sets() {
			if set.String() == kind {
				key, err = mldsa.GenerateKey(set)
			}
		}
	}
	if err != nil || key == nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return key
}

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Example"}, NotBefore: began, NotAfter: began.AddDate(10, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId: []byte("subject"), AuthorityKeyId: []byte("issuer"),
	}
}

// parent is an issuer with a key.
func parent(public crypto.PublicKey) *x509.Certificate {
	return &x509.Certificate{
		Version: 3, Subject: pkix.Name{CommonName: "Issuer"}, PublicKey: public, SubjectKeyId: []byte("issuer"),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// TestCreateCertificate: every kind of key certifies every other, and what the certificate
// says beside keys and signature is what crypto/x509 writes.
func TestCreateCertificate(t *testing.T) {
	keys := map[string]crypto.Signer{}
	for _, kind := range kinds() {
		keys[kind] = newKey(t, kind)
	}
	classical, err := x509.CreateCertificate(rand.Reader, template(), parent(keys["P-256"].Public()), keys["P-256"].Public(), keys["P-256"])
	if err != nil {
		t.Fatal(err)
	}
	model, err := x509.ParseCertificate(classical)
	if err != nil {
		t.Fatal(err)
	}
	var all []foreign.Signed
	for issuer, signer := range keys {
		for subject, key := range keys {
			der, err := pqx509.CreateCertificate(rand.Reader, template(), parent(signer.Public()), key.Public(), signer)
			if err != nil {
				t.Fatalf("%s for %s: %v", issuer, subject, err)
			}
			cert, err := pqx509.ParseCertificate(der)
			if err != nil {
				t.Fatalf("%s for %s: %v", issuer, subject, err)
			}
			if err := pqx509.CheckSignatureFrom(cert, parent(signer.Public())); err != nil {
				t.Errorf("%s for %s: %v", issuer, subject, err)
			}
			if !cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Errorf("%s for %s: the key is another", issuer, subject)
			}
			if !reflect.DeepEqual(cert.Extensions, model.Extensions) || !bytes.Equal(cert.RawSubject, model.RawSubject) || !bytes.Equal(cert.RawIssuer, model.RawIssuer) {
				t.Errorf("%s for %s: crypto/x509 would say something else", issuer, subject)
			}
			all = append(all, signedBy(t, signer, cert.RawTBSCertificate, cert.Signature))
		}
	}
	for i, good := range foreign.NodeVerifies(t, all) {
		if !good {
			t.Errorf("OpenSSL does not verify the signature of certificate %d", i)
		}
	}
}

// signedBy is for others to verify.
func signedBy(t testing.TB, signer crypto.Signer, content, signature []byte) foreign.Signed {
	t.Helper()
	spki, err := pqx509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	hash := ""
	switch key := signer.Public().(type) {
	case *rsa.PublicKey:
		hash = "sha256"
	case *ecdsa.PublicKey:
		hash = fmt.Sprint("sha", key.Params().BitSize)
	}
	return foreign.Signed{Key: spki, Hash: hash, Content: content, Signature: signature}
}

// TestKeysOfOthers: OpenSSL signs what is made here, and what it has signed is taken.
func TestKeysOfOthers(t *testing.T) {
	for _, kind := range []string{"ml-dsa-44", "ml-dsa-65", "ml-dsa-87"} {
		key := foreign.NewNodeKey(t, kind)
		for _, o := range objects(t, key) {
			if err := o.check(o.der, key.Public()); err != nil {
				t.Errorf("%s %s: %v", kind, o.name, err)
			}
		}
	}
}

// TestSubjectKeyID is of the key, and not of one that stood in for it.
func TestSubjectKeyID(t *testing.T) {
	key := newKey(t, "ML-DSA-65")
	made := template()
	made.SubjectKeyId = nil
	var ids [][]byte
	for range 2 {
		der, err := pqx509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := pqx509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, cert.SubjectKeyId)
	}
	if len(ids[0]) != 20 || !bytes.Equal(ids[0], ids[1]) {
		t.Errorf("%x, %x", ids[0], ids[1])
	}
}

// object is something signed, and how it is verified with a key.
type object struct {
	name      string
	der       []byte
	algorithm int // the field of its content that says what signs; -1 for none
	check     func(der []byte, public crypto.PublicKey) error
}

// objects are a certificate, a CRL and a request that a key has signed.
func objects(t testing.TB, key crypto.Signer) []object {
	t.Helper()
	certificate, err := pqx509.CreateCertificate(rand.Reader, template(), parent(key.Public()), key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	crl, err := pqx509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(5), RevocationTime: began, ReasonCode: 1}}}, parent(key.Public()), key)
	if err != nil {
		t.Fatal(err)
	}
	request, err := pqx509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "Example"}, DNSNames: []string{"example.com"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return []object{
		{"certificate", certificate, 2, func(der []byte, public crypto.PublicKey) error {
			cert, err := pqx509.ParseCertificate(der)
			if err != nil {
				return err
			}
			return pqx509.CheckSignatureFrom(cert, parent(public))
		}},
		{"CRL", crl, 1, func(der []byte, public crypto.PublicKey) error {
			crl, err := pqx509.ParseRevocationList(der)
			if err != nil {
				return err
			}
			return pqx509.CheckRevocationListSignatureFrom(crl, parent(public))
		}},
		{"request", request, -1, func(der []byte, public crypto.PublicKey) error {
			request, err := pqx509.ParseCertificateRequest(der)
			if err != nil {
				return err
			}
			return pqx509.CheckSignature(&x509.Certificate{PublicKey: public}, request.SignatureAlgorithm, request.RawTBSCertificateRequest, request.Signature)
		}},
	}
}

// TestForged: what the key has not signed is refused, and so is what names its algorithm in
// another way than RFC 9881 section 2.
func TestForged(t *testing.T) {
	oids := map[string]asn1.ObjectIdentifier{"ML-DSA-44": {2, 16, 840, 1, 101, 3, 4, 3, 17}, "ML-DSA-65": {2, 16, 840, 1, 101, 3, 4, 3, 18}, "ML-DSA-87": {2, 16, 840, 1, 101, 3, 4, 3, 19}}
	for kind, oid := range oids {
		key := newKey(t, kind)
		for _, o := range objects(t, key) {
			if err := o.check(o.der, key.Public()); err != nil {
				t.Errorf("%s %s: %v", kind, o.name, err)
			}
			for _, other := range kinds() {
				if err := o.check(o.der, newKey(t, other).Public()); err == nil {
					t.Errorf("%s %s is taken to be signed by another key, %s", kind, o.name, other)
				}
			}
			for what, der := range map[string][]byte{
				"changed":              changed(t, o.der, 0, flip),
				"with another end":     changed(t, o.der, 2, flip),
				"with no signature":    changed(t, o.der, 2, func([]byte) []byte { return []byte{3, 1, 0} }),
				"with NULL parameters": changed(t, o.der, 1, func(der []byte) []byte { return withNULL(der, oid) }),
				"signed with NULL":     resigned(t, o, oid, key),
			} {
				if err := o.check(der, key.Public()); err == nil {
					t.Errorf("%s %s, %s, is taken", kind, o.name, what)
				}
			}
		}
	}
}

// TestDamagedKey: nothing is read of a certificate or a request whose ML-DSA key is none.
func TestDamagedKey(t *testing.T) {
	key := newKey(t, "ML-DSA-65")
	for _, o := range objects(t, key) {
		if o.name == "CRL" {
			continue
		}
		place := map[string]int{"certificate": 6, "request": 2}[o.name]
		der := changed(t, o.der, 0, func(content []byte) []byte {
			return changed(t, content, place, func(spki []byte) []byte {
				return changed(t, spki, 1, func([]byte) []byte { return []byte{3, 2, 0, 1} })
			})
		})
		if cert, err := pqx509.ParseCertificate(der); cert != nil || err == nil {
			t.Errorf("%s: it is read as a certificate: %v", o.name, err)
		}
		if request, err := pqx509.ParseCertificateRequest(der); request != nil || err == nil {
			t.Errorf("%s: it is read as a request: %v", o.name, err)
		}
	}
	if key, err := pqx509.ParsePKIXPublicKey([]byte{0x30, 0x11, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12, 0x03, 0x02, 0x00, 0x01}); key != nil || err == nil {
		t.Errorf("a key of one byte is a %T, %v", key, err)
	}
}

// TestParametersOfKey refuses a key with parameters, which must be absent.
func TestParametersOfKey(t *testing.T) {
	spki, err := pqx509.MarshalPKIXPublicKey(newKey(t, "ML-DSA-65").Public())
	if err != nil {
		t.Fatal(err)
	}
	spki = changed(t, spki, 0, func(der []byte) []byte { return withNULL(der, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}) })
	if _, err := pqx509.ParsePKIXPublicKey(spki); err == nil || !strings.Contains(err.Error(), "illegal parameters") {
		t.Errorf("%v", err)
	}
}

// broken is a signer that does not do what was asked for.
type broken struct {
	crypto.Signer
	sign func(message []byte) ([]byte, error)
}

func (b broken) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return b.sign(message)
}

// TestSigner is asked once, for the whole content, without a hash; what it returns is
// verified.
func TestSigner(t *testing.T) {
	key := newKey(t, "ML-DSA-65").(*mldsa.PrivateKey)
	create := func(signer crypto.Signer, made *x509.Certificate, issuer *x509.Certificate) error {
		_, err := pqx509.CreateCertificate(rand.Reader, made, issuer, key.Public(), signer)
		return err
	}
	asked := 0
	honest := broken{key, func(message []byte) ([]byte, error) {
		asked++
		return key.Sign(nil, message, crypto.Hash(0))
	}}
	if err := create(honest, template(), parent(key.Public())); err != nil || asked != 1 {
		t.Errorf("it was asked %d times: %v", asked, err)
	}
	failure := errors.New("the device is gone")
	wrong := template()
	wrong.SignatureAlgorithm = pqx509.MLDSA87
	for want, err := range map[string]error{
		"not a signature of its key": create(broken{key, func([]byte) ([]byte, error) { return make([]byte, mldsa.MLDSA65SignatureSize), nil }}, template(), parent(key.Public())),
		failure.Error():              create(broken{key, func([]byte) ([]byte, error) { return nil, failure }}, template(), parent(key.Public())),
		"ML-DSA-87 is to be signed with, but the signer's key is ML-DSA-65": create(key, wrong, parent(key.Public())),
		"the signer's key is not the parent's":                              create(key, template(), parent(newKey(t, "ML-DSA-65").Public())),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
}

// TestNotACA: a parent that may not issue has issued nothing, whatever it has signed.
func TestNotACA(t *testing.T) {
	key := newKey(t, "ML-DSA-44")
	for _, o := range objects(t, key)[:2] {
		var refusal error
		issuer := parent(key.Public())
		issuer.KeyUsage = x509.KeyUsageDigitalSignature
		if cert, err := pqx509.ParseCertificate(o.der); err == nil {
			refusal = pqx509.CheckSignatureFrom(cert, issuer)
		} else if crl, err := pqx509.ParseRevocationList(o.der); err == nil {
			refusal = pqx509.CheckRevocationListSignatureFrom(crl, issuer)
		}
		if refusal == nil || !strings.Contains(refusal.Error(), "parent certificate cannot sign") {
			t.Errorf("%s: %v", o.name, refusal)
		}
	}
}

// TestClassical: crypto/x509 alone has no key for what this package reads. When it has, this
// package can go.
func TestClassical(t *testing.T) {
	der, _ := example(t, mldsa.MLDSA65())
	cert, err := x509.ParseCertificate(der)
	if err != nil || cert.PublicKey != nil || fmt.Sprint(cert.SignatureAlgorithm) != "0" {
		t.Errorf("crypto/x509 has a %T, signed with %v, %v: is this package still needed?", cert.PublicKey, cert.SignatureAlgorithm, err)
	}
}
