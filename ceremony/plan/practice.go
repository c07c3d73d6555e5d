package plan

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"conclave/ca"
	"conclave/internal/pqx509"
)

// practicePrefix begins every name in a rehearsal, so that no paper, sheet or
// certificate of it can be taken for a real one.
const practicePrefix = "PRACTICE "

// Rehearsal is the plan of a rehearsal of this ceremony: the same steps with
// the same people, on embedded devices, with names that say so. The plan is
// left as it is. A delta CRL becomes a full one, and in place of a root that is
// cross-signed comes one of the same kind, with a key that is thrown away.
func (p *Plan) Rehearsal() (*Plan, error) {
	r := *p
	r.Practice, r.Ceremony, r.Register = true, practice(p.Ceremony), ""
	r.People = People{Comment: p.People.Comment, Administrator: practice(p.People.Administrator),
		Witnesses: practices(p.People.Witnesses), Custodians: practices(p.People.Custodians)}
	if p.Change != nil && p.Change.Before != nil {
		change := *p.Change
		change.Before = &Quorum{p.Change.Before.Threshold, practices(p.Change.Before.Custodians)}
		r.Change = &change
	}
	r.Devices = slices.Clone(p.Devices)
	for i := range r.Devices {
		d := &r.Devices[i]
		d.Embedded, d.Serial, d.UserPIN, d.SOPIN = true, "", practicePIN(d.UserPIN), practicePIN(d.SOPIN)
		d.Product = Product{} // it is in software
	}
	r.CRLs = slices.Clone(p.CRLs)
	for i := range r.CRLs { // the register is new, and has no CRL before these
		r.CRLs[i].Number, r.CRLs[i].DeltaOf = 0, 0
	}
	r.Certificates = slices.Clone(p.Certificates)
	for i := range r.Certificates {
		c := &r.Certificates[i]
		if c.File == "" {
			c.Subject = PracticeName(c.Subject)
		}
		if c.Existing == nil {
			continue
		}
		var err error
		if c.Existing, err = practiceRoot(c.Existing); err != nil {
			return nil, fmt.Errorf("certificates[%d].existing: %w", i, err)
		}
		c.Subject = ca.Name{}
	}
	return &r, nil
}

// PracticeName is what takes the place of the name of a certificate.
func PracticeName(n ca.Name) ca.Name {
	return n.Map(func(label, value string) string {
		if label == "CN" || label == "O" || label == "OU" {
			return practice(value)
		}
		return value
	})
}

// PracticeSubject is what takes the place of a certificate's subject.
func PracticeSubject(cert *x509.Certificate) ca.Name {
	return ca.Name{CommonName: practice(cmp.Or(cert.Subject.CommonName, "root"))} // old ones may have none
}

// practiceRoot makes a root like an existing one.
func practiceRoot(existing []byte) ([]byte, error) {
	cert, err := pqx509.ParseCertificate(existing)
	if err != nil {
		return nil, err
	}
	key, err := ca.ThrowAwayKey(cert.PublicKey)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: PracticeSubject(cert).DER(), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: cert.KeyUsage,
	}
	return pqx509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
}

func practice(name string) string {
	if strings.HasPrefix(name, practicePrefix) || name == "" {
		return name
	}
	return practicePrefix + name
}

// practicePIN is a PIN with the people of a rehearsal.
func practicePIN(pin *PIN) *PIN {
	if pin == nil {
		return nil
	}
	p := *pin
	p.By, p.With = practice(p.By), practice(p.With)
	return &p
}

func practices(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, practice(name))
	}
	return all
}
