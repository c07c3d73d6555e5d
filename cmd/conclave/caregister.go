package main

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"conclave/ca"
	"conclave/ca/register"
)

type caRevoke struct {
	registerFlag
	Issuer string    `required:"" placeholder:"FILE" help:"Certificate of the issuer."`
	Serial ca.Serial `arg:"" help:"Serial number of the certificate, hexadecimal."`
	Reason string    `default:"unspecified" help:"unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn or aACompromise. Default: unspecified."`
	Time   day       `placeholder:"DATE" help:"When it was revoked. Default: now."`
}

// reasons are the names of CRLReason (RFC 5280 section 5.3.1).
func reasons() map[string]int {
	return map[string]int{
		"unspecified": 0, "keyCompromise": 1, "cACompromise": 2, "affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5,
		"certificateHold": 6, "removeFromCRL": 8, "privilegeWithdrawn": 9, "aACompromise": 10,
	}
}

// Run notes the revocation.
func (cmd caRevoke) Run(c *console) error {
	reason, ok := reasons()[cmd.Reason]
	if !ok {
		return fmt.Errorf("--reason %s is not one of RFC 5280, section 5.3.1; see --help", cmd.Reason)
	}
	issuer, err := ca.ReadCertificate(cmd.Issuer)
	if err != nil {
		return err
	}
	when := cmd.Time.Time
	if when.IsZero() {
		when = time.Now()
	}
	return cmd.with(false, func(r *register.Register) error {
		revocation := ca.Revocation{Serial: cmd.Serial.Int(), Time: when.UTC().Truncate(time.Second), Reason: reason}
		if err := r.Revoke(c.ctx, issuer.RawSubject, revocation); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Certificate %s is revoked; sign a CRL now: conclave ca crl\n", cmd.Serial)
		return nil
	})
}

type caCRL struct {
	issuerFlags
	Out        string `arg:"" help:"File for the CRL, DER."`
	ThisUpdate day    `placeholder:"DATE" help:"From when it holds; a date is 00:00 UTC of that day. Default: now."`
	NextUpdate day    `required:"" placeholder:"DATE" help:"When the next one will be there at the latest; a date is 00:00 UTC of that day."`
	Number     int64  `placeholder:"N" help:"CRL number. Absent: one more than the last."`
	DeltaOf    int64  `placeholder:"N" help:"Sign a delta CRL to the full one with this number."`
}

// Run signs the CRL.
func (cmd caCRL) Run(c *console) error {
	spec := ca.CRLSpec{ThisUpdate: cmd.ThisUpdate.Time, NextUpdate: cmd.NextUpdate.Time, Number: cmd.Number, DeltaOf: cmd.DeltaOf}
	if spec.ThisUpdate.IsZero() {
		spec.ThisUpdate = time.Now().UTC().Truncate(time.Second)
	}
	place, err := c.reserveSigned(cmd.Out)
	if err != nil {
		return err
	}
	defer place.Release()
	return c.withAuthority(cmd.issuerFlags, func(a ca.Authority) error {
		draft, err := a.PrepareCRL(c.ctx, spec)
		if err != nil {
			return err
		}
		c.note("%s", draft.Text())
		crl, err := a.SignCRL(c.ctx, draft)
		if err != nil {
			return err
		}
		if err := place.Finish(crl.Raw); err != nil {
			return fmt.Errorf("%w; CRL number %d is signed, and in the register: conclave ca list", err, crl.Number)
		}
		fmt.Fprintf(c.out, "CRL number %d written to %s; certificates revoked: %d\n", crl.Number, cmd.Out, len(crl.RevokedCertificateEntries))
		return nil
	})
}

type caList struct {
	registerFlag
}

// Run lists the register.
func (cmd caList) Run(c *console) error {
	return cmd.with(false, func(r *register.Register) error {
		entries, err := r.Entries(c.ctx)
		if err != nil {
			return err
		}
		rows := [][]string{{"TIME", "KIND", "NUMBER", "STATE", "SUBJECT"}}
		for _, e := range entries {
			state := string(e.State())
			if len(e.Revocations) > 0 {
				state += ", revoked"
			}
			if e.Note != "" {
				state += ": " + e.Note
			}
			rows = append(rows, []string{e.Time.UTC().Format(time.RFC3339), string(e.Kind), e.Number.Text(16), state, e.Subject})
		}
		return c.showTable(rows)
	})
}

type caExport struct {
	registerFlag
}

// Run writes the register as JSON.
func (cmd caExport) Run(c *console) error {
	return cmd.with(false, func(r *register.Register) error { return r.Export(c.ctx, c.out) })
}

type caImport struct {
	registerFlag
	Certificate string `arg:"" help:"The certificate."`
}

// Run takes a certificate into the register.
func (cmd caImport) Run(c *console) error {
	cert, err := c.readExisting(cmd.Certificate)
	if err != nil {
		return err
	}
	return cmd.with(true, func(r *register.Register) error {
		if err := r.Import(c.ctx, cert); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Certificate %x is in the register\n", cert.SerialNumber)
		return nil
	})
}

type caSettle struct {
	registerFlag
	Issuer string `required:"" placeholder:"FILE" help:"Certificate of the issuer."`
	CRL    bool   `name:"crl" help:"It is a CRL."`
	Number string `arg:"" help:"Serial number, or CRL number, hexadecimal."`
	Note   string `arg:"" help:"What is known about it, in your own words."`
}

// Run settles an intent.
func (cmd caSettle) Run(c *console) error {
	issuer, err := ca.ReadCertificate(cmd.Issuer)
	if err != nil {
		return err
	}
	number, ok := new(big.Int).SetString(cmd.Number, 16)
	if !ok {
		return errors.New("the number is not hexadecimal; conclave ca list shows it")
	}
	kind := ca.KindCertificate
	if cmd.CRL {
		kind = ca.KindCRL
	}
	return cmd.with(false, func(r *register.Register) error {
		if err := r.Settle(c.ctx, issuer.RawSubject, kind, number, cmd.Note); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "The %s %x is settled; its number stays used\n", kind, number)
		return nil
	})
}
