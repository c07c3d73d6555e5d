package repair

import (
	"iter"
	"strconv"
	"strings"
)

// edit is a correction of a line of digits, and the mistake that it supposes.
type edit struct {
	text    string
	finding Finding
}

// edits yields the corrections of one kind.
type edits func(text string) iter.Seq[edit]

// allEdits are the corrections of one mistake, the likeliest first, but for
// rareEdits.
func allEdits() []edits {
	return []edits{
		substitution(confusable), exchangedDigits, exchangedNeighbours, substitution(misheard), substitution(otherDigits),
		missingDigit, extraDigit, exchangedGroups, extraGroup, missingGroup,
	}
}

// alike are pairs of digits that are taken for each other, in print, in
// handwriting or on the keys.
const alike = "08 0b 06 0d 0c 8b 68 6b bd 17 14 38 35 49 4a 56 5b 89 a6 ad ce ef 27 79"

// confusable are the digits that one is like.
func confusable(digit byte) string { return partners(alike, digit) }

// partners are the digits that one has pairs with.
func partners(pairs string, digit byte) string {
	var options []byte
	for _, pair := range strings.Fields(pairs) {
		switch digit {
		case pair[0]:
			options = append(options, pair[1])
		case pair[1]:
			options = append(options, pair[0])
		}
	}
	return string(options)
}

// mistakable are the digits that one looks or sounds like, and otherDigits those
// that it does not.
func mistakable(digit byte) string { return confusable(digit) + misheard(digit) }

func otherDigits(digit byte) string {
	not := mistakable(digit) + string(digit)
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(not, r) {
			return -1
		}
		return r
	}, hexDigits)
}

// anyOther are all digits but one.
func anyOther(digit byte) string { return mistakable(digit) + otherDigits(digit) }

// replace writes one digit in place of another.
func replace(text string, at int, digit byte) string {
	return text[:at] + string(digit) + text[at+1:]
}

func misreadDigit(at int) Finding { return Finding{Kind: MisreadDigit, Position: at + 1} }

// substitution corrects one digit.
func substitution(options func(byte) string) edits {
	return func(text string) iter.Seq[edit] {
		return func(yield func(edit) bool) {
			for i := range len(text) {
				for _, d := range []byte(options(text[i])) {
					if !yield(edit{replace(text, i, d), misreadDigit(i)}) {
						return
					}
				}
			}
		}
	}
}

// exchangedDigits exchanges two neighbours.
func exchangedDigits(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := range max(0, len(text)-1) {
			swapped := text[:i] + text[i+1:i+2] + text[i:i+1] + text[i+2:]
			if swapped != text && !yield(edit{swapped, Finding{Kind: ExchangedDigits, Position: i + 1}}) {
				return
			}
		}
	}
}

// exchangedNeighbours exchanges two groups that are beside each other,
// exchangedGroups two others.
func exchangedNeighbours(text string) iter.Seq[edit] {
	return exchangeGroups(text, func(distance int) bool { return distance == 1 })
}

func exchangedGroups(text string) iter.Seq[edit] {
	return exchangeGroups(text, func(distance int) bool { return distance > 1 })
}

func exchangeGroups(text string, wanted func(distance int) bool) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i+4 <= len(text) && len(text)%2 == 0; i += 2 {
			for j := i + 2; j < len(text); j += 2 {
				swapped := text[:i] + text[j:j+2] + text[i+2:j] + text[i:i+2] + text[j+2:]
				f := Finding{Kind: ExchangedGroups, Position: i/2 + 1, With: []string{strconv.Itoa(j/2 + 1)}}
				if wanted((j-i)/2) && swapped != text && !yield(edit{swapped, f}) {
					return
				}
			}
		}
	}
}

// missingDigit puts a digit in, where their number is odd. Among equal digits
// it makes no difference where, and only the place after them is named.
func missingDigit(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i <= len(text) && len(text)%2 == 1; i++ {
			for _, d := range []byte(hexDigits) {
				f := Finding{Kind: MissingDigit, Position: i}
				same := i < len(text) && text[i] == d
				if !same && !yield(edit{text[:i] + string(d) + text[i:], f}) {
					return
				}
			}
		}
	}
}

// extraDigit takes a digit out, where their number is odd.
func extraDigit(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i < len(text) && len(text)%2 == 1 && len(text) > 1; i++ {
			same := i > 0 && text[i] == text[i-1]
			if !same && !yield(edit{text[:i] + text[i+1:], Finding{Kind: ExtraDigit, Position: i + 1}}) {
				return
			}
		}
	}
}

// missingGroup puts a group of two digits in.
func missingGroup(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i <= len(text) && len(text)%2 == 0; i += 2 {
			for n := range 256 {
				group := string([]byte{hexDigits[n/16], hexDigits[n%16]})
				f := Finding{Kind: MissingGroup, Position: i / 2}
				same := strings.HasPrefix(text[i:], group)
				if !same && !yield(edit{text[:i] + group + text[i:], f}) {
					return
				}
			}
		}
	}
}

// extraGroup takes a group out.
func extraGroup(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i < len(text) && len(text)%2 == 0 && len(text) > 2; i += 2 {
			same := i > 1 && text[i:i+2] == text[i-2:i]
			if !same && !yield(edit{text[:i] + text[i+2:], Finding{Kind: ExtraGroup, Position: i/2 + 1}}) {
				return
			}
		}
	}
}
