package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/internal/tty"
)

type caRevoke struct {
	answering
	registerFlag
	Issuer string `required:"" placeholder:"FILE" type:"input" help:"Certificate of the issuer."`
	Serial number `arg:"" help:"Serial number of the certificate, as programs show it: 1003, 0x1003, 10:03, or decimal:4099."`
	Reason string `default:"unspecified" placeholder:"REASON" enum:"unspecified,keyCompromise,cACompromise,affiliationChanged,superseded,cessationOfOperation,certificateHold,removeFromCRL,privilegeWithdrawn,aACompromise" help:"unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn or aACompromise. Default: unspecified."`
	Time   day    `placeholder:"DATE" help:"When it was revoked, between the certificate's beginning and now. Default: now."`
	Yes    bool   `help:"Ask nothing."`
}

// number is that of a certificate or a CRL, of which the register may have to say which
// one is meant.
type number string

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *number) UnmarshalText(text []byte) error {
	*n = number(text)
	_, err := ca.ParseNumber(string(text))
	return err
}

// Run notes the revocation.
func (cmd caRevoke) Run(c *console) error {
	reason, _ := ca.ParseReason(cmd.Reason) // there is no other
	cert, err := ca.ReadCertificate(cmd.Issuer)
	if err != nil {
		return err
	}
	return cmd.with(false, func(r *register.Register) error {
		entry, err := r.Named(c.ctx, cert.RawSubject, ca.KindCertificate, string(cmd.Serial))
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
		answer := revokeAnswer{serial, entry.Subject, newRevocation(revocation)}
		return c.answerf(answer, "Certificate %s is %s; sign a CRL now: conclave ca crl\n", serial, cmd.becomes())
	})
}

// revokeAnswer is a revocation that was noted.
type revokeAnswer struct {
	Serial  string `json:"serial"`
	Subject string `json:"subject"`
	revocationEntry
}

type revocationEntry struct {
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"` // as for ca revoke
}

func newRevocation(r ca.Revocation) revocationEntry {
	return revocationEntry{r.Time.UTC(), ca.ReasonName(r.Reason)}
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
	return fmt.Sprintf("Certificate %x of %s will be %s from %s on, reason %s%s", entry.Number, entry.Subject, cmd.becomes(), revocation.Time.Format(time.RFC3339), cmd.Reason, end)
}

func (cmd caRevoke) becomes() string {
	if cmd.Reason == "removeFromCRL" {
		return "no longer on hold"
	}
	return "revoked"
}

type caCRL struct {
	answering
	issuerFlags
	Out        string `arg:"" complete:"files:crl" output:"" help:"File for the CRL, DER."`
	ThisUpdate day    `placeholder:"DATE" help:"From when it holds; a date is 00:00 UTC of that day. Default: now."`
	NextUpdate day    `required:"" placeholder:"DATE" help:"When the next one will be there at the latest; a date is 00:00 UTC of that day."`
	Number     int64  `placeholder:"N" help:"CRL number. Absent: one more than the last."`
	DeltaOf    int64  `placeholder:"N" help:"Sign a delta CRL to the full one with this number."`
	First      bool   `help:"Say that an issuer that has issued certificates elsewhere has never signed a CRL."`

	UnusualDates bool `help:"The dates are meant, although they are before those of the last CRL, years apart, or far from the clock."`
}

// crlAnswer is a CRL that was signed.
type crlAnswer struct {
	output
	Number     string    `json:"number"` // hex
	Issuer     string    `json:"issuer"`
	ThisUpdate time.Time `json:"this_update"`
	NextUpdate time.Time `json:"next_update"`
	Revoked    int       `json:"revoked"` // certificates
	SHA256     string    `json:"sha256"`
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
	out, err := c.reserveSigned(cmd.Out, true)
	if err != nil {
		return err
	}
	defer out.release()
	if err := cmd.read(); err != nil {
		return err
	}
	if err := cmd.checkFirst(c); err != nil {
		return err
	}
	return c.withAuthority(cmd.issuerFlags, func(a ca.Authority) error {
		draft, err := a.PrepareCRL(c.ctx, spec)
		if err != nil {
			return err
		}
		c.note("%s", tty.Lines(draft.Text()))
		if out.place != nil {
			if err := out.place.Widen(int64(len(draft.TBS())) + certificateRoom); err != nil {
				return err
			}
		}
		crl, err := a.SignCRL(c.ctx, draft)
		if err != nil {
			return err
		}
		if err := c.write(&out, crl.Raw); err != nil {
			return fmt.Errorf("%w; CRL number %d is signed, and in the register: conclave ca list", err, crl.Number)
		}
		sum := sha256.Sum256(crl.Raw)
		answer := crlAnswer{
			out, crl.Number.Text(16), ca.DistinguishedName(crl.RawIssuer), crl.ThisUpdate.UTC(), crl.NextUpdate.UTC(), len(crl.RevokedCertificateEntries), hex.EncodeToString(sum[:]),
		}
		return c.answerWritten(out, answer, "CRL number %d written to %s; certificates revoked: %d\n", crl.Number, cmd.Out, answer.Revoked)
	})
}

