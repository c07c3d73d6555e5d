package ca

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"conclave/internal/pqx509"
)

// Request is what a request says, PKCS #10 (RFC 2986), whose key has signed it.
type Request struct {
	Public  crypto.PublicKey
	Subject []byte // the name, DER
	asked   []askedExtension
	remarks []string
}

// certificationRequest is that of RFC 2986 section 4. Its parts are read one by one,
// so that each can be told of.
type certificationRequest struct {
	Info struct {
		Raw        asn1.RawContent
		Version    int
		Subject    asn1.RawValue
		PublicKey  subjectPublicKeyInfo
		Attributes []asn1.RawValue `asn1:"optional,tag:0"` // some software leaves out an empty list
	}
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

// ParseRequest reads a request: DER, PEM with whatever text around it, or base64. It
// checks what can be told without a spec: that its key may be certified, and has
// signed it.
func ParseRequest(content []byte) (*Request, error) {
	der, err := decode(content, formRequest)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	var parsed certificationRequest
	if rest, err := asn1.Unmarshal(der, &parsed); err != nil || len(rest) > 0 {
		return nil, errors.New("request: it is not PKCS #10 (RFC 2986), or is damaged; openssl req -text -in FILE shows what can be read of it")
	}
	if _, err := readDN(parsed.Info.Subject.FullBytes); err != nil {
		return nil, fmt.Errorf("request: its subject is %w", err)
	}
	r := &Request{Subject: parsed.Info.Subject.FullBytes}
	if r.Public, err = parsed.Info.PublicKey.parse(); err != nil { // before anything is verified with it
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := errors.Join(r.verify(&parsed), r.readAttributes(parsed.Info.Attributes)); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return r, nil
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

// Check wants the name of a request to be the spec's, or none; for a certificate
// that is cross-signed, the name and the key of the other root; and each extension
// that it asks for to be followed by the spec, or left out by it.
func (r *Request) Check(spec Spec) error {
	wishes, err := r.undecided(spec)
	problems := []error{spec.checkRequestedName(r), err}
	for _, w := range wishes {
		problems = append(problems, errors.New(w.refusal()))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	return nil
}

// Complete gives a spec with what the certificate has from a request that Check has
// found good: its name, if it has one, and its key identifier, if that is one of the
// key. What is cross-signed has both from the other root.
func (r *Request) Complete(spec Spec) Spec {
	if spec.Existing != nil {
		return spec
	}
	if !r.nameless() {
		spec.RawSubject = r.Subject
	}
	if !spec.leavesOut(oidSubjectKeyID.String()) {
		spec.KeyID = r.keyID()
	}
	return spec
}

// Like makes a request, DER, that asks for the same for another name, DER, and is by
// another key, so that what is decided about one can be rehearsed with the other. It
// does not ask for what crypto/x509 cannot write, extensions under object identifiers of
// UUIDs.
func (r *Request) Like(subject []byte, key crypto.Signer) ([]byte, error) {
	template := &x509.CertificateRequest{RawSubject: subject}
	for _, e := range r.asked {
		if e.Id == nil {
			continue
		}
		if e.Id.Equal(oidSubjectKeyID) && r.keyID() != nil {
			id, err := keyID(key.Public())
			if err != nil {
				return nil, err
			}
			if e.Value, err = asn1.Marshal(id); err != nil {
				return nil, err
			}
		}
		template.ExtraExtensions = append(template.ExtraExtensions, e.Extension)
	}
	return pqx509.CreateCertificateRequest(rand.Reader, template, key)
}

// keyID is the identifier of its key that a request asks for; nil for none, and for one
// that is not made of the key: it could be that of another CA.
func (r *Request) keyID() []byte {
	for _, e := range r.asked {
		var id []byte
		if !e.Id.Equal(oidSubjectKeyID) {
			continue
		}
		if rest, err := asn1.Unmarshal(e.Value, &id); err == nil && len(rest) == 0 && identifies(id, r.Public) {
			return id
		}
	}
	return nil
}

// nameless says whether the name is an empty SEQUENCE.
func (r *Request) nameless() bool { return bytes.Equal(r.Subject, []byte{0x30, 0}) }

func (s Spec) checkRequestedName(request *Request) error {
	if request.nameless() {
		if s.Subject.AsInRequest() {
			return errors.New("its subject is empty, and the certificate was to have it; write the name")
		}
		return nil
	}
	if existing := s.existing(); existing != nil {
		if !bytes.Equal(request.Subject, existing.RawSubject) || !sameKey(request.Public, existing.PublicKey) {
			return errors.New("its name and key are not those of the root that is cross-signed")
		}
		return nil
	}
	_, err := s.readRequested(request.Subject)
	return err
}
