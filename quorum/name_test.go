package quorum

import (
	"fmt"
	"strings"
	"testing"
)

// TestFoldName: which names are one person's.
func TestFoldName(t *testing.T) {
	for _, test := range []struct {
		what, a, b string
		one        bool
	}{
		{"the same", "Bob", "Bob", true},
		{"another", "Bob", "Rob", false},
		{"capitals", "Bob", "BOB", true},
		{"a space behind", "Bob", "bob ", true},
		{"spaces between", "Ada  Admin", "Ada\u00a0Admin", true},
		{"an ideographic space", "Ada Admin", "Ada\u3000Admin", true},
		{"a tabulator", "Ada Admin", "Ada\tAdmin", true},
		{"words", "Ada Admin", "AdaAdmin", false},
		{"NFC and NFD", "Jos\u00e9", "Jose\u0301", true},
		{"an accent", "Jos\u00e9", "Jose", false},
		{"capitals with an accent", "JOS\u00c9", "jose\u0301", true},
		{"sharp s", "Wei\u00df", "WEISS", true},
		{"final sigma", "\u0393\u03b9\u03ce\u03c1\u03b3\u03bf\u03c2", "\u0393\u0399\u038f\u03a1\u0393\u039f\u03a3", true},
		{"Cyrillic", "\u0429\u0435\u0440\u0431\u0430\u043a\u043e\u0432", "\u0449\u0435\u0440\u0431\u0430\u043a\u043e\u0432", true},
		{"wide letters", "\uff22\uff4f\uff42", "Bob", true},
		{"a ligature", "O\ufb03ce", "Office", true},
		{"Han", "\u674e", "\u6797", false},
		{"zero-width space", "Bob", "Bo\u200bb", true},
		{"soft hyphen", "Bob", "Bo\u00adb", true},
		{"right-to-left mark", "Bob", "Bob\u200f", true},
		{"variation selector", "Bob", "Bob\ufe0f", true},
	} {
		a, b := FoldName(test.a), FoldName(test.b)
		if (a == b) != test.one {
			t.Errorf("%s: %q and %q are folded to %q and %q", test.what, test.a, test.b, a, b)
		}
		if again := FoldName(a); again != a {
			t.Errorf("%s: %q is folded to %q", test.what, a, again)
		}
	}
}

// TestCheckNames: what may be in a new set.
func TestCheckNames(t *testing.T) {
	const ten = "\u0429\u0435\u0440\u0431\u0430\u043a\u043e\u0432 \u042f"
	for _, test := range []struct {
		what  string
		names []string
		want  string // of the error, none if empty
	}{
		{"none", nil, ""},
		{"usual", []string{"Ada Admin", "Jos\u00e9", "\u674e", "O'Brien-M\u00fcller, Dr.", "\u05d3\u05d5\u05d3"}, ""},
		{"decomposed", []string{"Jose\u0301", "Jose"}, ""},
		{"marks of their own", []string{"\u0928\u093f\u0924\u093f\u0928"}, ""},
		{"60 characters of two bytes", []string{strings.Repeat(ten, 6)}, ""},
		{"60 characters, decomposed", []string{strings.Repeat("e\u0301", 60)}, ""},
		{"61 characters", []string{strings.Repeat("a", 61)}, "a name of 1 to 60 characters was expected"},
		{"61 characters of two bytes", []string{strings.Repeat(ten, 6) + "\u0429"}, "a name of 1 to 60 characters was expected"},
		{"empty", []string{"Ada", ""}, `custodian "": a name of 1 to 60 characters was expected`},
		{"space alone", []string{"Ada", " "}, `custodian " ": the name begins or ends with a space`},
		{"space behind", []string{"bob "}, `custodian "bob ": the name begins or ends with a space`},
		{"the same twice", []string{"Bob", "Ada", "Bob"}, "two custodians are named Bob; add what tells them apart"},
		{"the same, written otherwise", []string{"Bob", "bob "}, `two custodians are named "Bob" and "bob ", which is one name`},
		{"NFC and NFD", []string{"Jos\u00e9", "Jose\u0301"}, "which is one name to all who read it"},
		{"not UTF-8", []string{"Jos\xe9"}, `custodian "Jos\xe9": the name is not UTF-8`},
	} {
		err := CheckNames(test.names)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; %q was expected", test.what, err, test.want)
		}
	}
}

// TestInvisibleCharacters are refused by their number, beside the name without
// them and alone.
func TestInvisibleCharacters(t *testing.T) {
	invisible := []rune{
		'\t', '\n', 0x7f, 0x85, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180e,
		0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e,
		0x2060, 0x2061, 0x2066, 0x2067, 0x2068, 0x2069, 0x2800, 0x3164, 0xfe00, 0xfe0e, 0xfe0f, 0xfeff,
		0xffa0, 0xfff9, 0xe0001, 0xe0041, 0xe0100, 0xe01ef,
	}
	for _, r := range invisible {
		name := "Bo" + string(r) + "b"
		want := fmt.Sprintf("custodian %q: the character %U in the name is invisible", name, r)
		for _, names := range [][]string{{name}, {"Bob", name}} {
			if err := CheckNames(names); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v; %q was expected", names, err, want)
			}
		}
	}
	for _, r := range " '\u2019-.,\u00b7\u00e9\u0301\u00a0\u3000\u05d3\u0639\u0905\u0e01\u674e\uac00" {
		if err := CheckVisible("Bo" + string(r) + "b"); err != nil {
			t.Error(err)
		}
	}
}
