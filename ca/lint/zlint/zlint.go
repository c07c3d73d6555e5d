// Package zlint judges certificates and CRLs with zlint
// (https://github.com/zmap/zlint), before they are signed.
//
// zlint's lints register themselves in a registry of that library, which is
// global; this package reads it, and changes nothing there.
package zlint

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/zmap/zcrypto/x509"
	judge "github.com/zmap/zlint/v3"
	zlint "github.com/zmap/zlint/v3/lint"

	"conclave/ca/lint"
)

// Linter implements lint.Linter.
type Linter struct{}

// sources are the documents whose demands are checked. A certificate that
// browsers are to trust is held to all that zlint has. A PKI that no public
// programme governs has no reason for the CA/Browser Forum's (CABF_BR,
// CABF_CS_BR, CABF_EV, CABF_SMIME_BR): country and organization in every name,
// the Forum's policies, URLs of CRL and issuer, no policies for a responder, a CRL
// each year.
func sources(by lint.Demands) ([]zlint.LintSource, error) {
	switch by {
	case lint.Public:
		return zlint.GlobalRegistry().Sources(), nil
	case lint.Private:
		return []zlint.LintSource{
			zlint.RFC3279, zlint.RFC5280, zlint.RFC5480, zlint.RFC5891, zlint.RFC6960, zlint.RFC6962, zlint.RFC8813,
			zlint.EtsiEsi, zlint.Community,
			zlint.MozillaRootStorePolicy, zlint.AppleRootStorePolicy, zlint.ChromeRootStorePolicy,
		}, nil
	}
	return nil, fmt.Errorf("lint: demands %q are not known; %q or %q was expected", by, lint.Public, lint.Private)
}

// Certificate implements lint.Linter; "notice" and below are not objections. A
// certificate that names itself as its issuer, and its own key if it names one, is
// held to what roots are.
func (Linter) Certificate(der []byte, by lint.Demands) ([]lint.Finding, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("lint: the certificate: %w", err)
	}
	cert.SelfSigned = bytes.Equal(cert.RawIssuer, cert.RawSubject) &&
		(len(cert.AuthorityKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, cert.SubjectKeyId))
	registry, err := registryOf(by)
	if err != nil {
		return nil, err
	}
	return findings(judge.LintCertificateEx(cert, registry)), nil
}

// CRL implements lint.Linter.
func (Linter) CRL(der []byte, by lint.Demands) ([]lint.Finding, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("lint: the CRL: %w", err)
	}
	registry, err := registryOf(by)
	if err != nil {
		return nil, err
	}
	return findings(judge.LintRevocationListEx(crl, registry)), nil
}

// A CRL may be valid for 12 months if it covers CA certificates, for 10 days
// otherwise (BR section 7.2); a root's covers CA certificates.
const configuration = "[e_crl_next_update_invalid]\nSubscriberCRL = false\n"

// registryOf gives a registry of nothing but what is demanded.
func registryOf(by lint.Demands) (zlint.Registry, error) {
	wanted, err := sources(by)
	if err != nil {
		return nil, err
	}
	registry, err := zlint.GlobalRegistry().Filter(zlint.FilterOptions{IncludeSources: wanted})
	if err != nil {
		return nil, fmt.Errorf("lint: zlint's registry: %w", err)
	}
	config, err := zlint.NewConfigFromString(configuration)
	if err != nil {
		return nil, fmt.Errorf("lint: zlint's configuration: %w", err)
	}
	registry.SetConfiguration(config)
	return registry, nil
}

// findings are the results above notice, by name.
func findings(set *judge.ResultSet) (all []lint.Finding) {
	for name, result := range set.Results {
		if result.Status > zlint.Notice {
			all = append(all, lint.Finding{Lint: name, Severity: result.Status.String(), Details: cmp.Or(result.Details, result.LintMetadata.Description)})
		}
	}
	slices.SortFunc(all, func(a, b lint.Finding) int { return cmp.Compare(a.Lint, b.Lint) })
	return all
}
