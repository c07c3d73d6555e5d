package typed

import (
	"strings"
	"testing"
	"unicode"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                             "plain",
		"  QPZR\u00a0Y9X8\u2009GF2T\u3000 ": "QPZR Y9X8 GF2T",
		"ＱＰＺＲ　Ｙ９Ｘ８":                         "QPZR Y9X8",
		"“undo”":                            `"undo"`,
		"it’s":                              "it's",
		"QPZR–Y9X8—GF2T−VDW0":               "QPZR-Y9X8-GF2T-VDW0",
		"QP\u200bZR\u00ad\ufeff Y9\u200dX8": "QPZR Y9X8",
		"\ufeffcode":                        "code",
		"\u2066QPZR\u2069":                  "QPZR",
		"\x1b[200~QPZR Y9X8\x1b[201~":       "QPZR Y9X8",
		"QPZ\x1b[D\x1b[1;5CR\x1bOA":         "QPZR",
		"\x1b]0;title\aQPZR":                "QPZR",
		"QPZR\r\n":                          "QPZR",
		"QPZZ\bR":                           "QPZR",
		"QPZZ\x7fR":                         "QPZR",
		"\b\bQPZR":                          "QPZR",
		"QPZR\xa0Y9X8":                      "QPZR Y9X8", // Latin-1
		"59\u22364a":                        "59:4a",
		"５９：４ａ":                             "59:4a",
		"𝟻𝟿":                                "59",
		"①":                                 "1",
		"\x1b":                              "",
		"":                                  "",
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) is %q, %q was expected", text, got, want)
		}
	}
}

// TestText: what is kept keeps its characters, composed as files have them.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		" Müller\r\n":               "Müller",
		"Mu\u0308ller":              "Müller",
		"/media/USB\u202f1 – “x”":   "/media/USB\u202f1 – “x”",
		"\x1b[200~O’Brien\x1b[201~": "O’Brien",
		"a\tb":                      "a b",
	} {
		if got := Text(text); got != want {
			t.Errorf("Text(%q) is %q, %q was expected", text, got, want)
		}
	}
}

func TestBare(t *testing.T) {
	for _, text := range []string{"594aea80", "59:4a:ea:80", "59 4a.ea,80", "59-4a–ea/80", "(594a) [ea80]", "594a | ea80;"} {
		if got := Bare(text); got != "594aea80" {
			t.Errorf("Bare(%q) is %q", text, got)
		}
	}
}

func TestWord(t *testing.T) {
	for text, want := range map[string]string{
		"undo": "undo", "UNDO": "undo", "Undo.": "undo", " “undo” ": "undo", "ｕｎｄｏ": "undo", "undo\x1b[D": "undo",
		"гтвщ": "undo", "leqve": "leave", "yes!": "yes", "zes": "yes", "give  up": "give up", "undo it": "", "": "", "undoo": "",
	} {
		if got := Word(text, "undo", "leave", "yes", "give up"); got != want {
			t.Errorf("%q is the word %q, %q was expected", text, got, want)
		}
	}
}

func TestYes(t *testing.T) {
	for text, want := range map[string][2]bool{
		"yes": {true, true}, "Y": {true, true}, "Yes.": {true, true}, "no": {false, true}, "N": {false, true}, "": {}, "perhaps": {}, "yes no": {},
	} {
		if yes, answered := Yes(text); [2]bool{yes, answered} != want {
			t.Errorf("%q: yes %v, answered %v", text, yes, answered)
		}
	}
}

// TestKeyboards: the keys of an English keyboard are pressed, and another is set.
func TestKeyboards(t *testing.T) {
	for name, test := range map[string]struct{ typed, meant string }{
		"French":     {"apwr zçy_ gfét ;", "qpzr w9y8 gf2t "},
		"German":     {"qpyr z9x8", "qpzr y9x8"},
		"Russian":    {"йзяк н9ч8 па2е ы", "qpzr y9x8 gf2t s"},
		"Ukrainian":  {"йзяк н9ч8 па2е і", "qpzr y9x8 gf2t s"},
		"Greek":      {"ρυ5α", "ry5a"},
		"Cyrillic":   {"АСЕ3 КМ2Т", "ACE3 KM2T"},
		"Greek ones": {"ΑΕ3Χ", "AE3X"},
	} {
		found := false
		for _, k := range keyboards() {
			if !strings.Contains(k.why, name) {
				continue
			}
			got := k.english(test.typed)
			found = found || strings.TrimRight(got, "m;,") == test.meant
			if len([]rune(k.typed)) != len([]rune(k.meant)) {
				t.Errorf("%s: %d characters stand for %d", k.why, len([]rune(k.typed)), len([]rune(k.meant)))
			}
		}
		if !found {
			t.Errorf("%s: %q is not read as %q", name, test.typed, test.meant)
		}
	}
}

func TestTold(t *testing.T) {
	for text, want := range map[string]string{
		"qpzr y9x8": "", "qpwr zçy_": "French", "йзяк": "Russian", "йзякі": "Ukrainian", "АСЕ3": "Cyrillic", "ΑΕ3Χ": "look like", "ρυθ5": "set to Greek", "59Ö4a": "German", "ñ": "", "çй": "",
	} {
		k := Told(text)
		if (k != nil) != (want != "") || k != nil && !strings.Contains(k.Why, want) {
			t.Errorf("%q tells of %+v, %q was expected", text, k, want)
		}
	}
}

// FuzzClean: what is clean stays, plain ASCII is left alone, and nothing that a
// terminal would obey remains.
func FuzzClean(f *testing.F) {
	for _, text := range []string{"59:4a", "\x1b[200~x\x1b[201~", "e\u200b\u0301", "´", "\u00a8", "ﾞ\u200dｶ", "\x9b1m", "\x1b]x\x1b\\y", "\u1160", "－\u0338", "\xc3\x28"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := Clean(text)
		if twice := Clean(once); twice != once {
			t.Errorf("%q is cleaned to %q, and that to %q", text, once, twice)
		}
		if kept := Text(text); Text(kept) != kept {
			t.Errorf("%q is kept as %q, and that as %q", text, kept, Text(kept))
		}
		if strings.ContainsFunc(once, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("%q is cleaned to %q, which has control characters", text, once)
		}
		if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '`' }) && once != strings.Trim(text, " ") {
			t.Errorf("%q is plain, and becomes %q", text, once)
		}
	})
}
