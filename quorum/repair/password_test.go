package repair

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"conclave/internal/secret"

	"pgregory.net/rapid"
)

func recalled(t rapid.TB, remembered, password string) (Reading, *oracle, error) {
	o := &oracle{password: secret.Bytes(password)}
	_, reading, err := Password(secret.Bytes(remembered)).Run(context.Background(), o.search, nil)
	return reading, o, err
}

func TestPassword(t *testing.T) {
	for _, test := range []struct{ remembered, password, want string }{
		{"Secret-Zebra7", "Secret-Zebra7", ""},
		{"Secret-Zebra7\n", "Secret-Zebra7", "password: white space around it was added or left out"},
		{"Secret-Zebra7", "Secret-Zebra7\n", "password: white space around it was added or left out"},
		{"Secret-Zebra7", "sECRET-zEBRA7", "password: upper and lower case are exchanged, or all the same"},
		{"Secret-Zebra7", "secret-Zebra7", "password: character 1 is in the other case"},
		{"Secret-Zebra7", "Secret-zebra7", "password: character 8 is in the other case"},
		{"Secret-Zebra7", "Secret-Yebra7", "password: it was typed on the keyboard of another country"},
		{"Secret-Zebra7", "SecretßYebra7", "password: it was typed on the keyboard of another country"},
		{"Secret-Zebra7", "Secret-Webrq7", "password: it was typed on the keyboard of another country"},
		{"Se1ret-Zebra7", "Se1ret-Zebra&", "password: the shift key was wrong at character 13"},
		{"Secret-Zebra7", "Secret-Zebra/", "password: the shift key was wrong at character 13"},
		{"Secret-Zebra7", "Secrte-Zebra7", "password: character 5 and the next one are exchanged"},
		{"Secret-Zebra7", "Secret-Zebr7", "password: character 12 is one too many"},
		{"Secret-Zebra7", "Seccret-Zebra7", "password: a character is missing after character 3"},
		{"Secret-Zebra7", "Secfet-Zebra7", "password: character 4 is on the key beside the right one"},
		{"Secret-Zebra7", "Secret~Zebra7", "password: character 7 should be another one"},
		{"Secret-Zebra7", "~Secret-Zebra7", "password: a character is missing before character 1"},
		{"Secret-Zebra7", "Secret-Zebra7~", "password: a character is missing after character 13"},
		{"Secret-Zebra7", "secret-zebra7\n", "password: white space around it was added or left out; password: upper and lower case are exchanged, or all the same"},
		{"Secret-Zebra7", "secrte-Zebra7", "password: character 1 is in the other case"},
		{"Why?", "Why?", ""},
		{"W?y?", "W~y^", "password: character 2, the question mark, stands for another one"},
		{"Käse-Café", "K\xe4se-Caf\xe9", "password: its characters beyond ASCII were encoded in another way"},
		{"K\xe4se-Caf\xe9", "Käse-Café", "password: its characters beyond ASCII were encoded in another way"},
		{"Käse-Café", "K\x84se-Caf\x82", "password: its characters beyond ASCII were encoded in another way"},
		{"Käse-Café", "Ka\u0308se-Cafe\u0301", "password: its characters beyond ASCII were encoded in another way"},
		{"Ka\u0308se-Cafe\u0301", "Käse-Café", "password: its characters beyond ASCII were encoded in another way"},
		{"KÃ¤se-CafÃ©", "Käse-Café", "password: its characters beyond ASCII were encoded in another way"},
	} {
		reading, o, err := recalled(t, test.remembered, test.password)
		if err != nil {
			t.Errorf("%q for %q: %v", test.remembered, test.password, err)
			continue
		}
		if got := said(reading.Findings); !strings.HasPrefix(got, test.want) || (test.want == "") != (got == "") || string(reading.Password) != test.password {
			t.Errorf("%q for %q: %q, want %q", test.remembered, test.password, got, test.want)
		}
		t.Logf("%q for %q: %d candidates", test.remembered, test.password, o.tried)
	}
}

// TestLayouts: each key stands for one other, and back.
func TestLayouts(t *testing.T) {
	for _, l := range otherLayouts {
		if utf8.RuneCountInString(l[0]) != utf8.RuneCountInString(l[1]) {
			t.Errorf("%q and %q have different lengths", l[0], l[1])
		}
	}
	for _, row := range keyRows {
		if utf8.RuneCountInString(row[0]) != utf8.RuneCountInString(row[1]) {
			t.Errorf("%q and %q have different lengths", row[0], row[1])
		}
	}
	if got := string(neighbours('g')); got != "fhtyvb" {
		t.Errorf("beside g are %q", got)
	}
	if got := string(neighbours('P')); got != "O{)_L:" {
		t.Errorf("beside P are %q", got)
	}
}

func TestForms(t *testing.T) {
	const composed, decomposed = "Ångström, Çà, ő", "A\u030angstro\u0308m, C\u0327a\u0300, o\u030b"
	if got := string(decompose([]rune(composed))); got != decomposed {
		t.Errorf("%+q, want %+q", got, decomposed)
	}
	if got := string(compose([]rune(decomposed))); got != composed {
		t.Errorf("%+q, want %+q", got, composed)
	}
	if got := asCodePage850([]rune("Äöüß£é")); !bytes.Equal(got, []byte{0x8E, 0x94, 0x81, 0xE1, 0x9C, 0x82}) {
		t.Errorf("% x", got)
	}
}

// TestAnyPassword: whatever is remembered, the stages end, and one wrong
// character is found.
func TestAnyPassword(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`[ -~]{1,20}`).Draw(t, "password")
		at := rapid.IntRange(0, len(password)-1).Draw(t, "at")
		remembered := password[:at] + string(rapid.RuneFrom(printable()).Draw(t, "character")) + password[at+1:]
		if strings.Count(remembered, "?") > 1 {
			t.Skip("a late stage that need not be reached")
		}
		reading, _, err := recalled(t, remembered, password)
		if err != nil || string(reading.Password) != password {
			t.Fatalf("%v", err)
		}
	})
}

func TestPasswordNotFound(t *testing.T) {
	for _, remembered := range []string{"", "a", strings.Repeat("?", 20), strings.Repeat("x", 300), "\xff\xfe", "日本語"} {
		if _, _, err := recalled(t, remembered, "something else entirely"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", remembered, err)
		}
	}
}
