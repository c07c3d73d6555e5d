// Package lint judges certificates and CRLs with zlint
// (https://github.com/zmap/zlint), before they are signed.
//
// zlint's lints register themselves in a registry of that library, which is
// global; this package reads it, and changes nothing there.
package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// Source is a document whose demands are checked.
type Source = lint.LintSource

// Finding is what a lint objects to.
type Finding struct {
	Lint     string // zlint's name of it
	Severity string // "warn", "error" or "fatal"
	Details  string // what it found, or what it looks for
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s (%s)", f.Severity, f.Details, f.Lint) }

// Public are all sources that zlint has: a certificate that browsers are to
// trust is held to each of them.
func Public() []Source { return lint.GlobalRegistry().Sources() }

// Private are the sources for a PKI that no public programme governs: all but the
// CA/Browser Forum's (CABF_BR, CABF_CS_BR, CABF_EV, CABF_SMIME_BR), which demand
// what a private CA has no reason for: country and organization in every name,
// the Forum's policies, URLs of CRL and issuer, no policies for a responder, a CRL
// each year.
func Private() []Source {
	return []Source{
		lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6960, lint.RFC6962, lint.RFC8813,
		lint.EtsiEsi, lint.Community,
		lint.MozillaRootStorePolicy, lint.AppleRootStorePolicy, lint.ChromeRootStorePolicy,
	}
}

// Certificate tells what the lints of the sources object to in a certificate,
// DER; "notice" and below is no objection.
//
// Its signature need not be good, so that it can be linted before it is signed.
// One that names itself as its issuer, and its own key where it names one, is
// held to what roots are.
func Certificate(der []byte, sources ...Source) ([]Finding, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("lint: the certificate: %w", err)
	}
	cert.SelfSigned = bytes.Equal(cert.RawIssuer, cert.RawSubject) &&
		(len(cert.AuthorityKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, cert.SubjectKeyId))
	registry, err := registryOf(sources)
	if err != nil {
		return nil, err
	}
	return findings(zlint.LintCertificateEx(cert, registry)), nil
}

// CRL is Certificate for a CRL of CA certificates.
func CRL(der []byte, sources ...Source) ([]Finding, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("lint: the CRL: %w", err)
	}
	registry, err := registryOf(sources)
	if err != nil {
		return nil, err
	}
	return findings(zlint.LintRevocationListEx(crl, registry)), nil
}

// A CRL may be valid for 12 months where it covers CA certificates, for 10 days
// elsewhere (BR section 7.2); a root's covers CA certificates.
const configuration = "[e_crl_next_update_invalid]\nSubscriberCRL = false\n"

// registryOf gives a registry of the sources alone.
func registryOf(sources []Source) (lint.Registry, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("lint: no source to lint by; Public or Private was expected")
	}
	known := Public()
	for _, source := range sources {
		if !slices.Contains(known, source) {
			return nil, fmt.Errorf("lint: zlint has no source %q; one of %v was expected", source, known)
		}
	}
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: sources})
	if err != nil {
		return nil, fmt.Errorf("lint: zlint's registry: %w", err)
	}
	config, err := lint.NewConfigFromString(configuration)
	if err != nil {
		return nil, fmt.Errorf("lint: zlint's configuration: %w", err)
	}
	registry.SetConfiguration(config)
	return registry, nil
}

// findings are the results above notice, by name.
func findings(set *zlint.ResultSet) (all []Finding) {
	for name, result := range set.Results {
		if result.Status > lint.Notice {
			all = append(all, Finding{name, result.Status.String(), cmp.Or(result.Details, result.LintMetadata.Description)})
		}
	}
	slices.SortFunc(all, func(a, b Finding) int { return cmp.Compare(a.Lint, b.Lint) })
	return all
}
