package register

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"conclave/ca"
)

// exportFormat names what Export writes.
const exportFormat = "conclave register 1"

// Export is all that a register has.
type Export struct {
	Entries []Entry  // in the order of Register.Entries
	Issuers []Issuer // in the order in which they were noted: of each, the last one holds
}

// Issuer is what is known of an issuer, as Register.Issuer has it.
func (e *Export) Issuer(name []byte) (found Issuer, known bool) {
	for _, issuer := range e.Issuers {
		if bytes.Equal(issuer.Name, name) {
			found, known = issuer, true
		}
	}
	return found, known
}

// Revocations are those of an issuer, as Register.Revocations has them.
func (e *Export) Revocations(issuer []byte) (all []ca.Revocation) {
	for _, entry := range e.Entries {
		if n := len(entry.Revocations); n > 0 && bytes.Equal(entry.Issuer, issuer) {
			all = append(all, entry.Revocations[n-1])
		}
	}
	return all
}

// Find gives the entry of an issuer's number; an empty one if it has not been
// used.
func (e *Export) Find(issuer []byte, kind ca.Kind, number *big.Int) Entry {
	for _, entry := range e.Entries {
		if entry.Kind == kind && entry.Number.Cmp(number) == 0 && bytes.Equal(entry.Issuer, issuer) {
			return entry
		}
	}
	return Entry{}
}

// exportJSON is its form: JSON, indented by two spaces, the fields in this
// order. Numbers and hashes are in lower-case hexadecimal, DER in base64, times
// as in RFC 3339, UTC.
type exportJSON struct {
	Format  string       `json:"format"`
	Entries []entryJSON  `json:"entries"`
	Issuers []issuerJSON `json:"issuers,omitempty"`
}

type issuerJSON struct {
	Issuer      string     `json:"issuer"`
	IssuerName  []byte     `json:"issuerName"`
	Profile     ca.Profile `json:"profile,omitempty"`
	CRLsUnknown bool       `json:"crlsUnknown,omitempty"`
}

type entryJSON struct {
	Kind        ca.Kind          `json:"kind"`
	State       State            `json:"state"`
	Issuer      string           `json:"issuer"`
	IssuerName  []byte           `json:"issuerName"`
	Subject     string           `json:"subject"`
	Number      string           `json:"number"`
	Time        time.Time        `json:"time"`
	TBSHash     string           `json:"tbsSHA256"`
	Hash        string           `json:"sha256,omitempty"`
	DER         []byte           `json:"der,omitempty"`
	Note        string           `json:"note,omitempty"`
	Revocations []revocationJSON `json:"revocations,omitempty"`
}

type revocationJSON struct {
	Time   time.Time `json:"time"`
	Reason int       `json:"reason"`
}

// Export writes all of the register as JSON that ParseExport reads. The same
// content gives the same bytes.
//
// The JSON object has "format" ("conclave register 1") and "entries", in order
// of time. An entry has "kind", "state", "issuer" and "subject" (RFC 4514),
// "issuerName" (DER in base64), "number" (hexadecimal), "time" (RFC 3339, UTC)
// and "tbsSHA256"; if it is issued "sha256" and "der" (base64), if it was
// settled "note", and if it was revoked "revocations" with "time" and "reason"
// (RFC 5280 section 5.3.1), the last of which holds.
//
// "issuers" has what is known of issuers, the last of each holds: "issuer" and
// "issuerName", as above, "profile", and "crlsUnknown" where the last CRL from
// before the register is missing. It is absent where nothing is known.
func (r *Register) Export(ctx context.Context, w io.Writer) error {
	entries, err := r.Entries(ctx)
	if err != nil {
		return err
	}
	issuers, err := r.issuers(ctx)
	if err != nil {
		return err
	}
	b, err := encodeExport(&Export{entries, issuers})
	if err != nil {
		return r.explain(err)
	}
	_, err = w.Write(b)
	return err
}

