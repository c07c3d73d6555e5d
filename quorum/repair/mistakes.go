package repair

import (
	"iter"
	"slices"
	"strconv"
)

// mistakes yields the hypotheses of one kind about a base.
type mistakes func(b *base) iter.Seq[hypothesis]

// none supposes that there is no mistake.
func none(*base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) { yield(hypothesis{}) }
}

// anyOf yields the hypotheses of several kinds.
func anyOf(kinds ...mistakes) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for _, kind := range kinds {
				for h := range kind(b) {
					if !yield(h) {
						return
					}
				}
			}
		}
	}
}

// both supposes two mistakes, the second one made beside the first.
func both(first, second mistakes) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for h1 := range first(b) {
				for h2 := range second(b.apply(h1)) {
					if !yield(h1.and(h2)) {
						return
					}
				}
			}
		}
	}
}

// inValue makes corrections in the share value of one sheet.
func inValue(kinds ...edits) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for i, s := range b.sheets {
				for _, edits := range kinds {
					for e := range edits(s.text) {
						if !yield(b.edit(i, e)) {
							return
						}
					}
				}
			}
		}
	}
}

// edit changes the value of a sheet; the finding is about the draft that the
// value was typed in.
func (b *base) edit(at int, e edit) hypothesis {
	to := b.sheets[at]
	to.text = e.text
	e.finding.Field = "share value"
	return hypothesis{[]change{{at, to}}, []Finding{b.input.sheets[to.from].complete(e.finding)}}
}

// exchangedValues supposes that two sheets have each other's value, which is
// the same as each other's ID.
func exchangedValues(b *base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) {
		for i := range b.sheets {
			for j := range i {
				if !yield(b.move(ExchangedValues, j, i)) {
					return
				}
			}
		}
	}
}

// mixedValues supposes that three sheets have each other's values.
func mixedValues(b *base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) {
		for i := range b.sheets {
			for j := range i {
				for k := range j {
					if !yield(b.move(MixedValues, k, j, i)) || !yield(b.move(MixedValues, k, i, j)) {
						return
					}
				}
			}
		}
	}
}

// move gives each of these sheets the value of the next one.
func (b *base) move(kind Kind, at ...int) (h hypothesis) {
	f := b.input.sheets[b.sheets[at[0]].draft].complete(Finding{Kind: kind, Field: "share value"})
	for n, i := range at {
		to, value := b.sheets[i], b.sheets[at[(n+1)%len(at)]]
		to.text, to.from = value.text, value.from
		h.changes = append(h.changes, change{i, to})
		if n > 0 {
			f.With = append(f.With, b.input.sheets[to.draft].finding().name())
		}
	}
	h.findings = []Finding{f}
	return h
}

// wrongID supposes that one share ID is another one of these.
func wrongID(from, to int) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for i, s := range b.sheets {
				for id := from; id <= to; id++ {
					used := slices.ContainsFunc(b.sheets, func(s sheet) bool { return s.x == id })
					if !used && id != b.input.sheets[s.draft].hex && !yield(b.renumber(i, id)) {
						return
					}
				}
			}
		}
	}
}

func (b *base) renumber(at, id int) hypothesis {
	to := b.sheets[at]
	to.x = id
	t := &b.input.sheets[to.draft]
	f := Finding{Kind: WrongID, Field: "share ID", Right: strconv.Itoa(id)}
	if id == t.hex {
		f.Kind = HexadecimalID
	}
	return hypothesis{[]change{{at, to}}, []Finding{t.complete(f)}}
}

// hexadecimalIDs supposes that all IDs were typed in hexadecimal, which is how
// sc-hsm-tool reads them.
func hexadecimalIDs(b *base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) {
		if len(b.ambiguous()) > 0 {
			yield(b.inHexadecimal(func(int) bool { return true }))
		}
	}
}

// mixedIDs supposes that some of them were.
func mixedIDs(b *base) iter.Seq[hypothesis] {
	return func(yield func(hypothesis) bool) {
		const most = 8 // sheets for which all combinations are looked at
		for some := 1; some < 1<<min(len(b.ambiguous()), most)-1; some++ {
			if !yield(b.inHexadecimal(func(n int) bool { return n < most && some>>n&1 == 1 })) {
				return
			}
		}
	}
}

// ambiguous are the sheets whose ID is another number in hexadecimal.
func (b *base) ambiguous() (at []int) {
	for i, s := range b.sheets {
		if b.input.sheets[s.draft].hex > 0 {
			at = append(at, i)
		}
	}
	return at
}

// inHexadecimal reads the IDs of some of the ambiguous sheets in hexadecimal.
func (b *base) inHexadecimal(some func(n int) bool) (h hypothesis) {
	for n, i := range b.ambiguous() {
		if some(n) {
			h = h.and(b.renumber(i, b.input.sheets[b.sheets[i].draft].hex))
		}
	}
	return h
}

// twoDigits supposes two misread digits, on one sheet or on two.
func twoDigits(options func(byte) string) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for i, s := range b.sheets {
				for e := range substitution(options)(s.text) {
					if !secondDigit(b, i, e, options, yield) {
						return
					}
				}
			}
		}
	}
}

// secondDigit yields the hypotheses with a further digit behind the first one.
func secondDigit(b *base, at int, first edit, options func(byte) string, yield func(hypothesis) bool) bool {
	h := b.edit(at, first)
	for j := at; j < len(b.sheets); j++ {
		text, start := b.sheets[j].text, 0
		if j == at {
			text, start = first.text, first.finding.Position
		}
		for k := start; k < len(text); k++ {
			for _, d := range []byte(options(text[k])) {
				second := b.edit(j, edit{replace(text, k, d), misreadDigit(k)})
				if !yield(h.and(second)) {
					return false
				}
			}
		}
	}
	return true
}

// onTwoSheets supposes a mistake of the same kinds on each of two sheets.
func onTwoSheets(kinds ...edits) mistakes {
	return func(b *base) iter.Seq[hypothesis] {
		return func(yield func(hypothesis) bool) {
			for h1 := range inValue(kinds...)(b) {
				for h2 := range inValue(kinds...)(b.apply(h1)) {
					if h2.changes[0].at > h1.changes[0].at && !yield(h1.and(h2)) {
						return
					}
				}
			}
		}
	}
}
