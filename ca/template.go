package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"

	"filippo.io/mldsa"

	"conclave/ca/lint"
	"conclave/internal/keycheck"
	"conclave/internal/pqx509"
)

// newRecipe checks a spec, the subject's key and the issuer; nil is one that
// signs itself.
func newRecipe(spec Spec, public crypto.PublicKey, issuer *x509.Certificate, publication Publication) (recipe, error) {
	if err := spec.Check(); err != nil {
		return recipe{}, err
	}
	r, err := spec.Profile.rules()
	if err != nil {
		return recipe{}, err
	}
	if err := errors.Join(publication.checkFor(r), spec.checkParties(r, public, issuer)); err != nil {
		return recipe{}, err
	}
	template, err := spec.template(r, public, issuer, publication)
	if err != nil {
		return recipe{}, err
	}
	made := certificateRecipe(template, template, public, public, r.demands())
	if issuer != nil {
		made = certificateRecipe(template, issuer, public, issuer.PublicKey, r.demands())
	}
	if r.ca {
		made.profile = spec.Profile
	}
	return made, nil
}

// certificateRecipe takes what crypto/x509 makes a certificate of.
func certificateRecipe(template, parent *x509.Certificate, subject, issuer crypto.PublicKey, demands lint.Demands) recipe {
	return recipe{kind: KindCertificate, issuer: issuer, demands: demands, create: func(key crypto.Signer) ([]byte, error) {
		signing := *parent
		signing.PublicKey = key.Public()
		return pqx509.CreateCertificate(rand.Reader, template, &signing, subject, key)
	}}
}

// checkParties checks the subject's key, the issuer, and that they fit.
func (s Spec) checkParties(r rules, public crypto.PublicKey, issuer *x509.Certificate) error {
	if err := errors.Join(r.checkKey(public), r.checkPostQuantum(public, issuer)); err != nil {
		return err
	}
	if s.Subject.AsInRequest() && s.RawSubject == nil {
		return errors.New("subject: it is as in the request, which is not there; check the request first")
	}
	if issuer == nil {
		if !r.self {
			return fmt.Errorf("profile: %s, but there is no issuer; root, or the issuer's certificate, was expected", s.Profile)
		}
		return nil
	}
	if err := keycheck.Sound(issuer.PublicKey); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if sameKey(public, issuer.PublicKey) {
		return errors.New("key: it is the issuer's; a key of the subject's own was expected")
	}
	if existing := s.existing(); existing != nil && !sameKey(public, existing.PublicKey) {
		return errors.New("key: it is not that of the root that is cross-signed")
	}
	return s.CheckUnder(issuer)
}

// checkKey wants a key that a certificate may be issued for. The key of another root
// has been certified already: it must be sound.
func (r rules) checkKey(public crypto.PublicKey) error {
	if r.cross && !r.public {
		return keycheck.Sound(public)
	}
	return keycheck.ForCertificate(public)
}

// checkPostQuantum refuses ML-DSA, of which the CA/Browser Forum knows nothing yet, where
// its demands hold.
func (r rules) checkPostQuantum(subject crypto.PublicKey, issuer *x509.Certificate) error {
	problem := func(whose string, public crypto.PublicKey) error {
		if _, ok := public.(*mldsa.PublicKey); !ok || !r.public {
			return nil
		}
		return fmt.Errorf("%s is %s, which the CA/Browser Forum does not allow for TLS yet (BR section 6.1.5); a profile that does not begin with cabf was expected", whose, keyText(public))
	}
	if issuer == nil {
		return problem("key: it", subject)
	}
	return errors.Join(problem("key: it", subject), problem("issuer: its key", issuer.PublicKey))
}

// existing is the root that is cross-signed, nil for none.
func (s Spec) existing() *x509.Certificate {
	cert, err := pqx509.ParseCertificate(s.Existing)
	if err != nil {
		return nil
	}
	return cert
}

// template gives crypto/x509 what it needs for the certificate of a good spec.
func (s Spec) template(r rules, public crypto.PublicKey, issuer *x509.Certificate, publication Publication) (*x509.Certificate, error) {
	id, err := keyID(public)
	if err != nil {
		return nil, err
	}
	if s.KeyID != nil {
		id = s.KeyID
	}
	signer := public
	if issuer != nil {
		signer = issuer.PublicKey
	}
	algorithm, err := signatureAlgorithm(signer)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SignatureAlgorithm: algorithm, SerialNumber: s.Serial.number, RawSubject: s.subject(),
		NotBefore: s.NotBefore.UTC(), NotAfter: s.NotAfter.UTC(), SubjectKeyId: id, AuthorityKeyId: id,
	}
	if issuer != nil {
		if t.AuthorityKeyId, err = keyIdentifier(issuer); err != nil {
			return nil, err
		}
	}
	if existing := s.existing(); existing != nil { // certificates below name it
		if t.SubjectKeyId, err = keyIdentifier(existing); err != nil {
			return nil, err
		}
	}
	s.extend(t, r)
	if issuer != nil && r.ca {
		if err := publication.apply(t); err != nil {
			return nil, err
		}
	}
	return t, s.addPolicies(t, r)
}

// extend adds the extensions that say what the key is for.
func (s Spec) extend(t *x509.Certificate, r rules) {
	for _, usage := range s.usages(r) {
		oid, _ := usageOID(usage) // Check has found it
		t.UnknownExtKeyUsage = append(t.UnknownExtKeyUsage, oid)
	}
	if !r.ca {
		t.KeyUsage = x509.KeyUsageDigitalSignature
		t.ExtraExtensions = []pkix.Extension{{Id: oidOCSPNoCheck, Value: []byte{5, 0}}} // NULL
		return
	}
	t.BasicConstraintsValid, t.IsCA, t.MaxPathLen = true, true, -1
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	if s.PathLen != nil {
		t.MaxPathLen, t.MaxPathLenZero = *s.PathLen, *s.PathLen == 0
	}
	s.Constraints.apply(t)
}

func (s Spec) usages(r rules) []string {
	if len(s.ExtKeyUsage) > 0 {
		return s.ExtKeyUsage
	}
	return r.usages
}

func (s Spec) addPolicies(t *x509.Certificate, r rules) error {
	policies := s.Policies
	if len(policies) == 0 {
		policies = r.policies
	}
	for _, policy := range policies {
		oid, err := x509.ParseOID(policy)
		if err != nil {
			return fmt.Errorf("policies: %q: %w", policy, err)
		}
		t.Policies = append(t.Policies, oid)
	}
	return nil
}

// TBS builds what an issuer signs for a spec, which has a serial number, and a
// subject's key: the TBSCertificate (RFC 5280 section 4.1.2). The issuer is nil
// if the key signs itself; the publication is the issuer's. A verifier compares
// it with a certificate's RawTBSCertificate.
func TBS(spec Spec, public crypto.PublicKey, issuer *x509.Certificate, publication Publication) ([]byte, error) {
	if spec.Serial.IsZero() {
		return nil, errors.New("serial: it is missing; that of the certificate was expected")
	}
	r, err := newRecipe(spec, public, issuer, publication)
	if err != nil {
		return nil, err
	}
	rehearsed, err := r.rehearse()
	return rehearsed.TBS, err
}
