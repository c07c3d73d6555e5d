package quorum

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"conclave/internal/testrun"
	"conclave/quorum/internal/bch32"
)

// TestUndoOfLines: whatever is typed, undo gives back what was there before it.
func TestUndoOfLines(t *testing.T) {
	random := testrun.Random(t)
	code := strings.Fields(someSets(t)[1].Shares[2].Sheet().Code)
	var lines Lines
	state := func() string {
		text, is := lines.Code(false)
		return fmt.Sprint(lines.lines, lines.Begun(), text, is, lines.Missing())
	}
	was := []string{state()}
	undone := 0
	for range 2000 {
		before, come := state(), len(lines.lines)
		switch n := random.IntN(8); {
		case n < 3:
			undone++
			if had := len(was) > 1; lines.Undo() != had {
				t.Fatalf("undo says %v after %d lines", !had, len(was)-1)
			} else if had {
				was = was[:len(was)-1]
			}
			if state() != was[len(was)-1] {
				t.Fatalf("undo gives %s, and it was %s", state(), was[len(was)-1])
			}
			continue
		case n == 3 && lines.Missing() == "" && come > 0:
			if lines.Judged(); come == 1 {
				was = []string{state()}
			}
			was[len(was)-1] = state()
			continue
		}
		if err := lines.Add(someLine(random, code)); err == nil {
			was = append(was, state())
		} else if state() != before {
			t.Fatalf("a line that was refused is taken: %s, and it was %s", state(), before)
		}
	}
	if undone < 100 {
		t.Error("nothing was undone")
	}
}

// someLine is a line of a code, whole or not, with the numbers of its groups or not.
func someLine(random *rand.Rand, code []string) string {
	from := random.IntN(len(code))
	to := from + 1 + random.IntN(len(code)-from)
	if random.IntN(3) == 0 {
		from, to = 4*(from/4), 4*(from/4)+4
	}
	line := strings.Join(code[from:to], " ")
	switch random.IntN(4) {
	case 0:
		return fmt.Sprintf("%d-%d %s", from+1, to, line)
	case 1:
		return line[:1+random.IntN(len(line))]
	}
	return line
}

// TestReadBackIsStrict: what is not the code that was shown is never right, whatever
// keyboard would explain it: it may be what is on the paper.
func TestReadBackIsStrict(t *testing.T) {
	random := testrun.Random(t)
	set := drawSet(t, 2, 255, Strength128)
	for _, share := range set.Shares {
		sheet := Sheet{Code: share.Sheet().Code} // a letter or two may be of the value
		wrong := []byte(sheet.Code)
		for old, other := range map[byte]byte{'Y': 'Z', 'Z': 'Y', 'A': 'Q', 'Q': 'A', 'W': 'Z'} {
			if random.IntN(2) == 0 {
				for i := range wrong {
					if sheet.Code[i] == old {
						wrong[i] = other
					}
				}
			}
		}
		if random.IntN(2) == 0 {
			if i := random.IntN(len(wrong)); wrong[i] != ' ' {
				wrong[i] = bch32.Alphabet[random.IntN(len(bch32.Alphabet))]
			}
		}
		for _, end := range []int{len(wrong), 1 + random.IntN(len(wrong))} {
			var lines Lines
			if err := lines.Add(string(wrong[:end])); err != nil {
				t.Fatal(err)
			}
			right := strings.EqualFold(string(wrong[:end]), sheet.Code[:end])
			if _, err := lines.Match(sheet); (err == nil) != right {
				t.Fatalf("%q of %q: %v", wrong[:end], sheet.Code, err)
			}
		}
	}
}

// TestReadBackTellsTheKeyboard: a keyboard that must be set wrongly is understood, and
// one that may be is named.
func TestReadBackTellsTheKeyboard(t *testing.T) {
	sheet := Sheet{Code: "QPZR Y9X8 GF2T", Value: "59:4a"}
	for text, want := range map[string]string{
		"apwr yçx_ gfét": "",
		"apzr yçx_ gfét": "group 1 is not the one shown",
		"apwr yçx_ géft": "group 1 is not the one shown",
		"qpyr z9x8 gf2t": "some letters are not those shown; if they are the same on the sheet, the keyboard seems to be set to German",
		"йзяк н9ч8 па2е": "",
		"QPZR Y9X8 GF2T": "",
	} {
		lines := Lines{}
		if err := lines.Add(text); err != nil {
			t.Fatal(err)
		}
		m, err := lines.Match(sheet)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) || err == nil && !m.Whole {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
}

// TestNumberedLinesReplaceWhatTheySay: a line in the place of a longer one would leave
// out what that one had more.
func TestNumberedLinesReplaceWhatTheySay(t *testing.T) {
	code := someSets(t)[1].Shares[2].Sheet().Code
	var lines Lines
	for _, line := range []string{"1-4 " + code[:19], "5-8 " + code[20:39]} {
		if err := lines.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	came := slices.Clone(lines.lines)
	if err := lines.Add("1-2 " + code[:9]); err == nil || !strings.Contains(err.Error(), "16 characters were typed for this line before, and these are 8") || !slices.Equal(came, lines.lines) {
		t.Errorf("two groups for four: %v", err)
	}
	if err := lines.Add("1-12 " + code); err != nil || lines.Count() != 48 {
		t.Errorf("all of it: %v, %d characters", err, lines.Count())
	}
}
