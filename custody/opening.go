package custody

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/quorum/repair"
)

// Status says how the opening of a share file has ended.
type Status string

// The statuses.
const (
	Good       Status = "good"
	Repaired   Status = "repaired"    // it opened once a mistake in what was entered was corrected
	WrongSheet Status = "wrong-sheet" // a sheet is not of this file, whether or not the others open it; or no reading of the sheets does
	NotEnough  Status = "not-enough"  // fewer sheets than the threshold
	Damaged    Status = "damaged"     // the share file, not the sheets; it may have opened all the same
)

// OpenError is the error for a share file that the sheets do not open.
type OpenError struct {
	Status Status
	Err    error
}

// Error is that of Err: the status is for programs.
func (e *OpenError) Error() string { return e.Err.Error() }

// Unwrap gives Err, for errors.Is and errors.As.
func (e *OpenError) Unwrap() error { return e.Err }

func openError(status Status, format string, args ...any) error {
	return &OpenError{status, fmt.Errorf(format, args...)}
}

// Defect is something wrong with a sheet or a set, in words that hold no secret.
type Defect struct {
	Kind  string `json:"kind"`
	Sheet string `json:"sheet"` // its share ID, if it is about one
	Text  string `json:"text"`
}

// wrongSheet is the kind of a fault with a sheet that was not taken.
const wrongSheet = "wrong-sheet"

// Opened is an open share file, and what opening it has shown.
type Opened struct {
	Share, Password secret.Bytes
	How             string // how the sheets were read
	Status          Status // as it is open, not NotEnough
	KCV             dkek.KCV
	Threshold       int
	Record          *quorum.Record // nil if there is none
	Set             string         // empty if not known
	Faults          []Defect
	Shares          []quorum.CustodianShare // as they should be
}

// Wipe overwrites what is secret, best effort.
func (o *Opened) Wipe() {
	o.Share.Wipe()
	o.Password.Wipe()
	for _, s := range o.Shares {
		s.Value.Wipe()
	}
}

// Search is told how the search for mistakes goes on. Stage is what is tried.
type Search = func(repair.Progress)

// Opening opens a share file with the sheets of custodians who are here.
type Opening struct {
	File       dkek.ShareFile
	Collection *Collection
	Progress   dkek.Progress
	Search     Search
	Limit      int // of the readings that are tried in a search; 0 for none
	// Begin is called when all have entered their sheets; nil for nothing.
	Begin func()
}

// Run collects shares and opens the file. If they do not open it, it finds out
// why, and asks for no right share again.
func (o Opening) Run(ctx context.Context) (*Opened, error) {
	entry := o.Collection.Entry
	defer entry.Wipe()
	for {
		if err := o.Collection.Run(ctx); err != nil {
			return nil, err
		}
		if o.Begin != nil {
			o.Begin()
		}
		attempt := attempt{file: o.File, entry: entry, progress: o.Progress, search: o.Search, limit: o.Limit}
		opened, err := attempt.run(ctx, o.Collection.Custodians.Tell)
		if err == nil {
			err = o.agree(ctx, opened)
			if !errors.Is(err, errUndo) {
				return opened, err
			}
		} else if err = o.another(ctx, err); err == nil {
			entry.Want = len(entry.Shares()) + 1
		}
		if errors.Is(err, errUndo) {
			o.Collection.undo()
		} else if err != nil {
			return nil, err
		}
	}
}

// another asks for one more sheet where a wrong one keeps the file shut.
func (o Opening) another(ctx context.Context, failure error) error {
	var failed *OpenError
	if !errors.As(failure, &failed) || failed.Status != WrongSheet {
		return failure
	}
	o.Collection.Custodians.Tell(upperFirst(failure.Error()) + ".")
	yes, err := o.Collection.Custodians.Confirm(ctx, "Can one more custodian enter a sheet, so that the wrong one can be found?")
	if err == nil && !yes {
		return failure
	}
	return err
}

