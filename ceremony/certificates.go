package ceremony

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/pem"
	"fmt"

	"conclave/ca"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/internal/pqx509"
	"conclave/internal/safefile"
	"conclave/wire"
)

// certify issues a certificate.
func (p *proceedings) certify(ctx context.Context, name string) (done, error) {
	return signOnce(ctx, p, p.Plan.FindCertificate(name), (*signing).issue, (*signing).keepCertificate)
}

// issue lets the issuer's key sign, when the witness has agreed to what.
func (s *signing) issue(ctx context.Context, planned *plan.Certificate) ([]byte, error) {
	authority, err := s.authority(ctx, planned)
	if err != nil {
		return nil, err
	}
	spec, public, err := s.subject(planned)
	if err != nil {
		return nil, err
	}
	if lost, err := s.numberLost(ctx, spec.Serial.Int()); err != nil {
		return nil, err
	} else if lost {
		spec.Serial = ca.Serial{}
	}
	draft, err := authority.Prepare(spec, public)
	if err != nil {
		return nil, err
	}
	if err := s.agreeToSign(ctx, ca.KindCertificate, draft); err != nil {
		return nil, err
	}
	cert, err := authority.Sign(ctx, draft)
	if err != nil {
		return nil, err
	}
	return cert.Raw, nil
}

// keepCertificate keeps a certificate, and lets it be read aloud.
func (s *signing) keepCertificate(ctx context.Context, planned *plan.Certificate, der []byte) (done, error) {
	cert, err := pqx509.ParseCertificate(der)
	if err != nil {
		return done{}, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	if err := s.Dir.put(evidence.CertificateFile(planned.Name), text); err != nil {
		return done{}, err
	}
	if err := s.publish(planned.Name+".cer", planned.Publication.Certificate, cert.Raw); err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(cert.Raw)
	if err := s.people.writeDown(ctx, "Certificate "+planned.Name, sum[:step.Spoken], firstWords); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("certificate %s, serial number %x", planned.Name, cert.SerialNumber),
		step.CertifyFacts{Certificate: sumOf(sum), Serial: fmt.Sprintf("%x", cert.SerialNumber)},
	}, nil
}

// subject is whose key is certified, and what the certificate is to be, with what
// it has from the request.
func (s *signing) subject(planned *plan.Certificate) (ca.Spec, crypto.PublicKey, error) {
	if planned.Key != "" {
		public, err := s.attestedKey(planned.Key)
		return planned.Spec, public, err
	}
	spec := planned.Spec
	if planned.CrossSigns != "" {
		root, err := s.certificate(s.Plan.FindCertificate(planned.CrossSigns))
		if err != nil {
			return ca.Spec{}, nil, err
		}
		spec.Existing = root.Raw
	}
	if spec.Existing != nil {
		existing, err := pqx509.ParseCertificate(spec.Existing)
		if err != nil {
			return ca.Spec{}, nil, err
		}
		return spec, existing.PublicKey, nil
	}
	content, err := safefile.Read(s.Dir.evidence(evidence.InputFile(planned.Request)), ca.MaxFile)
	if err != nil {
		return ca.Spec{}, nil, err
	}
	request, err := ca.CheckRequest(content, planned.Spec)
	if err != nil {
		return ca.Spec{}, nil, err
	}
	return request.Complete(planned.Spec), request.Public, nil
}

// attestedKey is a key that was made in this ceremony.
func (s *signing) attestedKey(name string) (crypto.PublicKey, error) {
	content, err := safefile.Read(s.Dir.evidence(evidence.AttestationFile(name)), maxSmall)
	if err != nil {
		return nil, err
	}
	request, err := wire.ParseAuthenticatedRequest(content)
	if err != nil {
		return nil, err
	}
	spki, err := request.Request.Key.SPKI()
	if err != nil {
		return nil, err
	}
	return pqx509.ParsePKIXPublicKey(spki)
}
