package wycheproof

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"

	"conclave/internal/pqx509"
)

// circlKey is a key of Cloudflare's implementation of ML-DSA.
type circlKey struct {
	scheme  sign.Scheme
	private sign.PrivateKey
	public  *mldsa.PublicKey
}

func (k circlKey) Public() crypto.PublicKey { return k.public }

func (k circlKey) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.scheme.Sign(k.private, message, nil), nil
}

// TestCircl: Cloudflare's implementation makes of a seed the key that is made here, verifies
// what that signs, and signs what is taken here.
func TestCircl(t *testing.T) {
	for set, scheme := range map[mldsa.Parameters]sign.Scheme{mldsa.MLDSA44(): mldsa44.Scheme(), mldsa.MLDSA65(): mldsa65.Scheme(), mldsa.MLDSA87(): mldsa87.Scheme()} {
		ours, err := mldsa.GenerateKey(set)
		if err != nil {
			t.Fatal(err)
		}
		public, private := scheme.DeriveKey(ours.Bytes())
		theirs := circlKey{scheme, private, ours.PublicKey()}
		encoded, err := public.MarshalBinary()
		if err != nil || string(encoded) != string(ours.PublicKey().Bytes()) {
			t.Errorf("%s: another public key: %v", set, err)
		}
		cert := selfSigned(t, ours)
		if !scheme.Verify(public, cert.RawTBSCertificate, cert.Signature, nil) {
			t.Errorf("%s: circl does not verify the signature", set)
		}
		cert.Signature[0] ^= 1
		if scheme.Verify(public, cert.RawTBSCertificate, cert.Signature, nil) {
			t.Errorf("%s: circl verifies any signature", set)
		}
		cert = selfSigned(t, theirs)
		if err := pqx509.CheckSignatureFrom(cert, cert); err != nil {
			t.Errorf("%s: signed by circl: %v", set, err)
		}
	}
}

func selfSigned(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := pqx509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pqx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
