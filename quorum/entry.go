package quorum

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"conclave/shamir"
)

// Entry is the shares that custodians have entered so far, each of them judged
// when it came.
type Entry struct {
	// Records are of the sets that open the share file, if there are any.
	Records []*Record
	// Want is how many shares are wanted where no sheet and no record says the
	// threshold, or a wrong one among them has to be found.
	Want int
	// All says that as many are wanted even if fewer are enough, and sure.
	All    bool
	shares []CustodianShare
	record *Record  // that the shares agree with, if there is one
	before []before // each share came
}

// before is what an entry was like, for undo.
type before struct {
	record *Record
	want   int
}

// Shares are the accepted shares, in the order in which they came.
func (e *Entry) Shares() []CustodianShare { return e.shares }

// Record is the record of the set that the shares are of; nil until that is
// known.
func (e *Entry) Record() *Record {
	if e.record == nil && len(e.Records) == 1 {
		return e.Records[0]
	}
	return e.record
}

// candidates are the records that the next share may be of.
func (e *Entry) candidates() []*Record {
	if r := e.Record(); r != nil {
		return []*Record{r}
	}
	return e.Records
}

// Threshold is that of the set; 0 until a record or a code has said it.
func (e *Entry) Threshold() int {
	if r := e.Record(); r != nil {
		return r.Threshold
	}
	for _, s := range e.shares {
		if s.Threshold > 0 {
			return s.Threshold
		}
	}
	return 0
}

// Wanted is how many shares are wanted in all; 0 if no one has said it. Where each
// is sure to be right, the threshold is enough.
func (e *Entry) Wanted() int {
	t := e.Threshold()
	if t > 0 && !e.All && e.checked() != "" {
		return t
	}
	return max(e.Want, t)
}

// Complete says whether there are as many shares as wanted.
func (e *Entry) Complete() bool { return len(e.shares) >= max(2, e.Wanted()) }

// Prime is that of the shares, nil until it is known.
func (e *Entry) Prime() *big.Int {
	if len(e.shares) > 0 {
		return e.shares[0].Prime
	}
	if r := e.Record(); r != nil {
		prime, _ := parsePrime(r.Prime)
		return prime
	}
	return nil
}

// Add judges a share and takes it if it can be right. The error says what is
// wrong with it, and whose sheet it is about; it is a *Doubt if it is clear
// what was meant. It can take a second or two, which ctx ends at once.
func (e *Entry) Add(ctx context.Context, share CustodianShare) error {
	for _, s := range e.shares {
		if err := together(s, share); err != nil {
			return err
		}
	}
	record, err := e.matchRecord(ctx, share)
	if err != nil {
		return err
	}
	e.before = append(e.before, before{e.record, e.Want})
	e.shares, e.record = append(e.shares, share), record
	return nil
}

// Has says whether this very share was accepted before: once by the code and
// once by the lines of a sheet, say.
func (e *Entry) Has(share CustodianShare) bool {
	return slices.ContainsFunc(e.shares, func(s CustodianShare) bool {
		return s.ID == share.ID && s.Prime.Cmp(share.Prime) == 0 && s.Value.Equal(share.Value)
	})
}

// maxSearched is in how many records a share is looked for that fits none of them.
const maxSearched = 2

// matchRecord looks for the record that the share is of: that of the shares before,
// since the sheets of two sets do not go together.
func (e *Entry) matchRecord(ctx context.Context, share CustodianShare) (record *Record, problem error) {
	records := e.candidates()
	for _, r := range records {
		if number, err := r.number(share); err == nil && r.fits(number, share) {
			return r, nil
		}
	}
	searched := 0
	for _, r := range records {
		_, err := r.number(share)
		if err == nil && searched < maxSearched {
			searched++
			err = r.Judge(ctx, share)
		}
		if err != nil && (problem == nil || share.Set == r.Set) {
			problem = err
		}
	}
	return nil, problem
}

// Agrees says whether a record knows this very share.
func (e *Entry) Agrees(share CustodianShare) bool {
	return slices.ContainsFunc(e.candidates(), func(r *Record) bool {
		number, err := r.number(share)
		return err == nil && r.fits(number, share)
	})
}

// Sets are the identifiers of the sets that the next share may be of; none if that
// is not known.
func (e *Entry) Sets() (ids []string) {
	for _, r := range e.candidates() {
		ids = append(ids, r.Set)
	}
	for _, s := range e.shares {
		if s.Set != "" && len(ids) == 0 {
			ids = append(ids, s.Set)
		}
	}
	return ids
}

// CheckID judges a share ID alone, before its value is asked for.
func (e *Entry) CheckID(id string) error {
	for _, s := range e.shares {
		if strings.EqualFold(s.ID, id) {
			return duplicate(id)
		}
	}
	if r := e.Record(); r != nil {
		_, err := r.numbered(id)
		return err
	}
	return nil
}

// OtherSetError is the error for a sheet that is whole, and of another set.
type OtherSetError struct {
	Set  string // of the sheet; empty where it does not say
	text string
}

// Error says what shows that the sheet is of another set.
func (e *OtherSetError) Error() string { return e.text }

