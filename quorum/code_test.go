package quorum

import (
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"conclave/internal/foreign"
	"conclave/internal/typed"
	"conclave/quorum/internal/bch32"
)

// someSets are sets of both forms.
func someSets(t testing.TB) []*Set {
	var sets []*Set
	for _, scheme := range []Scheme{{2, 4, Strength64}, {2, 4, Strength128}, {200, 255, Strength128}} {
		set, err := Draw(rand.Reader, scheme)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	return sets
}

// confirmed reads a code as a custodian does, saying yes to what is suggested.
func confirmed(text string) (CustodianShare, bool) {
	share, err := ParseCode(text)
	var doubt *Doubt
	if errors.As(err, &doubt) {
		return doubt.Share, true
	}
	return share, err == nil
}

func same(a, b CustodianShare) bool {
	return a.ID == b.ID && a.Prime.Cmp(b.Prime) == 0 && a.Value.Equal(b.Value) && a.Set == b.Set && a.Threshold == b.Threshold && a.Total == b.Total
}

// TestEveryMisreadCharacter: each of the 48 characters read as each of the
// others, left out, and typed twice.
func TestEveryMisreadCharacter(t *testing.T) {
	if testing.Short() {
		t.Skip("every character of every position")
	}
	for _, set := range someSets(t) {
		share := set.Shares[1]
		code := strings.ReplaceAll(share.Sheet().Code, " ", "")
		for i := range code {
			for _, r := range strings.ToUpper(bch32.Alphabet) + "OIB1?*" {
				if got, ok := confirmed(code[:i] + string(r) + code[i+1:]); !ok || !same(got, share) {
					t.Fatalf("character %d read as %c: not corrected", i+1, r)
				}
			}
			if got, ok := confirmed(code[:i] + code[i+1:]); !ok || !same(got, share) {
				t.Errorf("character %d left out: not corrected", i+1)
			}
			if got, ok := confirmed(code[:i] + code[i:i+1] + code[i:]); !ok || !same(got, share) {
				t.Errorf("character %d typed twice: not corrected", i+1)
			}
		}
		for i := range 12 {
			if got, ok := confirmed(code[:4*i] + code[4*i+4:]); !ok || !same(got, share) {
				t.Errorf("group %d left out: not corrected", i+1)
			}
			if got, ok := confirmed(code[:4*i] + code[4*i:4*i+4] + code[4*i:]); !ok || !same(got, share) {
				t.Errorf("group %d typed twice: not corrected", i+1)
			}
		}
	}
}

// TestNoMistakeIsTakenForRight: whatever four characters become, the code is
// never taken as typed, and never read as another share.
func TestNoMistakeIsTakenForRight(t *testing.T) {
	share := someSets(t)[1].Shares[2]
	code := strings.ReplaceAll(share.Sheet().Code, " ", "")
	rapid.Check(t, func(t *rapid.T) {
		typed := []byte(code)
		for range rapid.IntRange(1, 4).Draw(t, "mistakes") {
			typed[rapid.IntRange(0, 47).Draw(t, "place")] = rapid.SampledFrom([]byte(bch32.Alphabet)).Draw(t, "character")
		}
		got, err := ParseCode(string(typed))
		var doubt *Doubt
		switch {
		case strings.EqualFold(string(typed), code):
			if err != nil || !same(got, share) {
				t.Fatalf("the right code: %v", err)
			}
		case !errors.As(err, &doubt) || !same(doubt.Share, share):
			t.Fatalf("error %v", err)
		case strings.Contains(err.Error(), "should be"):
			t.Fatalf("the error shows characters: %v", err)
		}
	})
}

func TestCodeRefuses(t *testing.T) {
	code := strings.ReplaceAll(someSets(t)[1].Shares[2].Sheet().Code, " ", "")
	for _, test := range []struct{ text, want string }{
		{code[:40], "40 characters, 48 expected in 12 groups of 4"},
		{code + code, "96 characters"},
		{strings.ToLower(code[:4]) + strings.Repeat("Q", 44), "too many characters"},
		{strings.Repeat("?", 48), "too many characters"},
		{"", "0 characters"},
	} {
		if _, err := ParseCode(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d characters: error %v, want %q", len(test.text), err, test.want)
		}
	}
}

// TestLines tells what people type at one prompt, of any set or of one that is known.
func TestLines(t *testing.T) {
	for _, set := range someSets(t) {
		sheet := set.Shares[3].Sheet()
		for _, sets := range [][]string{nil, {"QQQQ", set.ID}} {
			isCode := func(text string) bool {
				lines := &Lines{Sets: sets}
				if err := lines.Add(text); err != nil {
					t.Fatal(err)
				}
				_, is := lines.Code(false)
				return is
			}
			for _, text := range []string{
				sheet.Code, strings.ToLower(sheet.Code), strings.ReplaceAll(sheet.Code, " ", "-"), sheet.Code[:50], sheet.Code + "?", "?" + sheet.Code[1:19],
				sheet.Code[:4], sheet.Code[:9], "1-4  " + sheet.Code[:19], "1-2: " + sheet.Code[:9],
			} {
				if !isCode(text) {
					t.Errorf("sets %v: %d characters are not taken for a code", sets, len(text))
				}
			}
			for _, text := range []string{sheet.Prime, sheet.ID, sheet.Value, strings.ReplaceAll(sheet.Value, ":", ""), strings.ReplaceAll(sheet.Prime, ":", " "), "three", "lO3", ""} {
				if isCode(text) {
					t.Errorf("sets %v: %q is taken for a code", sets, text)
				}
			}
		}
	}
}

// TestCodeInLines: whatever a code is cut into, it is whole after the last line and not
// before; and so is one that is typed in a file.
func TestCodeInLines(t *testing.T) {
	right := someSets(t)[1].Shares[2]
	code := right.Sheet().Code
	words := strings.Fields(code)
	for name, cut := range map[string][]string{
		"as on the screen":  {"   1-4   " + strings.Join(words[:4], " "), "   5-8   " + strings.Join(words[4:8], " "), "   9-12  " + strings.Join(words[8:], " ")},
		"without numbers":   {strings.Join(words[:4], " "), strings.Join(words[4:8], " "), strings.Join(words[8:], " ")},
		"each group alone":  words,
		"in halves":         {code[:29], code[30:]},
		"within a group":    {code[:22], code[22:41], code[41:]},
		"the second again":  {"1-4 " + strings.Join(words[:4], " "), "5-8 QQQQ QQQQ QQQQ QQQQ", "5-8 " + strings.Join(words[4:8], " "), "9-12 " + strings.Join(words[8:], " ")},
		"all after a half":  {strings.Join(words[:4], " "), code},
		"lines in one line": {"1-4 " + strings.Join(words[:4], " ") + " 5-8 " + strings.Join(words[4:8], " ") + " 9-12 " + strings.Join(words[8:], " ")},
	} {
		var lines Lines
		for i, line := range cut {
			if err := lines.Add(line); err != nil {
				t.Errorf("%s: line %d: %v", name, i+1, err)
			}
			if missing := lines.Missing(); (missing == "") != (i == len(cut)-1) {
				t.Errorf("%s: after line %d it says %q", name, i+1, missing)
			}
		}
		got, is := lines.Code(true)
		if share, err := ParseCode(got); err != nil || !is || !same(share, right) {
			t.Errorf("%s: %v", name, err)
		}
		text := strings.Join(cut, "\r\n")
		if name == "all after a half" {
			continue // in a file each line counts
		}
		if sheets, err := ReadSheets(strings.NewReader(text)); err != nil || len(sheets) != 1 {
			t.Errorf("%s: %d sheets, %v", name, len(sheets), err)
		}
	}
}

// TestLinesTakenBack: a wrong line is typed again, before and after all have come.
func TestLinesTakenBack(t *testing.T) {
	code := someSets(t)[1].Shares[2].Sheet().Code
	var lines Lines
	add := func(line, want string) {
		t.Helper()
		if err := lines.Add(line); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d characters: %v", len(line), err)
		}
	}
	add(code[:19], "")
	add(code[:19], "this line was typed before")
	add("9-12 "+code[40:], "the groups from 9 on were typed, and those from 5 on are wanted")
	add(code[:9]+"Q", "")
	if !lines.Undo() || lines.Missing() != "4 of 12 groups; go on with group 5" {
		t.Errorf("after undo: %q", lines.Missing())
	}
	add(code[20:39], "")
	add("QQQQ QQQQ QQQQ QQQQ", "")
	lines.Judged()
	if lines.Begun() || !lines.Undo() || lines.Missing() != "8 of 12 groups; go on with group 9" {
		t.Errorf("after a wrong code and undo: %q", lines.Missing())
	}
	add("QQQQ QQQQ QQQQ QQQQ", "")
	lines.Judged()
	add("9-12 "+code[40:], "")
	if got, _ := lines.Code(false); lines.Missing() != "" || got == "" {
		t.Error("a line that says its place does not replace the wrong one")
	}
	lines.Judged()
	add(code[:19], "")
	if got := lines.Missing(); got != "4 of 12 groups; go on with group 5" {
		t.Errorf("begun anew: %q", got)
	}
	add("?", "")
	if got := lines.Missing(); got != "4 of 12 groups, and 1 of the 4 characters of group 5; go on there" {
		t.Errorf("within a group: %q", got)
	}
}

