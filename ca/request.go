package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"conclave/ca/lint"
	"conclave/internal/keycheck"
)

// Request is what a request says, PKCS #10 (RFC 2986), whose key has signed it.
type Request struct {
	Public  crypto.PublicKey
	Subject []byte // the name, DER
	asked   []pkix.Extension
}

// ParseRequest reads a request, DER or PEM, and checks what can be told without a
// spec: that its key may be certified, and has signed it.
func ParseRequest(content []byte) (*Request, error) {
	der, err := decode(content, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("request: PKCS #10 was expected: %w", err)
	}
	if err := keycheck.ForCertificate(request.PublicKey); err != nil { // before anything is verified with it
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("request: it is not signed with its own key, which would prove possession: %w", err)
	}
	return &Request{Public: request.PublicKey, Subject: request.RawSubject, asked: request.Extensions}, nil
}

// CheckRequest reads a request, and checks it against a spec.
func CheckRequest(content []byte, spec Spec) (*Request, error) {
	request, err := ParseRequest(content)
	if err == nil {
		err = request.Check(spec)
	}
	if err != nil {
		return nil, err
	}
	return request, nil
}

// Check wants the name of a request to be the spec's, or none; that it asks for no
// extension that the certificate will not have; and for a certificate that is
// cross-signed, the name and the key of the other root.
func (r *Request) Check(spec Spec) error {
	if err := errors.Join(spec.checkRequestedName(r), spec.checkRequested(r.asked)); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	return nil
}

func (s Spec) checkRequestedName(request *Request) error {
	if bytes.Equal(request.Subject, []byte{0x30, 0}) { // an empty SEQUENCE
		return nil
	}
	if existing := s.existing(); existing != nil {
		if !bytes.Equal(request.Subject, existing.RawSubject) || !sameKey(request.Public, existing.PublicKey) {
			return errors.New("its name and key are not those of the root that is cross-signed")
		}
		return nil
	}
	if !sameName(request.Subject, s.Subject) {
		return fmt.Errorf("its subject is %s, but %s was planned; change one of them", distinguishedName(request.Subject), s.Subject)
	}
	return nil
}

// ignored are extensions of requests that no certificate need follow: the
// requester's key identifier, as this package has its own; and what Windows
// Server's requests for a CA say about themselves, CA version and template
// ([MS-WCCE] section 2.2.2.7).
var ignored = []string{"2.5.29.14", "1.3.6.1.4.1.311.21.1", "1.3.6.1.4.1.311.20.2"}

// checkRequested checks that the extensions of a request promise nothing that
// the certificate will not say.
func (s Spec) checkRequested(asked []pkix.Extension) error {
	asked = slices.DeleteFunc(slices.Clone(asked), func(e pkix.Extension) bool {
		return slices.Contains(ignored, e.Id.String())
	})
	if len(asked) == 0 {
		return nil
	}
	planned, err := s.extensions()
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range asked {
		i := slices.IndexFunc(planned, func(p pkix.Extension) bool { return p.Id.Equal(e.Id) })
		if i < 0 {
			problems = append(problems, fmt.Errorf("it asks for the extension %s, which the certificate will not have; make one without it", extensionName(e.Id)))
		} else if !covers(planned[i], e) {
			problems = append(problems, fmt.Errorf("it asks for the extension %s with the value %x, but %x is planned; change one of them", extensionName(e.Id), e.Value, planned[i].Value))
		}
	}
	return errors.Join(problems...)
}

// extensions are those that a certificate of this spec has by itself, beside
// those that name keys and what the issuer publishes.
func (s Spec) extensions() ([]pkix.Extension, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	r, err := s.Profile.rules()
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: s.NotBefore, NotAfter: s.NotAfter}
	s.extend(t, r)
	if err := s.addPolicies(t, r); err != nil {
		return nil, err
	}
	signed, err := certificateRecipe(t, t, key.Public(), key.Public(), lint.Private).sign(key)
	if err != nil {
		return nil, err
	}
	return signed.certificate.Extensions, nil
}

// covers says whether a planned extension is what was asked for. A CA may get a
// path length that it did not ask for; and not the key usages beside its own,
// such as digitalSignature, that requests of CA software name as a matter of
// course.
func covers(planned, asked pkix.Extension) bool {
	if bytes.Equal(planned.Value, asked.Value) {
		return true
	}
	switch planned.Id.String() {
	case "2.5.29.19": // RFC 5280 section 4.2.1.9
		var have, want basicConstraints
		_, err := asn1.Unmarshal(planned.Value, &have)
		rest, wantErr := asn1.Unmarshal(asked.Value, &want)
		return err == nil && wantErr == nil && len(rest) == 0 && want == basicConstraints{have.CA, -1}
	case "2.5.29.15": // RFC 5280 section 4.2.1.3
		var have, want asn1.BitString
		_, err := asn1.Unmarshal(planned.Value, &have)
		rest, wantErr := asn1.Unmarshal(asked.Value, &want)
		return err == nil && wantErr == nil && len(rest) == 0 && hasBits(want, have)
	}
	return false
}

type basicConstraints struct {
	CA      bool `asn1:"optional"`
	PathLen int  `asn1:"optional,default:-1"`
}

// hasBits says whether all of some bits are among others.
func hasBits(all, some asn1.BitString) bool {
	for i := range some.BitLength {
		if some.At(i) == 1 && all.At(i) == 0 {
			return false
		}
	}
	return true
}

// extensionNames are those of RFC 5280 section 4.2 that requests ask for.
var extensionNames = map[string]string{
	"2.5.29.15": "keyUsage", "2.5.29.17": "subjectAltName", "2.5.29.19": "basicConstraints", "2.5.29.30": "nameConstraints",
	"2.5.29.31": "cRLDistributionPoints", "2.5.29.32": "certificatePolicies", "2.5.29.35": "authorityKeyIdentifier",
	"2.5.29.37": "extKeyUsage", "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
}

func extensionName(oid asn1.ObjectIdentifier) string {
	if name := extensionNames[oid.String()]; name != "" {
		return name
	}
	return oid.String()
}
