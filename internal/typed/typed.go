// Package typed reads what people type or paste: it undoes what keyboards,
// terminals, word processors and messengers make of it. [Clean] is for what is
// compared or read as digits, [Text] for what is kept as it was meant, [Word]
// for commands. A PIN or a password never goes through these: each of its
// characters counts, and [SecretWord] alone looks at it.
package typed

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Text gives a line as it was meant, for what is kept: a name, a folder, own
// words. Keys that moved the cursor, the marks of a paste and other control
// characters are gone, a backspace has taken its character, and nothing is
// around it.
func Text(text string) string {
	var kept []rune
	for text = withoutSequences(text); text != ""; {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			r = rune(text[0]) // of a terminal that is set to Latin-1
		}
		text = text[size:]
		switch {
		case r == '\b' || r == 0x7F:
			kept = kept[:max(0, len(kept)-1)]
		case unicode.IsSpace(r) && unicode.IsControl(r):
			kept = append(kept, ' ')
		case unicode.IsControl(r), r == byteOrderMark:
		default:
			kept = append(kept, r)
		}
	}
	return norm.NFC.String(strings.TrimFunc(string(kept), unicode.IsSpace))
}

const (
	escape        = "\x1b"
	byteOrderMark = '\uFEFF'
)

// withoutSequences drops what begins with an escape (ECMA-48): cursor keys,
// function keys, the marks of a bracketed paste, colours.
func withoutSequences(text string) string {
	var kept strings.Builder
	text = strings.ReplaceAll(text, "\u009b", escape+"[")
	for {
		before, rest, found := strings.Cut(text, escape)
		kept.WriteString(before)
		if !found {
			return kept.String()
		}
		text = afterSequence(rest)
	}
}

// afterSequence is what follows the sequence that goes on here.
func afterSequence(text string) string {
	switch {
	case strings.HasPrefix(text, "["): // parameters, and a final byte
		end := strings.IndexFunc(text[1:], func(r rune) bool { return r < ' ' || r > '?' })
		if end < 0 {
			return ""
		}
		if final := text[1+end]; final < '@' || final > '~' {
			return text[1+end:]
		}
		return text[1+end+1:]
	case strings.HasPrefix(text, "O") && len(text) > 1 && strings.ContainsRune("ABCDHFPQRSM", rune(text[1])): // a key
		return text[2:]
	case strings.HasPrefix(text, "]"), strings.HasPrefix(text, "P"), strings.HasPrefix(text, "_"), strings.HasPrefix(text, "^"): // a string, and its end
		end := strings.IndexAny(text, "\a"+escape)
		if end < 0 {
			return text[1:]
		}
		return strings.TrimPrefix(text[end+1:], `\`)
	}
	return text
}

// Clean gives a line for what is compared or read as digits: as Text does, and
// full-width and other forms of a character, spaces, dashes and quotation marks
// are the plain ones. What cannot be seen is gone. Cleaned twice, it stays.
func Clean(text string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Zs, r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), strings.ContainsRune(unseen, r):
			return -1
		case unicode.Is(unicode.Pd, r), strings.ContainsRune("\u2212\u2043\u00ac", r):
			return '-'
		case strings.ContainsRune("‘’‚‛′`´ʼˈ", r):
			return '\''
		case strings.ContainsRune("“”„‟″«»", r):
			return '"'
		case strings.ContainsRune("·•∙⋅。、؛،", r):
			return '.'
		case strings.ContainsRune("∶ː꞉", r):
			return ':'
		}
		return r
	}, norm.NFKC.String(separate(Text(text))))
	return norm.NFC.String(strings.TrimSpace(plain))
}

// unseen are letters and marks that show nothing.
const unseen = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800"

// separate keeps accents that stand alone from becoming a space and a mark.
func separate(text string) string { return strings.ReplaceAll(text, "´", "'") }

// Bare gives what is left of a line without what stands between groups.
func Bare(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, Clean(text))
}

// separators are what people put between groups, or around all of them.
const separators = " -.,;:/|'\"()[]<>"

// Word says which of the words was typed: with any capitals, with a full stop or
// quotation marks, and also on a keyboard that is set wrongly. It is empty if none
// was.
func Word(text string, words ...string) string {
	for _, reading := range append([]Reading{{Text: Clean(text)}}, Otherwise(text)...) {
		folded := strings.ToLower(strings.Trim(reading.Text, " .,;:!'\"<>()[]/"))
		folded = strings.Join(strings.Fields(folded), " ")
		if slices.Contains(words, folded) {
			return folded
		}
	}
	return ""
}

// SecretWord says which of the words was typed in place of a secret: to the letter, but
// for capitals and a full stop. It is empty for a secret.
func SecretWord(secret []byte, words ...string) string {
	for _, word := range words {
		if bytes.EqualFold(bytes.TrimSuffix(secret, []byte(".")), []byte(word)) {
			return word
		}
	}
	return ""
}

// Yes says whether the answer to a question was yes; answered is false for what
// is neither yes nor no.
func Yes(text string) (yes, answered bool) {
	switch Word(text, "yes", "y", "no", "n") {
	case "yes", "y":
		return true, true
	case "no", "n":
		return false, true
	}
	return false, false
}
