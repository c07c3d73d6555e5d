package ceremony_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/quorum"
)

// clumsy are players who give other answers than they should, each of the
// mistakes once, in order; "" is no mistake. They note what they were told.
type clumsy struct {
	ceremony.Players
	mistakes []string
	problems []string
	shown    []string
	left     int
}

func (c *clumsy) Show(ctx context.Context, sheet quorum.Sheet) error {
	c.shown = append(c.shown, sheet.ID)
	return c.Players.Show(ctx, sheet)
}

func (c *clumsy) Ask(ctx context.Context, field ceremony.Field, problem error) (string, error) {
	if problem != nil {
		c.problems = append(c.problems, problem.Error())
	}
	if len(c.mistakes) > 0 {
		mistake := c.mistakes[0]
		if c.mistakes = c.mistakes[1:]; mistake != "" {
			return mistake, nil
		}
	}
	return c.Players.Ask(ctx, field, nil)
}

func (c *clumsy) Leave() { c.left++ }

func TestDistributeShowsASheetAgainAfterTwoMistakes(t *testing.T) {
	custodians := &clumsy{mistakes: []string{"", "01:02:03:04:05:06:07:08", "xyz", "", "01"}}
	password, sheets, err := ceremony.Distribute(t.Context(), rand.Reader, 2, 4, custodians, true)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"1", "2", "2", "3", "4"}; !slices.Equal(custodians.shown, want) {
		t.Errorf("sheets shown: %v, %v was expected", custodians.shown, want)
	}
	wantProblems(t, custodians.problems, "another value than the one shown", "another value than the one shown")
	if custodians.left != 4 {
		t.Errorf("the screen was cleared %d times for 4 custodians", custodians.left)
	}
	var shares []quorum.CustodianShare
	for _, s := range []quorum.Sheet{sheets[3], sheets[1]} {
		share, err := quorum.ParseShare(s.Prime, s.ID, s.Value)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	candidates, err := quorum.Candidates(shares)
	if err != nil || !candidates[0].Password.Equal(password) {
		t.Errorf("the sheets do not give the password (%v)", err)
	}
}

func TestDistributeWithoutProof(t *testing.T) {
	custodians := &clumsy{mistakes: []string{"never asked for"}}
	if _, _, err := ceremony.Distribute(t.Context(), rand.Reader, 2, 3, custodians, false); err != nil {
		t.Fatal(err)
	}
	if len(custodians.mistakes) != 1 || len(custodians.shown) != 3 {
		t.Errorf("%v were shown, and a value was asked for: %t", custodians.shown, len(custodians.mistakes) == 0)
	}
}

// absent is a custodian who does not come.
type absent struct{ ceremony.Players }

var errAbsent = errors.New("gone home")

func (*absent) Come(_ context.Context, turn ceremony.Turn) error {
	if turn.Number == 3 {
		return errAbsent
	}
	return nil
}

func TestDistributeEndsWithItsCustodians(t *testing.T) {
	password, sheets, err := ceremony.Distribute(t.Context(), rand.Reader, 2, 4, &absent{}, false)
	if !errors.Is(err, errAbsent) || !strings.Contains(err.Error(), "sheet 3 of 4") || !strings.Contains(err.Error(), "void") {
		t.Errorf("error %v", err)
	}
	if password != nil || sheets != nil {
		t.Error("an aborted ceremony gave a password")
	}
}

// wantProblems checks that each problem says what it should.
func wantProblems(t *testing.T, problems []string, want ...string) {
	t.Helper()
	if len(problems) != len(want) {
		t.Fatalf("problems %q, %q were expected", problems, want)
	}
	for i, p := range problems {
		if !strings.Contains(p, want[i]) {
			t.Errorf("problem %d is %q, %q was expected", i, p, want[i])
		}
	}
}

func TestCollectAsksAgain(t *testing.T) {
	custodians := &clumsy{}
	_, sheets, err := ceremony.Distribute(t.Context(), rand.Reader, 2, 3, custodians, false)
	if err != nil {
		t.Fatal(err)
	}
	custodians.mistakes = []string{
		"00:11", "ff:ff:ff:ff:ff:ff:ff:ff", "", // the prime
		"0", "", // the ID
		"ff:ff:ff:ff:ff:ff:ff:ff", "12:3", "g", "", // the value
		" 3 ", "", // the ID of custodian 3 again
	}
	custodians.left = 0
	turns := []ceremony.Turn{{Number: 1, Of: 2, Custodian: 3}, {Number: 2, Of: 2, Custodian: 1}}
	shares, err := ceremony.Collect(t.Context(), turns, custodians)
	if err != nil {
		t.Fatal(err)
	}
	wantProblems(t, custodians.problems,
		"prime: a number of 5 bits", "prime: this number is not a prime", `share ID: not a number`,
		"share value: not below the prime", "share value: group 2 has 1 digits", `share value: another character found`,
		"share ID: 3 was entered before")
	if custodians.left != 2 {
		t.Errorf("the screen was cleared %d times for 2 custodians", custodians.left)
	}
	for i, want := range []quorum.Sheet{sheets[2], sheets[0]} {
		share, err := quorum.ParseShare(want.Prime, want.ID, want.Value)
		if err != nil {
			t.Fatal(err)
		}
		if shares[i].ID != want.ID || !shares[i].Value.Equal(share.Value) || shares[i].Prime.Cmp(share.Prime) != 0 {
			t.Errorf("share %d is not what was entered", i+1)
		}
	}
}
