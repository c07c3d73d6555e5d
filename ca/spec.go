package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// Spec says what a certificate is to be.
type Spec struct {
	Profile Profile `json:"profile"`
	Subject Name    `json:"subject,omitzero"` // of a cross-signed certificate that of Existing, or left out
	// RawSubject is the name in the request, DER, which the certificate has byte for
	// byte (RFC 5280 section 4.1.2.6): it is Subject, encoded by someone else. See
	// Request.Complete.
	RawSubject []byte `json:"-"`
	// KeyID is the key identifier in the request, which what that CA has issued before
	// may name (RFC 5280 section 4.2.1.1); nil: it is made of the key. See
	// Request.Complete.
	KeyID       []byte       `json:"-"`
	NotBefore   time.Time    `json:"notBefore"`
	NotAfter    time.Time    `json:"notAfter"`
	Serial      Serial       `json:"serial,omitzero"` // zero: drawn at random
	PathLen     *int         `json:"pathLen,omitempty"`
	Constraints *Constraints `json:"nameConstraints,omitempty"`
	Policies    []string     `json:"policies,omitempty"`    // OIDs; empty: the profile's
	ExtKeyUsage []string     `json:"extKeyUsage,omitempty"` // empty: the profile's
	// LeaveOut are the extensions, by name or object identifier, that are not followed
	// though the request asks for them.
	LeaveOut []string `json:"leaveOut,omitempty"`
	// Existing is the certificate, DER, of the root that is cross-signed.
	Existing []byte `json:"existing,omitempty"`
}

// Check tells all that is wrong with a spec and can be seen from the spec alone;
// each problem names its field.
func (s Spec) Check() error { return s.check(s.checkExisting) }

// CheckAwaiting is Check for a cross-signed certificate whose Existing is yet to be made.
func (s Spec) CheckAwaiting() error {
	return s.check(func(r rules) error {
		if !r.cross {
			return fmt.Errorf("profile: %s; cross was expected, for a root that is cross-signed", s.Profile)
		}
		return nil
	})
}

func (s Spec) check(existing func(rules) error) error {
	r, err := s.Profile.rules()
	if err != nil {
		return err
	}
	return errors.Join(
		s.checkSubject(r), existing(r),
		r.checkValidity(s.NotBefore, s.NotAfter), s.Serial.check(), s.checkPathLen(r),
		s.checkConstraints(r), r.checkPolicies(s.Policies), r.checkUsages(s.ExtKeyUsage), s.checkLeaveOut(),
	)
}

func (s Spec) checkSubject(r rules) error {
	if r.cross && s.Subject == (Name{}) {
		return nil
	}
	switch {
	case s.RawSubject != nil:
		return s.checkRawSubject(r)
	case s.Subject.AsInRequest() && !r.self:
		return nil // checked when the request is there
	}
	return s.Subject.check(r.public)
}

// checkRawSubject checks the name of a request, which exists: it is as long as it is,
// and is encoded in whichever way readers know.
func (s Spec) checkRawSubject(r rules) error {
	name, err := s.readRequested(s.RawSubject)
	if err != nil {
		return err
	}
	problems := []error{name.checkStrings()}
	if _, err := asn1.Unmarshal(s.RawSubject, new(pkix.RDNSequence)); err != nil {
		problems = append(problems, fmt.Errorf("subject: that of the request, %s, has a string that is not of its type, which much software refuses; a request with UTF8String was expected: %w", name, err))
	}
	if !s.Subject.AsInRequest() {
		problems = append(problems, s.Subject.check(false))
	}
	if r.public {
		problems = append(problems, name.checkPublic())
	}
	return errors.Join(problems...)
}

// readRequested reads the name in a request, DER, which must be the planned one.
func (s Spec) readRequested(raw []byte) (dn, error) {
	name, err := readDN(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("its subject is %w", err)
	case !s.Subject.AsInRequest() && !name.same(s.Subject.dn()):
		return nil, fmt.Errorf("its subject is %s, but %s was planned; change one of them, or write \"request\" in the place of the name", name, s.Subject)
	}
	return name, nil
}

// subject is the name of the certificate, DER: that of an existing root byte for byte
// (BR section 7.1.2.2.2), and so that of a request; nil if that is not there.
func (s Spec) subject() []byte {
	if existing := s.existing(); existing != nil {
		return existing.RawSubject
	}
	if s.RawSubject != nil {
		return s.RawSubject
	}
	return s.Subject.DER()
}

