package register

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"fmt"
	"math/big"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/lint/zlint"
)

// BenchmarkCRL opens a register in which so many certificates have been revoked since
// its first CRL, and signs one of them all: a full one, and a delta CRL.
func BenchmarkCRL(b *testing.B) {
	for _, n := range []int64{10_000, 100_000} {
		a := newAuthority(b, "Root")
		by := ca.Authority{Linter: zlint.Linter{}}
		by.Certificate, by.Signer = withECDSA(b, a.cert)
		r := newRegister(b)
		signCRL(b, r, by, ca.CRLSpec{})
		revokeMany(b, r, a, n)
		for _, base := range []int64{0, 1} {
			b.Run(fmt.Sprintf("%d/delta-of-%d", n, base), func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					r = open(b, closed(b, r))
					if crl := signCRL(b, r, by, ca.CRLSpec{DeltaOf: base}); int64(len(crl.RevokedCertificateEntries)) != n {
						b.Fatalf("%d entries", len(crl.RevokedCertificateEntries))
					}
				}
			})
		}
	}
}

// withECDSA is a root of the same name whose key is one that CRLs are signed with.
func withECDSA(b *testing.B, cert *x509.Certificate) (*x509.Certificate, crypto.Signer) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(b, err)
	template := *cert
	template.SignatureAlgorithm, template.PublicKey = x509.UnknownSignatureAlgorithm, key.Public()
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	must(b, err)
	return parse(b, der), key
}

func signCRL(b *testing.B, r *Register, by ca.Authority, spec ca.CRLSpec) *x509.RevocationList {
	b.Helper()
	by.Ledger = r
	spec.ThisUpdate, spec.NextUpdate = day.AddDate(0, 1, 0), day.AddDate(0, 2, 0)
	draft, err := by.PrepareCRL(b.Context(), spec)
	must(b, err)
	crl, err := by.SignCRL(b.Context(), draft)
	must(b, err)
	return crl
}

// revokeMany fills a register in one transaction.
func revokeMany(b *testing.B, r *Register, a authority, n int64) {
	b.Helper()
	leaf := a.certificate(b, 1<<40)
	must(b, r.update(b.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for i := range n {
			leaf.Number = big.NewInt(1<<40 + i)
			id, err := begin(ctx, tx, leaf.Intent)
			if err == nil {
				_, err = insert(ctx, tx, "issued", id, leaf.der)
			}
			if err == nil {
				_, err = insert(ctx, tx, "revocation", id, timeText(day.Add(time.Duration(i)*time.Second)), int64(i%6))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
}
