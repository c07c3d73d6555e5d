package quorum

import (
	"fmt"
	"iter"
	"slices"
	"unicode"

	"conclave/quorum/internal/bch32"
)

// A sheet shows its code in three lines of four groups.
const (
	lineGroups = 4
	codeGroups = codeLength / codeGroup
)

// mistakenCode looks for mistakes beyond those that the checksum corrects: here
// it only has to judge a few hundred guesses, and has 65 bits.
func mistakenCode(typed []rune) (CustodianShare, error) {
	corrected, question := lookalikeCode(typed)
	if corrected == nil {
		corrected, question = reorderedCode(typed)
	}
	if corrected == nil {
		return CustodianShare{}, codeError(len(typed))
	}
	return CustodianShare{}, doubtCode(corrected, misreadCode, question)
}

// lookalikeCode reads characters that no code has as what they look like, if
// there are too many for the checksum to fill them in. A b can be a 6, too.
func lookalikeCode(typed []rune) (corrected []byte, question string) {
	for _, b := range "86" {
		alike := make([]rune, len(typed))
		for i, r := range typed {
			if alike[i] = lookalike(r); unicode.ToLower(r) == 'b' {
				alike[i] = b
			}
		}
		symbols, erasures := readSymbols(alike)
		if corrected = correctCode(symbols, erasures); corrected != nil {
			return corrected, codeQuestion(typed, corrected)
		}
	}
	return nil, ""
}

// reorderedCode puts groups in the places that they may have on the sheet. Only
// an answer that no other order contradicts counts.
func reorderedCode(typed []rune) (found []byte, question string) {
	for order := range groupOrders(len(typed)) {
		corrected := correctOrder(typed, order)
		if corrected == nil {
			continue
		}
		if found != nil && !slices.Equal(found, corrected) {
			return nil, ""
		}
		found = corrected
		question = fmt.Sprintf("some groups are in another place, or there twice; should the code be %s?", group(letters(found)))
	}
	return found, question
}

// correctOrder gives the code word that the groups in this order are meant to
// be; nil if that cannot be told. One character may be wrong if all are there.
func correctOrder(typed []rune, order []int) []byte {
	var ordered []rune
	wrong := 1
	for _, g := range order {
		if g == leftOut {
			ordered = append(ordered, []rune("????")...)
			wrong = 0
			continue
		}
		ordered = append(ordered, typed[g*codeGroup:(g+1)*codeGroup]...)
	}
	symbols, erasures := readSymbols(ordered)
	corrected, _, err := bch32.CorrectWithin(codePrefix, symbols, erasures, wrong)
	if err != nil {
		return nil
	}
	return corrected
}

// leftOut stands for a group that was not typed.
const leftOut = -1

// groupOrders yields the orders in which so many characters may be meant, by
// the places of their groups.
func groupOrders(characters int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		var typed []int
		for g := range characters / codeGroup {
			typed = append(typed, g)
		}
		kinds := []func([]int, func([]int) bool) bool{exchanged, moved, linesExchanged, byColumns, otherLeftOut}
		switch characters {
		case codeLength:
		case codeLength + lineGroups*codeGroup:
			kinds = []func([]int, func([]int) bool) bool{aLineLess}
		default:
			return
		}
		for _, kind := range kinds {
			if !kind(typed, yield) {
				return
			}
		}
	}
}

// aLineLess leaves out a line that was typed twice.
func aLineLess(typed []int, yield func([]int) bool) bool {
	for at := 0; at < len(typed); at += lineGroups {
		if !yield(slices.Delete(slices.Clone(typed), at, at+lineGroups)) {
			return false
		}
	}
	return true
}

// otherLeftOut takes a group out that was typed in place of one elsewhere.
func otherLeftOut(typed []int, yield func([]int) bool) bool {
	return moves(typed, func(int) int { return leftOut }, yield)
}

func exchanged(typed []int, yield func([]int) bool) bool {
	for i := range typed {
		for j := range i {
			order := slices.Clone(typed)
			order[i], order[j] = order[j], order[i]
			if !yield(order) {
				return false
			}
		}
	}
	return true
}

// moved puts a group in another place.
func moved(typed []int, yield func([]int) bool) bool {
	return moves(typed, func(g int) int { return g }, yield)
}

// moves takes each group out, and puts what becomes of it in each other place.
func moves(typed []int, becomes func(group int) int, yield func([]int) bool) bool {
	for from, g := range typed {
		rest := slices.Delete(slices.Clone(typed), from, from+1)
		for to := range typed {
			if to != from && !yield(slices.Insert(slices.Clone(rest), to, becomes(g))) {
				return false
			}
		}
	}
	return true
}

func linesExchanged(typed []int, yield func([]int) bool) bool {
	lines := slices.Collect(slices.Chunk(typed, lineGroups))
	for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		if !yield(slices.Concat(lines[order[0]], lines[order[1]], lines[order[2]])) {
			return false
		}
	}
	return true
}

// byColumns is the order of groups that were read down the columns.
func byColumns(typed []int, yield func([]int) bool) bool {
	order := make([]int, 0, len(typed))
	for line := range codeGroups / lineGroups {
		for column := range lineGroups {
			order = append(order, typed[column*codeGroups/lineGroups+line])
		}
	}
	return yield(order)
}
