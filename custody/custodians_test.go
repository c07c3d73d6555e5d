package custody_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/quorum"
)

// clumsy are players who give other answers than they should, each of the
// mistakes once, in order; "" is no mistake. They note what they were told, and
// say yes to everything.
type clumsy struct {
	custody.Simulated
	mistakes  []string
	problems  []string
	questions []string
	shown     []int
	reasons   []string // of each that was shown
	told      []string
	left      int
}

func (c *clumsy) Show(ctx context.Context, handout custody.Handout) error {
	c.shown = append(c.shown, handout.Number)
	reason := ""
	if handout.Problem != nil {
		reason = handout.Problem.Error()
	}
	c.reasons = append(c.reasons, reason)
	return c.Simulated.Show(ctx, handout)
}

func (c *clumsy) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	if problem != nil {
		c.problems = append(c.problems, problem.Error())
	}
	if len(c.mistakes) > 0 {
		mistake := c.mistakes[0]
		if c.mistakes = c.mistakes[1:]; mistake != "" {
			return mistake, nil
		}
	}
	return c.Simulated.Ask(ctx, field, nil)
}

func (c *clumsy) Confirm(_ context.Context, question string) (bool, error) {
	c.questions = append(c.questions, question)
	return true, nil
}

func (c *clumsy) Leave() { c.left++ }

func (c *clumsy) Tell(text string) { c.told = append(c.told, text) }

