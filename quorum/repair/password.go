package repair

import (
	"context"
	"iter"
	"slices"
	"strings"
	"unicode"

	"conclave/internal/secret"
)

// variant is a password that may be meant, and the mistakes that it supposes.
type variant struct {
	text     []rune
	bytes    []byte // if they are not the text in the usual encoding
	findings []Finding
}

// slips yields the variants of one kind.
type slips func(text []rune) iter.Seq[variant]

// slipKind is a stage of a plan for a password.
type slipKind struct {
	name  string
	slips slips
	count int // 0 to count them one by one
}

// maxPassword bounds the characters of a password; sc-hsm-tool takes fewer.
const maxPassword = 256

// Password plans the search for a password that is nearly the remembered one.
func Password(remembered secret.Bytes) *Plan {
	text, encode := decode(remembered)
	p := &Plan{}
	for _, k := range passwordKinds(text) {
		if len(text) > maxPassword && len(p.Stages) > 0 {
			break
		}
		n := k.count
		if n == 0 {
			for range k.slips(text) {
				n++
			}
		}
		if n <= limit {
			p.add(k.name, n, source{candidates: passwordCandidates(text, encode, k.slips)})
		}
	}
	return p
}

func passwordKinds(text []rune) []slipKind {
	cheap := anySlip(whiteSpace, caseOfAll, otherLayout, caseOfOne, shiftOfOne, exchangedCharacters, extraCharacter, doubledCharacter, neighbourKey)
	n := 0
	for range cheap(text) {
		n++
	}
	return []slipKind{
		{name: "as remembered", slips: noSlip},
		{name: "white space around it", slips: whiteSpace},
		{name: "caps lock", slips: caseOfAll},
		{name: "another encoding", slips: otherEncoding},
		{name: "keyboard of another country", slips: otherLayout},
		{name: "case of one character", slips: caseOfOne},
		{name: "shift key at one character", slips: shiftOfOne},
		{name: "neighbouring characters exchanged", slips: exchangedCharacters},
		{name: "a character too many, or not typed twice", slips: anySlip(extraCharacter, doubledCharacter)},
		{name: "one neighbouring key", slips: neighbourKey},
		{name: "one wrong character", slips: wrongCharacter},
		{name: "one character missing", slips: missingCharacter},
		{name: "two of the likely mistakes", slips: twoSlips(cheap), count: n * n},
		{name: "question marks that stand for any character", slips: wildcards, count: countWildcards(text)},
	}
}

func passwordCandidates(text []rune, encode encoding, s slips) func(context.Context) iter.Seq[candidate] {
	return func(context.Context) iter.Seq[candidate] {
		return func(yield func(candidate) bool) {
			for v := range s(text) {
				b := v.bytes
				if b == nil {
					b = encode(v.text)
				}
				if len(b) == 0 {
					continue
				}
				password := secret.Bytes(b)
				if !yield(candidate{password, func() Reading { return Reading{Password: password.Clone(), Findings: v.findings} }}) {
					return
				}
			}
		}
	}
}

func passwordFinding(kind Kind, position int) []Finding {
	return []Finding{{Sheet: -1, Field: "password", Kind: kind, Position: position}}
}

func noSlip(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) { yield(variant{text: text}) }
}

// anySlip yields the variants of several kinds.
func anySlip(kinds ...slips) slips {
	return func(text []rune) iter.Seq[variant] {
		return func(yield func(variant) bool) {
			for _, kind := range kinds {
				for v := range kind(text) {
					if !yield(v) {
						return
					}
				}
			}
		}
	}
}

// twoSlips supposes two mistakes. The position of the second one is that in the
// password with the first one corrected.
func twoSlips(kind slips) slips {
	return func(text []rune) iter.Seq[variant] {
		return func(yield func(variant) bool) {
			for first := range kind(text) {
				for second := range kind(first.text) {
					second.findings = slices.Concat(first.findings, second.findings)
					if !yield(second) {
						return
					}
				}
			}
		}
	}
}

// whole yields texts that differ in more than one character.
func whole(text []rune, kind Kind, others ...[]rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for _, other := range others {
			if !slices.Equal(other, text) && !yield(variant{text: other, findings: passwordFinding(kind, 0)}) {
				return
			}
		}
	}
}

func whiteSpace(text []rune) iter.Seq[variant] {
	s := string(text)
	around := [][]rune{[]rune(strings.TrimSpace(s)), []rune(strings.TrimRight(s, "\r\n")), []rune(strings.TrimRightFunc(s, unicode.IsSpace)), []rune(strings.TrimLeftFunc(s, unicode.IsSpace))}
	for _, end := range []string{"\n", "\r\n", " ", "\r", "\t"} {
		around = append(around, []rune(s+end))
	}
	return whole(text, WhiteSpace, append(around, []rune(" "+s))...)
}

