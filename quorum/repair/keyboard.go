package repair

import (
	"slices"
	"strings"
	"unicode"
)

// keyRows are the keys of a US keyboard, without and with shift. A key lies
// beside its neighbours in the row, and beside those of the next row that are
// at its place and one before.
var keyRows = [][2]string{
	{"`1234567890-=", "~!@#$%^&*()_+"},
	{" qwertyuiop[]\\", " QWERTYUIOP{}|"},
	{" asdfghjkl;'", " ASDFGHJKL:\""},
	{" zxcvbnm,./", " ZXCVBNM<>?"},
}

// otherLayouts are what US keys give on the keyboards of other countries, as
// pairs that stand for each other in both directions.
var otherLayouts = [][2]string{
	{"yzYZ", "zyZY"},                   // German, letters alone
	{"yzYZ-_/?&*()^", "zyZYß?-_/()=&"}, // German
	{"qwazm;QWAZM", "azqw,mAZQW?"},     // French, letters alone
	{"1234567890", "&é\"'(-è_çà"},      // French, digits without shift
	{"!@#$%^&*()", "1234567890"},       // shift lock, or the other row of a French keyboard
	{"\"@", "@\""},                     // British
}

// shiftPairs are digits and what is above them on German and British keyboards,
// beside those of keyRows.
const shiftPairs = `2" 3§ 6& 7/ 8( 9) 0= ß? +* #' -_ .: ,; <> 3£`

// shiftPartners are the characters that the same key gives with shift pressed,
// or released, on one keyboard or another; for letters it is the other case.
func shiftPartners(r rune) (others []rune) {
	for _, row := range keyRows {
		plain, shift := []rune(row[0]), []rune(row[1])
		for i := range plain {
			switch r {
			case ' ':
			case plain[i]:
				others = append(others, shift[i])
			case shift[i]:
				others = append(others, plain[i])
			}
		}
	}
	for _, pair := range strings.Fields(shiftPairs) {
		switch p := []rune(pair); r {
		case p[0]:
			others = append(others, p[1])
		case p[1]:
			others = append(others, p[0])
		}
	}
	return others
}

// otherCase is the letter in the other case; the same rune if there is none.
func otherCase(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	if up := unicode.ToUpper(r); unicode.ToLower(up) == r {
		return up
	}
	return r
}

// neighbours are the characters on the keys around one.
func neighbours(r rune) (others []rune) {
	for n, row := range keyRows {
		for shift := range 2 {
			at := slices.Index([]rune(row[shift]), r)
			if at < 0 || r == ' ' {
				continue
			}
			others = append(others, keysAt(n, shift, at-1, at+1)...)
			others = append(others, keysAt(n-1, shift, at, at+1)...)
			others = append(others, keysAt(n+1, shift, at-1, at)...)
		}
	}
	return others
}

// keysAt are the keys of a row at these places, if there are any.
func keysAt(row, shift int, places ...int) (keys []rune) {
	if row < 0 || row >= len(keyRows) {
		return nil
	}
	all := []rune(keyRows[row][shift])
	for _, i := range places {
		if i >= 0 && i < len(all) && all[i] != ' ' {
			keys = append(keys, all[i])
		}
	}
	return keys
}

// typedBeside is the text as it is with each key so far beside the one that was
// typed, if there are keys.
func typedBeside(text string, by int) (string, bool) {
	var moved []rune
	for _, r := range text {
		var keys []rune
		for n, row := range keyRows {
			for shift := range row {
				if at := slices.Index([]rune(row[shift]), r); at >= 0 && r != ' ' {
					keys = append(keys, keysAt(n, shift, at+by)...)
				}
			}
		}
		switch {
		case unicode.IsSpace(r):
			keys = []rune{r}
		case len(keys) == 0:
			return "", false
		}
		moved = append(moved, keys[0])
	}
	return string(moved), true
}

// onLayout is the text as the keys give it on another keyboard.
func onLayout(text []rune, from, to string) []rune {
	source, target := []rune(from), []rune(to)
	other := slices.Clone(text)
	for i, r := range text {
		if at := slices.Index(source, r); at >= 0 {
			other[i] = target[at]
		}
	}
	return other
}
