package main

import (
	"fmt"
	"time"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/terminal"
)

type caRevoke struct {
	registerFlag
	Issuer string `required:"" placeholder:"FILE" help:"Certificate of the issuer."`
	Serial string `arg:"" help:"Serial number of the certificate, as programs show it: 1003, 0x1003, 10:03, or decimal:4099."`
	Reason string `default:"unspecified" placeholder:"REASON" enum:"unspecified,keyCompromise,cACompromise,affiliationChanged,superseded,cessationOfOperation,certificateHold,removeFromCRL,privilegeWithdrawn,aACompromise" help:"unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn or aACompromise. Default: unspecified."`
	Time   day    `placeholder:"DATE" help:"When it was revoked, between the certificate's beginning and now. Default: now."`
	Yes    bool   `help:"Ask nothing."`
}

// Run notes the revocation.
func (cmd caRevoke) Run(c *console) error {
	reason, _ := ca.ParseReason(cmd.Reason) // there is no other
	cert, err := ca.ReadCertificate(cmd.Issuer)
	if err != nil {
		return err
	}
	return cmd.with(false, func(r *register.Register) error {
		entry, err := r.Named(c.ctx, cert.RawSubject, ca.KindCertificate, cmd.Serial)
		if err != nil {
			return err
		}
		issuer, _, err := r.Issuer(c.ctx, cert.RawSubject)
		if err != nil {
			return err
		}
		now := time.Now().UTC().Truncate(time.Second)
		revocation := ca.Revocation{Serial: entry.Number, Time: cmd.when(entry, now), Reason: reason}
		if err := entry.CheckRevocation(revocation, issuer, now); err != nil {
			return err
		}
		serial := entry.Number.Text(16)
		if err := c.confirm(cmd.Yes, cmd.effect(entry, revocation), "its serial number", serial); err != nil {
			return err
		}
		if err := r.Revoke(c.ctx, cert.RawSubject, revocation); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Certificate %s is %s; sign a CRL now: conclave ca crl\n", serial, cmd.becomes())
		return nil
	})
}

// when is the time that is noted. One that makes an earlier revocation more exact
// has its time, if that is not to come.
func (cmd caRevoke) when(entry register.Entry, now time.Time) time.Time {
	if !cmd.Time.IsZero() {
		return cmd.Time.UTC().Truncate(time.Second)
	}
	if n := len(entry.Revocations); n > 0 && entry.Revocations[n-1].IsFinal() && entry.Revocations[n-1].Time.Before(now) {
		return entry.Revocations[n-1].Time
	}
	return now
}

// effect tells what is about to be noted.
func (cmd caRevoke) effect(entry register.Entry, revocation ca.Revocation) string {
	end := ""
	if revocation.IsFinal() {
		end = ", which is final"
	}
	return fmt.Sprintf("Certificate %x of %s will be %s from %s on, reason %s%s", entry.Number, terminal.Printable(entry.Subject), cmd.becomes(), revocation.Time.Format(time.RFC3339), cmd.Reason, end)
}

func (cmd caRevoke) becomes() string {
	if cmd.Reason == "removeFromCRL" {
		return "no longer on hold"
	}
	return "revoked"
}

type caCRL struct {
	issuerFlags
	Out        string `arg:"" complete:"files:crl" help:"File for the CRL, DER."`
	ThisUpdate day    `placeholder:"DATE" help:"From when it holds; a date is 00:00 UTC of that day. Default: now."`
	NextUpdate day    `required:"" placeholder:"DATE" help:"When the next one will be there at the latest; a date is 00:00 UTC of that day."`
	Number     int64  `placeholder:"N" help:"CRL number. Absent: one more than the last."`
	DeltaOf    int64  `placeholder:"N" help:"Sign a delta CRL to the full one with this number."`
	First      bool   `help:"Say that an issuer that has issued certificates elsewhere has never signed a CRL."`

	UnusualDates bool `help:"The dates are meant, although they are before those of the last CRL, years apart, or far from the clock."`
}

