package plan

import (
	"strings"
	"time"

	"conclave/ca"
	"conclave/ceremony/step"
)

// Answers are what the usual plan is made from: that of a root, with one issuing
// CA under it or none. What is rarer is added with an editor.
type Answers struct {
	Organization, Country string
	Ceremony, Place       string
	Start                 time.Time // validity begins at midnight before it
	People                People
	Threshold             int    // of custodians who restore the key together
	Contact               string // whom a custodian calls whose sheet is lost or was seen; may be empty
	Printer               string // CUPS queue; empty where sheets are copied by hand
	// Primary and Standby are the serial numbers of the two devices; empty for one
	// in software.
	Primary, Standby string
	SOPIN            Keeping // of both; their user PINs are on sheets, typed by the administrator
	Public           bool    // browsers are to trust the root
	KeyType          string  // of the root's key
	Root             string  // its name
	RootYears        int
	URL              string // CRL and certificate are published under it
	Issuing          *IssuingAnswers
	CRLMonths        int // between two CRLs of the root
	RetentionYears   int
}

// IssuingAnswers are those about the CA under the root.
type IssuingAnswers struct {
	Request string // file, relative to the plan
	Name    string // as in the request
	Years   int
	Domains []string // DNS names that it may issue for; none for any
}

// usualDrillMonths is how often custody is checked where no one says otherwise.
const usualDrillMonths = 12

// Plan is the usual plan.
func (a Answers) Plan() *Plan {
	day := a.Start.Truncate(24 * time.Hour)
	root := a.root(day)
	p := &Plan{
		Format: Format, Ceremony: a.Ceremony, Place: a.Place, Start: a.Start, People: a.People,
		Devices:      []Device{a.device("primary", a.Primary), a.device("standby", a.Standby)},
		Custody:      &Custody{Threshold: a.Threshold, Device: "primary", Standby: "standby", Contact: a.Contact, Printer: a.Printer, Media: step.MinCopies},
		Keys:         []Key{{Name: root.Key, Type: a.KeyType}},
		Certificates: []Certificate{root},
		CRLs:         []CRL{{Name: "root-crl-1", Issuer: root.Name, CRLSpec: ca.CRLSpec{ThisUpdate: day, NextUpdate: monthsAfter(day, a.CRLMonths)}}},
		Retention:    Retention{Years: a.RetentionYears, DrillMonths: usualDrillMonths},
	}
	if a.Issuing != nil {
		p.Certificates = append(p.Certificates, a.issuing(root))
	}
	return p
}

func (a Answers) device(name, serial string) Device {
	return Device{Name: name, Serial: serial, Embedded: serial == "", UserPIN: &PIN{Kept: OnSheet}, SOPIN: &PIN{Kept: a.SOPIN}}
}

// lastSecond ends a validity of whole years.
func lastSecond(from time.Time, years int) time.Time {
	return from.AddDate(years, 0, 0).Add(-time.Second)
}

// root is the certificate of the root.
func (a Answers) root(day time.Time) Certificate {
	base := strings.TrimSuffix(a.URL, "/")
	root := Certificate{
		Name: "root", Key: "root", Publication: ca.Publication{CRL: ca.URLs{base + "/root.crl"}, Certificate: ca.URLs{base + "/root.cer"}},
		Spec: ca.Spec{
			Profile: ca.Root, Subject: ca.Name{CommonName: a.Root, Organization: a.Organization, Country: a.Country},
			NotBefore: day, NotAfter: lastSecond(day, a.RootYears),
		},
	}
	if a.Public {
		root.Profile = ca.CABFRoot
	}
	return root
}

// issuing is the certificate of the CA under the root.
func (a Answers) issuing(root Certificate) Certificate {
	none := 0 // an issuing CA has no CA below it
	issuing := Certificate{Name: "issuing", Issuer: root.Name, Request: a.Issuing.Request, Spec: ca.Spec{
		Profile: ca.Subordinate, PathLen: &none, Subject: ca.Name{CommonName: a.Issuing.Name, Organization: a.Organization, Country: a.Country},
		NotBefore: root.NotBefore, NotAfter: lastSecond(root.NotBefore, a.Issuing.Years),
	}}
	if a.Public {
		issuing.Profile = ca.CABFSubordinate
	}
	if len(a.Issuing.Domains) > 0 {
		// Names of one kind leave the others open (RFC 5280 section 4.2.1.10).
		issuing.Constraints = &ca.Constraints{PermittedDNS: a.Issuing.Domains, ExcludedIP: []string{"0.0.0.0/0", "::/0"}}
	}
	return issuing
}
