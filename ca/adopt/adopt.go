// Package adopt reads what other software has kept of a certification authority, so
// that it can be carried on: the index.txt of `openssl ca` and easy-rsa, certificates
// in folders, the last CRL, and the files with the next numbers.
//
// Begin with a [Source], whose parts are read by [ReadIndex], [ReadCertificates],
// [ReadCRL] and [ReadNumber]. [Source.Merge] makes of it what register.Register.Adopt
// takes, and tells where the parts contradict each other: a revocation that any of
// them knows counts, and of what the CRL says and the others do not, the CRL's holds,
// for that was published.
//
// It changes nothing, and it signs nothing. All that it reads may be anyone's: how long
// each file may be is bounded, and a name in it is text that a terminal must not obey.
package adopt

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"conclave/ca"
	"conclave/ca/register"
)

// Source is what is known of an issuer. All but Issuer may be missing.
type Source struct {
	Issuer       *x509.Certificate
	Profile      ca.Profile // of the issuer's certificate
	Index        []Line
	Certificates []Certificate
	CRL          *CRL     // the last one
	NextSerial   *big.Int // what `openssl ca` would have used next
	NextCRL      *big.Int
}

// record is what is known of a serial number.
type record struct {
	number *big.Int
	found  *Certificate
	line   *Line
	listed *Entry
}

// merger merges a source.
type merger struct {
	Source
	now      time.Time
	records  map[string]*record // by serial number
	findings []string
	problems []error
}

func (m *merger) say(format string, args ...any) {
	m.findings = append(m.findings, fmt.Sprintf(format, args...))
}

func (m *merger) refuse(format string, args ...any) {
	m.problems = append(m.problems, fmt.Errorf(format, args...))
}

// record is that of a serial number.
func (m *merger) record(number *big.Int) *record {
	key := number.Text(16)
	if m.records[key] == nil {
		m.records[key] = &record{number: number}
	}
	return m.records[key]
}

// Merge gives what a register is to take, and findings: where the parts of the source
// contradict each other or leave something open, a line for each, which may have text
// of the files in it. An error is a contradiction of which no side can be taken. Now is
// the time that revocations in the future are put at.
func (s Source) Merge(now time.Time) (register.Adoption, []string, error) {
	if isLeaf(s.Issuer) {
		return register.Adoption{}, nil, fmt.Errorf("the certificate of %s is not a CA's; that of the CA which is adopted was expected", ca.DistinguishedName(s.Issuer.RawSubject))
	}
	m := merger{Source: s, now: now.UTC().Truncate(time.Second), records: map[string]*record{}}
	m.addCertificates()
	m.addIndex()
	if err := m.addCRL(); err != nil {
		return register.Adoption{}, nil, err
	}
	all := register.Adoption{
		Issuer:       register.Issuer{Name: s.Issuer.RawSubject, Profile: s.Profile, CRLsUnknown: s.CRL == nil},
		Certificates: []*x509.Certificate{s.Issuer},
	}
	for _, r := range m.inOrder() {
		m.compare(r)
		m.add(r, &all)
		if revocation, revoked := m.revocation(r); revoked {
			all.Revocations = append(all.Revocations, revocation)
		}
	}
	m.continueNumbers(&all)
	return all, m.findings, joined(m.problems)
}

// isLeaf says whether a certificate from an issuer says that it is not a CA's.
func isLeaf(cert *x509.Certificate) bool {
	return !bytes.Equal(cert.RawIssuer, cert.RawSubject) && (cert.BasicConstraintsValid && !cert.IsCA || cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0)
}

func (m *merger) inOrder() (all []*record) {
	for _, r := range m.records {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *record) int { return a.number.Cmp(b.number) })
	return all
}

