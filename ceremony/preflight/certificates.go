package preflight

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/mldsa"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/internal/curve"
	"conclave/internal/keycheck"
	"conclave/internal/safefile"
	"conclave/wire"
)

// throwAway issues all that is planned with keys that are thrown away.
type throwAway struct {
	Check
	keys        map[string]crypto.Signer // of the plan's keys, by name
	authorities map[string]ca.Authority  // by the name of the certificate
	ledger      *register.Register
	texts       map[string]string // what is signed, for people, by the step's identifier
}

// certificates issues every certificate and CRL with throw-away keys, which
// lints them.
func (c Check) certificates(ctx context.Context, f *findings) (texts map[string]string) {
	t := &throwAway{Check: c, keys: map[string]crypto.Signer{}, authorities: map[string]ca.Authority{}, texts: map[string]string{}}
	dir, err := os.MkdirTemp("", "conclave-preflight-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = t.openLedger(ctx, filepath.Join(dir, "register.sqlite"), f)
	}
	if err != nil {
		f.bad("register", "%v", err)
		return nil
	}
	defer t.ledger.Close()
	for i := range c.Plan.Certificates {
		planned := &c.Plan.Certificates[i]
		detail, err := t.certificate(ctx, planned)
		f.judge("certificate "+planned.Name, err, detail)
	}
	for _, planned := range c.Plan.CRLs {
		detail, err := t.crl(ctx, planned)
		f.judge("CRL "+planned.Name, err, detail)
	}
	return t.texts
}

