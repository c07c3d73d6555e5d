package repair

import (
	"fmt"
	"strings"
	"testing"

	"conclave/internal/testrun"
	"conclave/quorum"
)

// mistakesMade are mistakes as data: what is done to sheets, and what must be
// said about it. Values are written as digits without colons.
var mistakesMade = []struct {
	name      string
	threshold int
	sheets    []int // which are entered
	make      func(d []Draft)
	want      string
}{
	{"none", 3, []int{1, 2, 3}, func(d []Draft) {}, ""},
	{"typed with other marks between groups", 2, []int{1, 2}, func(d []Draft) { d[0].Value = strings.ReplaceAll(d[0].Value, ":", "/") }, ""},
	{"typed without colons", 2, []int{1, 2}, func(d []Draft) { d[0].Value = strings.ToUpper(bare(d[0].Value)) }, ""},
	{"values exchanged", 3, []int{1, 2, 3}, func(d []Draft) { d[0].Value, d[2].Value = d[2].Value, d[0].Value },
		"sheets 1 and 3: their share values are exchanged"},
	{"IDs exchanged", 2, []int{2, 5}, func(d []Draft) { d[0].ID, d[1].ID = d[1].ID, d[0].ID },
		"sheets 5 and 2: their share values are exchanged"},
	{"three values mixed", 3, []int{1, 2, 4}, func(d []Draft) { d[0].Value, d[1].Value, d[2].Value = d[2].Value, d[0].Value, d[1].Value },
		"sheets 1 and 2 and 4: their share values are mixed up"},
	{"wrong ID", 3, []int{1, 2, 4}, func(d []Draft) { d[1].ID = "7" }, "sheet 7: the share ID should be 2"},
	{"the same ID twice", 2, []int{1, 2}, func(d []Draft) { d[1].ID = "1" }, "sheet 1: the share ID should be 2"},
	{"ID of a large set", 2, []int{1, 17}, func(d []Draft) { d[1].ID = "18" }, "sheet 18: the share ID should be 17"},
	{"no ID", 3, []int{1, 2, 4}, func(d []Draft) { d[1].ID = "" }, "sheet typed as number 2: the share ID should be 2"},
	{"ID half read", 2, []int{3, 16}, func(d []Draft) { d[1].ID = "1?" }, "sheet typed as number 2: the share ID should be 16"},
	{"IDs in hexadecimal", 2, []int{16, 17}, func(d []Draft) { d[0].ID, d[1].ID = "10", "11" },
		"sheet 10: the share ID was read as hexadecimal: it is custodian 16; sheet 11: the share ID was read as hexadecimal: it is custodian 17"},
	{"one ID in hexadecimal", 2, []int{12, 16}, func(d []Draft) { d[1].ID = "10" }, "sheet 10: the share ID was read as hexadecimal: it is custodian 16"},
	{"digit misread", 3, []int{1, 3, 5}, func(d []Draft) { d[1].Value = put(d[1].Value, 7, confusable) }, "sheet 3: digit 7 of the share value was misread"},
	{"digit mistyped", 5, []int{1, 2, 3, 4, 5}, func(d []Draft) { d[4].Value = put(d[4].Value, 16, otherDigits) },
		"sheet 5: digit 16 of the share value was misread"},
	{"digits exchanged", 2, []int{1, 2}, func(d []Draft) { d[0].Value = exchange(d[0].Value, 3, 4, 1) },
		"sheet 1: digit 4 of the share value and the next one are exchanged"},
	{"groups exchanged", 2, []int{1, 2}, func(d []Draft) { d[1].Value = exchange(d[1].Value, 4, 6, 2) },
		"sheet 2: group 3 of the share value is exchanged with group 4"},
	{"distant groups exchanged", 2, []int{1, 2}, func(d []Draft) { d[1].Value = exchange(d[1].Value, 2, 12, 2) },
		"sheet 2: group 2 of the share value is exchanged with group 7"},
	{"digit missing", 5, []int{1, 2, 3, 4, 5}, func(d []Draft) { d[2].Value = bare(d[2].Value)[:8] + bare(d[2].Value)[9:] },
		"sheet 3: a digit of the share value is missing after digit 8"},
	{"first digit missing", 2, []int{1, 2}, func(d []Draft) { d[1].Value = bare(d[1].Value)[1:] },
		"sheet 2: a digit of the share value is missing before digit 1"},
	{"digit doubled", 2, []int{1, 2}, func(d []Draft) { v := bare(d[1].Value); d[1].Value = v[:5] + v[4:] },
		"sheet 2: digit 5 of the share value is one too many"},
	{"group missing", 3, []int{1, 2, 3}, func(d []Draft) { d[2].Value = d[2].Value[:6] + d[2].Value[9:] },
		"sheet 3: a group of two digits of the share value is missing after group 2"},
	{"group doubled", 3, []int{1, 2, 3}, func(d []Draft) { d[0].Value = d[0].Value[:6] + d[0].Value[3:] },
		"sheet 1: group 2 of the share value is one too many"},
	{"unreadable digits", 2, []int{1, 3}, func(d []Draft) { d[0].Value = "?" + d[0].Value[1:]; d[1].Value = d[1].Value[:22] + "?" },
		"sheet 1: digit 1 of the share value was unreadable and has been found; sheet 3: digit 16 of the share value was unreadable and has been found"},
	{"unreadable digit, and another misread", 2, []int{1, 3}, func(d []Draft) { d[0].Value = "?" + d[0].Value[1:]; d[1].Value = put(d[1].Value, 7, confusable) },
		"sheet 1: digit 1 of the share value was unreadable and has been found; sheet 3: digit 7 of the share value was misread"},
	{"prime and value exchanged", 2, []int{1, 3}, func(d []Draft) { d[0].Prime, d[0].Value = d[0].Value, d[0].Prime },
		"sheet 1: the prime and share value are exchanged"},
	{"prime and value exchanged everywhere", 2, []int{1, 3}, func(d []Draft) {
		for i := range d {
			d[i].Prime, d[i].Value = d[i].Value, d[i].Prime
		}
	}, "sheet 1: the prime and share value are exchanged; sheet 3: the prime and share value are exchanged"},
	{"ID and value exchanged", 2, []int{1, 3}, func(d []Draft) { d[1].ID, d[1].Value = d[1].Value, d[1].ID },
		"sheet 3: the share ID and share value are exchanged"},
	{"one prime misread", 2, []int{1, 3}, func(d []Draft) { d[1].Prime = put(d[1].Prime, 5, confusable) },
		"sheet 3: digit 5 of the prime was misread"},
	{"all primes misread", 2, []int{1, 3}, func(d []Draft) { d[0].Prime = put(d[0].Prime, 5, anyOther); d[1].Prime = d[0].Prime },
		"sheet 1: digit 5 of the prime was misread; sheet 3: digit 5 of the prime was misread"},
	{"digit of the prime missing", 2, []int{1, 3}, func(d []Draft) { p := bare(d[0].Prime); d[0].Prime = p[:9] + p[10:]; d[1].Prime = d[0].Prime },
		"a digit of the prime is missing"},
	{"prime unreadable in different places", 2, []int{1, 3}, func(d []Draft) { d[0].Prime = "?" + d[0].Prime[1:]; d[1].Prime = d[1].Prime[:4] + "?" + d[1].Prime[5:] },
		"sheet 1: digit 1 of the prime was unreadable and has been found; sheet 3: digit 4 of the prime was unreadable and has been found"},
	{"two digits on two sheets", 2, []int{1, 2}, func(d []Draft) {
		d[0].Value = put(d[0].Value, 2, confusable)
		d[1].Value = put(d[1].Value, 9, confusable)
	},
		"sheet 1: digit 2 of the share value was misread; sheet 2: digit 9 of the share value was misread"},
	{"two digits on one sheet", 2, []int{1, 2}, func(d []Draft) { d[0].Value = put(put(d[0].Value, 2, otherDigits), 9, otherDigits) },
		"sheet 1: digit 2 of the share value was misread; sheet 1: digit 9 of the share value was misread"},
	{"digit and exchanged values", 2, []int{1, 2}, func(d []Draft) { d[0].Value, d[1].Value = d[1].Value, put(d[0].Value, 3, otherDigits) },
		"sheets 1 and 2: their share values are exchanged; sheet 2: digit 3 of the share value was misread"},
	{"digit and hexadecimal ID", 2, []int{2, 16}, func(d []Draft) { d[0].Value = put(d[0].Value, 3, anyOther); d[1].ID = "10" },
		"sheet 2: digit 3 of the share value was misread; sheet 10: the share ID was read as hexadecimal: it is custodian 16"},
	{"a digit missing on each of two sheets", 2, []int{1, 2}, func(d []Draft) { d[0].Value, d[1].Value = bare(d[0].Value)[1:], bare(d[1].Value)[:15] },
		"sheet 1: a digit of the share value is missing before digit 1; sheet 2: a digit of the share value is missing after digit 15"},

	{"one sheet more, and a wrong one", 3, []int{1, 2, 3, 4}, func(d []Draft) { d[1].Value = put(d[1].Value, 4, anyOther) },
		"sheet 2: digit 4 of the share value was misread"},
	{"one sheet more, of another set", 2, []int{1, 2, 3}, func(d []Draft) { d[1].Value = "0123456789abcdef" },
		"sheet 2: the share value is wrong in many digits; is it of another set?"},
	{"one sheet more, and a wrong ID", 2, []int{1, 2, 3}, func(d []Draft) { d[1].ID = "5" }, "sheet 5: the share ID should be 2"},
	{"one sheet more, hardly readable", 2, []int{1, 2, 3}, func(d []Draft) { d[1].Value = "12????????????78" },
		"sheet 2: the sheet could not be read; the other sheets are enough"},
	{"one sheet more, and too long", 2, []int{1, 2, 3}, func(d []Draft) { d[1].Value += ":00" }, "sheet 2: group 9 of the share value is one too many"},
	{"two sheets more", 2, []int{1, 2, 3, 4}, func(d []Draft) { d[2].Value = exchange(d[2].Value, 1, 2, 1) },
		"sheet 3: digit 2 of the share value and the next one are exchanged"},
	{"two sheets more, both wrong", 2, []int{1, 2, 3, 4}, func(d []Draft) { d[2].Value = put(d[2].Value, 9, anyOther); d[0].Value = put(d[0].Value, 1, anyOther) },
		"sheet 1: digit 1 of the share value was misread; sheet 3: digit 9 of the share value was misread"},
	{"one sheet more, two wrong", 2, []int{1, 2, 3}, func(d []Draft) { d[2].Value = "0123456789abcdef"; d[0].Value = put(d[0].Value, 1, anyOther) },
		"sheet 1: digit 1 of the share value was misread; sheet 3: the share value is wrong in many digits; is it of another set?"},
	{"two wrong among six", 2, []int{1, 2, 3, 4, 5, 6}, func(d []Draft) { d[2].Value = put(d[2].Value, 1, anyOther); d[0].Value = put(d[0].Value, 1, anyOther) },
		"sheet 1: digit 1 of the share value was misread; sheet 3: digit 1 of the share value was misread"},
}

func TestMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("searches of thousands of candidates")
	}
	for _, test := range mistakesMade {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := splitSet(t, sameEachTime(t), test.threshold, test.sheets...)
			drafts := s.of(test.sheets...)
			test.make(drafts)
			reading, o := repaired(t, drafts, s.password)
			if !reading.isExplained(test.want) {
				t.Errorf("%q, want %q", reading.explanations(), test.want)
			}
			t.Logf("%d candidates", o.tried)
		})
	}
}

// TestVectors: other implementations' sheets, with their unlucky passwords, and
// a wrong digit on each sheet.
func TestVectors(t *testing.T) {
	for name, threshold := range map[string]int{"2-of-4": 2, "leading-zero": 2, "two-leading-zeros": 3, "prime-below-secret": 2} {
		s := readSet(t, name)
		for wrong := range threshold {
			drafts := s.of([]int{1, 2, 3}[:threshold]...)
			drafts[wrong].Value = put(drafts[wrong].Value, 5, anyOther)
			reading, o := repaired(t, drafts, s.password)
			want := "sheet " + drafts[wrong].ID + ": digit 5 of the share value was misread"
			if !reading.isExplained(want) {
				t.Errorf("%s: %q, want %q", name, reading.explanations(), want)
			}
			t.Logf("%s: %d candidates, %s", name, o.tried, reading.How)
		}
	}
}

