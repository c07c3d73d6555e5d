package ca

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"conclave/internal/pqx509"
)

// CRLSpec says what a CRL is to be.
type CRLSpec struct {
	// Profile is that of the issuer's certificate; it says whether the CA/Browser
	// Forum's demands hold (BR section 7.2). Empty is the one that the ledger has, and
	// a private one where it has none.
	Profile    Profile   `json:"profile,omitempty"`
	Number     int64     `json:"number,omitempty"` // zero: one more than the last
	ThisUpdate time.Time `json:"thisUpdate"`
	NextUpdate time.Time `json:"nextUpdate"`
	DeltaOf    int64     `json:"deltaOf,omitempty"` // number of the full CRL that a delta CRL is for; zero: a full one
	// UnusualDates says that the dates are meant, although they are before the last
	// CRL's, far apart, or far from the clock's.
	UnusualDates bool `json:"unusualDates,omitempty"`
}

// A CRL of a public CA's certificates holds for twelve months at most (BR section
// 7.2). No one forbids others to sign one for longer than five years; it would most
// likely be a slip of the pen, and all that time what it lacks is trusted.
const (
	longestPublicCRL  = 12     // months
	longestPrivateCRL = 5 * 12 // months
)

// meantDates says how to have dates that are refused.
const meantDates = "if these dates are meant, say so: --unusual-dates, or unusualDates in a plan"

// farFromClock is how far in the future a CRL may begin: the clocks of an offline CA
// are not all right, and days are days elsewhere.
const farFromClock = 24 * time.Hour

// Check tells all that is wrong with a spec and can be seen from the spec alone;
// each problem names its field.
func (s CRLSpec) Check() error {
	problems := []error{checkPeriod("thisUpdate", s.ThisUpdate, "nextUpdate", s.NextUpdate)}
	r, err := s.rules()
	if err != nil {
		problems = append(problems, err)
	}
	if s.Number < 0 {
		problems = append(problems, fmt.Errorf("number: %d; 1 or more was expected, or none for one more than the last", s.Number))
	}
	if r.public && s.NextUpdate.After(s.ThisUpdate.AddDate(0, longestPublicCRL, 0)) {
		problems = append(problems, fmt.Errorf("nextUpdate: %s; at most %d months after thisUpdate, %s, were expected of a public CA (BR section 7.2)", timeText(s.NextUpdate), longestPublicCRL, timeText(s.ThisUpdate)))
	}
	switch {
	case s.DeltaOf < 0:
		problems = append(problems, fmt.Errorf("deltaOf: %d; the number of a full CRL was expected", s.DeltaOf))
	case s.DeltaOf > 0 && s.Number > 0 && s.DeltaOf >= s.Number:
		problems = append(problems, fmt.Errorf("deltaOf: %d; the number of a full CRL before this one, %d, was expected (RFC 5280 section 5.2.4)", s.DeltaOf, s.Number))
	case s.DeltaOf > 0 && r.public:
		problems = append(problems, errors.New("deltaOf: a public CA should sign no delta CRLs (BR section 7.2.2); leave it out"))
	}
	return errors.Join(problems...)
}

// CheckClock compares a spec with the clock of whoever signs it, or the time for which
// that is planned.
func (s CRLSpec) CheckClock(now time.Time) error {
	switch {
	case s.UnusualDates:
	case s.ThisUpdate.After(now.Add(farFromClock)):
		return fmt.Errorf("thisUpdate: %s, but now it is %s; until then the CRL holds nowhere, and every later one has to begin after it; set the clock; %s", timeText(s.ThisUpdate), timeText(now), meantDates)
	case !s.NextUpdate.After(now):
		return fmt.Errorf("nextUpdate: %s, but now it is %s; the CRL would be out of date; set the clock; %s", timeText(s.NextUpdate), timeText(now), meantDates)
	}
	return nil
}

func (s CRLSpec) rules() (rules, error) { return cmp.Or(s.Profile, Root).rules() }

// scope names what it is.
func (s CRLSpec) scope() string {
	if s.DeltaOf > 0 {
		return fmt.Sprintf("delta CRL to number %d", s.DeltaOf)
	}
	return "full CRL"
}

