// Package ca issues the certificates and CRLs of a certification authority
// whose key is anything that signs: a key in an HSM, above all.
//
// Begin with an [Authority] and a [Spec]. Prepare gives a [Draft], whose Text is for
// those who have to agree, and Sign the certificate; PrepareCRL and SignCRL do the
// same for what was revoked. A root is an Authority that has no Certificate yet and
// signs its own first.
//
// What is issued is prepared first: encoded, signed with a key that is thrown
// away, and linted. The authority's key signs only what passed, byte for byte,
// and the ledger knows of that before. Encoding is deterministic, so that
// someone who has the plan can build the same bytes again (TBS, CRLTBS).
//
// It is for an authority that signs a few things a year, offline. It certifies
// roots, the CAs below them, roots that are cross-signed and OCSP responders, but
// no servers and no people, and it answers no requests over a network. An Authority
// needs a [Ledger], such as package ca/register, and a lint.Linter, such as package
// ca/lint/zlint; its key may come from hsm.HSM.Signer. How people do all this
// together, with witnesses, is package ceremony.
//
// BR is the CA/Browser Forum's Baseline Requirements for the Issuance and
// Management of Publicly-Trusted TLS Server Certificates, version 2.1.
package ca

import (
	"fmt"

	"conclave/ca/lint"
)

// Profile is a kind of certificate.
type Profile string

// The profiles. Those that begin with cabf are as the CA/Browser Forum wants
// them, and are linted by all that browsers demand.
const (
	Root            Profile = "root"
	Subordinate     Profile = "subordinate"
	OCSP            Profile = "ocsp"             // a responder that an authority delegates to (RFC 6960 section 4.2.2.2)
	Cross           Profile = "cross"            // of an existing root: its name, its key
	CABFRoot        Profile = "cabf-root"        // BR section 7.1.2.1
	CABFSubordinate Profile = "cabf-subordinate" // BR section 7.1.2.6
	CABFOCSP        Profile = "cabf-ocsp"        // BR section 7.1.2.8
	CABFCross       Profile = "cabf-cross"       // BR section 7.1.2.2
)

// rules say what certificates of a profile may be.
type rules struct {
	public   bool // the CA/Browser Forum's demands hold
	self     bool // it signs itself
	cross    bool
	ca       bool
	shortest int      // validity in days
	longest  int      // validity in days
	usages   []string // extended key usages if the spec has none
	policies []string // if the spec has none
}

const (
	// Half a century is longer than any algorithm has lasted; more is a slip of
	// the pen.
	longestPrivate = 50 * 366
	// BR section 7.1.2.1.1. A certificate below a root cannot be valid for longer
	// than it is.
	shortestRoot = 2922
	longestRoot  = 9132
	// A responder's certificate cannot be revoked (RFC 6960 section 4.2.2.2.1), so
	// it must end soon: a year, and a month to replace it.
	longestOCSP = 398
)

// The policies that BR section 7.1.6.1 reserves, and anyPolicy (RFC 5280 section
// 4.2.1.4).
const (
	policyDomainValidated       = "2.23.140.1.2.1"
	policyOrganizationValidated = "2.23.140.1.2.2"
	policyIndividualValidated   = "2.23.140.1.2.3"
	policyExtendedValidation    = "2.23.140.1.1"
	policyAny                   = "2.5.29.32.0"
)

var profiles = map[Profile]rules{
	Root:        {self: true, ca: true, longest: longestPrivate},
	Subordinate: {ca: true, longest: longestPrivate},
	Cross:       {ca: true, cross: true, longest: longestPrivate},
	OCSP:        {longest: longestOCSP, usages: []string{usageOCSPSigning}},

	CABFRoot: {public: true, self: true, ca: true, shortest: shortestRoot, longest: longestRoot},
	// Domain validation is what every TLS CA does; whoever validates more says
	// so in the spec.
	CABFSubordinate: {public: true, ca: true, longest: longestRoot, usages: []string{usageServerAuth}, policies: []string{policyDomainValidated}},
	CABFCross:       {public: true, ca: true, cross: true, longest: longestRoot, usages: []string{usageServerAuth}, policies: []string{policyDomainValidated}},
	CABFOCSP:        {public: true, longest: longestOCSP, usages: []string{usageOCSPSigning}},
}

func (p Profile) rules() (rules, error) {
	r, ok := profiles[p]
	if !ok {
		return r, fmt.Errorf("profile: %q is not known; root, subordinate, ocsp or cross was expected, or one of them after cabf-", string(p))
	}
	return r, nil
}

// Check says whether there is such a profile.
func (p Profile) Check() error {
	_, err := p.rules()
	return err
}

// IsPublic says whether the CA/Browser Forum's demands hold.
func (p Profile) IsPublic() bool { return profiles[p].public }

// CheckReason says whether a CRL of an issuer with this profile may give a reason
// code (RFC 5280 section 5.3.1) for a CA's certificate, or any other. A public one
// gives few, and one for each CA (BR section 7.2.2); what takes a hold back is in none
// of its CRLs.
func (p Profile) CheckReason(reason int, isCA bool) error {
	if !profiles[p].public {
		return nil
	}
	switch reason {
	case 0:
		if isCA {
			return fmt.Errorf("a public CA gives a reason for the certificate of a CA (BR section 7.2.2); %s was expected", publicReasons)
		}
		return nil
	case 1, 3, 4, 5, 9, ReasonRemoveFromCRL:
		return nil
	}
	return fmt.Errorf("a public CA does not give the reason %s (BR section 7.2.2); %s was expected", ReasonName(reason), publicReasons)
}

const publicReasons = "keyCompromise, affiliationChanged, superseded, cessationOfOperation or privilegeWithdrawn"

// demands are what certificates and CRLs of a profile are linted against.
func (r rules) demands() lint.Demands {
	if r.public {
		return lint.Public
	}
	return lint.Private
}
