package custody

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"conclave/quorum"
)

// Collection lets custodians enter what is on their sheets, in any order, each
// judged as it is typed. Only what is wrong is asked for again.
type Collection struct {
	Entry      *quorum.Entry
	Custodians Custodians
	// Expected names who is to come, in order; after those, whoever comes.
	Expected []Turn
	// Only says that no one may come in another one's place.
	Only bool
	// OpenSC asks as OpenSC's tool does: the first custodian for the prime even if a
	// record knows it, and for digits in one line.
	OpenSC bool
}

// Run lets custodians come until there are enough shares.
func (c *Collection) Run(ctx context.Context) error {
	for !c.Entry.Complete() {
		turn, before := c.turn(), len(c.Entry.Shares())
		if err := c.One(ctx); err != nil {
			return err
		}
		if len(c.Entry.Shares()) > before && !c.OpenSC {
			c.Custodians.Tell(c.taken(turn))
		}
	}
	return nil
}

// One lets one custodian come, or one more if they took the last sheet back.
func (c *Collection) One(ctx context.Context) error {
	err := c.visit(ctx, c.turn())
	switch {
	case errors.Is(err, errUndo):
		c.undo()
		return nil
	case errors.Is(err, errLeave):
		c.Custodians.Tell("Another custodian may come.")
		return nil
	}
	return err
}

// undo takes the last sheet back.
func (c *Collection) undo() {
	id, err := c.Entry.Undo()
	if err != nil {
		c.Custodians.Tell(err.Error())
		return
	}
	c.Custodians.Tell(fmt.Sprintf("The sheet with share ID %s is taken back.", id))
}

// taken is what the custodian hears whose sheet was taken last, and everyone if another
// one was expected.
func (c *Collection) taken(expected Turn) string {
	shares := c.Entry.Shares()
	share, record := shares[len(shares)-1], c.Entry.Record()
	if record == nil && share.Set == "" {
		return fmt.Sprintf("The sheet with share ID %s is taken; whether it is right shows when all have come.", share.ID)
	}
	who, good := "Custodian "+share.ID, "your sheet is good"
	if record != nil {
		who = cmp.Or(record.Custodians[record.NumberOf(share)-1].Name, who)
	}
	if expected.other(share) {
		good += ", and counts in the place of that of " + expected.who()
	}
	return fmt.Sprintf("%s, %s.", who, good)
}

// other says whether a share is of another custodian than the one who is expected.
func (t Turn) other(share quorum.CustodianShare) bool {
	return t.Custodian != 0 && share.ID != strconv.Itoa(t.Custodian)
}

func (t Turn) who() string { return cmp.Or(t.Name, fmt.Sprintf("custodian %d", t.Custodian)) }

// turn is the next one: that of the first who is expected and has not come.
func (c *Collection) turn() Turn {
	n := len(c.Entry.Shares())
	turn := Turn{Of: max(c.Entry.Wanted(), n+1)}
	if n < len(c.Expected) {
		turn = c.Expected[n]
		if i := slices.IndexFunc(c.Expected, func(t Turn) bool { return !c.hasCome(t.Custodian) }); i >= 0 && c.hasCome(turn.Custodian) {
			turn = c.Expected[i]
		}
	}
	turn.Number = n + 1
	return turn
}

func (c *Collection) hasCome(custodian int) bool {
	return slices.ContainsFunc(c.Entry.Shares(), func(s quorum.CustodianShare) bool { return s.ID == strconv.Itoa(custodian) })
}

// visit lets one custodian enter a share.
func (c *Collection) visit(ctx context.Context, turn Turn) error {
	if err := c.Custodians.Come(ctx, turn); err != nil {
		return err
	}
	defer c.Custodians.Leave()
	v := &visit{c, turn, typing{custodians: c.Custodians, prime: c.Entry.Prime(), openSC: c.OpenSC}}
	v.lines.Sets = c.Entry.Sets()
	var problem error
	for {
		share, err := v.sheet(ctx, problem)
		if err != nil {
			return err
		}
		if problem, err = v.accept(ctx, share); err != nil || problem == nil {
			return err
		}
	}
}