func draw(t *testing.T, threshold, total int, strength quorum.Strength) *quorum.Set {
	t.Helper()
	set, err := quorum.Draw(rand.Reader, quorum.Scheme{Threshold: threshold, Total: total, Strength: strength})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestDistributionShowsASheetAgainAfterTwoMistakes(t *testing.T) {
	set := draw(t, 2, 4, quorum.Strength64)
	right := set.Shares[1].Sheet()
	other := func(text string, at int) string { // with another character there
		with := "0"
		if text[at:at+1] == with {
			with = "1"
		}
		return text[:at] + with + text[at+1:]
	}
	custodians := &clumsy{mistakes: []string{
		"",                                                                   // custodian 1 types the code
		other(right.Value, 0), other(right.Code[:len(right.Code)-1], 20), "", // custodian 2
		right.Code, // custodian 3 has another's sheet
	}}
	handed, err := custody.Distribution{Set: set, Custodians: custodians, ReadBack: true}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{1, 2, 2, 3, 4}; !slices.Equal(custodians.shown, want) {
		t.Errorf("sheets shown: %v, %v was expected", custodians.shown, want)
	}
	wantProblems(t, custodians.problems, "group 1 is not the one shown", "group 3 is not the one shown")
	if want := "Custodian 2, your sheet is right: what you typed is what was shown."; len(custodians.told) != 4 || custodians.told[1] != want {
		t.Errorf("told %q, %q was expected", custodians.told, want)
	}
	if want := []string{"", "", "group 5 is not the one shown; compare it, and all after it, with the sheet", "", ""}; !slices.Equal(custodians.reasons, want) {
		t.Errorf("sheets were shown because of %q", custodians.reasons)
	}
	if custodians.left != 5 {
		t.Errorf("the screen was cleared %d times for 5 sheets", custodians.left)
	}
	for i, share := range handed.Shares {
		if !handed.ReadBack[i] || !share.Value.Equal(set.Shares[i].Value) {
			t.Errorf("sheet %d was not read back as it is", i+1)
		}
	}
}

// TestReadBackOfAWholeSheet: what was pasted beside the code is not passed over unseen.
func TestReadBackOfAWholeSheet(t *testing.T) {
	set := draw(t, 2, 3, quorum.Strength64)
	right := set.Shares[0].Sheet()
	custodians := &clumsy{mistakes: []string{"Share ID: 2", "Prime: " + right.Value, "Share ID: 1", "Prime: " + right.Prime, "Code: " + right.Code}}
	handed, err := custody.Distribution{Set: set, Custodians: custodians, ReadBack: true}.Run(t.Context())
	if err != nil || !handed.ReadBack[0] {
		t.Fatalf("read back: %v, %v", handed.ReadBack, err)
	}
	wantProblems(t, custodians.problems, "the line with the share ID is not the one shown", "the line with the prime is not the one shown")
}

func TestDistributionWithoutReadback(t *testing.T) {
	custodians := &clumsy{mistakes: []string{"never asked for"}}
	var sealed []int
	handed, err := custody.Distribution{
		Set: draw(t, 2, 3, quorum.Strength128), Custodians: custodians,
		Encrypt: map[int]func(custody.Handout) error{2: func(h custody.Handout) error { sealed = append(sealed, h.Number); return nil }},
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(custodians.mistakes) != 1 || !slices.Equal(custodians.shown, []int{1, 3}) || !slices.Equal(sealed, []int{2}) {
		t.Errorf("%v were shown and %v sealed, and a value was asked for: %t", custodians.shown, sealed, len(custodians.mistakes) == 0)
	}
	if slices.Contains(handed.ReadBack, true) || len(handed.Shares) != 3 {
		t.Errorf("read back: %v", handed.ReadBack)
	}
}

// absent is a custodian who does not come.
type absent struct{ custody.Simulated }

var errAbsent = errors.New("gone home")

func (*absent) Come(_ context.Context, turn custody.Turn) error {
	if turn.Number == 3 {
		return errAbsent
	}
	return nil
}

func TestDistributionEndsWithItsCustodians(t *testing.T) {
	_, err := custody.Distribution{Set: draw(t, 2, 4, quorum.Strength64), Custodians: &absent{}}.Run(t.Context())
	if !errors.Is(err, errAbsent) || !strings.Contains(err.Error(), "sheet 3 of 4") {
		t.Errorf("error %v", err)
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

// TestCollectionNamesWhoseSheetItIs: another custodian may come than was expected, and
// everyone hears it; or only the one, and the others' sheets are not taken.
func TestCollectionNamesWhoseSheetItIs(t *testing.T) {
	set := draw(t, 2, 4, quorum.Strength64)
	custodians := &clumsy{mistakes: []string{set.Shares[3].Sheet().Code, set.Shares[1].Sheet().Code}}
	entry := &quorum.Entry{}
	turns := []custody.Turn{{Number: 1, Of: 2, Custodian: 1, Name: "Alice"}, {Number: 2, Of: 2, Custodian: 2, Name: "Bob"}}
	if err := (&custody.Collection{Entry: entry, Custodians: custodians, Expected: turns}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Custodian 4, your sheet is good, and counts in the place of that of Alice.", "Custodian 2, your sheet is good."}; !slices.Equal(custodians.told, want) {
		t.Errorf("told %q, %q was expected", custodians.told, want)
	}

	custodians = &clumsy{mistakes: []string{set.Shares[3].Sheet().Code, set.Shares[0].Sheet().Code}}
	entry = &quorum.Entry{Want: 1}
	if err := (&custody.Collection{Entry: entry, Custodians: custodians, Expected: turns, Only: true}).One(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantProblems(t, custodians.problems, "this is the sheet of custodian 4; that of Alice is wanted")
	if got := entry.Shares(); len(got) != 1 || got[0].ID != "1" {
		t.Errorf("taken were %v", got)
	}
}

func TestCollectionAsksAgain(t *testing.T) {
	custodians := &clumsy{}
	set := draw(t, 2, 4, quorum.Strength64)
	if _, err := (custody.Distribution{Set: set, Custodians: custodians}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	custodians.mistakes = []string{
		"00:11", "", "", // the prime, of which no more comes; custodian 4 uses lines
		"0", "", // the ID
		"ff:ff:ff:ff:ff:ff:ff:ff", "12:3", "", "g", "", // the value
		" 4 ", "Share ID : 2", // custodian 2 types the ID of the one before
	}
	custodians.left = 0
	entry := &quorum.Entry{Want: 2}
	turns := []custody.Turn{{Number: 1, Of: 2, Custodian: 4}, {Number: 2, Of: 2, Custodian: 2}}
	if err := (&custody.Collection{Entry: entry, Custodians: custodians, Expected: turns}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantProblems(t, custodians.problems,
		"prime: a number of 5 bits", `share ID: not a number`,
		"share value: not below the prime", "share value: group 2 has 1 digits", `share value: another character found`,
		"share ID: 4 was entered before")
	if custodians.left != 2 {
		t.Errorf("the screen was cleared %d times for 2 custodians", custodians.left)
	}
	for i, want := range []quorum.CustodianShare{set.Shares[3], set.Shares[1]} {
		got := entry.Shares()[i]
		if got.ID != want.ID || !got.Value.Equal(want.Value) || got.Prime.Cmp(want.Prime) != 0 {
			t.Errorf("share %d is not what was entered", i+1)
		}
	}
}
