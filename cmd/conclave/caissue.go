package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"conclave/ca"
	"conclave/ca/lint"
	"conclave/ca/register"
	"conclave/hsm"
	"conclave/internal/pqx509"
	"conclave/internal/safefile"
	"conclave/internal/typed"
)

type caRoot struct {
	answering
	userLogin
	registerFlag
	certificateFlags
	Key     keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Out     string  `arg:"" complete:"files" output:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Profile string  `default:"root" enum:"root,cabf-root" placeholder:"NAME" help:"root, or cabf-root: as the CA/Browser Forum wants it. Default: root."`
}

// Run makes the root.
func (cmd caRoot) Run(c *console) error {
	spec := cmd.spec(cmd.Profile)
	out, err := c.reserveSigned(cmd.Out, isDER(cmd.Out))
	if err != nil {
		return err
	}
	defer out.release()
	return cmd.with(true, func(r *register.Register) error {
		return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
			signer, err := cmd.Key.signer(h)
			if err != nil {
				return err
			}
			a := ca.Authority{Signer: signer, Ledger: r, Linter: lint.Program{}, Rand: h}
			draft, err := a.Prepare(spec, signer.Public())
			if err != nil {
				return err
			}
			return c.issue(a, draft, out)
		})
	})
}

type caIssue struct {
	answering
	issuerFlags
	publicationFlags
	certificateFlags
	LeaveOut []string `name:"leave-out" placeholder:"NAME" help:"Extensions that the request asks for, by name or OID, and the certificate is not to follow. Absent: asked at a terminal, refused elsewhere."`
	Request  string   `arg:"" complete:"files" type:"input" help:"The request."`
	Out      string   `arg:"" complete:"files" output:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Profile  string   `default:"subordinate" enum:"subordinate,cabf-subordinate,ocsp,cabf-ocsp" placeholder:"NAME" help:"subordinate or ocsp, or cabf-subordinate or cabf-ocsp: as the CA/Browser Forum wants them. Default: subordinate."`
}

// Run issues the certificate.
func (cmd caIssue) Run(c *console) error {
	spec := cmd.spec(cmd.Profile)
	publication := cmd.publication()
	if responder := cmd.Profile == string(ca.OCSP) || cmd.Profile == string(ca.CABFOCSP); responder && !publication.IsZero() {
		return fmt.Errorf("--profile %s: a responder's certificate names no URL of its issuer's; leave out --crl-url, --cert-url and --ocsp-url", cmd.Profile)
	}
	spec.LeaveOut = cmd.LeaveOut
	if err := spec.Check(); err != nil { // before the request is blamed for it
		return err
	}
	content, err := safefile.Read(cmd.Request, ca.MaxFile)
	if err != nil {
		return err
	}
	request, err := c.checkRequest(content, &spec)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Request, err)
	}
	if len(cmd.CRLURL) == 0 && cmd.Profile == string(ca.Subordinate) {
		c.warn("without --crl-url no one will know where to find out whether this CA is revoked")
	}
	if err := cmd.with(false, func(r *register.Register) error { return cmd.tellOfKeyID(c, r, spec, request) }); err != nil {
		return err
	}
	return c.issueUnder(cmd.issuerFlags, cmd.Out, func(a ca.Authority) (*ca.Draft, error) {
		spec.NotBefore = cmd.under(a.Certificate, spec.NotBefore)
		a.Publication = publication
		return a.Prepare(spec, request.Public)
	})
}

// tellOfKeyID warns where the last certificate of the same key has another key
// identifier: what the CA has issued with it does not go with the new one.
func (cmd caIssue) tellOfKeyID(c *console, r *register.Register, spec ca.Spec, request *ca.Request) error {
	var last *x509.Certificate
	err := eachCertificate(c.ctx, r, func(earlier *x509.Certificate) {
		if earlier.IsCA && len(earlier.SubjectKeyId) > 0 && ca.HasKey(earlier, request.Public) {
			last = earlier
		}
	})
	if last != nil && !bytes.Equal(last.SubjectKeyId, spec.KeyIDFor(request.Public)) {
		c.warn("certificate %x of the same key has the key identifier %x, and this one will have another: OpenSSL and Windows do not take what was issued under the one to be from the other. A request that asks for that identifier is followed; one that asks for another is not with --leave-out subjectKeyIdentifier",
			last.SerialNumber, last.SubjectKeyId)
	}
	return err
}

// eachCertificate runs fn with each certificate that a register has in full, in the
// order of the register, but for those that crypto/x509 cannot read.
func eachCertificate(ctx context.Context, r *register.Register, fn func(*x509.Certificate)) error {
	entries, err := r.Entries(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Kind != ca.KindCertificate || e.DER == nil {
			continue
		}
		if cert, err := pqx509.ParseCertificate(e.DER); err == nil {
			fn(cert)
		}
	}
	return nil
}

// checkRequest checks a request, and lets people at a terminal decide what of it is
// left out; the spec has that then, and what the certificate has from the request.
func (c *console) checkRequest(content []byte, spec *ca.Spec) (*ca.Request, error) {
	request, err := ca.ParseRequest(content)
	if err != nil {
		return nil, err
	}
	if c.prompts.Interactive() {
		if err := c.decide(request, spec); err != nil {
			return nil, err
		}
	}
	if err := request.Check(*spec); err != nil {
		return nil, err
	}
	*spec = request.Complete(*spec)
	if err := spec.Check(); err != nil { // its name
		return nil, fmt.Errorf("request: %w", err)
	}
	for _, remark := range request.Remarks(*spec) {
		c.note("conclave: request: %s", remark)
	}
	return request, nil
}

