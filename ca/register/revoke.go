package register

import (
	"context"
	"database/sql"
	"fmt"
	"math/big"
	"time"

	"conclave/ca"
	"conclave/internal/pqx509"
)

// Reason codes that are unlike the others, RFC 5280 section 5.3.1.
const (
	unspecified     = 0
	keyCompromise   = 1
	certificateHold = ca.ReasonCertificateHold
	unusedReason    = 7
	removeFromCRL   = ca.ReasonRemoveFromCRL
	lastReason      = 10
)

// Revoke notes that a certificate must not be trusted any more, also one that
// was only intended: it may have been signed. The time is kept in whole
// seconds.
//
// A revocation is final, but for certificateHold: any other reason may follow,
// or removeFromCRL, after which the certificate is as it was before. It can be made
// more exact: an earlier time, a reason where there was none, or keyCompromise. That
// is how one is put right whose time lies in the future, before which no CRL can be
// signed.
//
// What a person wants to revoke now is for Entry.CheckRevocation first.
func (r *Register) Revoke(ctx context.Context, issuer []byte, revocation ca.Revocation) error {
	return r.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		e, err := need(ctx, tx, issuer, ca.KindCertificate, revocation.Serial)
		if err != nil {
			return err
		}
		if err := checkRevocation(e.Revocations, revocation); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		_, err = insert(ctx, tx, "revocation", e.id, timeText(revocation.Time), int64(revocation.Reason))
		return err
	})
}

// checkRevocation says whether a revocation may follow those that a
// certificate has.
func checkRevocation(earlier []ca.Revocation, next ca.Revocation) error {
	last := ca.Revocation{Reason: removeFromCRL} // as if never revoked
	if len(earlier) > 0 {
		last = earlier[len(earlier)-1]
	}
	switch {
	case next.Reason < 0 || next.Reason > lastReason || next.Reason == unusedReason:
		return fmt.Errorf("reason code %d; 0 to 6 or 8 to 10 was expected (RFC 5280 section 5.3.1)", next.Reason)
	case corrects(last, next):
	case next.Reason == removeFromCRL && last.Reason != certificateHold:
		return fmt.Errorf("it is not on hold, and removeFromCRL (%d) takes nothing else back", removeFromCRL)
	case next.Reason == certificateHold && last.Reason == certificateHold:
		return fmt.Errorf("it has been on hold since %s; give another reason, or take that back with removeFromCRL (%d)", timeText(last.Time), removeFromCRL)
	case last.Reason != removeFromCRL && last.Reason != certificateHold:
		return fmt.Errorf("it has been revoked since %s with reason %d, which is final; only an earlier time can be noted, a reason in place of unspecified, or keyCompromise (1)", timeText(last.Time), last.Reason)
	}
	return checkTime(next.Time)
}

// corrects says whether a revocation is the last one made more exact: BR section 7.2.2
// lets keyCompromise take the place of another reason, and an earlier time that of a
// later one.
func corrects(last, next ca.Revocation) bool {
	switch earlier := seconds(next.Time).Compare(seconds(last.Time)); {
	case last.Reason == removeFromCRL || next.Reason == removeFromCRL:
		return false
	case next.Reason == last.Reason:
		return earlier < 0
	default:
		return (last.Reason == unspecified && next.Reason != certificateHold || next.Reason == keyCompromise) && earlier <= 0
	}
}

// maxSkew is how far the clocks of two machines may be apart.
const maxSkew = 10 * time.Minute

// CheckRevocation says whether a certificate can be revoked so, by someone for whom
// it is now: beside what Revoke demands, the time lies between the certificate's
// beginning and now, and the reason is one that its issuer may give.
func (e Entry) CheckRevocation(next ca.Revocation, issuer Issuer, now time.Time) error {
	if err := checkRevocation(e.Revocations, next); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	from, isCA := e.Time, true
	if e.DER != nil {
		cert, err := pqx509.ParseCertificate(e.DER)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		from, isCA = e.revocableFrom(cert.NotBefore, now), cert.IsCA
	}
	if next.Time.After(now.Add(maxSkew)) || next.Time.Before(from.Add(-maxSkew)) {
		return fmt.Errorf("%s: revoked at %s; a time from the beginning of the certificate, %s, until now, %s, was expected, and a revocation is final; check the clock too",
			e, timeText(next.Time), timeText(from), timeText(now))
	}
	if err := issuer.Profile.CheckReason(next.Reason, isCA); err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	return nil
}

// revocableFrom is when a certificate can have been revoked at the earliest: one that
// has not begun, once it was signed. Of an imported one that is not known.
func (e Entry) revocableFrom(notBefore, now time.Time) time.Time {
	switch {
	case !notBefore.After(now):
		return notBefore
	case e.Time.Equal(notBefore):
		return now
	}
	return e.Time
}

// Revocations implements ca.Ledger: of each certificate, the revocation that
// was noted last. One with the reason removeFromCRL belongs only in delta CRLs
// (RFC 5280 section 5.3.1).
func (r *Register) Revocations(ctx context.Context, issuer []byte) (all []ca.Revocation, err error) {
	err = r.view(ctx, func(ctx context.Context, tx *sql.Tx) error {
		all, err = selectRevocations(ctx, tx, issuer)
		return err
	})
	return all, err
}

func selectRevocations(ctx context.Context, tx *sql.Tx, issuer []byte) (all []ca.Revocation, err error) {
	// Beside max(), SQLite returns the columns of the row that has the maximum
	// (https://www.sqlite.org/lang_select.html#bareagg).
	rows, err := tx.QueryContext(ctx, `
		SELECT number, revocation.time, reason, max(revocation.id)
		FROM revocation JOIN intent ON intent.id = revocation.intent
		WHERE issuer = ? GROUP BY intent.id ORDER BY length(number), number`, issuer)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var number []byte
		var at string
		var id int64
		var revocation ca.Revocation
		if err := rows.Scan(&number, &at, &revocation.Reason, &id); err != nil {
			return nil, err
		}
		revocation.Serial = new(big.Int).SetBytes(number)
		if revocation.Time, err = time.Parse(time.RFC3339, at); err != nil {
			return nil, err
		}
		all = append(all, revocation)
	}
	return all, rows.Err()
}
