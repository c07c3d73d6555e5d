package repair

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// encoding writes a text as bytes; nil if it cannot.
type encoding func(text []rune) []byte

func asUTF8(text []rune) []byte { return []byte(string(text)) }

func asLatin1(text []rune) []byte {
	var b []byte
	for _, r := range text {
		if r > 0xFF {
			return nil
		}
		b = append(b, byte(r))
	}
	return b
}

// codePage850 are the characters 0x80 to 0xA7 of the Windows console in western
// Europe (IBM code page 850), and ß.
const codePage850 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº"

func asCodePage850(text []rune) []byte {
	var b []byte
	for _, r := range text {
		at := slices.Index([]rune(codePage850), r)
		switch {
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r == 'ß':
			b = append(b, 0xE1)
		case at >= 0:
			b = append(b, byte(0x80+at))
		default:
			return nil
		}
	}
	return b
}

// decode reads a password as it was remembered, in UTF-8 or else one byte to
// the character, and gives the encoding that it had.
func decode(password []byte) ([]rune, encoding) {
	if utf8.Valid(password) {
		return []rune(string(password)), asUTF8
	}
	var text []rune
	for _, b := range password {
		text = append(text, rune(b))
	}
	return text, asLatin1
}

// letters with their marks, first as one character, then as letter and
// combining mark: what Unicode calls the composed form (NFC) and the decomposed
// one (NFD). macOS gives the latter in places.
var marks = map[rune]string{
	0x300: "ÀAÈEÌIÒOÙUàaèeìiòoùu",
	0x301: "ÁAÉEÍIÓOÚUÝYáaéeíióoúuýyĆCćcŃNńnŚSśsŹZźz",
	0x302: "ÂAÊEÎIÔOÛUâaêeîiôoûu",
	0x303: "ÃAÑNÕOãañnõo",
	0x308: "ÄAËEÏIÖOÜUäaëeïiöoüuÿyŸY",
	0x30A: "ÅAåaŮUůu",
	0x30B: "ŐOőoŰUűu",
	0x30C: "ČCčcĎDďdĚEěeŇNňnŘRřrŠSšsŤTťtŽZžz",
	0x327: "ÇCçcŞSşs",
	0x328: "ĄAąaĘEęe",
}

// forms is the table of marks as pairs of old and new text.
func forms(composedFirst bool) (pairs []string) {
	for mark, table := range marks {
		letters := []rune(table)
		for i := 0; i < len(letters); i += 2 {
			composed, decomposed := string(letters[i]), string(letters[i+1])+string(mark)
			if composedFirst {
				pairs = append(pairs, composed, decomposed)
			} else {
				pairs = append(pairs, decomposed, composed)
			}
		}
	}
	return pairs
}

// decompose and compose change between the two forms.
func decompose(text []rune) []rune {
	return []rune(strings.NewReplacer(forms(true)...).Replace(string(text)))
}

func compose(text []rune) []rune {
	return []rune(strings.NewReplacer(forms(false)...).Replace(string(text)))
}