// Run signs the CRL.
func (cmd caCRL) Run(c *console) error {
	spec := ca.CRLSpec{ThisUpdate: cmd.ThisUpdate.Time, NextUpdate: cmd.NextUpdate.Time, Number: cmd.Number, DeltaOf: cmd.DeltaOf, UnusualDates: cmd.UnusualDates}
	now := time.Now().UTC().Truncate(time.Second)
	if spec.ThisUpdate.IsZero() {
		spec.ThisUpdate = now
	}
	if err := spec.CheckClock(now); err != nil {
		return err
	}
	place, err := c.reserveSigned(cmd.Out)
	if err != nil {
		return err
	}
	defer place.Release()
	if err := cmd.checkFirst(c); err != nil {
		return err
	}
	return c.withAuthority(cmd.issuerFlags, func(a ca.Authority) error {
		draft, err := a.PrepareCRL(c.ctx, spec)
		if err != nil {
			return err
		}
		c.note("%s", draft.Text())
		if err := place.Widen(int64(len(draft.TBS())) + certificateRoom); err != nil {
			return err
		}
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

// checkFirst notes that no earlier CRL is missing, or warns where no one has said so.
func (cmd caCRL) checkFirst(c *console) error {
	issuer, err := ca.ReadCertificate(cmd.Issuer)
	if err != nil {
		return err
	}
	return cmd.with(false, func(r *register.Register) error {
		if cmd.First {
			return r.NoEarlierCRL(c.ctx, issuer.RawSubject)
		}
		_, known, err := r.Issuer(c.ctx, issuer.RawSubject)
		if err != nil || known {
			return err
		}
		last, err := r.LastCRL(c.ctx, issuer.RawSubject)
		if err == nil && last == nil {
			c.note("conclave: warning: the register knows nothing of CRLs from before; if there were any, do not publish this one: conclave ca adopt goes on from the last")
		}
		return err
	})
}

type caList struct {
	registerFlag
}

// Run lists the register.
func (cmd caList) Run(c *console) error {
	return cmd.look(false, func(r *register.Register) error {
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
	return cmd.look(false, func(r *register.Register) error { return r.Export(c.ctx, c.out) })
}

type caImport struct {
	registerFlag
	Certificate string `arg:"" complete:"files" help:"The certificate."`
}

// Run takes a certificate into the register.
func (cmd caImport) Run(c *console) error {
	cert, err := c.readExisting(cmd.Certificate)
	if err != nil {
		return fmt.Errorf("%w; a CRL, an index.txt and a whole folder are for: conclave ca adopt", err)
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
	Issuer  string `required:"" placeholder:"FILE" help:"Certificate of the issuer."`
	CRL     bool   `name:"crl" xor:"kind" help:"It is a CRL."`
	Renewal bool   `xor:"kind" help:"It is a root's renewal that keeps its serial number."`
	Number  string `arg:"" help:"Serial number, or CRL number, as programs show it: 1003, 0x1003, 10:03, or decimal:4099."`
	Note    string `arg:"" help:"What is known about it, in your own words."`
}

// Run settles an intent.
func (cmd caSettle) Run(c *console) error {
	issuer, err := ca.ReadCertificate(cmd.Issuer)
	if err != nil {
		return err
	}
	kind := ca.KindCertificate
	switch {
	case cmd.CRL:
		kind = ca.KindCRL
	case cmd.Renewal:
		kind = ca.KindRenewal
	}
	return cmd.with(false, func(r *register.Register) error {
		entry, err := r.Named(c.ctx, issuer.RawSubject, kind, cmd.Number)
		if err != nil {
			return err
		}
		if err := r.Settle(c.ctx, issuer.RawSubject, kind, entry.Number, cmd.Note); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "The %s %x is settled; its number stays used\n", kind, entry.Number)
		return nil
	})
}
