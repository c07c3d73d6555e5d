package ceremony

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"slices"
	"strings"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/hsm"
)

// signing is the work of an authority in a ceremony: what it signs is written down
// before, and is in the register.
type signing struct {
	*proceedings
	register *register.Register
}

// openRegister opens the register of this ceremony, which is made when it is first
// needed; one that is continued was copied when the ceremony was opened.
func (p *proceedings) openRegister() (*register.Register, error) {
	r, err := register.Open(p.Dir.Register())
	if errors.Is(err, fs.ErrNotExist) && p.Plan.Register == "" {
		return register.Create(p.Dir.Register())
	}
	return r, err
}

// signOnce signs what is planned, unless this step did so before a power cut, and
// keeps it.
func signOnce[T any](ctx context.Context, p *proceedings, planned T, sign func(*signing, context.Context, T) ([]byte, error),
	keep func(*signing, context.Context, T, []byte) (done, error)) (d done, err error) {
	r, err := p.openRegister()
	if err != nil {
		return done{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s := &signing{p, r}
	der, err := s.signedBefore(ctx)
	if err == nil && der == nil {
		der, err = sign(s, ctx, planned)
	}
	if err != nil {
		return done{}, err
	}
	return keep(s, ctx, planned, der)
}

// signedBefore gives what this step has signed before a power cut, nil if there is
// nothing. Where the register does not have it, it may have been signed all the
// same; that is written down.
func (s *signing) signedBefore(ctx context.Context) ([]byte, error) {
	intents := s.log.intents()
	entries, err := s.register.Entries(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.neverSigned(intents, entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if intents[hexOf(e.TBS)] == "" {
			continue
		}
		if e.State() == register.Issued {
			return e.DER, nil
		}
		if e.State() == register.Intended {
			if err := s.settle(ctx, e); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// neverSigned writes down what was about to be signed and was not: the register
// knows of it before a device does.
func (s *signing) neverSigned(intents map[string]string, entries []register.Entry) error {
	for _, tbs := range slices.Sorted(maps.Keys(intents)) {
		known := slices.ContainsFunc(entries, func(e register.Entry) bool { return hexOf(e.TBS) == tbs })
		if known || s.log.hasOutcome(tbs) {
			continue
		}
		text := "number " + intents[tbs] + " was about to be signed when the ceremony was interrupted; it was not"
		if err := s.log.noteException("", text, step.ExceptionFacts{TBS: step.Sum(tbs)}); err != nil {
			return err
		}
	}
	return nil
}

// agreeToSign lets the witness compare a draft with the runbook, and writes down
// that it is about to be signed.
func (s *signing) agreeToSign(ctx context.Context, kind ca.Kind, draft interface {
	Text() string
	Number() *big.Int
	TBS() []byte
}) error {
	for line := range strings.Lines(draft.Text()) {
		s.people.Tell(strings.TrimSuffix(line, "\n"))
	}
	if err := s.people.agree(ctx, s.Plan.Who(step.Witness), "Is this what the runbook says?"); err != nil {
		return err
	}
	return s.log.noteIntent(kind, draft.Number().Text(16), draft.TBS())
}

// numberLost says whether the planned number, if there is one, was lost when this step
// was interrupted. The next one takes its place, which the register shows.
func (s *signing) numberLost(ctx context.Context, number *big.Int) (bool, error) {
	if number == nil || number.Sign() == 0 {
		return false, nil
	}
	entries, err := s.register.Entries(ctx)
	if err != nil {
		return false, err
	}
	intents := s.log.intents()
	return slices.ContainsFunc(entries, func(e register.Entry) bool {
		return intents[hexOf(e.TBS)] != "" && e.State() == register.Settled && e.Number.Cmp(number) == 0
	}), nil
}

// settle writes down that something may have been signed, and was lost.
func (s *signing) settle(ctx context.Context, e register.Entry) error {
	text := fmt.Sprintf("%s %x of %s was about to be signed when the ceremony was interrupted; it may have been, and was not kept. Its number is not used again", e.Kind, e.Number, e.Subject)
	if !s.log.hasOutcome(hexOf(e.TBS)) {
		if err := s.log.noteException("", text, step.ExceptionFacts{TBS: sumOf(e.TBS)}); err != nil {
			return err
		}
	}
	return s.register.Settle(ctx, e.Issuer, e.Kind, e.Number, text)
}

// authority is the issuer of a certificate, logged in.
func (s *signing) authority(ctx context.Context, planned *plan.Certificate) (ca.Authority, error) {
	a := ca.Authority{Ledger: s.register, Linter: s.Linter, Publication: planned.Publication}
	issuer := planned
	if planned.Issuer != "" {
		issuer = s.Plan.FindCertificate(planned.Issuer)
		cert, err := s.certificate(issuer)
		if err != nil {
			return a, err
		}
		a.Certificate, a.Publication = cert, issuer.Publication
	}
	return a, s.equip(ctx, &a, issuer)
}

// equip gives an authority its key, and the random numbers of the device that
// holds it.
func (s *signing) equip(ctx context.Context, a *ca.Authority, issuer *plan.Certificate) error {
	h, err := s.devices.login(ctx, s.Plan.SignedBy(issuer))
	if err != nil {
		return err
	}
	signer, err := s.signer(h, issuer, a.Certificate)
	if err != nil {
		return err
	}
	a.Rand, a.Signer = h, signer
	return nil
}

// signer is an issuer's key: one that was made in this ceremony, or the one that its
// certificate is for.
func (s *signing) signer(h *hsm.HSM, issuer *plan.Certificate, cert *x509.Certificate) (*hsm.Signer, error) {
	if issuer.Key != "" {
		ref, err := s.log.reference(issuer.Key)
		if err != nil {
			return nil, err
		}
		return h.Signer(ref)
	}
	signer, err := h.FindSigner(cert.RawSubjectPublicKeyInfo)
	if errors.Is(err, hsm.ErrNotFound) {
		err = fmt.Errorf("the device %s does not hold the key of the certificate %s (%w)", issuer.Device, issuer.Name, err)
	}
	return signer, err
}

// certificate reads a certificate of the plan, whether issued here or before.
func (s *signing) certificate(planned *plan.Certificate) (*x509.Certificate, error) {
	path := s.Dir.evidence(evidence.CertificateFile(planned.Name))
	if planned.File != "" {
		path = s.Dir.evidence(evidence.InputFile(planned.File))
	}
	return ca.ReadCertificate(path)
}

// publish writes a file as it is to be published, DER.
func (s *signing) publish(name string, urls ca.URLs, content []byte) error {
	if len(urls) > 0 {
		s.people.Tell("To be published as " + urls.String() + ": " + s.Dir.publish(name))
	}
	return putFile(s.Dir.publish(name), content)
}