func caseOfAll(text []rune) iter.Seq[variant] {
	inverted := slices.Clone(text)
	for i, r := range inverted {
		inverted[i] = otherCase(r)
	}
	s := string(text)
	return whole(text, CapsLock, inverted, []rune(strings.ToLower(s)), []rune(strings.ToUpper(s)))
}

func otherLayout(text []rune) iter.Seq[variant] {
	var others [][]rune
	for _, l := range otherLayouts {
		others = append(others, onLayout(text, l[0], l[1]), onLayout(text, l[1], l[0]))
	}
	return whole(text, KeyboardLayout, others...)
}

// otherEncoding yields a text that is not ASCII in other encodings, and with
// its letters composed or decomposed.
func otherEncoding(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		if !slices.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
			return
		}
		texts := [][]rune{text, compose(text), decompose(text)}
		if b := asLatin1(text); b != nil { // UTF-8 that was read as Latin-1
			again, _ := decode(b)
			texts = append(texts, again)
		}
		for _, other := range texts {
			for _, encode := range []encoding{asUTF8, asLatin1, asCodePage850} {
				v := variant{text: other, bytes: encode(other), findings: passwordFinding(Encoding, 0)}
				if v.bytes != nil && !yield(v) {
					return
				}
			}
		}
	}
}

// replacements yields texts with one character replaced.
func replacements(text []rune, kind Kind, options func(rune) []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for i, r := range text {
			for _, o := range options(r) {
				if o == r {
					continue
				}
				other := slices.Clone(text)
				other[i] = o
				if !yield(variant{text: other, findings: passwordFinding(kind, i+1)}) {
					return
				}
			}
		}
	}
}

func caseOfOne(text []rune) iter.Seq[variant] {
	return replacements(text, OtherCase, func(r rune) []rune { return []rune{otherCase(r)} })
}

func shiftOfOne(text []rune) iter.Seq[variant] { return replacements(text, ShiftKey, shiftPartners) }

func neighbourKey(text []rune) iter.Seq[variant] { return replacements(text, NeighbourKey, neighbours) }

func wrongCharacter(text []rune) iter.Seq[variant] {
	all := printable()
	return replacements(text, WrongCharacter, func(rune) []rune { return all })
}

// printable are the characters of ASCII that can be typed.
func printable() (all []rune) {
	for r := ' '; r <= '~'; r++ {
		all = append(all, r)
	}
	return all
}

func exchangedCharacters(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for i := range max(0, len(text)-1) {
			other := slices.Clone(text)
			other[i], other[i+1] = other[i+1], other[i]
			if other[i] != text[i] && !yield(variant{text: other, findings: passwordFinding(ExchangedCharacter, i+1)}) {
				return
			}
		}
	}
}

func extraCharacter(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for i := range text {
			v := variant{text: slices.Concat(text[:i], text[i+1:]), findings: passwordFinding(ExtraCharacter, i+1)}
			same := i > 0 && text[i] == text[i-1]
			if !same && !yield(v) {
				return
			}
		}
	}
}

// doubledCharacter types a character once more.
func doubledCharacter(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		for i := range text {
			v := variant{text: slices.Insert(slices.Clone(text), i, text[i]), findings: passwordFinding(MissingCharacter, i+1)}
			same := i > 0 && text[i] == text[i-1]
			if !same && !yield(v) {
				return
			}
		}
	}
}

func missingCharacter(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		all := printable()
		for i := range len(text) + 1 {
			for _, r := range all {
				v := variant{text: slices.Insert(slices.Clone(text), i, r), findings: passwordFinding(MissingCharacter, i)}
				if !yield(v) {
					return
				}
			}
		}
	}
}

// wildcards puts all printable characters in the place of every question mark.
func wildcards(text []rune) iter.Seq[variant] {
	return func(yield func(variant) bool) {
		all, at := printable(), questionMarks(text)
		if len(at) == 0 {
			return
		}
		sizes := make([]int, len(at))
		var findings []Finding
		for n, i := range at {
			sizes[n] = len(all)
			findings = append(findings, passwordFinding(Wildcard, i+1)...)
		}
		for choice := range product(sizes) {
			other := slices.Clone(text)
			for n, i := range at {
				other[i] = all[choice[n]]
			}
			if !yield(variant{text: other, findings: findings}) {
				return
			}
		}
	}
}

func questionMarks(text []rune) (at []int) {
	for i, r := range text {
		if r == '?' {
			at = append(at, i)
		}
	}
	return at
}

// countWildcards is how many variants wildcards yields.
func countWildcards(text []rune) int {
	if len(questionMarks(text)) == 0 {
		return 0
	}
	n := 1
	for range questionMarks(text) {
		n = times(n, len(printable()))
	}
	return n
}
