package custody

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"conclave/internal/typed"
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
	Shown    bool // a sheet was shown, or written
}

// Run hands out all sheets.
func (d Distribution) Run(ctx context.Context) (HandedOut, error) {
	out := HandedOut{ReadBack: make([]bool, d.Set.Total)}
	for i, share := range d.Set.Shares {
		handout := Handout{About: d.About, Number: i + 1, Sheet: share.Sheet()}
		if len(d.Names) > 0 {
			handout.Name = d.Names[i]
		}
		read, err := d.handOut(ctx, handout, share, &out.Shown)
		if err != nil {
			return out, fmt.Errorf("sheet %d of %d: %w", i+1, d.Set.Total, err)
		}
		if out.ReadBack[i] = read.Value != nil; out.ReadBack[i] {
			who := cmp.Or(handout.Name, fmt.Sprintf("Custodian %d", handout.Number))
			d.Custodians.Tell(who + ", your sheet is right: what you typed is what was shown.")
		} else {
			read = share
		}
		out.Shares = append(out.Shares, read)
	}
	return out, nil
}

// handOut gives one custodian the sheet, and returns the share that was read
// back, none if that was not wanted.
func (d Distribution) handOut(ctx context.Context, handout Handout, share quorum.CustodianShare, shown *bool) (read quorum.CustodianShare, err error) {
	if encrypt := d.Encrypt[handout.Number]; encrypt != nil {
		return read, encrypt(handout)
	}
	if err := d.come(ctx, Turn{handout.Number, d.Set.Total, handout.Number, handout.Name}); err != nil {
		return read, err
	}
	defer d.Custodians.Leave()
	for *shown = true; ; {
		if err := d.Custodians.Show(ctx, handout); err != nil || !d.ReadBack {
			return read, err
		}
		if read, handout.Problem, err = readBack(ctx, d.Custodians, handout.Sheet, share); err != nil || read.Value != nil {
			return read, err
		}
		d.Custodians.Leave() // it is shown again on an empty screen
	}
}

// come lets the custodian come whose sheet it is. To take one back, or let another come,
// would make all sheets before it void.
func (d Distribution) come(ctx context.Context, turn Turn) error {
	for {
		err := d.Custodians.Come(ctx, turn)
		if !errors.Is(err, errUndo) && !errors.Is(err, errLeave) {
			return err
		}
		d.Custodians.Tell("No sheet is taken back here, and no one comes in another's place; quit ends the ceremony.")
	}
}

// readBack asks for the code or value on the sheet, on one line or on several, and
// ends without it, and with the problem, after two that are wrong.
func readBack(ctx context.Context, custodians Custodians, sheet quorum.Sheet, share quorum.CustodianShare) (read quorum.CustodianShare, problem, err error) {
	var lines quorum.Lines
	for wrong := 0; wrong < 2; {
		line, err := readBackLine(ctx, custodians, &lines, sheet, problem)
		if err != nil {
			return read, nil, err
		}
		if problem = lines.Add(line); problem != nil {
			continue
		}
		match, problemHere := lines.Match(sheet)
		if problem = problemHere; problem != nil {
			wrong++
			lines.Undo()
			if lines.Begun() {
				problem = fmt.Errorf("%w; the lines before this one are right", problem)
			}
			continue
		}
		if !match.Whole {
			custodians.Tell(fmt.Sprintf("Right so far, %d of %d groups; go on (undo takes the last line back).", match.Groups, match.Of))
			continue
		}
		if read, err = match.Typed.Read(); err != nil || !read.Value.Equal(share.Value) {
			return quorum.CustodianShare{}, nil, errors.Join(err, errors.New("the sheet does not have the share that it was made for; this must not happen: is the machine faulty?"))
		}
		return read, nil, nil
	}
	return quorum.CustodianShare{}, problem, nil
}

// readBackLine asks for the first line, or for what follows. Of a whole sheet that was
// pasted, the lines beside the code and the value are passed over, if they are right.
func readBackLine(ctx context.Context, custodians Custodians, lines *quorum.Lines, sheet quorum.Sheet, problem error) (string, error) {
	for {
		field := ReadBack
		if lines.Begun() {
			field = Rest
		}
		label, line, err := answer(ctx, custodians, field, problem)
		problem = nil
		switch {
		case errors.Is(err, errUndo) && lines.Undo():
			custodians.Tell("The last line is taken back.")
		case errors.Is(err, errUndo), errors.Is(err, errLeave):
			problem = errors.New("what is on the sheet is wanted here; quit ends the ceremony")
		case err != nil:
			return "", err
		case label == "prime" && !sameText(line, sheet.Prime), label == "share ID" && !sameText(line, sheet.ID):
			problem = fmt.Errorf("the line with the %s is not the one shown; compare it with the sheet", label)
		case line != "" && label != "prime" && label != "share ID":
			return line, nil
		}
	}
}

func sameText(line, shown string) bool { return strings.EqualFold(typed.Bare(line), typed.Bare(shown)) }