// TestCodeOnAnotherKeyboard is asked about, by name.
func TestCodeOnAnotherKeyboard(t *testing.T) {
	share := someSets(t)[1].Shares[2]
	for language, layout := range map[string]string{
		"French": "à&é\"'(-è_çqbcdefghijkl,noparstuvzxyw", "German": "0123456789abcdefghijklmnopqrstuvwxzy", "Russian": "0123456789фисвуапршолдьтщзйкыегмцчня", "Greek": "0123456789αβψδεφγηιξκλμνοπ;ρστθωςχυζ",
	} {
		keys := []rune(layout)
		text := strings.Map(func(r rune) rune {
			if i := strings.IndexRune("0123456789abcdefghijklmnopqrstuvwxyz", r); i >= 0 {
				return keys[i]
			}
			return r
		}, strings.ToLower(share.Sheet().Code))
		if text == strings.ToLower(share.Sheet().Code) {
			continue // there is no y or z in it
		}
		_, err := ParseCode(text)
		var doubt *Doubt
		if !errors.As(err, &doubt) || !same(doubt.Share, share) || !strings.Contains(doubt.Question, "the keyboard seems to be set to "+language) {
			t.Errorf("%s: %q gives %v", language, text, err)
		}
	}
}

// TestChecksumIsOverThePrefix: codex32 has the same checksum, and another
// prefix.
func TestChecksumIsOverThePrefix(t *testing.T) {
	code := []rune(typed.Bare(someSets(t)[1].Shares[0].Sheet().Code))
	symbols := make([]byte, len(code))
	for i, r := range code {
		symbols[i] = byte(symbolOf(r))
	}
	if bch32.Verify("ms", symbols) {
		t.Error("a share of a set passes for a master seed of BIP-93")
	}
}