// agree tells what was found, and lets those present agree to what was
// corrected before it is used.
func (o Opening) agree(ctx context.Context, opened *Opened) error {
	for _, f := range opened.Faults {
		o.Collection.Custodians.Tell(upperFirst(f.Text) + ".")
	}
	if opened.Status == Good {
		return nil
	}
	yes, err := o.Collection.Custodians.Confirm(ctx, "Read this way, the sheets open the share file. Go on with that?")
	if err == nil && !yes {
		err = errors.New("nothing was done, as no one agreed to the reading that opens the share file")
	}
	if err != nil {
		opened.Wipe()
	}
	return err
}

// attempt is one try to open a file with the shares of an entry, and, if that
// fails, with what they may be meant to be.
type attempt struct {
	file     dkek.ShareFile
	entry    *quorum.Entry
	drafts   []repair.Draft // what was typed; nil for the shares of the entry
	faults   []Defect       // found before
	doubtful []Defect       // with drafts that are not a share of the entry, until the search explains them
	progress dkek.Progress
	search   Search
	limit    int
}

func (a attempt) run(ctx context.Context, tell func(string)) (*Opened, error) {
	for _, m := range a.entry.Locate() {
		kind := repair.MisreadDigit
		if m.Digits == 0 {
			kind = repair.WrongValue
		}
		a.faults = append(a.faults, Defect{kind.String(), m.ID, fmt.Sprintf("share %s does not fit the others: %s of its value; replace that sheet", m.ID, m.Where)})
	}
	opened, err := quorum.Open(ctx, a.file, a.entry.Shares(), a.progress)
	if err == nil {
		a.faults = append(a.faults, a.doubtful...)
		o, err := a.result(opened.Share, opened.Candidate, a.entry.Shares())
		return o.noteDamage(opened.Damage), err
	}
	if !errors.Is(err, dkek.ErrPassword) {
		return nil, err
	}
	if why := a.entry.Sure(); why != "" {
		return nil, openError(Damaged, "the share file does not open, though the sheets are right (%s): the file is damaged, or belongs to another set; use another copy, or the paper copy", why)
	}
	if a.search == nil {
		return nil, &OpenError{WrongSheet, err}
	}
	tell("These sheets do not open the share file as they were typed. Looking for likely mistakes.")
	return a.repair(ctx)
}

// repair searches for the mistake.
func (a attempt) repair(ctx context.Context) (*Opened, error) {
	if a.drafts == nil {
		a.drafts = draftsOf(a.entry.Shares())
	}
	plan, err := repair.Sheets(a.drafts)
	if err != nil {
		return nil, &OpenError{WrongSheet, err}
	}
	if a.limit > 0 {
		plan.Limit(a.limit)
	}
	if plan.Consistent {
		return nil, openError(Damaged, "the share file does not open, though there are more sheets than the threshold, and they agree: the file is damaged, or belongs to another set; use another copy, or the paper copy")
	}
	share, reading, err := plan.Run(ctx, a.file.Search, a.search)
	if errors.Is(err, repair.ErrNotFound) {
		return nil, openError(WrongSheet, "no likely mistake in the sheets with share ID %s explains it; a sheet is of another set, or has several mistakes, or the set needs more sheets than these %d, or the share file is damaged",
			idsOf(a.drafts), len(a.drafts))
	}
	var damage *dkek.DamagedError
	if errors.As(err, &damage) {
		err = &OpenError{Damaged, err}
	}
	if err != nil {
		return nil, err
	}
	a.faults = append(a.faults, faultsOf(reading)...)
	return a.result(share, candidateOf(reading), reading.Shares)
}

// candidateOf is the candidate of the corrected shares that opened the file,
// with the defects that it shows.
func candidateOf(reading repair.Reading) quorum.Candidate {
	candidates, err := quorum.Candidates(reading.Shares)
	if err == nil {
		for _, c := range candidates {
			if c.Password.Equal(reading.Password) {
				return c
			}
		}
	}
	return quorum.Candidate{Password: reading.Password, How: reading.How}
}