// addCertificates takes those that the issuer has signed. The issuer's own is taken
// in any case.
func (m *merger) addCertificates() {
	for i := range m.Certificates {
		found := &m.Certificates[i]
		switch {
		case !bytes.Equal(found.issuer(), m.Issuer.RawSubject):
			if found.Parsed == nil || !found.Parsed.Equal(m.Issuer) {
				m.say("%s: it is from %s; left", found.File, ca.DistinguishedName(found.issuer()))
			}
			continue
		case found.Parsed == nil:
			m.say("%s: certificate %x: %v; its number is taken, and its content is not", found.File, found.number(), found.Unread)
		case ca.CheckIssued(found.Parsed, m.Issuer) != nil:
			m.say("%s: %v; left", found.File, ca.CheckIssued(found.Parsed, m.Issuer))
			continue
		}
		r := m.record(found.number())
		if r.found == nil {
			r.found = found
		} else if !bytes.Equal(r.found.DER, found.DER) {
			m.refuse("certificate %x is in %s, and another one with the same number in %s; an issuer must not use a number twice (RFC 5280 section 4.1.2.2): find out which of them counts, and leave the other one out", r.number, r.found.File, found.File)
		}
	}
}

func (m *merger) addIndex() {
	for i := range m.Index {
		line := &m.Index[i]
		r := m.record(line.Serial)
		if r.line != nil {
			m.refuse("%s and line %d have the same serial number, %x; leave one of them out", r.line, line.Number, line.Serial)
			continue
		}
		r.line = line
	}
}

func (m *merger) addCRL() error {
	if m.CRL == nil {
		return nil
	}
	if err := m.CRL.check(m.Issuer); err != nil {
		return fmt.Errorf("%s: %w", m.CRL.File, err)
	}
	for i := range m.CRL.Entries {
		entry := &m.CRL.Entries[i]
		r := m.record(entry.Serial)
		if r.listed != nil {
			m.say("%s: certificate %x is listed twice; the first time holds", m.CRL.File, entry.Serial)
			continue
		}
		if !isReason(entry.Reason) {
			m.say("%s: certificate %x is revoked with reason %d, which there is not (RFC 5280 section 5.3.1); it is taken as unspecified", m.CRL.File, entry.Serial, entry.Reason)
			entry.Reason = 0
		}
		r.listed = entry
	}
	if !m.CRL.Complete {
		m.say("%s: it says that it is not for all certificates of its issuer (issuingDistributionPoint); were there others?", m.CRL.File)
	}
	return nil
}

// add adds the certificate, or the number of one that is lost.
func (m *merger) add(r *record, all *register.Adoption) {
	lost := register.Lost{Kind: ca.KindCertificate, Number: r.number, Subject: "not known", Time: m.Issuer.NotBefore}
	switch {
	case r.found != nil && r.found.Parsed != nil:
		all.Certificates = append(all.Certificates, r.found.Parsed)
		return
	case r.found != nil:
		lost.Subject = ca.DistinguishedName(r.found.Unread.Subject)
		lost.Note = fmt.Sprintf("adopted without its content: %s cannot be read here: %v", r.found.File, r.found.Unread)
	case r.line != nil:
		lost.Subject = r.line.Subject
		lost.Note = fmt.Sprintf("adopted from %s, without its certificate", r.line)
	default:
		lost.Note = "adopted from the last CRL, which lists it, without its certificate"
	}
	lost.Subject, lost.Note = strings.ToValidUTF8(lost.Subject, "\uFFFD"), strings.ToValidUTF8(lost.Note, "\uFFFD")
	all.Lost = append(all.Lost, lost)
}

// compare tells where the index contradicts a certificate.
func (m *merger) compare(r *record) {
	if r.line == nil || r.found == nil || r.found.Parsed == nil {
		return
	}
	cert := r.found.Parsed
	if !r.line.Expires.Equal(cert.NotAfter) {
		m.say("%s: certificate %x ends on %s, but the one in %s on %s, which holds", r.line, r.number, timeText(r.line.Expires), r.found.File, timeText(cert.NotAfter))
	}
	if name := cert.Subject.CommonName; isPlain(name) && isPlain(r.line.Subject) && !strings.Contains(r.line.Subject, "CN="+name) {
		m.say("%s: certificate %x is for %s, but the one in %s for %s, which holds", r.line, r.number, r.line.Subject, r.found.File, ca.DistinguishedName(cert.RawSubject))
	}
}