// FuzzParseCode: what is read prints as it was read, and no error shows it.
func FuzzParseCode(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		share, ok := confirmed(text)
		if !ok {
			return
		}
		if again, err := ParseCode(share.Sheet().Code); err != nil || !same(again, share) {
			t.Errorf("read back as another share: %v", err)
		}
	})
}

// TestSheetsWithoutEnd reads so much of a text and no more; a sheet that comes after
// that is not passed over in silence.
func TestSheetsWithoutEnd(t *testing.T) {
	sheet := drawSet(t, 2, 3, Strength64).Shares[0].Sheet()
	text := sheet.Code + "\n" + strings.Repeat("# nothing\n", MaxSheets/10)
	if sheets, err := ReadSheets(strings.NewReader(text[:MaxSheets])); err != nil || len(sheets) != 1 {
		t.Errorf("as much as is read: %d sheets, %v", len(sheets), err)
	}
	rest := strings.NewReader(text + sheet.Code)
	if _, err := ReadSheets(rest); err == nil || !strings.Contains(err.Error(), "goes on after 1048576 bytes") || rest.Len() == 0 {
		t.Errorf("more than that, of which %d bytes were left: %v", rest.Len(), err)
	}
	if _, err := ReadSheets(strings.NewReader(strings.Repeat(sheet.Code+"\n", 1021))); err == nil || !strings.Contains(err.Error(), "line 1021: more than 1020 sheets; a set has 255 at most") {
		t.Errorf("too many sheets: %v", err)
	}
	if _, err := ReadSheets(strings.NewReader(strings.Repeat("x", MaxSheets))); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line without an end: %v", err)
	}
}

// FuzzReadSheets: what is read as sheets is read again from what they print.
func FuzzReadSheets(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		sheets, err := ReadSheets(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, typed := range sheets {
			share, err := typed.Read()
			if err != nil {
				continue
			}
			sheet := share.Sheet()
			again, err := ReadSheets(strings.NewReader("Prime: " + sheet.Prime + "\nShare ID: " + sheet.ID + "\nShare value: " + sheet.Value))
			if err != nil || len(again) != 1 {
				t.Fatal(err)
			}
			if s, err := again[0].Read(); err != nil || !s.Value.Equal(share.Value) || s.ID != share.ID {
				t.Errorf("read back as another share: %v", err)
			}
		}
	})
}

// TestCodeByPython computes the checksum with a program of its own, straight
// from the text of BIP-93.
func TestCodeByPython(t *testing.T) {
	foreign.Need(t, "python3")
	program, err := os.ReadFile("testdata/code.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range someSets(t) {
		share := set.Shares[2]
		out, err := exec.Command("python3", "-c", string(program), share.Sheet().Code).CombinedOutput()
		sheet := share.Sheet()
		want := strings.Join([]string{set.ID, set.String(), sheet.ID, strings.ReplaceAll(sheet.Prime, ":", ""), strings.ReplaceAll(sheet.Value, ":", "")}, " ")
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("python reads something else (%v)", err)
		}
	}
}
