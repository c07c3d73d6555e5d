package plan_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ceremony/plan"
)

// answers are some that people give.
func answers() plan.Answers {
	return plan.Answers{
		Organization: "Acme Ltd", Country: "CH", Ceremony: "Acme Ltd key ceremony", Start: time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC),
		People:    plan.People{Administrator: "Ada", Witnesses: []string{"Wim"}, Custodians: []string{"Carla", "Chen", "Cem"}},
		Threshold: 2, Primary: "DENK0100042", SOPIN: plan.ByQuorum, KeyType: "ec:secp384r1", Root: "Acme Ltd Root CA", RootYears: 20, URL: "http://pki.example.com/",
		Issuing:   &plan.IssuingAnswers{Request: "issuing.csr", Name: "Acme Ltd Issuing CA 1", Years: 10},
		CRLMonths: 12, RetentionYears: 25,
	}
}

// TestUsualPlans: nothing is wrong with what is made from good answers.
func TestUsualPlans(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(*plan.Answers)
		profiles []ca.Profile
	}{
		"private":            {func(*plan.Answers) {}, []ca.Profile{ca.Root, ca.Subordinate}},
		"private, root only": {func(a *plan.Answers) { a.Issuing = nil }, []ca.Profile{ca.Root}},
		"public":             {func(a *plan.Answers) { a.Public = true }, []ca.Profile{ca.CABFRoot, ca.CABFSubordinate}},
		"public, root only":  {func(a *plan.Answers) { a.Public, a.Issuing = true, nil }, []ca.Profile{ca.CABFRoot}},
	} {
		a := answers()
		test.change(&a)
		p := a.Plan()
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var profiles []ca.Profile
		for _, c := range p.Certificates {
			profiles = append(profiles, c.Profile)
		}
		if !slices.Equal(profiles, test.profiles) {
			t.Errorf("%s: certificates of the profiles %v; %v were expected", name, profiles, test.profiles)
		}
		content, err := p.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		parse(t, content)
	}
}

func TestUsualPlan(t *testing.T) {
	a := answers()
	a.Issuing.Domains = []string{"example.com"}
	p := a.Plan()
	sheet, quorum := &plan.PIN{Kept: plan.OnSheet}, &plan.PIN{Kept: plan.ByQuorum}
	want := []plan.Device{{Name: "primary", Serial: "DENK0100042", UserPIN: sheet, SOPIN: quorum}, {Name: "standby", Embedded: true, UserPIN: sheet, SOPIN: quorum}}
	if !reflect.DeepEqual(p.Devices, want) {
		t.Errorf("devices %+v; %+v were expected", p.Devices, want)
	}
	root, issuing := p.FindCertificate("root"), p.FindCertificate("issuing")
	if root.Publication.CRL.String() != "http://pki.example.com/root.crl" {
		t.Errorf("the CRL is published at %s", root.Publication.CRL)
	}
	if from, to := "2027-01-15T00:00:00Z", "2047-01-14T23:59:59Z"; root.NotBefore.Format(time.RFC3339) != from || root.NotAfter.Format(time.RFC3339) != to {
		t.Errorf("the root is valid from %v to %v; %s to %s was expected", root.NotBefore, root.NotAfter, from, to)
	}
	if c := issuing.Constraints; c == nil || !slices.Equal(c.PermittedDNS, a.Issuing.Domains) || len(c.ExcludedIP) != 2 {
		t.Errorf("constraints %+v; %v and no IP address were expected", c, a.Issuing.Domains)
	}
	if issuing.PathLen == nil || *issuing.PathLen != 0 {
		t.Error("the issuing CA may have a CA below it")
	}
}
