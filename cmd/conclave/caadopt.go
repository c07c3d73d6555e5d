package main

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"conclave/ca"
	"conclave/ca/adopt"
	"conclave/ca/register"
	"conclave/hsm"
)

type caAdopt struct {
	answering
	userLogin
	registerFlag
	Root          string   `arg:"" complete:"files" type:"input" help:"Certificate of the CA."`
	Key           keyName  `required:"" placeholder:"KEY" help:"Its key in the device: reference, label:NAME or id:HEX."`
	Index         string   `placeholder:"FILE" type:"input" help:"index.txt of openssl ca or easy-rsa: what was issued and revoked."`
	CRL           string   `name:"crl" xor:"last" placeholder:"FILE" type:"input" help:"The last CRL."`
	First         bool     `xor:"last" help:"Say that it has never signed a CRL."`
	Certificates  []string `sep:"none" placeholder:"DIR" complete:"files" help:"Folder of certificates, or a file with several; may be given several times."`
	SerialFile    string   `placeholder:"FILE" type:"input" help:"File with the next serial number."`
	CRLNumberFile string   `name:"crl-number-file" placeholder:"FILE" type:"input" help:"File with the number of the next CRL."`
	Profile       string   `enum:",root,subordinate,cabf-root,cabf-subordinate" default:"" placeholder:"NAME" help:"root or subordinate, or cabf-root or cabf-subordinate: the CA/Browser Forum's rules hold. Default: root, or what the register has."`
}

// Run takes a CA that was kept elsewhere into the register.
func (cmd caAdopt) Run(c *console) error {
	cert, err := c.readExisting(cmd.Root)
	if err != nil {
		return err
	}
	source, findings, err := cmd.source()
	if err != nil {
		return err
	}
	source.Issuer = cert
	adoption, contradictions, err := source.Merge(time.Now())
	if err != nil {
		return fmt.Errorf("nothing was adopted: %w", err)
	}
	adoption.Issuer.CRLsUnknown = adoption.Issuer.CRLsUnknown && !cmd.First
	if err := cmd.prove(c, ca.Authority{Certificate: cert}); err != nil {
		return err
	}
	if cmd.First && source.NextCRL != nil && source.NextCRL.Cmp(big.NewInt(1)) > 0 {
		contradictions = append(contradictions, fmt.Sprintf("%s: the next CRL was to have the number %d: is there no last one, as --first says?", cmd.CRLNumberFile, source.NextCRL))
	}
	findings = append(findings, contradictions...)
	showFindings(c, findings)
	return cmd.with(true, func(r *register.Register) error {
		done, err := r.Adopt(c.ctx, adoption)
		if err != nil {
			return fmt.Errorf("nothing was adopted: %w", err)
		}
		showFindings(c, done.Findings)
		answer := &adoptAnswer{
			Subject: ca.DistinguishedName(cert.RawSubject), Certificates: done.Certificates, Lost: done.Lost, Revocations: done.Revocations, Known: done.Known,
			Findings: append(append([]string{}, findings...), done.Findings...),
		}
		c.say("%s is adopted. New in the register: certificates: %d; without their content: %d; revocations: %d. It had before: %d\n",
			answer.Subject, done.Certificates, done.Lost, done.Revocations, done.Known)
		if err := c.answerf(answer, ""); err != nil {
			return err
		}
		return cmd.tellNext(c, r, source, answer)
	})
}

// adoptAnswer is what an adoption has brought.
type adoptAnswer struct {
	Subject      string   `json:"subject"`
	Certificates int      `json:"certificates"` // that the register did not have
	Lost         int      `json:"lost"`         // certificates without their content
	Revocations  int      `json:"revocations"`
	Known        int      `json:"known"` // that it had
	Findings     []string `json:"findings"`
	NextCRL      string   `json:"next_crl"` // its number, hex; null where the last CRL is not here
	Revoked      *int     `json:"revoked"`  // certificates that it will list
}

// showFindings shows text that may have that of anyone's files in it.
func showFindings(c *console, findings []string) {
	for _, finding := range findings {
		c.say("- %s\n", finding)
	}
}

// source reads all but the CA's own certificate.
func (cmd caAdopt) source() (s adopt.Source, findings []string, err error) {
	s.Profile = ca.Profile(cmd.Profile)
	if cmd.Index != "" {
		if s.Index, err = adopt.ReadIndex(cmd.Index); err != nil {
			return s, nil, err
		}
	}
	if cmd.CRL != "" {
		if s.CRL, err = adopt.ReadCRL(cmd.CRL); err != nil {
			return s, nil, err
		}
	}
	if cmd.SerialFile != "" {
		if s.NextSerial, err = adopt.ReadNumber(cmd.SerialFile); err != nil {
			return s, nil, err
		}
	}
	if cmd.CRLNumberFile != "" {
		if s.NextCRL, err = adopt.ReadNumber(cmd.CRLNumberFile); err != nil {
			return s, nil, err
		}
	}
	s.Certificates, findings, err = adopt.ReadCertificates(cmd.Certificates...)
	return s, findings, err
}

// prove lets the key in the device sign, and verifies that with the certificate.
func (cmd caAdopt) prove(c *console, a ca.Authority) error {
	return c.withLogin(cmd.PIN, func(h *hsm.HSM) error {
		signer, err := cmd.Key.signer(h)
		if err != nil {
			return err
		}
		a.Signer = signer
		return a.Prove()
	})
}

// tellNext shows what becomes of numbers, and the last CRL beside the next one, from
// which Adopt lets nothing be missing.
func (cmd caAdopt) tellNext(c *console, r *register.Register, s adopt.Source, answer *adoptAnswer) error {
	if s.NextSerial != nil {
		c.say("Serial numbers are drawn at random from now on (BR section 7.1); %x, which %s has as the next one, will not be used\n", s.NextSerial, cmd.SerialFile)
	}
	issuer, _, err := r.Issuer(c.ctx, s.Issuer.RawSubject)
	if err != nil {
		return err
	}
	if issuer.CRLsUnknown {
		c.say("The last CRL is not here. Until it is, no CRL is signed: adopt it with the same command and --crl; if there never was one, say so with --first, to this command or to conclave ca crl\n")
		return nil
	}
	next, err := r.LastCRL(c.ctx, s.Issuer.RawSubject)
	if err != nil {
		return err
	}
	if next == nil {
		next = new(big.Int)
	}
	revocations, err := r.Revocations(c.ctx, s.Issuer.RawSubject)
	if err != nil {
		return err
	}
	count := len(slices.DeleteFunc(revocations, func(r ca.Revocation) bool { return r.Reason == ca.ReasonRemoveFromCRL }))
	before := ""
	if s.CRL != nil {
		before = fmt.Sprintf("; of the %d that the last one has as revoked none is missing", s.CRL.Revoked())
	}
	next.Add(next, big.NewInt(1))
	answer.NextCRL, answer.Revoked = next.Text(16), &count
	c.say("The next CRL has the number %d, and lists %d certificates%s\n", next, count, before)
	return nil
}