func otherSet(id, format string, args ...any) error {
	return &OtherSetError{id, fmt.Sprintf(format, args...)}
}

func duplicate(id string) error {
	return fmt.Errorf("share ID: %s was entered before; each custodian counts once, so another one is wanted", id)
}

// together rejects two shares that do not go together.
func together(earlier, share CustodianShare) error {
	switch {
	case earlier.Set != "" && share.Set != "" && earlier.Set != share.Set:
		return otherSet(share.Set, "this sheet is of set %s, and that of custodian %s is of set %s; bring the sheet of set %s", share.Set, earlier.ID, earlier.Set, earlier.Set)
	case earlier.Set != "" && share.Set != "" && (earlier.Threshold != share.Threshold || earlier.Total != share.Total):
		return otherSet(share.Set, "sheet code: it says that set %s is %d-of-%d, and the code of custodian %s says %d-of-%d; they are of two sets with the same name: bring a sheet of that one",
			share.Set, share.Threshold, share.Total, earlier.ID, earlier.Threshold, earlier.Total)
	case earlier.Prime.Cmp(share.Prime) != 0:
		return otherSet(share.Set, "prime: it differs from the one on the sheet of custodian %s; is one of the two sheets of another set?", earlier.ID)
	case strings.EqualFold(earlier.ID, share.ID):
		return duplicate(share.ID)
	case earlier.Value.Equal(share.Value):
		return fmt.Errorf("share value: it is the one that was entered for share %s; type the one beside share ID %s", earlier.ID, share.ID)
	}
	return nil
}

// Undo takes back the share that was accepted last, and gives its ID. All is as it
// was before that share came.
func (e *Entry) Undo() (string, error) {
	if len(e.shares) == 0 {
		return "", errors.New("there is no share to take back")
	}
	n := len(e.shares) - 1
	last, was := e.shares[n], e.before[n]
	e.shares, e.before, e.record, e.Want = e.shares[:n], e.before[:n], was.record, was.want
	last.Value.Wipe()
	return last.ID, nil
}

// Wipe overwrites all values, best effort.
func (e *Entry) Wipe() {
	for _, s := range e.shares {
		s.Value.Wipe()
	}
	e.shares, e.before, e.record = nil, nil, nil
}

// Misfit is a share that does not lie where the others do.
type Misfit struct {
	ID     string
	Digits int    // that differ, if they are few; else 0
	Where  string // "digit 7", or "many digits"
}

// Locate finds wrong shares if there are more of them than the threshold,
// by decoding over GF(p), without the share file. It corrects them and says
// what was wrong. It returns nothing if the shares agree or are too few to
// tell.
func (e *Entry) Locate() []Misfit {
	var points []shamir.Share
	for _, s := range e.shares {
		points = append(points, s.point(10))
	}
	located, err := e.locate(points)
	if err != nil {
		return nil
	}
	var misfits []Misfit
	for _, i := range located.Wrong {
		right := located.Right[i].Y
		digits, where := whereDiffers(e.shares[i], right)
		misfits = append(misfits, Misfit{e.shares[i].ID, digits, where})
		e.shares[i].Value.Wipe()
		e.shares[i].Value = right.Bytes()
	}
	return misfits
}

func (e *Entry) locate(points []shamir.Share) (shamir.Located, error) {
	if threshold := e.Threshold(); threshold > 0 {
		return shamir.Locate(points, e.Prime(), threshold)
	}
	return shamir.Infer(points, e.Prime())
}

// whereDiffers says which digit of a value was misread, without showing it.
func whereDiffers(share CustodianShare, right *big.Int) (digits int, where string) {
	typed := colonless(share)
	want := colonless(CustodianShare{Value: right.Bytes()})
	var places []string
	for i := range min(len(typed), len(want)) {
		if typed[i] != want[i] {
			places = append(places, fmt.Sprint(i+1))
		}
	}
	const few = 3
	if len(places) > few || len(typed) != len(want) {
		return 0, "many digits"
	}
	return len(places), "digit " + strings.Join(places, " and ")
}

// Sure says why no share that was accepted can be wrong: each has a checksum or
// a fingerprint, or there are more than the threshold and all agree. It is
// empty if one can be.
func (e *Entry) Sure() string {
	if why := e.checked(); why != "" {
		return why
	}
	if t := Threshold(e.shares); t > 0 && t < len(e.shares) {
		return "there are more than the threshold, and they agree"
	}
	return ""
}

// checked says what has judged each share alone; empty if one was judged by nothing.
func (e *Entry) checked() string {
	if e.Record() != nil {
		return "each agrees with the set record"
	}
	if !slices.ContainsFunc(e.shares, func(s CustodianShare) bool { return s.Set == "" }) {
		return "each has a right checksum"
	}
	return ""
}

// Threshold is how many of these right shares are needed: one more than the
// degree of the polynomial through all of them. It is an upper bound where all
// are.
func Threshold(shares []CustodianShare) int {
	var points []shamir.Share
	for _, s := range shares {
		points = append(points, s.point(10))
	}
	located, err := shamir.Infer(points, shares[0].Prime)
	if err == nil && len(located.Wrong) == 0 {
		return located.Threshold
	}
	return len(shares)
}
