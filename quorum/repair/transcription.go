package repair

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// rareEdits are corrections of one mistake that spoils more than one digit, as
// people make them when they copy, hear or type numbers: J. Verhoeff, "Error
// Detecting Decimal Codes" (1969), counts how often.
func rareEdits() []edits {
	return []edits{misheardNumbers, twins, exchangedOver, rewritten, groupBeside, repeatedDigit, repeatedGroup, misreadGroup}
}

// sounding are pairs of digits that sound alike when they are read aloud in
// English, by whomever, and do not look alike.
const sounding = "be b3 bc cd c3 de d3 e3 a8 59 ae"

// misheard are the digits that one sounds like.
func misheard(digit byte) string { return partners(sounding, digit) }

// twoDigitsAt names two digits of a value.
func twoDigitsAt(kind Kind, i, j int) Finding {
	return Finding{Kind: kind, Position: i + 1, With: []string{strconv.Itoa(j + 1)}}
}

// misheardNumbers takes a number that ends in -teen for one that ends in -ty, or
// the other way round: 13 for 30.
func misheardNumbers(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := range max(0, len(text)-1) {
			var meant string
			switch a, b := text[i], text[i+1]; {
			case a == '1' && b >= '2' && b <= '9':
				meant = string(b) + "0"
			case b == '0' && a >= '2' && a <= '9':
				meant = "1" + string(a)
			default:
				continue
			}
			if !yield(edit{text[:i] + meant + text[i+2:], twoDigitsAt(MisreadDigits, i, i+1)}) {
				return
			}
		}
	}
}

// twins corrects two equal digits, beside each other or with one between them,
// that were misread in the same way.
func twins(text string) iter.Seq[edit] {
	return pairs(text, 1, 2, func(i, j int) (list []edit) {
		if text[i] != text[j] {
			return nil
		}
		for _, d := range []byte(anyOther(text[i])) {
			list = append(list, edit{replace(replace(text, i, d), j, d), twoDigitsAt(MisreadDigits, i, j)})
		}
		return list
	})
}

// exchangedOver exchanges two digits with one between them.
func exchangedOver(text string) iter.Seq[edit] {
	return pairs(text, 2, 2, func(i, j int) []edit {
		if text[i] == text[j] {
			return nil
		}
		return []edit{{replace(replace(text, i, text[j]), j, text[i]), twoDigitsAt(ExchangedOver, i, j)}}
	})
}

// pairs yields the edits of all pairs of digits that are so far apart.
func pairs(text string, nearest, farthest int, of func(i, j int) []edit) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for distance := nearest; distance <= farthest; distance++ {
			for i := range max(0, len(text)-distance) {
				for _, e := range of(i, i+distance) {
					if !yield(e) {
						return
					}
				}
			}
		}
	}
}

// rewriting is a way in which a whole value can be copied wrongly: it gives the
// right one, empty if it cannot be that.
type rewriting struct {
	finding Finding
	correct func(text string) string
}

func rewritings() []rewriting {
	inOrder := func(what string, size int, turn func(units []string)) rewriting {
		return rewriting{Finding{Kind: WrongOrder, With: []string{what}}, func(text string) string { return reorder(text, size, turn) }}
	}
	beside := func(by int) rewriting {
		return rewriting{Finding{Kind: ShiftedKeys}, func(text string) string { return besideDigits(text, by) }}
	}
	return []rewriting{
		inOrder("its halves exchanged", 0, slices.Reverse[[]string]),
		inOrder("its groups backwards", 2, slices.Reverse[[]string]),
		inOrder("both digits of each group exchanged", 1, eachPair),
		inOrder("every two groups exchanged", 2, eachPair),
		inOrder("its digits backwards", 1, slices.Reverse[[]string]),
		beside(-1), beside(1),
	}
}

// reorder turns the units of a value, of so many digits; 0 for its halves.
func reorder(text string, size int, turn func(units []string)) string {
	if size == 0 {
		size = len(text) / 2
	}
	if size == 0 || len(text)%(2*size) != 0 {
		return ""
	}
	var units []string
	for unit := range slices.Chunk([]byte(text), size) {
		units = append(units, string(unit))
	}
	turn(units)
	return strings.Join(units, "")
}

func eachPair(units []string) {
	for i := 0; i+1 < len(units); i += 2 {
		units[i], units[i+1] = units[i+1], units[i]
	}
}

// besideDigits moves all decimal digits by one key; letters were typed with
// another finger.
func besideDigits(text string, by int) string {
	var moved []byte
	for _, c := range []byte(text) {
		if c < 'a' {
			if c = keyBeside(c, by); c == 0 {
				return ""
			}
		}
		moved = append(moved, c)
	}
	return string(moved)
}

// keyBeside is the hexadecimal digit on the key beside a digit's; 0 if that has
// none.
func keyBeside(digit byte, by int) byte {
	moved, ok := typedBeside(string(digit), by)
	if !ok || !strings.Contains(hexDigits, moved) {
		return 0
	}
	return moved[0]
}