// isPlain says whether a name is one that OpenSSL and RFC 4514 write alike.
func isPlain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r > '~' || strings.ContainsRune(`\/,+"<>;#=`, r) && r != '=' && r != ','
	})
}

// revocation is that of a certificate; false for none.
func (m *merger) revocation(r *record) (ca.Revocation, bool) {
	indexed, listed := r.line != nil && r.line.Status == Revoked, r.listed != nil
	if indexed && r.line.Reason == ca.ReasonRemoveFromCRL {
		m.say("%s: certificate %x was taken off the CRL (removeFromCRL); it is not revoked", r.line, r.number)
		indexed = false
	}
	if listed && r.listed.Reason == ca.ReasonRemoveFromCRL {
		m.say("%s: certificate %x is listed as taken off it (removeFromCRL); it is not revoked", m.CRL.File, r.number)
		listed = false
	}
	var revocation ca.Revocation
	switch {
	case listed && !(indexed && r.endsHold()):
		revocation = r.listed.Revocation
		m.compareRevocations(r, indexed)
	case indexed:
		revocation = ca.Revocation{Serial: r.number, Time: r.line.Revoked, Reason: r.line.Reason}
		if listed {
			m.say("%s: certificate %x has been revoked since %s (%s), but in the CRL it is on hold; that ends", r.line, r.number, timeText(r.line.Revoked), ca.ReasonName(r.line.Reason))
		} else if m.CRL != nil && !r.line.Revoked.After(m.CRL.ThisUpdate) && r.line.Expires.After(m.CRL.ThisUpdate) {
			m.say("%s: certificate %x has been revoked since %s, but the CRL of %s does not list it; the next one will", r.line, r.number, timeText(r.line.Revoked), timeText(m.CRL.ThisUpdate))
		}
	default:
		return ca.Revocation{}, false
	}
	m.tellInvalidity(r)
	if revocation.Time.After(m.now) {
		m.say("certificate %x is revoked from %s on, which is in the future; it is taken as revoked now, %s", r.number, timeText(revocation.Time), timeText(m.now))
		revocation.Time = m.now
	}
	return revocation, true
}

// endsHold says whether the index has more than a hold, which the CRL has: a hold may
// become final, but nothing final becomes a hold.
func (r *record) endsHold() bool {
	return r.listed.Reason == ca.ReasonCertificateHold && r.line.Reason != ca.ReasonCertificateHold
}

// compareRevocations compares the index with the CRL, which has the certificate.
func (m *merger) compareRevocations(r *record, indexed bool) {
	switch {
	case r.line == nil:
	case !indexed:
		m.say("%s: certificate %x is not revoked there, but the CRL has it as revoked since %s (%s), which holds", r.line, r.number, timeText(r.listed.Time), ca.ReasonName(r.listed.Reason))
	case !r.line.Revoked.Equal(r.listed.Time) || r.line.Reason != r.listed.Reason:
		m.say("%s: certificate %x has been revoked since %s (%s), but in the CRL since %s (%s), which holds", r.line, r.number,
			timeText(r.line.Revoked), ca.ReasonName(r.line.Reason), timeText(r.listed.Time), ca.ReasonName(r.listed.Reason))
	}
}

// tellInvalidity tells of what registers and their CRLs do not have.
func (m *merger) tellInvalidity(r *record) {
	var since time.Time
	if r.listed != nil {
		since = r.listed.Invalid
	}
	if r.line != nil && since.IsZero() {
		since = r.line.KeyTime
	}
	if !since.IsZero() {
		m.say("certificate %x: its key was compromised on %s (invalidityDate); the register does not keep that, and the CRLs from here do not say it", r.number, timeText(since))
	}
}