// TestEveryWrongDigit: each place of each sheet, some of the wrong digits, is found
// within a minute of 18 candidates a second.
func TestEveryWrongDigit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	s := readSet(t, "2-of-4")
	for sheet := range 2 {
		t.Run(s.drafts[sheet].ID, func(t *testing.T) {
			t.Parallel()
			digits := bare(s.drafts[sheet].Value)
			for at := range digits {
				for _, d := range testrun.Draw(t, []byte(anyOther(digits[at])), 2) {
					drafts := s.of(1, 2)
					drafts[sheet].Value = replace(digits, at, d)
					reading, o := repaired(t, drafts, s.password)
					if want := fmt.Sprintf("sheet %d: digit %d of the share value was misread", sheet+1, at+1); !reading.isExplained(want) {
						t.Errorf("%q, want %q", reading.explanations(), want)
					}
					if o.tried > 60*18 {
						t.Errorf("digit %d: %d candidates", at+1, o.tried)
					}
				}
			}
		})
	}
}

// TestLookalikes: characters that are not digits stand for the one they are
// like.
func TestLookalikes(t *testing.T) {
	s := splitOver(t, sameEachTime(t), number("dc5f8eb51a1987ff"), readSet(t, "2-of-4").password, 2, 1, 2)
	for r, digits := range lookalikes {
		for _, d := range digits {
			drafts := s.of(1, 2)
			at := strings.IndexRune(drafts[1].Value, d)
			if at < 0 {
				continue
			}
			drafts[1].Value = drafts[1].Value[:at] + string(r) + drafts[1].Value[at+1:]
			reading, o := repaired(t, drafts, s.password)
			if f := reading.Findings; len(f) != 1 || f[0].Kind != NotADigit || f[0].Position != at/3*2+at%3+1 {
				t.Errorf("%c for %c: %s", r, d, said(reading.Findings))
			}
			if o.tried > 8 {
				t.Errorf("%c for %c: %d candidates", r, d, o.tried)
			}
		}
	}
}

