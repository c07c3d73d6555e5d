package adopt_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"

	"conclave/ca/adopt"
)

func newMLDSA(t testing.TB, set mldsa.Parameters) *mldsa.PrivateKey {
	t.Helper()
	key, err := mldsa.GenerateKey(set)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// flipped is something signed, DER, with another last bit.
func flipped(der []byte) []byte {
	der = bytes.Clone(der)
	der[len(der)-1] ^= 1
	return der
}

// TestMLDSACertificates takes what an issuer has signed with an ML-DSA key, and leaves what
// it has not.
func TestMLDSACertificates(t *testing.T) {
	i := newIssuerWith(t, "Root", newMLDSA(t, mldsa.MLDSA65()))
	good := i.issue(t, 0x1001)
	files := map[string][]byte{
		"bit.pem": flipped(i.issue(t, 0x1002).Raw),
		"key.pem": newIssuerWith(t, "Root", newMLDSA(t, mldsa.MLDSA65())).issue(t, 0x1003).Raw,
		"set.pem": newIssuerWith(t, "Root", newMLDSA(t, mldsa.MLDSA44())).issue(t, 0x1004).Raw,
	}
	all := found(good)
	for name, der := range files {
		read, _, err := adopt.ReadCertificates(write(t, name, der))
		if err != nil || len(read) != 1 {
			t.Fatalf("%s: %d certificates, %v", name, len(read), err)
		}
		all = append(all, read[0])
	}
	adoption, findings, err := adopt.Source{Issuer: i.cert, Certificates: all}.Merge(now)
	if err != nil {
		t.Fatal(err)
	}
	if len(adoption.Certificates) != 2 || !adoption.Certificates[1].Equal(good) {
		t.Errorf("%d certificates are taken; the issuer's and one more were expected", len(adoption.Certificates))
	}
	for name := range files {
		if !strings.Contains(strings.Join(findings, "\n"), name+": it names CN=Root as its issuer, but is not signed with the key of that certificate; left") {
			t.Errorf("%s: %q", name, findings)
		}
	}
}

// version1 is a CRL without extensions that a key signs, as `openssl ca` makes it, DER.
func version1(t testing.TB, i issuer, oid asn1.ObjectIdentifier) []byte {
	t.Helper()
	algorithm := pkix.AlgorithmIdentifier{Algorithm: oid}
	tbs, err := asn1.Marshal(struct {
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		ThisUpdate time.Time
	}{algorithm, asn1.RawValue{FullBytes: i.cert.RawSubject}, began})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := i.key.Sign(rand.Reader, tbs, crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestMLDSACRL takes an issuer's last CRL, of version 1 too, and no other.
func TestMLDSACRL(t *testing.T) {
	i := newIssuerWith(t, "Root", newMLDSA(t, mldsa.MLDSA65()))
	merge := func(der []byte) error {
		crl, err := adopt.ReadCRL(write(t, "last.crl", der))
		if err == nil {
			_, _, err = adopt.Source{Issuer: i.cert, CRL: crl}.Merge(now)
		}
		return err
	}
	mldsa65 := asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}
	good := i.crl(t, 5, entry(0x1001, began, 1)).DER
	for name, der := range map[string][]byte{"version 2": good, "version 1": version1(t, i, mldsa65)} {
		if err := merge(der); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := merge(flipped(der)); err == nil || !strings.Contains(err.Error(), "it is not signed with the key of CN=Root") {
			t.Errorf("%s, forged: %v", name, err)
		}
	}
	for name, der := range map[string][]byte{
		"another key":           newIssuerWith(t, "Root", newMLDSA(t, mldsa.MLDSA65())).crl(t, 5).DER,
		"another parameter set": newIssuerWith(t, "Root", newMLDSA(t, mldsa.MLDSA87())).crl(t, 5).DER,
		"another kind of key":   newIssuer(t, "Root").crl(t, 5).DER,
		"another name for it":   version1(t, i, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 19}),
	} {
		if err := merge(der); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}
