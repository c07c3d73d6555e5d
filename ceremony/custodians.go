// Package ceremony is what people do with a device and a DKEK share file that M
// of N custodians open: hand out the sheets, collect what is on them, and
// rehearse all of it on throw-away devices. It knows no terminal.
package ceremony

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"conclave/internal/secret"
	"conclave/quorum"
)

// Field is one line of a sheet.
type Field int

// The lines of a sheet.
const (
	Prime Field = iota
	ShareID
	ShareValue
)

// String names the field as it is printed on the sheet.
func (f Field) String() string { return [...]string{"Prime", "Share ID", "Share value"}[f] }

// Turn is a custodian's visit to the screen.
type Turn struct {
	Number, Of int
	// Custodian is who is expected, by the share ID of their sheet; 0 for
	// whoever comes.
	Custodian int
}

// Custodians are the people of a ceremony, and the screen that they come to one
// at a time. An error of any method ends the ceremony.
type Custodians interface {
	// Come asks the next custodian to the screen, and the others to look away.
	Come(ctx context.Context, turn Turn) error
	// Show shows the custodian their sheet until they have copied it. It must
	// not be seen any more when Show returns.
	Show(ctx context.Context, sheet quorum.Sheet) error
	// Ask asks the custodian for a line of their sheet. A problem is what was
	// wrong with the answer before; it holds no secret.
	Ask(ctx context.Context, field Field, problem error) (string, error)
	// Leave takes what the custodian typed off the screen.
	Leave()
}

// Distribute draws a password for a share file, and hands out its sheets. With
// prove each custodian types the value back from the sheet, before the next one
// comes; a sheet with a mistake is shown once more.
func Distribute(ctx context.Context, rand io.Reader, threshold, total int, custodians Custodians, prove bool) (secret.Bytes, []quorum.Sheet, error) {
	password, sheets, err := quorum.Split(rand, threshold, total)
	if err != nil {
		return nil, nil, err
	}
	for i, sheet := range sheets {
		turn := Turn{Number: i + 1, Of: total, Custodian: i + 1}
		if err := handOut(ctx, custodians, turn, sheet, prove); err != nil {
			password.Wipe()
			return nil, nil, fmt.Errorf("sheet %s of %d: %w; no share file was made, and sheets copied so far are void", sheet.ID, total, err)
		}
	}
	return password, sheets, nil
}

func handOut(ctx context.Context, custodians Custodians, turn Turn, sheet quorum.Sheet, prove bool) error {
	if err := custodians.Come(ctx, turn); err != nil {
		return err
	}
	defer custodians.Leave()
	for copied := false; !copied; {
		if err := custodians.Show(ctx, sheet); err != nil {
			return err
		}
		if !prove {
			return nil
		}
		var err error
		if copied, err = typedBack(ctx, custodians, sheet); err != nil {
			return err
		}
	}
	return nil
}

// typedBack asks for the value on the sheet, twice at most.
func typedBack(ctx context.Context, custodians Custodians, sheet quorum.Sheet) (bool, error) {
	want, err := quorum.ParseShare(sheet.Prime, sheet.ID, sheet.Value)
	if err != nil {
		return false, err
	}
	var problem error
	for range 2 {
		typed, err := custodians.Ask(ctx, ShareValue, problem)
		if err != nil {
			return false, err
		}
		got, err := quorum.ParseShare(sheet.Prime, sheet.ID, typed)
		if err == nil && got.Value.Equal(want.Value) {
			return true, nil
		}
		if problem = err; err == nil {
			problem = errors.New("this is another value than the one shown; compare it with the sheet")
		}
	}
	return false, nil
}

// Collect lets custodians enter what is on their sheets, the first one the
// prime too. A mistake that can be seen at once is asked for again.
func Collect(ctx context.Context, turns []Turn, custodians Custodians) ([]quorum.CustodianShare, error) {
	var shares []quorum.CustodianShare
	var prime string
	for _, turn := range turns {
		share, err := visit(ctx, turn, custodians, &prime, shares)
		if err != nil {
			for _, s := range shares {
				s.Value.Wipe()
			}
			return nil, err
		}
		shares = append(shares, share)
	}
	return shares, nil
}

// visit lets one custodian enter a share, and the prime where there is none yet.
func visit(ctx context.Context, turn Turn, custodians Custodians, prime *string, earlier []quorum.CustodianShare) (share quorum.CustodianShare, err error) {
	if err := custodians.Come(ctx, turn); err != nil {
		return share, err
	}
	defer custodians.Leave()
	if *prime == "" {
		if *prime, err = ask(ctx, custodians, Prime, checkPrime); err != nil {
			return share, err
		}
	}
	return enter(ctx, custodians, *prime, earlier)
}

// Turns are the visits of n custodians, whoever they are.
func Turns(n int) []Turn {
	turns := make([]Turn, n)
	for i := range turns {
		turns[i] = Turn{Number: i + 1, Of: n}
	}
	return turns
}

// Values with which a field is checked before the others are known.
const (
	anyID    = "1"
	anyValue = "00"
)

func checkPrime(text string) error {
	_, err := quorum.ParseShare(text, anyID, anyValue)
	return err
}

// enter asks one custodian for ID and value.
func enter(ctx context.Context, custodians Custodians, prime string, earlier []quorum.CustodianShare) (share quorum.CustodianShare, err error) {
	id, err := ask(ctx, custodians, ShareID, func(text string) error {
		share, err := quorum.ParseShare(prime, text, anyValue)
		if err != nil {
			return err
		}
		for _, e := range earlier {
			if strings.EqualFold(e.ID, share.ID) {
				return fmt.Errorf("share ID: %s was entered before; each custodian counts once", share.ID)
			}
		}
		return nil
	})
	if err != nil {
		return share, err
	}
	_, err = ask(ctx, custodians, ShareValue, func(text string) error {
		share, err = quorum.ParseShare(prime, id, text)
		return err
	})
	return share, err
}

// ask asks until the answer passes the check.
func ask(ctx context.Context, custodians Custodians, field Field, check func(string) error) (string, error) {
	var problem error
	for {
		text, err := custodians.Ask(ctx, field, problem)
		if err != nil {
			return "", err
		}
		if problem = check(text); problem == nil {
			return text, nil
		}
	}
}
