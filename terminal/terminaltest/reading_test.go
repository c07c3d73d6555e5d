package terminaltest

import "testing"

// TestReading: neither the end of a line nor a style is in the way of what is read,
// and it is known how much of it was shown.
func TestReading(t *testing.T) {
	for _, c := range []struct{ shown, styled, broken string }{
		{"", "", ""},
		{"a  b\r\n c", "a  b\r\n c", "a b c"},
		{"\x1b[1mPROB\x1b[0mLEM \x1b[m\r\n", "PROBLEM \r\n", "PROBLEM "},
		{"\x1b[2Jgone \x1b[3", "\x1b[2Jgone \x1b[3", "\x1b[2Jgone \x1b[3"},
	} {
		if got := string(unstyled([]byte(c.shown)).text); got != c.styled {
			t.Errorf("%q without styles: %q; %q was expected", c.shown, got, c.styled)
		}
		r := unbroken([]byte(c.shown))
		if string(r.text) != c.broken {
			t.Errorf("%q is read as %q; %q was expected", c.shown, r.text, c.broken)
		}
		for offset := range r.text {
			if rest := unbroken([]byte(c.shown[r.until(offset):])).text; string(r.text[offset:]) != string(rest) {
				t.Errorf("%q: after %q comes %q", c.shown, r.text[:offset], rest)
			}
		}
	}
}
