package ceremony

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/hsm"
	"conclave/wire"
)

// openRegister opens the register of this act, which is made when it is first
// needed; one that is continued was copied when the ceremony was opened.
func (p *performance) openRegister() (*register.Register, error) {
	r, err := register.Open(p.work.register())
	if errors.Is(err, fs.ErrNotExist) && p.Plan.Register == "" {
		return register.Create(p.work.register())
	}
	return r, err
}

// beside gives the path of a file that the plan names.
func (a Act) beside(path string) string { return filepath.Join(a.Base, path) }

// certify issues a certificate.
func (p *performance) certify(ctx context.Context, name string) (d done, err error) {
	planned := p.Plan.FindCertificate(name)
	r, err := p.openRegister()
	if err != nil {
		return done{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	cert, err := p.unrecorded(ctx, r)
	if err == nil && cert == nil {
		cert, err = p.issue(ctx, r, planned)
	}
	if err != nil {
		return done{}, err
	}
	return p.issued(ctx, planned, cert)
}

// issue lets the issuer's key sign, when the witness has agreed to what.
func (p *performance) issue(ctx context.Context, r *register.Register, planned *plan.Certificate) (*x509.Certificate, error) {
	authority, err := p.authority(ctx, r, planned)
	if err != nil {
		return nil, err
	}
	public, err := p.subjectKey(planned)
	if err != nil {
		return nil, err
	}
	spec := planned.Spec
	if lost, err := p.lost(ctx, r, spec.Serial.Int()); err != nil {
		return nil, err
	} else if lost {
		spec.Serial = ca.Serial{}
	}
	draft, err := authority.Prepare(spec, public)
	if err != nil {
		return nil, err
	}
	p.Room.Tell(draft.Text())
	if err := p.agree(ctx, p.Plan.Who(step.Witness), "Is this what the runbook says?"); err != nil {
		return nil, err
	}
	if err := p.noteIntent(ca.KindCertificate, draft.Serial().String(), draft.TBS()); err != nil {
		return nil, err
	}
	return authority.Sign(ctx, draft)
}

func (p *performance) noteIntent(kind ca.Kind, number string, tbs []byte) error {
	return p.note(transcript.Note, "", "about to sign", step.NoteFacts{Sign: string(kind), Number: number, TBS: sumOf(sha256.Sum256(tbs))})
}

// unrecorded gives the certificate that this step has signed before a power
// cut, nil if there is none. Where the register does not have it, it may have
// been signed all the same; that is written down.
func (p *performance) unrecorded(ctx context.Context, r *register.Register) (*x509.Certificate, error) {
	der, err := p.signedBefore(ctx, r)
	if err != nil || der == nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// intents are what this step was about to sign, at any time: numbers, by the hash
// of what was to be signed.
func (p *performance) intents() map[string]string {
	intents := map[string]string{}
	for _, e := range p.writer.Entries() {
		if tbs := e.Facts["tbs sha256"]; e.Step == p.step.ID && e.Kind == transcript.Note && tbs != "" {
			intents[tbs] = e.Facts["number"]
		}
	}
	return intents
}

// told says whether an exception has said what came of something that was about
// to be signed.
func (p *performance) told(tbs string) bool {
	return slices.ContainsFunc(p.writer.Entries(), func(e transcript.Entry) bool {
		return e.Kind == transcript.Exception && e.Facts["tbs sha256"] == tbs
	})
}

func (p *performance) signedBefore(ctx context.Context, r *register.Register) ([]byte, error) {
	intents := p.intents()
	entries, err := r.Entries(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.neverSigned(intents, entries); err != nil {
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
			if err := p.settle(ctx, r, e); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// neverSigned writes down what was about to be signed and was not: the register
// knows of it before a device does.
func (p *performance) neverSigned(intents map[string]string, entries []register.Entry) error {
	for _, tbs := range slices.Sorted(maps.Keys(intents)) {
		known := slices.ContainsFunc(entries, func(e register.Entry) bool { return hexOf(e.TBS) == tbs })
		if known || p.told(tbs) {
			continue
		}
		text := "number " + intents[tbs] + " was about to be signed when the ceremony was interrupted; it was not"
		if err := p.noteException("", text, step.ExceptionFacts{TBS: step.Sum(tbs)}); err != nil {
			return err
		}
	}
	return nil
}

// lost says whether the planned number, if there is one, was lost when this step
// was interrupted. The next one takes its place, which the register shows.
func (p *performance) lost(ctx context.Context, r *register.Register, number *big.Int) (bool, error) {
	if number == nil || number.Sign() == 0 {
		return false, nil
	}
	entries, err := r.Entries(ctx)
	if err != nil {
		return false, err
	}
	intents := p.intents()
	return slices.ContainsFunc(entries, func(e register.Entry) bool {
		return intents[hexOf(e.TBS)] != "" && e.State() == register.Settled && e.Number.Cmp(number) == 0
	}), nil
}

// settle writes down that something may have been signed, and was lost.
func (p *performance) settle(ctx context.Context, r *register.Register, e register.Entry) error {
	text := fmt.Sprintf("%s %x of %s was about to be signed when the ceremony was interrupted; it may have been, and was not kept. Its number is not used again", e.Kind, e.Number, e.Subject)
	if !p.told(hexOf(e.TBS)) {
		if err := p.noteException("", text, step.ExceptionFacts{TBS: sumOf(e.TBS)}); err != nil {
			return err
		}
	}
	return r.Settle(ctx, e.Issuer, e.Kind, e.Number, text)
}

// issued keeps a certificate, and lets it be read aloud.
func (p *performance) issued(ctx context.Context, planned *plan.Certificate, cert *x509.Certificate) (done, error) {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	if err := p.work.put(evidence.CertificateFile(planned.Name), text); err != nil {
		return done{}, err
	}
	if err := p.publish(planned.Name+".cer", planned.Publication.Certificate, cert.Raw); err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(cert.Raw)
	if err := p.heard(ctx, "Certificate "+planned.Name, sum[:]); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("certificate %s, serial number %x", planned.Name, cert.SerialNumber),
		step.CertifyFacts{Certificate: sumOf(sum), Serial: fmt.Sprintf("%x", cert.SerialNumber)},
	}, nil
}

// publish writes a file as it is to be published, DER.
func (p *performance) publish(name, url string, content []byte) error {
	if url != "" {
		p.Room.Tell("To be published as " + url + ": " + p.work.publish(name))
	}
	return putFile(p.work.publish(name), content)
}

// authority is the issuer of a certificate, logged in.
func (p *performance) authority(ctx context.Context, r *register.Register, planned *plan.Certificate) (ca.Authority, error) {
	a := ca.Authority{Ledger: r, Linter: p.Linter, Publication: planned.Publication}
	issuer := planned
	if planned.Issuer != "" {
		issuer = p.Plan.FindCertificate(planned.Issuer)
		cert, err := p.certificate(issuer)
		if err != nil {
			return a, err
		}
		a.Certificate, a.Publication = cert, issuer.Publication
	}
	return a, p.equip(ctx, &a, issuer)
}

// equip gives an authority its key, and the random numbers of the device that
// holds it.
func (p *performance) equip(ctx context.Context, a *ca.Authority, issuer *plan.Certificate) error {
	h, err := p.devices.login(ctx, p.Plan.SignedBy(issuer))
	if err != nil {
		return err
	}
	ref, err := p.signingKey(h, issuer, a.Certificate)
	if err != nil {
		return err
	}
	a.Rand = h
	a.Signer, err = h.Signer(ref)
	return err
}

// signingKey is the reference of an issuer's key: one that was made in this
// act, or the one that its certificate is for.
func (p *performance) signingKey(h *hsm.HSM, issuer *plan.Certificate, cert *x509.Certificate) (byte, error) {
	if issuer.Key != "" {
		return p.reference(issuer.Key)
	}
	ref, err := h.FindKey(cert.RawSubjectPublicKeyInfo)
	if errors.Is(err, hsm.ErrNotFound) {
		err = fmt.Errorf("the device %s does not hold the key of the certificate %s", issuer.Device, issuer.Name)
	}
	return ref, err
}

// certificate reads a certificate of the plan, whether issued here or before.
func (p *performance) certificate(planned *plan.Certificate) (*x509.Certificate, error) {
	path := p.work.evidence(evidence.CertificateFile(planned.Name))
	if planned.File != "" {
		path = p.work.evidence(evidence.InputFile(planned.File))
	}
	return ca.ReadCertificate(path)
}

// subjectKey is the key that is certified.
func (p *performance) subjectKey(planned *plan.Certificate) (crypto.PublicKey, error) {
	if planned.Key != "" {
		content, err := os.ReadFile(p.work.evidence(evidence.AttestationFile(planned.Key)))
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
		return x509.ParsePKIXPublicKey(spki)
	}
	if planned.Existing != nil {
		existing, err := x509.ParseCertificate(planned.Existing)
		if err != nil {
			return nil, err
		}
		return existing.PublicKey, nil
	}
	content, err := os.ReadFile(p.work.evidence(evidence.InputFile(planned.Request)))
	if err != nil {
		return nil, err
	}
	return ca.CheckRequest(content, planned.Spec)
}

// list signs a CRL.
func (p *performance) list(ctx context.Context, name string) (d done, err error) {
	planned := p.Plan.FindCRL(name)
	r, err := p.openRegister()
	if err != nil {
		return done{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	der, err := p.signedBefore(ctx, r)
	if err != nil {
		return done{}, err
	}
	if der == nil {
		if der, err = p.signCRL(ctx, r, planned); err != nil {
			return done{}, err
		}
	}
	return p.listed(ctx, planned, der)
}

func (p *performance) signCRL(ctx context.Context, r *register.Register, planned *plan.CRL) ([]byte, error) {
	issuer := p.Plan.FindCertificate(planned.Issuer)
	cert, err := p.certificate(issuer)
	if err != nil {
		return nil, err
	}
	a := ca.Authority{Certificate: cert, Ledger: r, Linter: p.Linter, Publication: issuer.Publication}
	if err := p.equip(ctx, &a, issuer); err != nil {
		return nil, err
	}
	entries, err := r.Entries(ctx)
	if err != nil {
		return nil, err
	}
	spec := p.Plan.Spec(planned)
	spec.DeltaOf = register.Standing(entries, cert.RawSubject, ca.KindCRL, spec.DeltaOf)
	if err := p.keepRegister(ctx, planned.Name, r); err != nil {
		return nil, err
	}
	draft, err := a.PrepareCRL(ctx, spec)
	if err != nil {
		return nil, err
	}
	p.Room.Tell(draft.Text())
	if err := p.agree(ctx, p.Plan.Who(step.Witness), "Is this what the runbook says?"); err != nil {
		return nil, err
	}
	if err := p.noteIntent(ca.KindCRL, draft.Number().Text(16), draft.TBS()); err != nil {
		return nil, err
	}
	signed, err := a.SignCRL(ctx, draft)
	if err != nil {
		return nil, err
	}
	return signed.Raw, nil
}

// keepRegister keeps what the register says when a CRL is signed.
func (p *performance) keepRegister(ctx context.Context, crl string, r *register.Register) error {
	export, err := exportOf(ctx, r)
	if err != nil {
		return err
	}
	return replaceFile(p.work.evidence(evidence.CRLRegisterFile(crl)), export)
}

// listed keeps a CRL, and lets it be read aloud.
func (p *performance) listed(ctx context.Context, planned *plan.CRL, der []byte) (done, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return done{}, err
	}
	if err := p.work.put(evidence.CRLFile(planned.Name), der); err != nil {
		return done{}, err
	}
	issuer := p.Plan.FindCertificate(planned.Issuer)
	if err := p.publish(planned.Name+".crl", issuer.Publication.CRL, der); err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(der)
	if err := p.heard(ctx, "CRL "+planned.Name, sum[:]); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("CRL %s, number %d, certificates revoked: %d", planned.Name, crl.Number, len(crl.RevokedCertificateEntries)),
		step.SignCRLFacts{CRL: sumOf(sum), Number: int(crl.Number.Int64())},
	}, nil
}
