package typeset

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Check rejects a character that the fonts lack, or that cannot be seen.
// Accents count as one character with their letters, which is how fonts have
// them (Unicode's NFC).
func Check(text string) error {
	font, err := sfnt.Parse(gobold.TTF) // the others have the same characters
	if err != nil {
		return err
	}
	if !utf8.ValidString(text) {
		return errors.New("the text is not UTF-8")
	}
	for _, r := range norm.NFC.String(text) {
		// The font has glyphs for some control characters too.
		glyph, err := font.GlyphIndex(nil, r)
		if err != nil || glyph == 0 || !unicode.IsGraphic(r) {
			return fmt.Errorf("the character %q (%U) cannot be printed; use Latin, Greek or Cyrillic letters in its place", r, r)
		}
	}
	return nil
}

// Wrap breaks a text into lines that are no wider than the room: after a space,
// else after a punctuation mark, as file names have them, else anywhere. In the
// lines, accents are in one character with their letters.
func (d *Document) Wrap(s Style, room float64, text string) (lines []string) {
	for text = strings.TrimSpace(norm.NFC.String(text)); text != ""; {
		n := d.prefix(s, room, text)
		if n < len(text) {
			n = breakBefore(text, n)
		}
		lines = append(lines, strings.TrimSpace(text[:n]))
		text = strings.TrimSpace(text[n:])
	}
	return lines
}

// prefix returns how many bytes of the text there is room for, one character at
// least.
func (d *Document) prefix(s Style, room float64, text string) int {
	var w float64
	for i, r := range text {
		w += d.Measure(s, string(r))
		if w > room && i > 0 {
			return i
		}
	}
	return len(text)
}

// breakBefore returns where the line is broken, if there is room for n bytes of
// it.
func breakBefore(text string, n int) int {
	if text[n] == ' ' {
		return n
	}
	if i := strings.LastIndexByte(text[:n], ' '); i > 0 {
		return i
	}
	if i := strings.LastIndexAny(text[:n], "-_.,;"); i > n/2 {
		return i + 1
	}
	return n
}
