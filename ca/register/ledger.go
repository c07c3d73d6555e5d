package register

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"conclave/ca"
)

// Begin implements ca.Ledger. The time is kept in whole seconds.
func (r *Register) Begin(ctx context.Context, intent ca.Intent) error {
	if err := checkIntent(intent); err != nil {
		return r.explain(err)
	}
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := begin(ctx, tx, intent)
		return err
	})
}

// begin adds an intent and returns its id.
func begin(ctx context.Context, tx *sql.Tx, intent ca.Intent) (int64, error) {
	used, err := find(ctx, tx, intent.Issuer, intent.Kind, intent.Number)
	if err != nil {
		return 0, err
	}
	if used != nil {
		return 0, fmt.Errorf("%s: %w, by one for %q of %s, which is %s; take another number; the same command does, if it was given none",
			used, ca.ErrNumberUsed, used.Subject, timeText(used.Time), used.State())
	}
	return insert(ctx, tx, "intent", string(intent.Kind), intent.Issuer, numberBytes(intent.Number),
		intent.Subject, intent.TBS[:], timeText(intent.Time))
}

// Finish implements ca.Ledger. What was signed must be what the intent says,
// to the hash. It may be given again, even when the intent was settled.
func (r *Register) Finish(ctx context.Context, intent ca.Intent, signed []byte) error {
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		e, err := need(ctx, tx, intent.Issuer, intent.Kind, intent.Number)
		switch {
		case err != nil:
			return err
		case e.DER == nil:
			return finish(ctx, tx, e.id, e.Intent, signed)
		case !bytes.Equal(e.DER, signed):
			return fmt.Errorf("%s: the register has other bytes for it (SHA-256 %x), these are %x: two were signed with the same number, keep both and find out why",
				e, sha256.Sum256(e.DER), sha256.Sum256(signed))
		}
		return nil
	})
}

// finish adds what was signed to the intent with that id.
func finish(ctx context.Context, tx *sql.Tx, id int64, intent ca.Intent, signed []byte) error {
	if err := checkSigned(intent, signed); err != nil {
		return err
	}
	_, err := insert(ctx, tx, "issued", id, signed)
	return err
}

// ErrNoEntry is the error for a number that an issuer has not used.
var ErrNoEntry = errors.New("the register has nothing with that number")

// need returns the entry of a number, which must exist.
func need(ctx context.Context, tx *sql.Tx, issuer []byte, kind ca.Kind, number *big.Int) (*Entry, error) {
	if err := checkNumber(number); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	e, err := find(ctx, tx, issuer, kind, number)
	if err == nil && e == nil {
		err = fmt.Errorf("%s: %w; check number and issuer; what was signed elsewhere is for: conclave ca import, conclave ca adopt",
			title(ca.Intent{Kind: kind, Issuer: issuer, Number: number}), ErrNoEntry)
	}
	return e, err
}

// Signed implements ca.Archive.
func (r *Register) Signed(ctx context.Context, issuer []byte, kind ca.Kind, number *big.Int) (der []byte, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		e, err := need(ctx, tx, issuer, kind, number)
		if err == nil && e.DER == nil {
			err = fmt.Errorf("%s: it is not known to have been signed; it is %s", e, e.State())
		}
		if err == nil {
			der = e.DER
		}
		return err
	})
	return der, err
}

