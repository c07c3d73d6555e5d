package custody

import (
	"context"
	"errors"
	"fmt"

	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/quorum/repair"
)

// Inspection opens a share file with sheets that were typed before, all of them
// at once. No one can be asked, so what the checks suggest is taken, and
// reported.
type Inspection struct {
	File     dkek.ShareFile
	Records  []*quorum.Record
	Sheets   []quorum.Typed
	Progress dkek.Progress
	Search   Search // nil to try no mistakes
	Limit    int    // of the readings that are tried in a search; 0 for none
}

// Run opens the file. The error is an *OpenError if the sheets or the file
// are at fault.
func (in Inspection) Run(ctx context.Context) (*Opened, error) {
	sorted := in.sort(ctx)
	entry := sorted.entry
	defer entry.Wipe()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wanted := max(2, entry.Threshold())
	if len(sorted.drafts) < wanted {
		if sorted.wrong != nil {
			return nil, &OpenError{WrongSheet, sorted.wrong}
		}
		return nil, openError(NotEnough, "sheets entered: %d, and the set needs %d; add those of other custodians", len(sorted.drafts), wanted)
	}
	a := attempt{file: in.File, entry: entry, drafts: sorted.drafts, faults: sorted.faults, doubtful: sorted.doubtful, progress: in.Progress, search: in.Search, limit: in.Limit}
	if len(entry.Shares()) >= wanted {
		return sorted.explain(a.run(ctx, func(string) {}))
	}
	if in.Search == nil {
		return nil, &OpenError{WrongSheet, sorted.wrong}
	}
	return sorted.explain(a.repair(ctx))
}

// sorted are sheets, judged.
type sorted struct {
	entry  *quorum.Entry
	drafts []repair.Draft // all that may be of the set, read or not
	faults []Defect
	// doubtful are faults with drafts, which a search may explain.
	doubtful []Defect
	wrong    error // why the first sheet that was not taken was not
}

// explain adds what is known about a sheet that was not taken.
func (s sorted) explain(opened *Opened, err error) (*Opened, error) {
	var failed *OpenError
	if errors.As(err, &failed) && failed.Status == WrongSheet && s.wrong != nil {
		failed.Err = fmt.Errorf("%w; %w", s.wrong, failed.Err)
	}
	return opened, err
}

// sort reads all sheets and judges each.
func (in Inspection) sort(ctx context.Context) sorted {
	s := sorted{entry: &quorum.Entry{Records: in.Records}}
	for i, typed := range in.Sheets {
		share, err := s.entry.Read(ctx, typed)
		if err == nil && s.entry.Has(share) {
			continue
		}
		if err == nil {
			err = s.entry.Add(ctx, share)
		}
		var doubt *quorum.Doubt
		if errors.As(err, &doubt) && doubt.Share.Value != nil {
			if err = s.entry.Add(ctx, doubt.Share); err == nil {
				share = doubt.Share
				s.faults = append(s.faults, Defect{"misread", share.ID, fmt.Sprintf("share %s: a character of the %s was wrong, and is corrected", share.ID, doubt.Where)})
			}
		}
		if err != nil {
			s.refuse(i, typed, share, err)
			continue
		}
		s.drafts = append(s.drafts, draftOf(share.Typed()))
	}
	return s
}

// refuse notes a sheet that was not taken. It may be misread, unless it says
// itself that it is of another set.
func (s *sorted) refuse(i int, typed quorum.Typed, share quorum.CustodianShare, err error) {
	id := share.ID
	if id == "" {
		id = typed.ID
	}
	err = fmt.Errorf("sheet %d: %w", i+1, err)
	if s.wrong == nil {
		s.wrong = err
	}
	fault := Defect{wrongSheet, id, err.Error()}
	var other *quorum.OtherSetError
	if typed.Code != "" || errors.As(err, &other) {
		s.faults = append(s.faults, fault)
		return
	}
	s.doubtful = append(s.doubtful, fault)
	s.drafts = append(s.drafts, draftOf(typed))
}

// OpenWithPassword opens a share file with its password.
func OpenWithPassword(ctx context.Context, file dkek.ShareFile, password secret.Bytes, progress dkek.Progress) (*Opened, error) {
	share, err := file.Decrypt(ctx, password, progress)
	var damage *dkek.DamagedError
	if err != nil && !errors.As(err, &damage) {
		if errors.Is(err, dkek.ErrPassword) {
			err = &OpenError{WrongSheet, fmt.Errorf("%w; check the keyboard layout and capital letters, and that the password is for this file", err)}
		}
		return nil, err
	}
	kcv, err := kcvOf(share)
	o := &Opened{Share: share, Password: password.Clone(), How: "password", Status: Good, KCV: kcv}
	return o.noteDamage(damage), err
}

// OpenedByPassword is what a search for a password has found.
func OpenedByPassword(share secret.Bytes, reading repair.Reading) (*Opened, error) {
	kcv, err := kcvOf(share)
	o := &Opened{Share: share, Password: reading.Password, How: "password", Status: Good, KCV: kcv}
	if o.Faults = faultsOf(reading); len(o.Faults) > 0 {
		o.Status = Repaired
	}
	return o, err
}
