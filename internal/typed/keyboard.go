package typed

import (
	"strings"
	"unicode"
)

// Reading is a line as it was meant, if the keyboard was not the one that is printed
// on its keys, which is English.
type Reading struct {
	Why  string // "the keyboard seems to be set to French"
	Text string // clean
}

// Otherwise gives the readings of a line that differ from it as it was typed.
func Otherwise(text string) (all []Reading) {
	text = Clean(text)
	for _, k := range keyboards() {
		if other := k.english(text); other != text {
			all = append(all, Reading{k.why, other})
		}
	}
	return all
}

// Told gives the reading of a line that has letters of no English keyboard, if all of
// them are of one that is known; else nil.
func Told(text string) *Reading {
	text = Clean(text)
	for _, k := range keyboards() {
		if k.tells(text) {
			return &Reading{k.why, k.english(text)}
		}
	}
	return nil
}

// keyboard is a keyboard that is set to another language, or letters of another
// alphabet that look like Latin ones: the characters that differ, in the same order.
type keyboard struct{ why, typed, meant string }

// keyboards are those that are recognised. The digits of a French one are typed with
// shift; those of the others are where they are in English.
func keyboards() []keyboard {
	const letters = "qwertyuiopasdfghjklzxcvbnm"
	return []keyboard{
		{"some letters are Cyrillic ones, which look like Latin ones",
			"АВЕЅІЈКМНОРСТУХҮԚԜаеѕіјорсухһԁԛԝ", "ABESIJKMHOPCTYXYQWaesijopcyxhdqw"},
		{"some letters are Greek ones, which look like Latin ones",
			"ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυχικτϲ", "ABEZHIKMNOPTYXavopuxiktc"},
		{"the keyboard seems to be set to French",
			"à&é\"'(-è_ç" + "aqzwAQZW,?mM", "0123456789" + "qawzQAWZmM;:"},
		{"the keyboard seems to be set to German", "yzYZöÖß", "zyZY;:-"},
		{"the keyboard seems to be set to Russian or Ukrainian", // ы and і are on one key
			"йцукенгшщзфывапролдячсмитьжЖ" + "ЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ" + "іІ",
			letters + ";:" + strings.ToUpper(letters) + "sS"},
		{"the keyboard seems to be set to Greek",
			";ςερτυθιοπασδφγηξκλζχψωβνμ" + ":ΕΡΤΥΘΙΟΠΑΣΔΦΓΗΞΚΛΖΧΨΩΒΝΜ",
			letters + "QERTYUIOPASDFGHJKLZXCVBNM"},
	}
}

// english gives a line as it would have been on the English keyboard.
func (k keyboard) english(text string) string {
	typed, meant := []rune(k.typed), []rune(k.meant)
	return strings.Map(func(r rune) rune {
		for i, other := range typed {
			if r == other {
				return meant[i]
			}
		}
		return r
	}, text)
}

// tells says whether a line has letters that only this keyboard has, and no others
// that an English one lacks.
func (k keyboard) tells(text string) bool {
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