// NewestCRL implements ca.Archive.
func (r *Register) NewestCRL(ctx context.Context, issuer []byte) (der []byte, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT der FROM intent JOIN issued ON issued.intent = intent.id WHERE issuer = ? AND kind = ?
			ORDER BY length(number) DESC, number DESC LIMIT 1`, issuer, string(ca.KindCRL)).Scan(&der)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return der, err
}

// Import adds a certificate that was made elsewhere. The error is
// ca.ErrNumberUsed if its issuer has used its serial number, also for itself. An
// issuer that has issued elsewhere may have signed CRLs there: unless the register
// knows it, its CRLs are unknown from then on.
func (r *Register) Import(ctx context.Context, cert *x509.Certificate) error {
	intent, err := intentOf(cert)
	if err != nil {
		return r.explain(err)
	}
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := takeImported(ctx, tx, intent, cert.Raw); err != nil || bytes.Equal(cert.RawIssuer, cert.RawSubject) {
			return err // a root's own certificate does not say that it has issued others
		}
		return markUnknown(ctx, tx, cert.RawIssuer)
	})
}

// takeImported takes a certificate that the register lacks, or of which it has the number
// alone.
func takeImported(ctx context.Context, tx *sql.Tx, intent ca.Intent, der []byte) error {
	e, err := find(ctx, tx, intent.Issuer, intent.Kind, intent.Number)
	switch {
	case err != nil:
		return err
	case e != nil && bytes.Equal(e.DER, der):
		return fmt.Errorf("%s: %w, by this certificate: it is in the register already", e, ca.ErrNumberUsed)
	case e != nil && e.DER == nil && e.TBS == [sha256.Size]byte{}: // adopted without it
		return finish(ctx, tx, e.id, e.Intent, der)
	}
	id, err := begin(ctx, tx, intent)
	if err != nil {
		return err
	}
	return finish(ctx, tx, id, intent, der)
}

// intentOf is what a certificate that exists was once intended to be.
func intentOf(cert *x509.Certificate) (ca.Intent, error) {
	if len(cert.Raw) == 0 {
		return ca.Intent{}, errors.New("the certificate to import has no DER; parse it first")
	}
	if _, err := nameText(cert.RawSubject); err != nil {
		return ca.Intent{}, fmt.Errorf("certificate %x: subject: %w", cert.SerialNumber, err)
	}
	intent := ca.Intent{Kind: ca.KindCertificate, Issuer: cert.RawIssuer, Number: cert.SerialNumber, Subject: strings.ToValidUTF8(ca.DistinguishedName(cert.RawSubject), "\uFFFD"),
		TBS: sha256.Sum256(cert.RawTBSCertificate), Time: cert.NotBefore}
	return intent, checkIntent(intent)
}

// errUnknown is the error for an issuer whose CRLs are unknown.
var errUnknown = errors.New("the issuer has issued certificates elsewhere, and its last CRL from there is not in the register, so that the next one could take revocations back; give it with: conclave ca adopt --crl; if there never was one, say so with --first, to that or to conclave ca crl")

// Settle notes what people found out about an intent that is unfinished: that
// it was not signed, or may have been, and how they know. The number stays used.
func (r *Register) Settle(ctx context.Context, issuer []byte, kind ca.Kind, number *big.Int, note string) error {
	if err := checkNote(note); err != nil {
		return r.explain(err)
	}
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		e, err := need(ctx, tx, issuer, kind, number)
		if err != nil {
			return err
		}
		switch e.State() {
		case Issued:
			return fmt.Errorf("%s was signed and is in the register; there is nothing to settle", e)
		case Settled:
			return fmt.Errorf("%s was settled before, with the note %q; that stays", e, e.Note)
		}
		_, err = insert(ctx, tx, "settled", e.id, note)
		return err
	})
}

// LastCRL implements ca.Ledger. Where the issuer's CRLs are unknown (see Issuer), it
// is an error: the next one would take back revocations, and use numbers twice.
func (r *Register) LastCRL(ctx context.Context, issuer []byte) (last *big.Int, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if found, _, err := lastIssuer(ctx, tx, issuer); err != nil || found.CRLsUnknown {
			return errors.Join(err, errUnknown)
		}
		var number []byte
		err := tx.QueryRowContext(ctx, `SELECT number FROM intent WHERE issuer = ? AND kind = ?
			ORDER BY length(number) DESC, number DESC LIMIT 1`, issuer, string(ca.KindCRL)).Scan(&number)
		if err == nil {
			last = new(big.Int).SetBytes(number)
		}
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return err
	})
	return last, err
}
