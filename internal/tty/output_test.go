package tty_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"conclave/internal/tty"
)

// TestPrintable: nothing that others wrote is obeyed by a terminal, or hides.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"exception: Zoë was late":                "exception: Zoë was late",
		"\x1b[2J\x1b[Hall is well":               "?[2J?[Hall is well",
		"two\nlines\r":                           "two?lines?",
		"evil\u202etxt.exe":                      "evil?txt.exe",
		"\u2066isolate\u2069":                    "?isolate?",
		"zero\u200bwidth\u200d\u2060\ufeff":      "zero?width???",
		"hangul\u3164filler, variation\ufe0f":    "hangul?filler, variation?",
		"one\u00a0space, ideographic\u3000space": "one space, ideographic space",
		"李 小龙, Žofia, e\u0301":                   "李 小龙, Žofia, e\u0301",
		"C1: \u009b2J, no UTF-8: \x9b2J":         "C1: ?2J, no UTF-8: \ufffd2J",
		"the marks of styles: \ufdd0\ufdd4":      "the marks of styles: ??",
	} {
		if got := tty.Printable(text); got != want {
			t.Errorf("%q is shown as %q; %q was expected", text, got, want)
		}
	}
}

// TestArguments: the lines are those of the format, whoever wrote the arguments.
func TestArguments(t *testing.T) {
	hostile := "x\nAll is proved.\x1b[2J"
	for _, c := range []struct {
		format string
		arg    any
		want   string
	}{
		{"name: %s\n", hostile, "name: x?All is proved.?[2J\n"},
		{"name: %-4s|\n", "x", "name: x   |\n"},
		{"%v\n", errors.Join(errors.New("one"), errors.New("two")), "one; two\n"},
		{"%q\n", hostile, `"x\nAll is proved.\x1b[2J"` + "\n"},
		{"%v\n", []string{hostile}, "[x?All is proved.?[2J]\n"},
		{"%x %v\n", []byte("ab"), "6162 %!v(MISSING)\n"},
		{"%d\n", 42, "42\n"},
		{"%.1f\n", 4.24, "4.2\n"},
		{"%s\n", tty.Lines("a\nb\x1b"), "a\nb?\n"},
	} {
		if got := tty.Sprintf(c.format, c.arg); got != c.want {
			t.Errorf("%q with %q is %q; %q was expected", c.format, c.arg, got, c.want)
		}
	}
}

// TestWrap: words stay whole, and lines go on below their text, at any width.
func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"any 2 of whom open it", 0, "any 2 of whom open it"},
		{"any 2 of whom open it", 21, "any 2 of whom open it"},
		{"any 2 of whom open it", 20, "any 2 of whom open\nit"},
		{"any 2 of whom open it\n", 10, "any 2 of\nwhom open\nit\n"},
		{"  [ ] Take the device out of its bag.", 20, "  [ ] Take the\n      device out of\n      its bag."},
		{"* import the share file", 20, "* import the share\n  file"},
		{"Custodian   : 3 Ada Lovelace of London", 40, "Custodian   : 3 Ada Lovelace of London"},
		{"Custodian   : 3 Ada Lovelace of London", 30, "Custodian   : 3 Ada Lovelace\n              of London"},
		{"Public key       cea1dc8eef86342e7abe082d739fccc6", 40, "Public key\n  cea1dc8eef86342e7abe082d739fccc6"},
		{"see /a/path/that/is/longer/than/a/line and go on", 20, "see\n/a/path/that/is/longer/than/a/line and\ngo on"},
		{"李小龙 李小龙 李小龙", 20, "李小龙 李小龙 李小龙"},
		{"李小龙 李小龙 李小龙", 19, "李小龙 李小龙\n李小龙"},
		{"two\n\nparagraphs", 20, "two\n\nparagraphs"},
	} {
		if got := tty.Wrap(c.text, c.columns); got != c.want {
			t.Errorf("%q at %d columns:\n%s\nand not\n%s", c.text, c.columns, got, c.want)
		}
	}
}