// TestLongPrime: sheets over 2^128+51, with zeros of the prime left out.
func TestLongPrime(t *testing.T) {
	password := readSet(t, "2-of-4").password
	s := splitOver(t, sameEachTime(t), quorum.Prime128(), append(password, password...), 3, 2, 4, 5)
	drafts := s.of(2, 4, 5)
	for i := range drafts {
		drafts[i].Prime = "01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:33"
	}
	drafts[1].Value = put(drafts[1].Value, 31, anyOther)
	reading, o := repaired(t, drafts, s.password)
	const want = "sheet 2: a group of two digits of the prime is missing after group 15; sheet 4: a group of two digits of the prime is missing after group 15; " +
		"sheet 4: digit 31 of the share value was misread; sheet 5: a group of two digits of the prime is missing after group 15"
	if !reading.isExplained(want) {
		t.Errorf("%q, want %q", reading.explanations(), want)
	}
	t.Logf("%d candidates", o.tried)
}

// bare is a line without colons.
func bare(value string) string { return strings.ReplaceAll(value, ":", "") }

// put misreads the digit at a place, from 1.
func put(value string, place int, options func(byte) string) string {
	digits := bare(value)
	wrong := options(digits[place-1])
	return replace(digits, place-1, wrong[len(wrong)/2])
}

// exchange swaps two runs of digits.
func exchange(value string, i, j, size int) string {
	d := bare(value)
	return d[:i] + d[j:j+size] + d[i+size:j] + d[i:i+size] + d[j+size:]
}