func encodeExport(all *Export) ([]byte, error) {
	export := exportJSON{Format: exportFormat, Entries: []entryJSON{}}
	for _, e := range all.Entries {
		export.Entries = append(export.Entries, encodeEntry(e))
	}
	for _, i := range all.Issuers {
		name, _ := nameText(i.Name) // check has read it
		export.Issuers = append(export.Issuers, issuerJSON{name, i.Name, i.Profile, i.CRLsUnknown})
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // names have <, > and & in them
	err := encoder.Encode(export)
	return b.Bytes(), err
}

func encodeEntry(e Entry) entryJSON {
	issuer, _ := nameText(e.Issuer) // checkIntent has read it
	j := entryJSON{Kind: e.Kind, State: e.State(), Issuer: issuer, IssuerName: e.Issuer, Subject: e.Subject,
		Number: hex.EncodeToString(numberBytes(e.Number)), Time: seconds(e.Time), TBSHash: hex.EncodeToString(e.TBS[:]),
		DER: e.DER, Note: e.Note}
	if e.DER != nil {
		sum := sha256.Sum256(e.DER)
		j.Hash = hex.EncodeToString(sum[:])
	}
	for _, revocation := range e.Revocations {
		j.Revocations = append(j.Revocations, revocationJSON{seconds(revocation.Time), revocation.Reason})
	}
	return j
}

// ParseExport reads what Export wrote, and nothing else: every rule of a
// register is checked again, and the bytes must be those that Export would
// write. Signatures are not verified.
func ParseExport(b []byte) (*Export, error) {
	var j exportJSON
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&j); err != nil {
		return nil, fmt.Errorf("register export: %w", err)
	}
	if j.Format != exportFormat {
		return nil, fmt.Errorf("register export: the format is %q; %q was expected", j.Format, exportFormat)
	}
	export := new(Export)
	for i, entry := range j.Entries {
		e, err := decodeEntry(entry)
		if err != nil {
			return nil, fmt.Errorf("register export: entry %d: %w", i+1, err)
		}
		export.Entries = append(export.Entries, e)
	}
	if err := checkOrder(export.Entries); err != nil {
		return nil, fmt.Errorf("register export: %w", err)
	}
	for _, issuer := range j.Issuers {
		i := Issuer{issuer.IssuerName, issuer.Profile, issuer.CRLsUnknown}
		if err := i.check(); err != nil {
			return nil, fmt.Errorf("register export: %w", err)
		}
		export.Issuers = append(export.Issuers, i)
	}
	again, err := encodeExport(export)
	if err == nil && !bytes.Equal(again, b) {
		err = errors.New("these are not the bytes that an export of such entries has; was it edited? Export it again")
	}
	if err != nil {
		return nil, fmt.Errorf("register export: %w", err)
	}
	return export, nil
}

func decodeEntry(j entryJSON) (Entry, error) {
	number, err := hex.DecodeString(j.Number)
	if err != nil {
		return Entry{}, fmt.Errorf("number %q: %w", j.Number, err)
	}
	tbs, err := hex.DecodeString(j.TBSHash)
	if err != nil || len(tbs) != sha256.Size {
		return Entry{}, fmt.Errorf("tbsSHA256 is %q; %d bytes in hexadecimal were expected", j.TBSHash, sha256.Size)
	}
	e := Entry{Intent: ca.Intent{Kind: j.Kind, Issuer: j.IssuerName, Number: new(big.Int).SetBytes(number), Subject: j.Subject,
		TBS: [32]byte(tbs), Time: j.Time}, DER: j.DER, Note: j.Note}
	if err := checkIntent(e.Intent); err != nil {
		return e, err
	}
	if e.DER != nil {
		if err := checkSigned(e.Intent, e.DER); err != nil {
			return e, err
		}
	}
	if e.Note != "" {
		if err := checkNote(e.Note); err != nil {
			return e, fmt.Errorf("%s: %w", e, err)
		}
	}
	return e, e.decodeRevocations(j.Revocations)
}

func (e *Entry) decodeRevocations(revocations []revocationJSON) error {
	if len(revocations) > 0 && e.Kind != ca.KindCertificate {
		return fmt.Errorf("%s is revoked; only certificates are", e)
	}
	for _, j := range revocations {
		next := ca.Revocation{Serial: e.Number, Time: j.Time, Reason: j.Reason}
		if err := checkRevocation(e.Revocations, next); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		e.Revocations = append(e.Revocations, next)
	}
	return nil
}

// checkOrder wants the order of time, and no number twice.
func checkOrder(entries []Entry) error {
	type key struct {
		issuer, number string
		kind           ca.Kind
	}
	seen := map[key]bool{}
	for i, e := range entries {
		k := key{string(e.Issuer), string(numberBytes(e.Number)), e.Kind}
		if seen[k] {
			return fmt.Errorf("%s appears twice: %w", e, ca.ErrNumberUsed)
		}
		seen[k] = true
		if i > 0 && e.Time.Before(entries[i-1].Time) {
			return fmt.Errorf("%s is before the one above it; the order of time was expected", e)
		}
	}
	return nil
}