// shown is what a terminal of a width gets.
func shown(t *testing.T, columns uint16, color tty.Color, show func(*tty.Output)) string {
	t.Helper()
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Cols: columns, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	show(tty.NewOutput(terminal, color))
	terminal.WriteString("\x00")
	terminal.Close()
	var all []byte
	for part := make([]byte, 1024); !strings.HasSuffix(string(all), "\x00"); {
		n, err := keyboard.Read(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part[:n]...)
	}
	return strings.TrimSuffix(strings.ReplaceAll(string(all), "\r\n", "\n"), "\x00")
}

// TestStyles: they are there where they are wanted, and no word goes with them.
func TestStyles(t *testing.T) {
	say := func(out *tty.Output) {
		out.Printf("%s\nPROBLEM %s\nThere is no device; make one with: conclave hsm create\n", tty.Heading("What"), "PROBLEM \ufdd1")
	}
	plain := "What\nPROBLEM PROBLEM ?\nThere is no device; make one with: conclave hsm create\n"
	styled := "\x1b[1mWhat\x1b[0m\n\x1b[1;31mPROBLEM\x1b[0m PROBLEM ?\nThere is no device; make one with: \x1b[1;36mconclave hsm create\x1b[0m\n"
	for _, c := range []struct {
		color         tty.Color
		term, noColor string
		want          string
	}{
		{tty.ColorAuto, "xterm", "", styled},
		{tty.ColorAuto, "xterm", "1", plain},
		{tty.ColorAuto, "dumb", "", plain},
		{tty.ColorAuto, "", "", plain},
		{tty.ColorNever, "xterm", "", plain},
		{tty.ColorAlways, "dumb", "1", styled},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		if got := shown(t, 100, c.color, say); got != c.want {
			t.Errorf("%s, TERM=%s, NO_COLOR=%s: %q; %q was expected", c.color, c.term, c.noColor, got, c.want)
		}
	}
}

// TestAtATerminal: what comes in several parts is broken as one, a command stays whole,
// and so do the lines of what is as it must be.
func TestAtATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, c := range []struct {
		columns uint16
		show    func(*tty.Output)
		want    string
	}{
		{20, func(out *tty.Output) { out.Printf("Key 1 is imported"); out.Printf("; it signed\n") }, "Key 1 is imported;\nit signed\n"},
		{30, func(out *tty.Output) { out.Printf("Next: conclave ceremony check root.plan\n") }, "Next:\nconclave ceremony check root.plan\n"},
		{200, func(out *tty.Output) { out.Printf("%s\n", strings.Repeat("word ", 30)) }, strings.Repeat(" word", 20)[1:] + "\n" + strings.Repeat("word ", 10) + "\n"},
		{20, func(out *tty.Output) { out.Unbroken([]string{strings.Repeat("x ", 12)}) }, strings.Repeat("x ", 12) + "\n"},
		{20, func(out *tty.Output) { out.Status("decrypting the DKEK share: %d %%", 50) }, "\r\x1b[Kdecrypting the DKEK"},
		{20, func(out *tty.Output) { out.Write([]byte("raw\x1b[2J\nlines\n")) }, "raw?[2J\nlines\n"},
	} {
		if got := shown(t, c.columns, tty.ColorNever, c.show); got != c.want {
			t.Errorf("at %d columns %q; %q was expected", c.columns, got, c.want)
		}
	}
}

// TestToAProgram: a file gets whole lines without styles, and each byte of an answer.
func TestToAProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := tty.NewOutput(file, tty.ColorAuto)
	out.Printf("PROBLEM %s\n", strings.Repeat("word ", 30)+"\x1b")
	out.Exact().Write([]byte("\x00\x1b\xff"))
	out.Status("50 %%")
	file.Close()
	got, err := os.ReadFile(path)
	if want := "PROBLEM " + strings.Repeat("word ", 30) + "?\n\x00\x1b\xff"; string(got) != want || err != nil {
		t.Errorf("a file gets %q, %v; %q was expected", got, err, want)
	}
	if out.Printf("more"); !errors.Is(out.Err(), os.ErrClosed) {
		t.Errorf("a write that failed gives %v", out.Err())
	}
}
