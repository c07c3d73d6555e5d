package main

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"conclave/ca"
	"conclave/ca/lint"
	"conclave/ca/register"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/terminal"
)

type caRoot struct {
	userLogin
	registerFlag
	certificateFlags
	Key     keyName `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Out     string  `arg:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Profile string  `default:"root" enum:"root,cabf-root" help:"root, or cabf-root: as the CA/Browser Forum wants it. Default: root."`
}

// Run makes the root.
func (cmd caRoot) Run(c *console) error {
	spec, err := cmd.spec(cmd.Profile)
	if err != nil {
		return err
	}
	place, err := c.reserveSigned(cmd.Out)
	if err != nil {
		return err
	}
	defer place.Release()
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
			return c.issue(a, draft, cmd.Out, place)
		})
	})
}

type caIssue struct {
	issuerFlags
	publicationFlags
	certificateFlags
	LeaveOut []string `name:"leave-out" placeholder:"NAME" help:"Extensions that the request asks for, by name or OID, and the certificate is not to follow. Absent: asked at a terminal, refused elsewhere."`
	Request  string   `arg:"" help:"The request."`
	Out      string   `arg:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Profile  string   `default:"subordinate" enum:"subordinate,cabf-subordinate,ocsp,cabf-ocsp" help:"subordinate or ocsp, or cabf-subordinate or cabf-ocsp: as the CA/Browser Forum wants them. Default: subordinate."`
}

// Run issues the certificate.
func (cmd caIssue) Run(c *console) error {
	spec, err := cmd.spec(cmd.Profile)
	if err != nil {
		return err
	}
	publication := cmd.publication()
	if responder := cmd.Profile == string(ca.OCSP) || cmd.Profile == string(ca.CABFOCSP); responder && !publication.IsZero() {
		return fmt.Errorf("--profile %s: a responder's certificate names no URL of its issuer's; leave out --crl-url, --cert-url and --ocsp-url", cmd.Profile)
	}
	content, err := safefile.Read(cmd.Request, ca.MaxFile)
	if err != nil {
		return err
	}
	spec.LeaveOut = cmd.LeaveOut
	request, err := c.checkRequest(content, &spec)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.Request, err)
	}
	if len(cmd.CRLURL) == 0 && cmd.Profile == string(ca.Subordinate) {
		c.note("conclave: warning: without --crl-url no one will know where to find out whether this CA is revoked")
	}
	return c.issueUnder(cmd.issuerFlags, cmd.Out, func(a ca.Authority) (*ca.Draft, error) {
		spec.NotBefore = cmd.under(a.Certificate, spec.NotBefore)
		a.Publication = publication
		return a.Prepare(request.Named(spec), request.Public)
	})
}

// checkRequest checks a request, and lets people at a terminal decide what of it is
// left out; the spec has it then.
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
	for _, remark := range request.Remarks(*spec) {
		c.note("conclave: request: %s", terminal.Printable(remark))
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
		answer, err := c.prompts.Line("The request: " + terminal.Printable(w.String()) + ". Leave it out? [y/N] ")
		if err != nil {
			return err
		}
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
			spec.LeaveOut = append(spec.LeaveOut, w.Extension)
		}
	}
	return nil
}

type caCross struct {
	issuerFlags
	publicationFlags
	validityFlags
	PathLen *int   `placeholder:"N" help:"CAs that may follow it in a chain."`
	Other   string `arg:"" help:"Certificate of the other root."`
	Out     string `arg:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
	Profile string `default:"cross" enum:"cross,cabf-cross" help:"cross, or cabf-cross: as the CA/Browser Forum wants it. Default: cross."`
}

// Run cross-signs.
func (cmd caCross) Run(c *console) error {
	other, err := ca.ReadCertificate(cmd.Other)
	if err != nil {
		return err
	}
	from, until, err := cmd.validity()
	if err != nil {
		return err
	}
	spec := ca.Spec{Profile: ca.Profile(cmd.Profile), NotBefore: from, NotAfter: until, PathLen: cmd.PathLen}
	return c.issueUnder(cmd.issuerFlags, cmd.Out, func(a ca.Authority) (*ca.Draft, error) {
		spec.NotBefore = cmd.under(a.Certificate, spec.NotBefore)
		a.Publication = cmd.publication()
		return a.PrepareCross(spec, other)
	})
}

type caResign struct {
	issuerFlags
	validityFlags
	Old string `arg:"" help:"The certificate to be issued again."`
	Out string `arg:"" help:"File for the certificate: DER, as it is published, if its name ends in .cer, else PEM."`
}

// Run issues the certificate again.
func (cmd caResign) Run(c *console) error {
	old, err := c.readExisting(cmd.Old)
	if err != nil {
		return err
	}
	from, until, err := cmd.validity()
	if err != nil {
		return err
	}
	return c.issueUnder(cmd.issuerFlags, cmd.Out, func(a ca.Authority) (*ca.Draft, error) {
		return a.PrepareAgain(old, cmd.under(a.Certificate, from), until)
	})
}

type caRequest struct {
	userLogin
	Key     keyName           `arg:"" help:"The key: its reference, label:NAME or id:HEX."`
	Out     string            `arg:"" help:"File for the request."`
	Subject distinguishedName `required:"" placeholder:"NAME" help:"CN=…,O=…,C=…, or any other name, as in RFC 4514."`
}

// Run makes the request.
func (cmd caRequest) Run(c *console) error {
	if err := cmd.Subject.Check(); err != nil { // as on the day when the certificate is issued
		return err
	}
	for _, note := range cmd.Subject.Notes() {
		c.note("conclave: warning: %s", note)
	}
	place, err := c.reserve(cmd.Out, certificateRoom)
	if err != nil {
		return err
	}
	defer place.Release()
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		signer, err := cmd.Key.signer(h)
		if err != nil {
			return err
		}
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: cmd.Subject.DER()}, signer)
		if err != nil {
			return err
		}
		if err := place.Finish(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Request written to %s\n", cmd.Out)
		return nil
	})
}
