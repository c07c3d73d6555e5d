package ca

import (
	"context"
	"errors"
	"math/big"
	"time"
)

// Kind says what is signed.
type Kind string

// The kinds. Certificates have serial numbers, CRLs have CRL numbers; full and
// delta CRLs share theirs (RFC 5280 section 5.2.3). A renewal is a root's certificate
// that has the serial number of the one in whose place it is.
const (
	KindCertificate Kind = "certificate"
	KindRenewal     Kind = "renewal"
	KindCRL         Kind = "crl"
)

// Intent is something that is about to be signed.
type Intent struct {
	Kind    Kind
	Issuer  []byte   // its distinguished name, DER
	Number  *big.Int // serial number, or CRL number
	Subject string   // of a certificate, for people (RFC 4514); of a CRL, its scope
	TBS     [32]byte // SHA-256 of what is signed: tbsCertificate or tbsCertList
	Time    time.Time
}

// Revocation is a certificate that must not be trusted any more.
type Revocation struct {
	Serial *big.Int
	Time   time.Time
	Reason int // CRLReason, RFC 5280 section 5.3.1
}

// IsFinal says whether it cannot be taken back, as a hold can.
func (r Revocation) IsFinal() bool {
	return r.Reason != ReasonCertificateHold && r.Reason != ReasonRemoveFromCRL
}

// ErrNumberUsed is the error for a number that the issuer has used, whether or
// not what bears it is known.
var ErrNumberUsed = errors.New("the number is used")

// Ledger keeps what an authority signs. What Begin and Finish are told is on
// disk when they return, so that a power cut between a signature and Finish
// leaves an intent behind: it may have been signed.
type Ledger interface {
	// Begin notes an intent. It returns ErrNumberUsed if the issuer has used
	// that number for anything of that kind.
	Begin(ctx context.Context, intent Intent) error
	// Finish notes what was signed, DER.
	Finish(ctx context.Context, intent Intent, signed []byte) error
	// Revocations are those of an issuer, by serial number.
	Revocations(ctx context.Context, issuer []byte) ([]Revocation, error)
	// LastCRL is the highest CRL number that the issuer has used, nil for none.
	LastCRL(ctx context.Context, issuer []byte) (*big.Int, error)
	// Profile is that of an issuer's certificate, empty where it is not known.
	Profile(ctx context.Context, issuer []byte) (Profile, error)
	// SetProfile notes it. An issuer is known by its distinguished name, DER.
	SetProfile(ctx context.Context, issuer []byte, profile Profile) error
}