// decide asks for each extension that a certificate would not follow whether it is
// left out. What is not stays to be refused.
func (c *console) decide(request *ca.Request, spec *ca.Spec) error {
	wishes, err := request.Undecided(*spec)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		answer, err := c.prompts.Ask(c.ctx, "The request: "+w.String()+". Leave it out? [y/N] ", "Type yes to leave it out; what is not left out is refused")
		if err != nil {
			return err
		}
		if yes, _ := typed.Yes(answer); yes {
			spec.LeaveOut = append(spec.LeaveOut, w.Extension)
		}
	}
	return nil
}

type caCross struct {
	answering
	issuerFlags
	publicationFlags
	validityFlags
	PathLen *int   `placeholder:"N" help:"CAs that may follow it in a chain."`
	Other   string `arg:"" complete:"files" type:"input" help:"Certificate of the other root."`
	Out     string `arg:"" complete:"files" output:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Profile string `default:"cross" enum:"cross,cabf-cross" placeholder:"NAME" help:"cross, or cabf-cross: as the CA/Browser Forum wants it. Default: cross."`
}

// Run cross-signs.
func (cmd caCross) Run(c *console) error {
	other, err := c.readExisting(cmd.Other)
	if err != nil {
		return err
	}
	from, until := cmd.validity()
	spec := ca.Spec{Profile: ca.Profile(cmd.Profile), NotBefore: from, NotAfter: until, PathLen: cmd.PathLen}
	return c.issueUnder(cmd.issuerFlags, cmd.Out, func(a ca.Authority) (*ca.Draft, error) {
		spec.NotBefore = cmd.under(a.Certificate, spec.NotBefore)
		a.Publication = cmd.publication()
		return a.PrepareCross(spec, other)
	})
}

type caRenew struct {
	answering
	userLogin
	registerFlag
	publicationFlags
	validityFlags
	Old    string `arg:"" complete:"files" type:"input" help:"The certificate that is to be made new."`
	Out    string `arg:"" complete:"files" output:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Issuer string `placeholder:"FILE" type:"input" help:"Certificate of the issuer, whose key is in the device. Absent: a root is its own."`
	Keep   bool   `name:"keep-serial" help:"Keep a root's serial number, for certificates that name it, such as those of easy-rsa. Take the old root away wherever the new one is put: they are not told apart by their numbers."`
}

// Run makes the certificate new.
func (cmd caRenew) Run(c *console) error {
	old, err := c.readExisting(cmd.Old)
	if err != nil {
		return err
	}
	from, until := cmd.validity()
	switch other := ca.CheckIssued(old, old); {
	case other != nil && cmd.Issuer == "":
		return fmt.Errorf("--issuer: %s is not its own: %w; the certificate of its issuer was expected", cmd.Old, other)
	case other == nil && !cmd.publication().IsZero():
		return errors.New("--crl-url, --cert-url, --ocsp-url: a root is looked up nowhere; leave them out, and give them for what it issues")
	}
	if !cmd.Keep {
		if err := cmd.with(false, func(r *register.Register) error { return cmd.tellOfNumber(c, r, old) }); err != nil {
			return err
		}
	}
	issuer := issuerFlags{userLogin: cmd.userLogin, registerFlag: cmd.registerFlag, Issuer: cmd.Issuer}
	if cmd.Issuer == "" {
		issuer.issuer = old
	}
	return c.issueUnder(issuer, cmd.Out, func(a ca.Authority) (*ca.Draft, error) {
		a.Publication = cmd.publication()
		return a.PrepareRenewal(old, ca.Renewal{NotBefore: cmd.under(a.Certificate, from), NotAfter: until, KeepSerial: cmd.Keep})
	})
}

// tellOfNumber tells how many of the certificates that the register has will not be
// taken to be from the new one.
func (cmd caRenew) tellOfNumber(c *console, r *register.Register, old *x509.Certificate) error {
	count := 0
	err := eachCertificate(c.ctx, r, func(cert *x509.Certificate) {
		if bytes.Equal(cert.RawIssuer, old.RawSubject) && ca.NamesNumberOf(cert, old) && !cert.Equal(old) {
			count++
		}
	})
	if count > 0 {
		c.warn("%d certificates name the serial number of %s, beside its key; OpenSSL and Java do not take them to be from the new one; give it the same number: --keep-serial; or keep the old one where they are verified, until they have ended or are new themselves", count, ca.DistinguishedName(old.RawSubject))
	}
	return err
}

type caRequest struct {
	answering
	userLogin
	Key     keyName           `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Out     string            `arg:"" complete:"files" output:"" help:"File for the request."`
	Subject distinguishedName `required:"" placeholder:"NAME" help:"CN=…,O=…,C=…, or any other name, as in RFC 4514."`
}

// requestAnswer is a request that was made.
type requestAnswer struct {
	keyOutput
	Subject string `json:"subject"`
}

// Run makes the request.
func (cmd caRequest) Run(c *console) error {
	if err := cmd.Subject.Check(); err != nil { // as on the day when the certificate is issued
		return err
	}
	for _, note := range cmd.Subject.Notes() {
		c.warn("%s", note)
	}
	out, err := c.reserveOutput(cmd.Out, certificateRoom, false)
	if err != nil {
		return err
	}
	defer out.release()
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		key, err := cmd.Key.find(h)
		if err != nil {
			return err
		}
		signer, err := h.Signer(key.Ref)
		if err != nil {
			return err
		}
		der, err := pqx509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: cmd.Subject.DER()}, signer)
		if err != nil {
			return err
		}
		if err := c.write(&out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})); err != nil {
			return err
		}
		answer := requestAnswer{keyOutput{newKeyEntry(key), out}, ca.DistinguishedName(cmd.Subject.DER())}
		return c.answerWritten(out, answer, "Request written to %s\n", cmd.Out)
	})
}