// rewritten yields whole values that were copied wrongly.
func rewritten(text string) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for _, r := range rewritings() {
			right := r.correct(text)
			if right != "" && right != text && !yield(edit{right, r.finding}) {
				return
			}
		}
	}
}

// groups yields the edits of each group of two digits.
func groups(text string, of func(i int) []edit) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i < len(text) && len(text)%2 == 0; i += 2 {
			for _, e := range of(i) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// groupBeside moves both digits of a group by one key.
func groupBeside(text string) iter.Seq[edit] {
	return groups(text, func(i int) (list []edit) {
		for _, by := range []int{-1, 1} {
			a, b := keyBeside(text[i], by), keyBeside(text[i+1], by)
			if a != 0 && b != 0 {
				list = append(list, edit{replace(replace(text, i, a), i+1, b), Finding{Kind: ShiftedKeys, Position: i/2 + 1}})
			}
		}
		return list
	})
}

// misreadGroup corrects both digits of a group.
func misreadGroup(text string) iter.Seq[edit] {
	return groups(text, func(i int) []edit { return otherGroups(text, i) })
}

// otherGroups are the corrections of both digits of the group at i.
func otherGroups(text string, i int) (list []edit) {
	for n := range 256 {
		group := fmt.Sprintf("%02x", n)
		if group[0] != text[i] && group[1] != text[i+1] {
			list = append(list, edit{text[:i] + group + text[i+2:], Finding{Kind: MisreadGroup, Position: i/2 + 1}})
		}
	}
	return list
}

// repeatedDigit takes out one of two equal digits, and puts one in that was left
// out in its place.
func repeatedDigit(text string) iter.Seq[edit] { return repeated(text, 1, RepeatedDigit) }

// repeatedGroup does the same with groups.
func repeatedGroup(text string) iter.Seq[edit] { return repeated(text, 2, RepeatedGroup) }

func repeated(text string, size int, kind Kind) iter.Seq[edit] {
	return func(yield func(edit) bool) {
		for i := 0; i+2*size <= len(text) && len(text)%2 == 0; i += size {
			if text[i:i+size] != text[i+size:i+2*size] {
				continue
			}
			rest := text[:i] + text[i+size:]
			for j := 0; j <= len(rest); j += size {
				for n := range 1 << (4 * size) {
					right := fmt.Sprintf("%s%0*x%s", rest[:j], size, n, rest[j:])
					f := Finding{Kind: kind, Position: i/size + 2, With: []string{strconv.Itoa(j/size + 1)}}
					if right != text && !yield(edit{right, f}) {
						return
					}
				}
			}
		}
	}
}

// sameOnAll supposes that all values were copied wrongly in the same way.
func sameOnAll(b *base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) {
		for _, r := range rewritings() {
			var h hypothesis
			for i, s := range b.sheets {
				right := r.correct(s.text)
				if right == "" {
					h.changes = nil
					break
				}
				h = h.and(b.edit(i, edit{right, r.finding}))
			}
			if len(h.changes) > 0 && !yield(h) {
				return
			}
		}
	}
}

// exchangedTails supposes that two values are each other's from a group on: the
// eye slipped into the other line.
func exchangedTails(b *base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) {
		for i, s := range b.sheets {
			for j, other := range b.sheets[:i] {
				for at := 2; at < min(len(s.text), len(other.text)); at += 2 {
					f := Finding{Kind: ExchangedTails, Field: "share value", Position: at/2 + 1, With: []string{b.input.sheets[s.draft].finding().name()}}
					f = b.input.sheets[other.draft].complete(f)
					first, second := other, s
					first.text, second.text = other.text[:at]+s.text[at:], s.text[:at]+other.text[at:]
					if !yield(hypothesis{[]change{{j, first}, {i, second}}, []Finding{f}}) {
						return
					}
				}
			}
		}
	}
}

// copiedGroups supposes that so many groups of a value are those at the same
// place of another line, the prime's or another value's, and looks for those
// that were left out for them.
func copiedGroups(count int) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for i, s := range b.sheets {
				for at := 0; at+2*count <= len(s.text); at += 2 {
					if b.isCopied(i, at, 2*count) && !fill(b, i, at, count, hypothesis{}, yield) {
						return
					}
				}
			}
		}
	}
}

// isCopied says whether these digits of a value are those of another line.
func (b *base) isCopied(which, at, size int) bool {
	text := b.sheets[which].text
	same := func(line string) bool { return len(line) == len(text) && line[at:at+size] == text[at:at+size] }
	return same(fmt.Sprintf("%x", b.prime)) || slices.ContainsFunc(b.sheets, func(s sheet) bool { return s.text != text && same(s.text) })
}

// fill puts other groups in the place of so many.
func fill(b *base, which, at, count int, h hypothesis, yield func(hypothesis) bool) bool {
	if count == 0 {
		return yield(h)
	}
	for _, e := range otherGroups(b.sheetsAfter(h)[which].text, at) {
		if !fill(b, which, at+2, count-1, h.and(b.edit(which, e)), yield) {
			return false
		}
	}
	return true
}
