package register

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"fmt"
	"math/big"
	"time"

	"conclave/ca"
	"conclave/internal/pqx509"
)

// State says what is known about an intent.
type State string

// The states.
const (
	Intended State = "intended" // it may have been signed
	Issued   State = "issued"   // it was signed, and is in the register
	Settled  State = "settled"  // people found out what there is to know, and said so
)

// Entry is something that an issuer has signed, or may have. Of an imported
// certificate, Time is the beginning of its validity.
type Entry struct {
	ca.Intent
	DER         []byte          // what was signed; nil unless it is issued
	Note        string          // what people said when they settled it; empty if they have not
	Revocations []ca.Revocation // of a certificate, in the order in which they were noted: the last one holds

	id int64
}

// State tells what is known. What was settled and then turned up is issued.
func (e Entry) State() State {
	switch {
	case e.DER != nil:
		return Issued
	case e.Note != "":
		return Settled
	}
	return Intended
}

// String names the entry.
func (e Entry) String() string { return title(e.Intent) }

func title(intent ca.Intent) string {
	return fmt.Sprintf("%s %x of %q", intent.Kind, numberBytes(intent.Number), ca.DistinguishedName(intent.Issuer))
}

// Entries returns all that the register has, in order of time, and within a
// second in the order in which it came in.
func (r *Register) Entries(ctx context.Context) ([]Entry, error) { return r.entries(ctx, "TRUE") }

// Unfinished returns the intents about which nothing else is known, in order of
// time. Each may have been signed. Someone must look: what turns up is for
// Finish, anything else for Settle.
func (r *Register) Unfinished(ctx context.Context) ([]Entry, error) {
	return r.entries(ctx, "issued.id IS NULL AND settled.id IS NULL")
}

func (r *Register) entries(ctx context.Context, where string) (found []Entry, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, err = selectEntries(ctx, tx, where)
		return err
	})
	return found, err
}

// Named gives the entry of an issuer that people mean with a number as they write
// it (ca.ParseNumber). Digits alone are the one of two numbers that the issuer has
// used.
func (r *Register) Named(ctx context.Context, issuer []byte, kind ca.Kind, text string) (e Entry, err error) {
	numbers, err := ca.ParseNumber(text)
	if err != nil {
		return e, r.explain(err)
	}
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		e, err = named(ctx, tx, issuer, kind, numbers)
		return err
	})
	return e, err
}

func named(ctx context.Context, tx *sql.Tx, issuer []byte, kind ca.Kind, numbers []*big.Int) (Entry, error) {
	var found []*Entry
	for _, number := range numbers {
		e, err := find(ctx, tx, issuer, kind, number)
		if err != nil {
			return Entry{}, err
		}
		if e != nil {
			found = append(found, e)
		}
	}
	if len(found) > 1 {
		return Entry{}, fmt.Errorf("%s, and %s: both are in the register; write 0x%x or decimal:%d", found[0], found[1], found[0].Number, found[1].Number)
	}
	if len(found) == 0 {
		_, err := need(ctx, tx, issuer, kind, numbers[0])
		return Entry{}, err
	}
	return *found[0], nil
}

// find returns the entry of a number that an issuer has used, nil if there is
// none.
func find(ctx context.Context, tx *sql.Tx, issuer []byte, kind ca.Kind, number *big.Int) (*Entry, error) {
	found, err := selectEntries(ctx, tx, "intent.issuer = ? AND intent.kind = ? AND intent.number = ?",
		issuer, string(kind), numberBytes(number))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// Standing is the number that stands for one that was lost and settled: the next
// one, if that was not lost too. Any other number stands for itself.
func Standing(entries []Entry, issuer []byte, kind ca.Kind, number int64) int64 {
	for _, e := range entries { // which are in order of time, and numbers grow
		if e.Kind == kind && e.Number.IsInt64() && e.Number.Int64() == number && bytes.Equal(e.Issuer, issuer) && e.State() == Settled {
			number++
		}
	}
	return number
}

// NewestCRLs are those of each issuer that end last, by its name (DER).
func NewestCRLs(entries []Entry) (map[string]*x509.RevocationList, error) {
	newest := map[string]*x509.RevocationList{}
	for _, e := range entries {
		if e.Kind != ca.KindCRL || e.DER == nil {
			continue
		}
		crl, err := pqx509.ParseRevocationList(e.DER)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", e, err)
		}
		if last := newest[string(e.Issuer)]; last == nil || crl.NextUpdate.After(last.NextUpdate) {
			newest[string(e.Issuer)] = crl
		}
	}
	return newest, nil
}

// ofIssuer is the condition of all entries of an issuer. The plus keeps SQLite from its
// index, by which it takes an issuer's entries for few, and goes through all revocations
// for each (https://www.sqlite.org/optoverview.html#uplus).
const ofIssuer = "+intent.issuer = ?"

// selectEntries returns the entries for which a condition in SQL holds.
func selectEntries(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]Entry, error) {
	rows, err := tx.QueryContext(ctx, entriesQuery(where), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		if last := len(found) - 1; last >= 0 && found[last].id == e.id {
			found[last].Revocations = append(found[last].Revocations, e.Revocations...)
		} else {
			found = append(found, e)
		}
	}
	return found, rows.Err()
}

func entriesQuery(where string) string {
	return `
		SELECT intent.id, intent.kind, issuer, number, subject, tbs, intent.time, der, note, revocation.time, reason
		FROM intent
		LEFT JOIN issued ON issued.intent = intent.id
		LEFT JOIN settled ON settled.intent = intent.id
		LEFT JOIN revocation ON revocation.intent = intent.id
		WHERE ` + where + `
		ORDER BY intent.time, intent.id, revocation.id`
}

// scanEntry reads a row: an entry with one of its revocations, if it has any.
func scanEntry(rows *sql.Rows) (e Entry, err error) {
	var number, tbs []byte
	var begun string
	var note, revoked sql.NullString
	var reason sql.NullInt64
	err = rows.Scan(&e.id, &e.Kind, &e.Issuer, &number, &e.Subject, &tbs, &begun, &e.DER, &note, &revoked, &reason)
	if err != nil {
		return e, err
	}
	e.Number, e.TBS, e.Note = new(big.Int).SetBytes(number), [32]byte(tbs), note.String
	if e.Time, err = time.Parse(time.RFC3339, begun); err != nil || !revoked.Valid {
		return e, err
	}
	at, err := time.Parse(time.RFC3339, revoked.String)
	e.Revocations = []ca.Revocation{{Serial: e.Number, Time: at, Reason: int(reason.Int64)}}
	return e, err
}
