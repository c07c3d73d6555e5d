package typed

import (
	"strings"
	"unicode"
)

// Keyboard is a keyboard that is set to another language than the one that is
// printed on its keys, which is English, or letters of another alphabet that look
// like Latin ones.
type Keyboard struct {
	Name string // "the keyboard seems to be set to French"
	// typed and meant are the characters that differ, in the same order.
	typed, meant string
}

// Keyboards are those that are recognised. The digits of a French keyboard are
// typed with shift; those of the others are where they are in English.
func Keyboards() []Keyboard {
	const letters = `qwertyuiopasdfghjklzxcvbnm`
	return []Keyboard{
		{"some letters are Cyrillic ones, which look like Latin ones",
			"АВЕЅІЈКМНОРСТУХҮԚԜаеѕіјорсухһԁԛԝ", "ABESIJKMHOPCTYXYQWaesijopcyxhdqw"},
		{"some letters are Greek ones, which look like Latin ones",
			"ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυχικτϲ", "ABEZHIKMNOPTYXavopuxiktc"},
		{"the keyboard seems to be set to French",
			"à&é\"'(-è_ç" + "aqzwAQZW,?mM", "0123456789" + "qawzQAWZmM;:"},
		{"the keyboard seems to be set to German", "yzYZöÖß", "zyZY;:-"},
		{"the keyboard seems to be set to Russian",
			"йцукенгшщзфывапролдячсмитьжЖ" + "ЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ",
			letters + ";:" + strings.ToUpper(letters)},
		{"the keyboard seems to be set to Greek",
			";ςερτυθιοπασδφγηξκλζχψωβνμ" + ":ΕΡΤΥΘΙΟΠΑΣΔΦΓΗΞΚΛΖΧΨΩΒΝΜ",
			letters + "QERTYUIOPASDFGHJKLZXCVBNM"},
	}
}

// English gives a line as it would have been on the English keyboard.
func (k Keyboard) English(text string) string {
	meant := []rune(k.meant)
	return strings.Map(func(r rune) rune {
		for i, other := range []rune(k.typed) {
			if r == other {
				return meant[i]
			}
		}
		return r
	}, Clean(text))
}

// tells says whether a line has letters that only this keyboard has, and no others
// that an English one lacks.
func (k Keyboard) tells(text string) bool {
	found := false
	for _, r := range text {
		if r <= unicode.MaxASCII || !unicode.IsLetter(r) {
			continue
		}
		if !strings.ContainsRune(k.typed, r) {
			return false
		}
		found = true
	}
	return found
}

// Told gives the first keyboard whose letters a line has; nil if it could all be
// typed on an English one.
func Told(text string) *Keyboard {
	for _, k := range Keyboards() {
		if k.tells(Clean(text)) {
			return &k
		}
	}
	return nil
}