// mostCRLs is how many bits the number of CRLs has that an issuer can have signed, and of
// which none is known. A number is used for good.
const mostCRLs = 32

// continueNumbers takes the CRL, or its number, and tells what becomes of the next
// serial number.
func (m *merger) continueNumbers(all *register.Adoption) {
	m.tellGaps()
	last := new(big.Int)
	if m.CRL != nil && m.CRL.Number != nil && m.CRL.Number.Sign() >= 0 {
		last, all.CRL = m.CRL.Number, m.CRL.DER
	} else if m.CRL != nil {
		m.say("%s: it has no number that a CRL can have (RFC 5280 section 5.2.3), so that the register has its entries and not the CRL itself; the next one will have a number", m.CRL.File)
	}
	if m.NextCRL == nil || m.NextCRL.Sign() == 0 {
		return
	}
	used := new(big.Int).Sub(m.NextCRL, big.NewInt(1))
	switch used.Cmp(last) {
	case 1:
		if new(big.Int).Sub(used, last).BitLen() > mostCRLs {
			m.refuse("%s was to be the number of the next CRL, which is far from the last one that is known (%s); is it the file with the next serial number?", crlText(m.NextCRL), crlText(last))
			return
		}
		all.Lost = append(all.Lost, register.Lost{Kind: ca.KindCRL, Number: used, Subject: "not known", Time: m.now,
			Note: fmt.Sprintf("adopted without the CRL: %s was to be the number of the next one", crlText(m.NextCRL))})
		if m.CRL != nil {
			m.say("%s was to be the number of the next CRL, but the one in %s has %s: is there a later one, which revokes more?", crlText(m.NextCRL), m.CRL.File, crlText(m.CRL.Number))
		}
	case -1:
		m.say("%s was to be the number of the next CRL, but the one in %s has %s already; the next one follows that", crlText(m.NextCRL), m.CRL.File, crlText(last))
	}
}

// crlText is a number as CRLs are counted, and where that differs as OpenSSL's files
// have it.
func crlText(number *big.Int) string {
	switch {
	case number == nil:
		return "none"
	case number.Cmp(big.NewInt(10)) < 0:
		return number.String()
	}
	return fmt.Sprintf("%d (0x%X)", number, number)
}

// mostGaps is how many numbers in a row, from the lowest known one to the next one,
// are looked at: those of an issuer that counts. Others draw them at random.
const mostGaps = 1 << 20

// tellGaps tells which numbers an issuer that counts has used for something of which
// nothing is known.
func (m *merger) tellGaps() {
	if m.NextSerial == nil || len(m.records) == 0 {
		return
	}
	first := m.NextSerial
	for _, r := range m.inOrder() {
		own := r.number.Cmp(m.Issuer.SerialNumber) == 0 // often drawn at random, or the number 1
		if !own && new(big.Int).Sub(m.NextSerial, r.number).Cmp(big.NewInt(mostGaps)) <= 0 {
			first = r.number
			break
		}
	}
	var missing []string
	for n, one := new(big.Int).Set(first), big.NewInt(1); n.Cmp(m.NextSerial) < 0; n.Add(n, one) {
		if m.records[n.Text(16)] == nil && n.Cmp(m.Issuer.SerialNumber) != 0 {
			missing = append(missing, n.Text(16))
		}
	}
	if len(missing) == 0 {
		return
	}
	m.say("serial numbers %s lie before the next one, %x, and nothing is known of what bears them: were these certificates issued?", listed(missing, 10), m.NextSerial)
}

// mostProblems is how many problems are told.
const mostProblems = 20

func joined(problems []error) error {
	if rest := len(problems) - mostProblems; rest > 0 {
		problems = append(slices.Clone(problems[:mostProblems]), fmt.Errorf("and %d more problems", rest))
	}
	return errors.Join(problems...)
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339) }