// Lines are what the ceremony will show of each certificate and CRL before it
// is signed, by the identifier of the step, as far as it is known: for the
// paper. Nil where something cannot be issued.
func (c Check) Lines(ctx context.Context) map[string][]string {
	f := &findings{}
	lines := map[string][]string{}
	for step, text := range c.certificates(ctx, f) {
		for line := range strings.Lines(text) {
			label, _, _ := strings.Cut(line, ":")
			if !slices.Contains([]string{"Serial number", "Key identifier", "SHA-256 of what is signed", "CRL number"}, label) {
				lines[step] = append(lines[step], strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// openLedger makes a register to be thrown away: a copy of the one that is to
// be continued, so that its numbers are known.
func (t *throwAway) openLedger(ctx context.Context, path string, f *findings) (err error) {
	if t.Plan.Register == "" {
		t.ledger, err = register.Create(path)
		return err
	}
	continued := filepath.Join(t.Base, t.Plan.Register)
	if err := register.CheckContinued(continued, t.Begun); err != nil {
		return err
	}
	content, err := safefile.Read(continued, register.MaxFile)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	if t.ledger, err = register.Open(path); err != nil {
		return err
	}
	open, err := t.ledger.Unfinished(ctx)
	if err == nil && len(open) > 0 {
		err = fmt.Errorf("%s may have been signed, and no one has said so; see: conclave ca settle", open[0])
	}
	if err == nil {
		f.good("register", "%s is continued", t.Plan.Register)
	}
	return err
}

func (t *throwAway) certificate(ctx context.Context, planned *plan.Certificate) (string, error) {
	if planned.File != "" {
		return t.oldCertificate(planned)
	}
	if t.Now.After(planned.NotAfter) {
		return "", fmt.Errorf("it would have ended on %s; change the dates of the plan", planned.NotAfter.Format(time.DateOnly))
	}
	authority, err := t.issuer(planned)
	if err != nil {
		return "", err
	}
	spec, public, remarks, err := t.subject(planned)
	if err != nil {
		return "", err
	}
	draft, err := authority.Prepare(spec, public)
	if err != nil {
		return "", err
	}
	t.texts[step.Certify.ID(planned.Name)] = draft.Text()
	cert, err := authority.Sign(ctx, draft)
	if err != nil {
		return "", err
	}
	t.authorities[planned.Name] = ca.Authority{
		Certificate: cert, Signer: t.keys[planned.Key], Publication: planned.Publication, Ledger: t.ledger, Linter: t.Linter, Rand: rand.Reader,
	}
	detail := linted(string(planned.Profile)+", ", draft.Unlinted(), cert.Raw)
	return strings.Join(append([]string{detail}, remarks...), "; request: "), nil
}

// linted says of what was issued what it is, and what the lints could not judge.
func linted(what string, unlinted []string, der []byte) string {
	return strings.Join(append([]string{fmt.Sprintf("%slinted, %d bytes", what, len(der))}, unlinted...), "; ")
}

// issuer is the authority for a certificate.
func (t *throwAway) issuer(planned *plan.Certificate) (ca.Authority, error) {
	if planned.Issuer != "" {
		a, ok := t.authorities[planned.Issuer]
		if !ok {
			return a, fmt.Errorf("its issuer %s has problems", planned.Issuer)
		}
		return a, nil
	}
	key, err := t.key(planned.Key)
	return ca.Authority{Signer: key, Publication: planned.Publication, Ledger: t.ledger, Linter: t.Linter, Rand: rand.Reader}, err
}

// subject is whose key is certified, and what the certificate is to be, with what it
// has from the request, and remarks on that.
func (t *throwAway) subject(planned *plan.Certificate) (spec ca.Spec, public crypto.PublicKey, remarks []string, err error) {
	spec = planned.Spec
	if planned.CrossSigns != "" {
		root, ok := t.authorities[planned.CrossSigns]
		if !ok {
			return spec, nil, nil, fmt.Errorf("the root %s, which it cross-signs, has problems", planned.CrossSigns)
		}
		spec.Existing = root.Certificate.Raw
	}
	if spec.Existing != nil {
		existing, err := ca.ParseCertificate(spec.Existing)
		if err != nil {
			return spec, nil, nil, err
		}
		return spec, existing.PublicKey, nil, nil
	}
	if planned.Request != "" {
		content, err := safefile.Read(filepath.Join(t.Base, planned.Request), ca.MaxFile)
		if err != nil {
			return spec, nil, nil, err
		}
		request, err := ca.CheckRequest(content, spec)
		if err != nil {
			return spec, nil, nil, err
		}
		spec = request.Complete(spec)
		return spec, request.Public, request.Remarks(spec), nil
	}
	key, err := t.key(planned.Key)
	if err != nil {
		return spec, nil, nil, err
	}
	return spec, key.Public(), nil, nil
}

// key makes a throw-away key in place of one of the plan's.
func (t *throwAway) key(name string) (crypto.Signer, error) {
	if key := t.keys[name]; key != nil {
		return key, nil
	}
	template, err := wire.ParseKeyType(t.Plan.FindKey(name).Type)
	if err != nil {
		return nil, err
	}
	key, err := newKey(template)
	t.keys[name] = key
	return key, err
}

func newKey(template wire.PublicKey) (crypto.Signer, error) {
	switch template.Type {
	case wire.KeyRSA:
		return rsa.GenerateKey(rand.Reader, template.Bits)
	case wire.KeyMLDSA:
		return mldsa.GenerateKey(template.Parameters)
	}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if named, err := curve.ByName(nistNames[c.Params().Name]); err == nil && named == template.Curve {
			return ecdsa.GenerateKey(c, rand.Reader)
		}
	}
	return nil, fmt.Errorf("certificates are issued with RSA, P-256, P-384, P-521 and ML-DSA, but not with %s", template.Curve.Name)
}

// nistNames are the names of curves in SEC 2 (section 2).
var nistNames = map[string]string{"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}

// oldCertificate checks a certificate that exists before the ceremony. Its key is
// in a device, so a throw-away one of the same kind stands in for it.
func (t *throwAway) oldCertificate(planned *plan.Certificate) (string, error) {
	cert, err := ca.ReadCertificate(filepath.Join(t.Base, planned.File))
	if err != nil {
		return "", err
	}
	if t.Now.After(cert.NotAfter) {
		return "", fmt.Errorf("it ended on %s", cert.NotAfter)
	}
	detail := "valid until " + cert.NotAfter.Format(time.DateOnly)
	if err := keycheck.ForCertificate(cert.PublicKey); err != nil {
		if slices.ContainsFunc(t.Plan.Certificates, func(c plan.Certificate) bool { return c.Issuer == planned.Name }) {
			return "", fmt.Errorf("nothing can be issued under it: %w", err)
		}
		detail += ", but none would be issued for its key today; " + err.Error()
	}
	if err := t.hasKey(planned, cert); err != nil {
		return "", err
	}
	key, err := ca.ThrowAwayKey(cert.PublicKey)
	if err != nil {
		return "", err
	}
	t.authorities[planned.Name] = ca.Authority{Certificate: standIn(cert, key), Signer: key, Publication: planned.Publication, Ledger: t.ledger, Linter: t.Linter, Rand: rand.Reader}
	return detail, nil
}

// standIn is a certificate with another key.
func standIn(cert *x509.Certificate, key crypto.Signer) *x509.Certificate {
	other := *cert
	other.PublicKey = key.Public()
	return &other
}

func (t *throwAway) crl(ctx context.Context, planned plan.CRL) (string, error) {
	if t.Now.After(planned.NextUpdate) {
		return "", fmt.Errorf("its next update, %s, is past; change the dates of the plan", planned.NextUpdate.Format(time.DateOnly))
	}
	authority, ok := t.authorities[planned.Issuer]
	if !ok {
		return "", fmt.Errorf("its issuer %s has problems", planned.Issuer)
	}
	if err := planned.CheckClock(t.Plan.Start); err != nil {
		return "", err
	}
	draft, err := authority.PrepareCRL(ctx, t.Plan.Spec(&planned))
	if err != nil {
		return "", err
	}
	t.texts[step.SignCRL.ID(planned.Name)] = draft.Text()
	crl, err := authority.SignCRL(ctx, draft)
	if err != nil {
		return "", err
	}
	return linted("", draft.Unlinted(), crl.Raw), nil
}