// Archive gives what was signed. A ledger that signs delta CRLs is one: what is
// new since a full CRL is what is not in it. Where it is one, each CRL is compared
// with the last.
type Archive interface {
	// Signed gives what was signed with a number, DER; an error if nothing is known
	// to have been.
	Signed(ctx context.Context, issuer []byte, kind Kind, number *big.Int) ([]byte, error)
	// NewestCRL is the CRL with the highest number that the issuer is known to have
	// signed, DER; nil for none.
	NewestCRL(ctx context.Context, issuer []byte) ([]byte, error)
}

// CRLDraft is a CRL that was linted, and is ready to be signed.
type CRLDraft struct {
	draft
	scope string
	last  *x509.RevocationList // before it; nil where none is known
}

// maxLines is how many certificates people are shown.
const maxLines = 1000

// Text describes the CRL for people, a line for each fact and each certificate; of
// more than a thousand, for each of the first thousand that the last CRL does not
// list so.
func (d *CRLDraft) Text() string {
	c := d.linted.crl
	var b strings.Builder
	fmt.Fprintf(&b, "CRL: %s\nIssuer: %s\nCRL number: %s\nThis update: %s\nNext update: %s\nSignature algorithm: %s\nCertificates: %d\n",
		d.scope, DistinguishedName(c.RawIssuer), d.after(), timeText(c.ThisUpdate), timeText(c.NextUpdate), pqx509.AlgorithmName(c.SignatureAlgorithm), len(c.RevokedCertificateEntries))
	for _, note := range d.Unlinted() {
		fmt.Fprintf(&b, "Note: %s\n", note)
	}
	shown := d.shown()
	for _, e := range shown {
		fmt.Fprintf(&b, "Certificate %x: %s, %s\n", e.SerialNumber, timeText(e.RevocationTime), ReasonName(e.ReasonCode))
	}
	if more := len(c.RevokedCertificateEntries) - len(shown); more > 0 {
		fmt.Fprintf(&b, "Certificates that are not shown: %d\n", more)
	}
	fmt.Fprintf(&b, "SHA-256 of what is signed: %x\n", sha256.Sum256(c.RawTBSRevocationList))
	return b.String()
}

// shown are the entries that people are shown.
func (d *CRLDraft) shown() []x509.RevocationListEntry {
	all := d.linted.crl.RevokedCertificateEntries
	if len(all) > maxLines && d.last != nil {
		listed := bySerial(d.last)
		all = slices.DeleteFunc(slices.Clone(all), func(e x509.RevocationListEntry) bool {
			before, ok := listed[e.SerialNumber.Text(16)]
			return ok && before.ReasonCode == e.ReasonCode && before.RevocationTime.Equal(e.RevocationTime)
		})
	}
	return all[:min(len(all), maxLines)]
}

// after is the number, and what is known of the last CRL.
func (d *CRLDraft) after() string {
	if d.last == nil {
		return d.Number().String()
	}
	return fmt.Sprintf("%d, after number %d of %s, whose next update is %s", d.Number(), d.last.Number, timeText(d.last.ThisUpdate), timeText(d.last.NextUpdate))
}

// PrepareCRL makes a CRL ready of all that the ledger has as revoked.
func (a Authority) PrepareCRL(ctx context.Context, spec CRLSpec) (*CRLDraft, error) {
	if a.Certificate == nil {
		return nil, errors.New("CRL: the authority has no certificate yet; make that first")
	}
	spec, err := a.withProfile(ctx, spec)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.check(), spec.Check()); err != nil {
		return nil, err
	}
	revocations, err := a.Ledger.Revocations(ctx, a.Certificate.RawSubject)
	if err != nil {
		return nil, fmt.Errorf("CRL: the revocations: %w", err)
	}
	r, err := a.crlRecipe(ctx, spec, revocations)
	last, compared := a.compare(ctx, spec, revocations)
	if err := errors.Join(err, compared); err != nil {
		return nil, err
	}
	d, err := r.draft(a.Linter)
	if err != nil {
		return nil, err
	}
	return &CRLDraft{d, spec.scope(), last}, nil
}

