package custody

import (
	"context"
	"errors"
	"fmt"
	"math/big"
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
	// AskPrime asks the first custodian for the prime even if a record knows
	// it.
	AskPrime bool
}

// Run lets custodians come until there are enough shares.
func (c *Collection) Run(ctx context.Context) error {
	for !c.Entry.Complete() {
		if err := c.One(ctx); err != nil {
			return err
		}
	}
	return nil
}

// One lets one custodian come, or one more if they took the last sheet back.
func (c *Collection) One(ctx context.Context) error {
	err := c.visit(ctx, c.turn())
	switch {
	case errors.Is(err, errUndo):
		id, err := c.Entry.Undo()
		if err != nil {
			c.Custodians.Tell(err.Error())
			return nil
		}
		c.Custodians.Tell(fmt.Sprintf("The sheet with share ID %s is taken back.", id))
		return nil
	case errors.Is(err, errLeave):
		c.Custodians.Tell("Another custodian may come.")
		return nil
	}
	return err
}

func (c *Collection) turn() Turn {
	n := len(c.Entry.Shares())
	if n < len(c.Expected) {
		return c.Expected[n]
	}
	return Turn{Number: n + 1, Of: max(c.Entry.Wanted(), n+1)}
}

// visit lets one custodian enter a share.
func (c *Collection) visit(ctx context.Context, turn Turn) error {
	if err := c.Custodians.Come(ctx, turn); err != nil {
		return err
	}
	defer c.Custodians.Leave()
	v := &visit{Collection: c, prime: c.Entry.Prime()}
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
	prime *big.Int // nil until it is known
}

// accept gives a share to the entry. If the custodian agrees to what a doubt
// suggests, that is taken; a problem is for the custodian to hear.
func (v *visit) accept(ctx context.Context, share quorum.CustodianShare) (problem, err error) {
	problem = v.Entry.Add(ctx, share)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	suggested, err := v.settle(ctx, problem)
	if err != nil || suggested == nil {
		return problem, err
	}
	return v.Entry.Add(ctx, *suggested), nil
}

// settle asks about a doubt; it returns what the custodian agrees to, nil for
// anything else.
func (v *visit) settle(ctx context.Context, problem error) (*quorum.CustodianShare, error) {
	var doubt *quorum.Doubt
	if !errors.As(problem, &doubt) {
		return nil, nil
	}
	yes, err := v.Custodians.Confirm(ctx, upperFirst(doubt.Where)+": "+doubt.Question)
	if err != nil || !yes {
		return nil, err
	}
	return &doubt.Share, nil
}

// sheet asks for a code, or for the lines of a sheet. The problem is one with
// the sheet as a whole.
func (v *visit) sheet(ctx context.Context, problem error) (share quorum.CustodianShare, err error) {
	if v.prime == nil || v.AskPrime && len(v.Entry.Shares()) == 0 {
		done, err := v.ask(ctx, Prime, &problem, v.readPrime, &share)
		if err != nil || done {
			return share, err
		}
	}
	var id string
	done, err := v.ask(ctx, ShareID, &problem, func(text string) (quorum.CustodianShare, error) {
		s, err := quorum.ParseShare(v.primeText(), text, anyValue)
		if err == nil {
			id, err = s.ID, v.Entry.CheckID(s.ID)
		}
		return s, err
	}, &share)
	if err != nil || done {
		return share, err
	}
	_, err = v.ask(ctx, ShareValue, &problem, func(text string) (s quorum.CustodianShare, err error) {
		return quorum.ParseShare(v.primeText(), id, text)
	}, &share)
	return share, err
}

func (v *visit) primeText() string { return quorum.CustodianShare{Prime: v.prime}.Sheet().Prime }

// anyValue is a value with which the ID is checked before the value is known.
const anyValue = "00"

func (v *visit) readPrime(text string) (quorum.CustodianShare, error) {
	p, err := quorum.ParsePrime(text)
	if known := v.Entry.Prime(); err == nil && known != nil && known.Cmp(p) != 0 {
		err = errors.New("prime: it is not the one in the set record; was a digit misread, or is the sheet of another set?")
	}
	if err == nil {
		v.prime = p
	}
	return quorum.CustodianShare{Prime: p}, err
}

// ask asks until read takes the answer, or, if the field allows it, until a
// code is typed: then the share is complete, and done.
func (v *visit) ask(ctx context.Context, field Field, problem *error, read func(string) (quorum.CustodianShare, error), share *quorum.CustodianShare) (done bool, err error) {
	for {
		text, err := answer(ctx, v.Custodians, field, *problem)
		if err == nil {
			err = commandError(text)
		}
		if err != nil {
			return false, err
		}
		code := field != ShareValue && quorum.IsCode(text)
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
			return code, nil
		}
	}
}

// CollectTyped lets n custodians type what is on their sheets, whatever it is:
// nothing is judged. The first one is asked for the prime too.
func CollectTyped(ctx context.Context, custodians Custodians, n int) ([]quorum.Typed, error) {
	var sheets []quorum.Typed
	var prime string
	for _, turn := range Turns(n) {
		typed, err := visitTyped(ctx, custodians, turn, prime)
		if err != nil {
			return nil, err
		}
		if typed.Prime != "" {
			prime = typed.Prime
		}
		sheets = append(sheets, typed)
	}
	return sheets, nil
}

func visitTyped(ctx context.Context, custodians Custodians, turn Turn, prime string) (typed quorum.Typed, err error) {
	if err := custodians.Come(ctx, turn); err != nil {
		return typed, err
	}
	defer custodians.Leave()
	typed.Prime = prime
	for _, line := range []struct {
		field Field
		text  *string
	}{{Prime, &typed.Prime}, {ShareID, &typed.ID}, {ShareValue, &typed.Value}} {
		if *line.text != "" {
			continue
		}
		text, err := answer(ctx, custodians, line.field, nil)
		if err != nil {
			return typed, err
		}
		if line.field != ShareValue && quorum.IsCode(text) {
			return quorum.Typed{Code: text}, nil
		}
		*line.text = text
	}
	return typed, nil
}

// answer asks for a line, and again after an empty one, which a paste leaves
// behind. A label that was pasted too is dropped.
func answer(ctx context.Context, custodians Custodians, field Field, problem error) (string, error) {
	for {
		text, err := custodians.Ask(ctx, field, problem)
		if err != nil {
			return "", err
		}
		if text = quorum.StripLabel(text); text != "" {
			return text, nil
		}
		problem = nil
	}
}

// commanded gives the error for a word that is not an answer but a command.
func commandError(text string) error {
	switch strings.ToLower(text) {
	case "undo":
		return errUndo
	case "leave":
		return errLeave
	}
	return nil
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
