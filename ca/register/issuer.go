package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"conclave/ca"
)

// Issuer is what is known of an issuer beside what it has signed.
type Issuer struct {
	Name    []byte     // its distinguished name, DER
	Profile ca.Profile // of its certificate; empty where that is not known
	// CRLsUnknown says that it may have signed CRLs before the register was kept,
	// and that the register does not have the last of them. It stays false for one
	// that began here, and for one of which people said that there was none.
	CRLsUnknown bool
}

// Issuer gives what is known of an issuer, by its distinguished name, DER; false
// where nothing was ever noted.
func (r *Register) Issuer(ctx context.Context, name []byte) (found Issuer, known bool, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, known, err = lastIssuer(ctx, tx, name)
		return err
	})
	return found, known, err
}

// Profile implements ca.Ledger.
func (r *Register) Profile(ctx context.Context, issuer []byte) (ca.Profile, error) {
	found, _, err := r.Issuer(ctx, issuer)
	return found.Profile, err
}

// SetProfile implements ca.Ledger.
func (r *Register) SetProfile(ctx context.Context, issuer []byte, profile ca.Profile) error {
	if err := (Issuer{Name: issuer, Profile: profile}).check(); err != nil {
		return r.explain(err)
	}
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, _, err := lastIssuer(ctx, tx, issuer)
		if err != nil {
			return err
		}
		return Issuer{issuer, profile, found.CRLsUnknown}.insert(ctx, tx)
	})
}

// check refuses what could not be printed, and profiles that no one knows.
func (i Issuer) check() error {
	name, err := nameText(i.Name)
	if err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if i.Profile == "" {
		return nil
	}
	if err := i.Profile.Check(); err != nil {
		return fmt.Errorf("issuer %q: %w", name, err)
	}
	return nil
}

// markUnknown notes that CRLs of the issuer of something that was made elsewhere are
// unknown, unless the register knows better.
func markUnknown(ctx context.Context, tx *sql.Tx, issuer []byte) error {
	var crls int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM intent WHERE issuer = ? AND kind = ?", issuer, string(ca.KindCRL)).Scan(&crls); err != nil {
		return err
	}
	if _, known, err := lastIssuer(ctx, tx, issuer); err != nil || known || crls > 0 {
		return err
	}
	return Issuer{Name: issuer, CRLsUnknown: true}.insert(ctx, tx)
}

func (i Issuer) insert(ctx context.Context, tx *sql.Tx) error {
	var unknown int64
	if i.CRLsUnknown {
		unknown = 1
	}
	_, err := insert(ctx, tx, "issuer", i.Name, string(i.Profile), unknown)
	return err
}

func lastIssuer(ctx context.Context, tx *sql.Tx, name []byte) (i Issuer, known bool, err error) {
	row := tx.QueryRowContext(ctx, "SELECT name, profile, crls_unknown FROM issuer WHERE name = ? ORDER BY id DESC LIMIT 1", name)
	err = row.Scan(&i.Name, &i.Profile, &i.CRLsUnknown)
	if errors.Is(err, sql.ErrNoRows) {
		return Issuer{}, false, nil
	}
	return i, err == nil, err
}

// issuers are all that was ever noted, in order.
func (r *Register) issuers(ctx context.Context) (all []Issuer, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		all, err = selectIssuers(ctx, tx)
		return err
	})
	return all, err
}

func selectIssuers(ctx context.Context, tx *sql.Tx) (all []Issuer, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT name, profile, crls_unknown FROM issuer ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i Issuer
		if err := rows.Scan(&i.Name, &i.Profile, &i.CRLsUnknown); err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, rows.Err()
}