func (a Authority) crlRecipe(ctx context.Context, spec CRLSpec, revocations []Revocation) (recipe, error) {
	number, err := a.crlNumber(ctx, spec)
	if err != nil {
		return recipe{}, err
	}
	base, err := a.baseCRL(ctx, spec)
	if err != nil {
		return recipe{}, err
	}
	return newCRLRecipe(spec, number, revocations, base, a.Certificate, a.Publication)
}

// withProfile gives a spec the profile that the ledger has for the issuer. It may
// ask for more than that, not for less.
func (a Authority) withProfile(ctx context.Context, spec CRLSpec) (CRLSpec, error) {
	known, err := a.Ledger.Profile(ctx, a.Certificate.RawSubject)
	if err != nil {
		return spec, fmt.Errorf("CRL: the issuer's profile: %w", err)
	}
	if spec.Profile == "" {
		spec.Profile = known
	}
	if profiles[known].public && !profiles[spec.Profile].public {
		return spec, fmt.Errorf("profile: %s, but %s has the profile %s in the register, whose rules hold; leave it out", spec.Profile, DistinguishedName(a.Certificate.RawSubject), known)
	}
	return spec, nil
}

// crlNumber is the number that a spec gives, or the one after the last; numbers
// grow (RFC 5280 section 5.2.3).
func (a Authority) crlNumber(ctx context.Context, spec CRLSpec) (*big.Int, error) {
	last, err := a.Ledger.LastCRL(ctx, a.Certificate.RawSubject)
	if err != nil {
		return nil, fmt.Errorf("CRL: the last number: %w", err)
	}
	if last == nil {
		last = new(big.Int)
	}
	number := big.NewInt(spec.Number)
	if spec.Number == 0 {
		number.Add(last, big.NewInt(1))
	}
	if number.Cmp(last) <= 0 {
		return nil, fmt.Errorf("number: %d, but the issuer has used %d; a greater one was expected (RFC 5280 section 5.2.3)", number, last)
	}
	return number, nil
}

// baseCRL is the full CRL that a delta CRL is for, nil for a full one.
func (a Authority) baseCRL(ctx context.Context, spec CRLSpec) (*x509.RevocationList, error) {
	if spec.DeltaOf == 0 {
		return nil, nil
	}
	archive, ok := a.Ledger.(Archive)
	if !ok {
		return nil, errors.New("deltaOf: the ledger does not keep CRLs, so what is new is not known; sign a full one")
	}
	der, err := archive.Signed(ctx, a.Certificate.RawSubject, KindCRL, big.NewInt(spec.DeltaOf))
	if err != nil {
		return nil, fmt.Errorf("deltaOf: CRL number %d: %w", spec.DeltaOf, err)
	}
	base, err := pqx509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("deltaOf: CRL number %d: %w", spec.DeltaOf, err)
	}
	return base, nil
}

// SignCRL lets the authority's key sign a draft of this authority's, and gives
// the CRL once it is in the ledger. Its errors are those of Sign.
func (a Authority) SignCRL(ctx context.Context, d *CRLDraft) (*x509.RevocationList, error) {
	signed, err := a.sign(ctx, d.draft, d.scope)
	return signed.crl, err
}

// CRLTBS builds what an issuer signs for a spec, which has a number, and
// revocations: the TBSCertList (RFC 5280 section 5.1.2). The base is the full CRL
// of a delta CRL, nil for a full one. A verifier compares it with a CRL's
// RawTBSRevocationList.
func CRLTBS(spec CRLSpec, revocations []Revocation, base *x509.RevocationList, issuer *x509.Certificate, publication Publication) ([]byte, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	if spec.Number == 0 {
		return nil, errors.New("number: it is missing; that of the CRL was expected")
	}
	r, err := newCRLRecipe(spec, big.NewInt(spec.Number), revocations, base, issuer, publication)
	if err != nil {
		return nil, err
	}
	rehearsed, err := r.rehearse()
	return rehearsed.TBS, err
}
