package register

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"conclave/ca"
	"conclave/internal/pqx509"
)

// Adoption is what an issuer has signed elsewhere, before the register is kept: all
// that is known of it.
type Adoption struct {
	// Issuer is what is to be known of it. Where its profile is empty, the register's stays,
	// or it is a private root. CRLsUnknown says that the last CRL is not in the adoption.
	Issuer Issuer
	// Certificates are the issuer's own, and those that it has issued.
	Certificates []*x509.Certificate
	Lost         []Lost          // what has a number, and is not here
	Revocations  []ca.Revocation // of its certificates, those that are lost too
	CRL          []byte          // the last one, DER; nil where it is not here
}

// Lost is something that has a number, and cannot be had any more.
type Lost struct {
	Kind    ca.Kind
	Number  *big.Int
	Subject string    // as an intent's
	Note    string    // as Settle's
	Time    time.Time // before which it was not signed, or as near to that as is known
}

// Adopted says what Adopt has done.
type Adopted struct {
	Certificates int // that the register did not have
	Lost         int // certificates
	Revocations  int
	Known        int      // that it had
	Findings     []string // where it says something else than the adoption; it stays as it is
}

// Adopt takes over an issuer in one transaction: all of it, or nothing. What the
// register has already stays, so that an adoption can be repeated, and what has turned
// up be added. It is refused where another certificate or CRL bears a number of this
// one's.
func (r *Register) Adopt(ctx context.Context, adoption Adoption) (Adopted, error) {
	if err := adoption.Issuer.check(); err != nil {
		return Adopted{}, r.explain(err)
	}
	var done Adopted
	err := r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		a := adopting{Adoption: adoption, tx: tx, entries: map[string]*Entry{}}
		err := a.run(ctx)
		done = a.done
		return err
	})
	return done, err
}

// NoEarlierCRL notes what people say of an issuer whose CRLs are unknown: that it has
// never signed one. It is an error where they are not.
func (r *Register) NoEarlierCRL(ctx context.Context, issuer []byte) error {
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, _, err := lastIssuer(ctx, tx, issuer)
		if err == nil && !found.CRLsUnknown {
			err = errors.New("no CRL of the issuer is missing; leave out that this is the first one")
		}
		if err != nil {
			return err
		}
		found.CRLsUnknown = false
		return found.insert(ctx, tx)
	})
}

// adopting is an adoption in its transaction.
type adopting struct {
	Adoption
	tx      *sql.Tx
	entries map[string]*Entry // of the issuer, by kind and number
	done    Adopted
}

func slot(kind ca.Kind, number *big.Int) string { return string(kind) + " " + number.Text(16) }

func (a *adopting) run(ctx context.Context) error {
	had, err := selectEntries(ctx, a.tx, ofIssuer, a.Issuer.Name)
	if err != nil {
		return err
	}
	hadCRL := false
	for i, e := range had {
		a.entries[slot(e.Kind, e.Number)] = &had[i]
		hadCRL = hadCRL || e.Kind == ca.KindCRL && e.DER != nil
	}
	for _, step := range []func(context.Context) error{a.takeCertificates, a.takeCRL, a.takeLost, a.takeRevocations} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := a.takeIssuer(ctx, hadCRL); err != nil {
		return err
	}
	return a.checkNothingGone(ctx)
}

func (a *adopting) takeCertificates(ctx context.Context) error {
	for _, cert := range a.Certificates {
		intent, err := intentOf(cert)
		if err != nil {
			return err
		}
		isNew, err := a.takeSigned(ctx, intent, cert.Raw)
		if err != nil {
			return err
		}
		if isNew {
			a.done.Certificates++
		}
	}
	return nil
}

func (a *adopting) takeCRL(ctx context.Context) error {
	if a.CRL == nil {
		return nil
	}
	signed, err := ca.ParseSigned(ca.KindCRL, a.CRL)
	if err != nil {
		return fmt.Errorf("CRL: %w", err)
	}
	crl, err := pqx509.ParseRevocationList(a.CRL)
	if err != nil {
		return fmt.Errorf("CRL: %w", err)
	}
	intent := ca.Intent{Kind: ca.KindCRL, Issuer: signed.Issuer, Number: signed.Number, Subject: "full CRL",
		TBS: sha256.Sum256(signed.TBS), Time: crl.ThisUpdate}
	if err := checkIntent(intent); err != nil {
		return err
	}
	_, err = a.takeSigned(ctx, intent, a.CRL)
	return err
}

