package ceremony

import (
	"context"
	"crypto/sha256"
	"fmt"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/internal/pqx509"
)

// signCRL signs a CRL.
func (p *proceedings) signCRL(ctx context.Context, name string) (done, error) {
	return signOnce(ctx, p, p.Plan.FindCRL(name), (*signing).issueCRL, (*signing).keepCRL)
}

// issueCRL lets the issuer's key sign a CRL, when the witness has agreed to what.
func (s *signing) issueCRL(ctx context.Context, planned *plan.CRL) ([]byte, error) {
	issuer := s.Plan.FindCertificate(planned.Issuer)
	cert, err := s.certificate(issuer)
	if err != nil {
		return nil, err
	}
	a := ca.Authority{Certificate: cert, Ledger: s.register, Linter: s.Linter, Publication: issuer.Publication}
	if err := s.equip(ctx, &a, issuer); err != nil {
		return nil, err
	}
	entries, err := s.register.Entries(ctx)
	if err != nil {
		return nil, err
	}
	spec := s.Plan.Spec(planned)
	spec.DeltaOf = register.Standing(entries, cert.RawSubject, ca.KindCRL, spec.DeltaOf)
	if err := s.keepRegister(ctx, planned.Name); err != nil {
		return nil, err
	}
	draft, err := a.PrepareCRL(ctx, spec)
	if err != nil {
		return nil, err
	}
	if err := s.agreeToSign(ctx, ca.KindCRL, draft); err != nil {
		return nil, err
	}
	signed, err := a.SignCRL(ctx, draft)
	if err != nil {
		return nil, err
	}
	return signed.Raw, nil
}

// keepRegister keeps what the register says when a CRL is signed.
func (s *signing) keepRegister(ctx context.Context, crl string) error {
	export, err := exportOf(ctx, s.register)
	if err != nil {
		return err
	}
	return replaceFile(s.Dir.evidence(evidence.CRLRegisterFile(crl)), export)
}

// keepCRL keeps a CRL, and lets it be read aloud.
func (s *signing) keepCRL(ctx context.Context, planned *plan.CRL, der []byte) (done, error) {
	crl, err := pqx509.ParseRevocationList(der)
	if err != nil {
		return done{}, err
	}
	if err := s.Dir.put(evidence.CRLFile(planned.Name), der); err != nil {
		return done{}, err
	}
	issuer := s.Plan.FindCertificate(planned.Issuer)
	if err := s.publish(planned.Name+".crl", issuer.Publication.CRL, der); err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(der)
	if err := s.people.writeDown(ctx, "CRL "+planned.Name, sum[:step.Spoken], firstWords); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("CRL %s, number %d, certificates revoked: %d", planned.Name, crl.Number, len(crl.RevokedCertificateEntries)),
		step.SignCRLFacts{CRL: sumOf(sum), Number: int(crl.Number.Int64())},
	}, nil
}
