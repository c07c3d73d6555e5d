package custody

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"conclave/quorum"
)

// Distribution hands out the sheets of a set.
type Distribution struct {
	Set   *quorum.Set
	About About
	Names []string // of custodians 1 to Total; empty if they have none
	// Encrypt is for custodians who are not in the room, by number: it takes their
	// sheet on its way.
	Encrypt    map[int]func(Handout) error
	Custodians Custodians
	// ReadBack lets each custodian in the room type the code or value from the
	// sheet before the next one comes; a sheet with a mistake is shown once more.
	ReadBack bool
}

// HandedOut are shares as the custodians have them.
type HandedOut struct {
	Shares   []quorum.CustodianShare // as read back, or as made if not
	ReadBack []bool
}

// Run hands out all sheets.
func (d Distribution) Run(ctx context.Context) (HandedOut, error) {
	out := HandedOut{ReadBack: make([]bool, d.Set.Total)}
	for i, share := range d.Set.Shares {
		handout := Handout{About: d.About, Number: i + 1, Sheet: share.Sheet()}
		if len(d.Names) > 0 {
			handout.Name = d.Names[i]
		}
		read, err := d.handOut(ctx, handout, share)
		if err != nil {
			return out, fmt.Errorf("sheet %d of %d: %w", i+1, d.Set.Total, err)
		}
		out.ReadBack[i] = read.Value != nil
		if read.Value == nil {
			read = share
		}
		out.Shares = append(out.Shares, read)
	}
	return out, nil
}

// handOut gives one custodian the sheet, and returns the share that was read
// back, none if that was not wanted.
func (d Distribution) handOut(ctx context.Context, handout Handout, share quorum.CustodianShare) (read quorum.CustodianShare, err error) {
	if encrypt := d.Encrypt[handout.Number]; encrypt != nil {
		return read, encrypt(handout)
	}
	if err := d.Custodians.Come(ctx, Turn{handout.Number, d.Set.Total, handout.Number, handout.Name}); err != nil {
		return read, err
	}
	defer d.Custodians.Leave()
	for read.Value == nil {
		if err := d.Custodians.Show(ctx, handout); err != nil || !d.ReadBack {
			return read, err
		}
		if read, err = readBack(ctx, d.Custodians, handout.Sheet, share); err != nil {
			return read, err
		}
	}
	return read, nil
}

// readBack asks for the code or value on the sheet, at most twice.
func readBack(ctx context.Context, custodians Custodians, sheet quorum.Sheet, share quorum.CustodianShare) (read quorum.CustodianShare, err error) {
	var problem error
	for range 2 {
		text, err := answer(ctx, custodians, ReadBack, problem)
		if err != nil {
			return read, err
		}
		typed := quorum.Typed{Prime: sheet.Prime, ID: sheet.ID, Value: text}
		shown := sheet.Value
		if quorum.IsCode(text) {
			typed, shown = quorum.Typed{Code: text}, sheet.Code
		}
		read, err = typed.Read()
		if err == nil && read.Value.Equal(share.Value) && (read.Set == "" || read.Set == share.Set) {
			return read, nil
		}
		problem = compare(text, shown)
	}
	return quorum.CustodianShare{}, nil
}

// compare says which group of a line was not read back as it was shown.
func compare(typed, shown string) error {
	groups := func(text string, size int) []string {
		digits := strings.ToLower(strings.NewReplacer(" ", "", "-", "", ":", "").Replace(text))
		var all []string
		for group := range slices.Chunk([]byte(digits), size) {
			all = append(all, string(group))
		}
		return all
	}
	size := 2
	if !strings.Contains(shown, ":") {
		size = 4
	}
	got, want := groups(typed, size), groups(shown, size)
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Errorf("group %d is not the one shown; compare it, and all after it, with the sheet", i+1)
		}
	}
	return errors.New("this is more than was shown; compare it with the sheet")
}