// exempt says whether the name is one that lints need not like: that of a request, or
// one with an email address.
func (s Spec) exempt() bool { return s.RawSubject != nil || s.Subject.dn().has(labelEmail) }

// notes are what people should know of the name of a certificate.
func (s Spec) notes() (notes []string) {
	name, err := readDN(s.subject())
	if err != nil {
		return nil
	}
	switch planned := s.Subject.String(); {
	case s.RawSubject == nil:
	case s.Subject.AsInRequest():
		notes = append(notes, "the subject is as in the request, byte for byte")
	case name.String() != planned:
		notes = append(notes, "the subject is as in the request, byte for byte; planned was "+planned)
	}
	return append(notes, name.notes()...)
}

// checkExisting wants the self-signed certificate whose name and key are
// cross-signed.
func (s Spec) checkExisting(r rules) error {
	if !r.cross {
		if s.Existing != nil {
			return fmt.Errorf("existing: it is for cross-signing, but the profile is %s; leave it out", s.Profile)
		}
		return nil
	}
	existing, err := parseCertificate(s.Existing)
	switch {
	case err != nil:
		return fmt.Errorf("existing: the certificate of the root that is cross-signed, DER, was expected: %w", err)
	case CheckIssued(existing, existing) != nil:
		return fmt.Errorf("existing: %s is not a root: %w", DistinguishedName(existing.RawSubject), CheckIssued(existing, existing))
	case checkMayBeCA(existing) != nil:
		return fmt.Errorf("existing: %s is not a CA: %w", DistinguishedName(existing.RawSubject), checkMayBeCA(existing))
	case s.Subject != (Name{}) && !sameName(existing.RawSubject, s.Subject.DER()):
		return fmt.Errorf("subject: %s, but that of the root is %s; leave it out", s.Subject, DistinguishedName(existing.RawSubject))
	}
	return nil
}

// checkValidity checks the bounds, both of which are within the validity (BR
// section 1.6.1).
func (r rules) checkValidity(from, until time.Time) error {
	if err := checkPeriod("notBefore", from, "notAfter", until); err != nil {
		return err
	}
	length := until.Add(time.Second).Sub(from)
	const day = 24 * time.Hour
	switch days := int(length / day); {
	case length > time.Duration(r.longest)*day:
		return fmt.Errorf("notAfter: more than %d days from notBefore; at most %d were expected", days, r.longest)
	case length < time.Duration(r.shortest)*day:
		return fmt.Errorf("notAfter: %d days from notBefore; at least %d were expected (BR section 7.1.2.1.1)", days, r.shortest)
	}
	return nil
}

// checkPeriod wants times that certificates and CRLs can say: whole seconds, in
// the years that UTCTime and GeneralizedTime have together (RFC 5280 section
// 4.1.2.5).
func checkPeriod(begin string, from time.Time, end string, until time.Time) error {
	var problems []error
	for _, bound := range []struct {
		field string
		time.Time
	}{{begin, from}, {end, until}} {
		switch y := bound.UTC().Year(); {
		case bound.IsZero():
			problems = append(problems, fmt.Errorf("%s: it is missing", bound.field))
		case y < 1950 || y > 9999:
			problems = append(problems, fmt.Errorf("%s: the year %d; 1950 to 9999 was expected", bound.field, y))
		case bound.Nanosecond() != 0:
			problems = append(problems, fmt.Errorf("%s: %s; whole seconds were expected", bound.field, bound.Format(time.RFC3339Nano)))
		}
	}
	if len(problems) == 0 && !from.Before(until) {
		problems = append(problems, fmt.Errorf("%s: %s is not after %s, %s", end, timeText(until), begin, timeText(from)))
	}
	return errors.Join(problems...)
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (s Spec) checkPathLen(r rules) error {
	switch {
	case s.PathLen == nil:
		return nil
	case !r.ca:
		return errors.New("pathLen: a responder is not a CA; leave it out")
	case r.public && r.self:
		return errors.New("pathLen: a root should have none (BR section 7.1.2.1.4); leave it out")
	case *s.PathLen < 0:
		return fmt.Errorf("pathLen: %d; 0, for no CA below, or more was expected", *s.PathLen)
	}
	return nil
}

func (s Spec) checkConstraints(r rules) error {
	switch {
	case s.Constraints == nil:
		return nil
	case !r.ca:
		return errors.New("nameConstraints: a responder is not a CA; leave them out (RFC 5280 section 4.2.1.10)")
	case r.public && r.self:
		return errors.New("nameConstraints: a root must have none (BR section 7.1.2.1.2); leave them out")
	}
	return s.Constraints.check()
}