// faultsOf are the mistakes that were found. If others would give the same
// password, the paper has to tell.
func faultsOf(reading repair.Reading) (faults []Defect) {
	for _, f := range reading.Findings {
		faults = append(faults, Defect{f.Kind.String(), f.ID, f.String()})
	}
	for _, other := range reading.Otherwise {
		for _, f := range other {
			faults = append(faults, Defect{f.Kind.String(), f.ID, "or else, which only the paper can tell: " + f.String()})
		}
	}
	return faults
}

func draftsOf(shares []quorum.CustodianShare) (drafts []repair.Draft) {
	for _, s := range shares {
		drafts = append(drafts, draftOf(s.Typed()))
	}
	return drafts
}

// draftOf takes the three lines of a sheet.
func draftOf(t quorum.Typed) repair.Draft {
	return repair.Draft{Prime: t.Prime, ID: t.ID, Value: t.Value}
}

func idsOf(drafts []repair.Draft) string {
	var ids []string
	for _, d := range drafts {
		ids = append(ids, d.ID)
	}
	return strings.Join(ids, ", ")
}

// result checks what has come out against the record.
func (a attempt) result(share secret.Bytes, found quorum.Candidate, shares []quorum.CustodianShare) (*Opened, error) {
	o := &Opened{Share: share, Password: found.Password, How: found.How, Status: Good, Faults: a.faults, Record: a.entry.Record()}
	for _, s := range shares {
		s.Value = s.Value.Clone()
		o.Shares = append(o.Shares, s)
		if s.Set != "" {
			o.Set = s.Set
		}
	}
	for _, f := range a.faults {
		if f.Kind == wrongSheet || f.Kind == repair.WrongValue.String() {
			o.Status = WrongSheet
		} else if o.Status == Good {
			o.Status = Repaired
		}
	}
	for _, d := range found.Defects {
		o.Faults = append(o.Faults, Defect{Kind: string(d), Text: defectText(d)})
	}
	var err error
	if o.KCV, err = kcvOf(share); err != nil {
		return nil, err
	}
	if o.Record != nil {
		o.Set = o.Record.Set
		if kcv := o.KCV.String(); kcv != o.Record.KCV {
			o.Wipe()
			return nil, openError(Damaged, "the share file gives key check value %s, but its set record says %s: the file is damaged; use another copy, or the paper copy", kcv, o.Record.KCV)
		}
	}
	o.Threshold = quorum.Threshold(o.Shares)
	return o, nil
}

// noteDamage adds what was wrong with the file.
func (o *Opened) noteDamage(damage *dkek.DamagedError) *Opened {
	if o != nil && damage != nil {
		o.Status = Damaged
		o.Faults = append(o.Faults, Defect{Kind: "damaged-file", Text: damage.Error()})
	}
	return o
}

// Total is the number of custodians in the set, 0 if it is not known.
func (o *Opened) Total() int {
	if o.Record != nil {
		return o.Record.Total
	}
	for _, s := range o.Shares {
		if s.Total > 0 {
			return s.Total
		}
	}
	return 0
}

func defectText(d quorum.Defect) string {
	switch d {
	case quorum.DefectLeadingZero:
		return "the password begins with a zero byte, and OpenSC's sc-hsm-tool cannot open this file; make a new one with: conclave dkek reshare --new-file"
	case quorum.DefectDroppedZero:
		return "the password was made without its leading zero byte"
	case quorum.DefectPrimeBelowSecret:
		return "the prime is below the secret, as in files made before OpenSC 0.16, and OpenSC's sc-hsm-tool cannot open this file; make a new one with: conclave dkek reshare --new-file"
	case quorum.DefectHexadecimalID:
		return "a share ID was entered in hexadecimal; sheets show it in decimal"
	}
	return string(d)
}