// visit is one custodian at the screen.
type visit struct {
	*Collection
	turn Turn
	typing
}

// accept gives a share to the entry. If the custodian agrees to what a doubt
// suggests, that is taken; a problem is for the custodian to hear.
func (v *visit) accept(ctx context.Context, share quorum.CustodianShare) (problem, err error) {
	problem = v.take(ctx, share)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if problem != nil {
		share.Value.Wipe()
	}
	suggested, err := v.settle(ctx, problem)
	if err != nil || suggested == nil {
		return problem, err
	}
	return v.take(ctx, *suggested), nil
}

// take gives a share to the entry, if it may be this custodian's.
func (v *visit) take(ctx context.Context, share quorum.CustodianShare) error {
	err := v.Entry.Add(ctx, share)
	if err != nil || !v.Only || !v.turn.other(share) {
		return err
	}
	number, _ := strconv.Atoi(share.ID)
	whose := v.Entry.Record().Name(number)
	v.Entry.Undo()
	return fmt.Errorf("this is the sheet of %s; that of %s is wanted, and leave goes on without it", whose, v.turn.who())
}

// settle asks about a doubt; it returns what the custodian agrees to, nil for
// anything else. To undo takes back what was typed, and no one else's sheet.
func (v *visit) settle(ctx context.Context, problem error) (*quorum.CustodianShare, error) {
	var doubt *quorum.Doubt
	if !errors.As(problem, &doubt) {
		return nil, nil
	}
	yes, err := v.Custodians.Confirm(ctx, upperFirst(doubt.Where)+": "+doubt.Question)
	if errors.Is(err, errUndo) {
		return nil, nil
	}
	if err != nil || !yes {
		return nil, err
	}
	return &doubt.Share, nil
}

// sheet asks for a code, or for the lines of a sheet, of which undo takes back one
// after the other. The problem is one with the sheet as a whole.
func (v *visit) sheet(ctx context.Context, problem error) (share quorum.CustodianShare, err error) {
	asksPrime := v.prime == nil || v.OpenSC && len(v.Entry.Shares()) == 0
	for wanted := asksPrime; ; {
		if wanted {
			if done, err := v.ask(ctx, Prime, &problem, v.readPrime, &share); err != nil || done {
				return share, err
			}
		}
		var id string
		done, err := v.ask(ctx, ShareID, &problem, func(text string) (s quorum.CustodianShare, err error) {
			s, id, err = v.readID(text)
			return s, err
		}, &share)
		if wanted = errors.Is(err, errUndo) && asksPrime; wanted {
			v.Custodians.Tell("The prime is taken back.")
			continue
		}
		if err != nil || done {
			return share, err
		}
		_, err = v.ask(ctx, ShareValue, &problem, func(text string) (s quorum.CustodianShare, err error) {
			return v.Entry.Read(ctx, quorum.Typed{Prime: v.primeText(), ID: id, Value: text})
		}, &share)
		if !errors.Is(err, errUndo) {
			return share, err
		}
		v.Custodians.Tell("The share ID is taken back.")
	}
}

func (v *visit) primeText() string { return quorum.CustodianShare{Prime: v.prime}.Sheet().Prime }

// anyValue is a value with which the ID is checked before the value is known.
const anyValue = "00"

// readID reads a share ID. One that cannot be read is for a record to find.
func (v *visit) readID(text string) (s quorum.CustodianShare, id string, err error) {
	if quorum.IsUnreadable(text) && v.Entry.Record() != nil {
		return s, text, nil
	}
	if s, err = quorum.ParseShare(v.primeText(), text, anyValue); err == nil {
		err = v.Entry.CheckID(s.ID)
	}
	return s, s.ID, err
}