// takeSigned takes what was signed, and says whether the register lacked it.
func (a *adopting) takeSigned(ctx context.Context, intent ca.Intent, der []byte) (isNew bool, err error) {
	own := bytes.Equal(intent.Issuer, a.Issuer.Name) // but for the certificate of an issuer that is no root
	e := a.entries[slot(intent.Kind, intent.Number)]
	if !own {
		if e, err = find(ctx, a.tx, intent.Issuer, intent.Kind, intent.Number); err != nil {
			return false, err
		}
	}
	switch {
	case e == nil:
		id, err := a.insertIntent(ctx, intent)
		if err != nil {
			return false, err
		}
		if own {
			a.entries[slot(intent.Kind, intent.Number)] = &Entry{Intent: intent, DER: der, id: id}
		} else if err := markUnknown(ctx, a.tx, intent.Issuer); err != nil {
			return false, err
		}
		return true, finish(ctx, a.tx, id, intent, der)
	case bytes.Equal(e.DER, der):
		a.done.Known++
		return false, nil
	case e.DER != nil:
		return false, fmt.Errorf("%s: the register has other bytes for it (SHA-256 %x), these are %x: two were signed with the same number, keep both and find out why; if the issuer has had two keys, each is adopted into a register of its own: --register",
			e, sha256.Sum256(e.DER), sha256.Sum256(der))
	}
	e.DER = der
	return true, finish(ctx, a.tx, e.id, e.Intent, der)
}

// insertIntent adds an intent whose number the issuer has not used.
func (a *adopting) insertIntent(ctx context.Context, intent ca.Intent) (int64, error) {
	return insert(ctx, a.tx, "intent", string(intent.Kind), intent.Issuer, numberBytes(intent.Number),
		intent.Subject, intent.TBS[:], timeText(intent.Time))
}

func (a *adopting) takeLost(ctx context.Context) error {
	for _, lost := range a.Lost {
		if a.entries[slot(lost.Kind, lost.Number)] != nil {
			a.done.Known++
			continue
		}
		intent := ca.Intent{Kind: lost.Kind, Issuer: a.Issuer.Name, Number: lost.Number, Subject: lost.Subject, Time: lost.Time}
		if err := checkIntent(intent); err != nil {
			return err
		}
		if err := checkNote(lost.Note); err != nil {
			return fmt.Errorf("%s: %w", title(intent), err)
		}
		id, err := a.insertIntent(ctx, intent)
		if err != nil {
			return err
		}
		if _, err := insert(ctx, a.tx, "settled", id, lost.Note); err != nil {
			return err
		}
		a.entries[slot(lost.Kind, lost.Number)] = &Entry{Intent: intent, Note: lost.Note, id: id}
		if lost.Kind == ca.KindCertificate {
			a.done.Lost++
		}
	}
	return nil
}

func (a *adopting) takeRevocations(ctx context.Context) error {
	for _, revocation := range a.Revocations {
		e := a.entries[slot(ca.KindCertificate, revocation.Serial)]
		if e == nil {
			return fmt.Errorf("certificate %x is revoked, but is neither here nor lost", revocation.Serial)
		}
		if err := a.takeRevocation(ctx, e, revocation); err != nil {
			return err
		}
	}
	return nil
}

// takeRevocation notes a revocation that the certificate does not have. What the
// register has of it is final, and stays.
func (a *adopting) takeRevocation(ctx context.Context, e *Entry, revocation ca.Revocation) error {
	for _, earlier := range e.Revocations {
		if earlier.Time.Equal(seconds(revocation.Time)) && earlier.Reason == revocation.Reason {
			return nil
		}
	}
	if len(e.Revocations) > 0 {
		if err := checkRevocation(e.Revocations, revocation); err != nil {
			a.done.Findings = append(a.done.Findings, fmt.Sprintf("%s: %v; that stays, and what was to be adopted is that it was revoked on %s with reason %d", e, err, timeText(revocation.Time), revocation.Reason))
			return nil
		}
	}
	if err := checkRevocation(e.Revocations, revocation); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	e.Revocations = append(e.Revocations, revocation)
	a.done.Revocations++
	_, err := insert(ctx, a.tx, "revocation", e.id, timeText(revocation.Time), int64(revocation.Reason))
	return err
}

// takeIssuer notes what is known of the issuer, if that is more than before. The rules
// of a public root stay.
func (a *adopting) takeIssuer(ctx context.Context, hadCRL bool) error {
	before, known, err := lastIssuer(ctx, a.tx, a.Issuer.Name)
	if err != nil {
		return err
	}
	next := a.Issuer
	next.Profile = cmp.Or(next.Profile, before.Profile, ca.Root)
	if before.Profile.IsPublic() && !next.Profile.IsPublic() {
		return fmt.Errorf("issuer: the profile %s, but the register has %s for it, whose rules hold; leave it out", next.Profile, before.Profile)
	}
	next.CRLsUnknown = next.CRLsUnknown && (before.CRLsUnknown || !known && !hadCRL)
	if known && next.Profile == before.Profile && next.CRLsUnknown == before.CRLsUnknown {
		return nil
	}
	return next.insert(ctx, a.tx)
}

// checkNothingGone wants every revocation that was adopted to be among those that the
// next CRL is made of, but for what the register has taken back since.
func (a *adopting) checkNothingGone(ctx context.Context) error {
	all, err := selectRevocations(ctx, a.tx, a.Issuer.Name)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, revocation := range all {
		listed[revocation.Serial.Text(16)] = true
	}
	for _, revocation := range a.Revocations {
		if !listed[revocation.Serial.Text(16)] {
			return fmt.Errorf("certificate %x is revoked, but would be missing from the next CRL; nothing was adopted", revocation.Serial)
		}
	}
	return nil
}