// checkFirst notes that no earlier CRL is missing, or warns where no one has said so.
func (cmd caCRL) checkFirst(c *console) error {
	return cmd.with(false, func(r *register.Register) error {
		if cmd.First {
			return r.NoEarlierCRL(c.ctx, cmd.issuer.RawSubject)
		}
		_, known, err := r.Issuer(c.ctx, cmd.issuer.RawSubject)
		if err != nil || known {
			return err
		}
		last, err := r.LastCRL(c.ctx, cmd.issuer.RawSubject)
		if err == nil && last == nil {
			c.warn("the register knows nothing of CRLs from before; if there were any, do not publish this one: conclave ca adopt goes on from the last")
		}
		return err
	})
}

type caList struct {
	answering
	registerFlag
}

// Run lists the register.
func (cmd caList) Run(c *console) error {
	return cmd.look(false, func(r *register.Register) error {
		entries, err := r.Entries(c.ctx)
		if err != nil {
			return err
		}
		list := registerAnswer{[]registerEntry{}}
		for _, e := range entries {
			list.Entries = append(list.Entries, newRegisterEntry(e))
		}
		return c.answer(list, func() error { return c.showTable(list.rows()) })
	})
}

// registerAnswer is what the register has, in the order of time.
type registerAnswer struct {
	Entries []registerEntry `json:"entries"`
}

type registerEntry struct {
	Kind        ca.Kind           `json:"kind"`
	State       register.State    `json:"state"`
	Number      string            `json:"number"` // hex: of a certificate its serial number
	Issuer      string            `json:"issuer"`
	Subject     string            `json:"subject"`
	Time        time.Time         `json:"time"`
	SHA256      string            `json:"sha256"` // of what was signed, where the register has it
	Note        string            `json:"note"`
	Revocations []revocationEntry `json:"revocations"` // the last one holds
}

func newRegisterEntry(e register.Entry) registerEntry {
	entry := registerEntry{
		Kind: e.Kind, State: e.State(), Number: e.Number.Text(16), Issuer: ca.DistinguishedName(e.Issuer), Subject: e.Subject,
		Time: e.Time.UTC(), Note: e.Note, Revocations: []revocationEntry{},
	}
	if e.DER != nil {
		sum := sha256.Sum256(e.DER)
		entry.SHA256 = hex.EncodeToString(sum[:])
	}
	for _, r := range e.Revocations {
		entry.Revocations = append(entry.Revocations, newRevocation(r))
	}
	return entry
}

func (l registerAnswer) rows() [][]string {
	rows := [][]string{{"TIME", "KIND", "NUMBER", "STATE", "SUBJECT"}}
	for _, e := range l.Entries {
		state := string(e.State)
		if len(e.Revocations) > 0 {
			state += ", revoked"
		}
		if e.Note != "" {
			state += ": " + e.Note
		}
		rows = append(rows, []string{e.Time.Format(time.RFC3339), string(e.Kind), e.Number, state, e.Subject})
	}
	return rows
}

type caExport struct {
	registerFlag
}

// Run writes the register as JSON.
func (cmd caExport) Run(c *console) error {
	return cmd.look(false, func(r *register.Register) error { return r.Export(c.ctx, c.out.Exact()) })
}

type caImport struct {
	answering
	registerFlag
	Certificate string `arg:"" complete:"files" type:"input" help:"The certificate."`
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
		return c.answerf(newCertificateAnswer(output{File: cmd.Certificate}, cert), "Certificate %x is in the register\n", cert.SerialNumber)
	})
}

type caSettle struct {
	answering
	registerFlag
	Issuer  string `required:"" placeholder:"FILE" type:"input" help:"Certificate of the issuer."`
	CRL     bool   `name:"crl" xor:"kind" help:"It is a CRL."`
	Renewal bool   `xor:"kind" help:"It is a root's renewal that keeps its serial number."`
	Number  number `arg:"" help:"Serial number, or CRL number, as programs show it: 1003, 0x1003, 10:03, or decimal:4099."`
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
		entry, err := r.Named(c.ctx, issuer.RawSubject, kind, string(cmd.Number))
		if err != nil {
			return err
		}
		if err := r.Settle(c.ctx, issuer.RawSubject, kind, entry.Number, cmd.Note); err != nil {
			return err
		}
		entry.Note = cmd.Note
		return c.answerf(newRegisterEntry(entry), "The %s %x is settled; its number stays used\n", kind, entry.Number)
	})
}