func (v *visit) readPrime(text string) (quorum.CustodianShare, error) {
	p, err := quorum.ParsePrime(text)
	if known := v.Entry.Prime(); err == nil && known != nil && known.Cmp(p) != 0 {
		err = errOtherPrime
	}
	if err == nil {
		v.prime = p
	}
	return quorum.CustodianShare{Prime: p}, err
}

// ask asks until read takes the answer, or until a code is typed: then the share is
// complete, and done.
func (v *visit) ask(ctx context.Context, field Field, problem *error, read func(string) (quorum.CustodianShare, error), share *quorum.CustodianShare) (done bool, err error) {
	v.lines.Number = field == ShareID
	for {
		text, code, err := v.line(ctx, field, *problem, func(digits string) bool { return v.enough(read, digits) })
		if err != nil {
			return false, err
		}
		if code {
			*share, *problem = quorum.ParseCode(text)
		} else {
			*share, *problem = read(text)
		}
		suggested, err := v.settle(ctx, *problem)
		if err != nil {
			return false, err
		}
		if suggested != nil {
			*share, *problem = *suggested, nil
			if field == Prime && !code {
				v.prime = share.Prime
			}
		}
		if *problem == nil {
			v.lines.Clear()
			return code, nil
		}
		v.lines.Judged()
	}
}

// enough says whether digits are all that the sheet has, few as they are, or wrong
// whatever follows.
func (v *visit) enough(read func(string) (quorum.CustodianShare, error), digits string) bool {
	share, err := read(digits)
	return err == nil && v.Entry.Agrees(share) || !quorum.AreDigits(digits)
}

// CollectTyped lets n custodians type what is on their sheets, whatever it is:
// nothing is judged. The first one is asked for the prime too.
func CollectTyped(ctx context.Context, custodians Custodians, n int) ([]quorum.Typed, error) {
	var sheets []quorum.Typed
	for len(sheets) < n {
		prime := ""
		for _, s := range sheets {
			prime = cmp.Or(s.Prime, prime)
		}
		typed, err := visitTyped(ctx, custodians, Turn{Number: len(sheets) + 1, Of: n}, prime)
		switch {
		case errors.Is(err, errUndo) && len(sheets) > 0:
			sheets = sheets[:len(sheets)-1]
			custodians.Tell(fmt.Sprintf("Sheet %d is taken back.", len(sheets)+1))
		case errors.Is(err, errUndo), errors.Is(err, errLeave):
			custodians.Tell("Another custodian may come.")
		case err != nil:
			return nil, err
		default:
			sheets = append(sheets, typed)
			custodians.Tell(fmt.Sprintf("Sheet %d of %d is taken; whether it is right shows when all have come.", len(sheets), n))
		}
	}
	return sheets, nil
}

func visitTyped(ctx context.Context, custodians Custodians, turn Turn, prime string) (sheet quorum.Typed, err error) {
	if err := custodians.Come(ctx, turn); err != nil {
		return sheet, err
	}
	defer custodians.Leave()
	sheet.Prime = prime
	t := typing{custodians: custodians}
	lines := []struct {
		field Field
		text  *string
	}{{Prime, &sheet.Prime}, {ShareID, &sheet.ID}, {ShareValue, &sheet.Value}}
	first := 0
	if prime != "" {
		first = 1
	}
	for i := first; i < len(lines); i++ {
		t.prime, _ = quorum.ParsePrime(sheet.Prime)
		text, code, err := t.line(ctx, lines[i].field, nil, func(string) bool { return false })
		if errors.Is(err, errUndo) && i > first {
			custodians.Tell("The " + lowerFirst(lines[i-1].field.String()) + " is taken back.")
			i -= 2
			continue
		}
		if err != nil || code {
			return quorum.Typed{Code: text}, err
		}
		*lines[i].text = text
		t.lines.Clear()
	}
	return sheet, nil
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
