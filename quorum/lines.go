package quorum

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"conclave/internal/typed"
)

// Lines are what a custodian has typed so far of a code, or of a prime or a share
// value: in the lines in which a sheet shows them, or cut in any other way.
type Lines struct {
	// Sets are the identifiers of the sets whose code may come; none for any.
	Sets []string
	// Number says that a number is wanted, if not a code: digits alone do not begin one
	// of a set that is not known.
	Number bool
	came
	before []came // each line, for undo
}

// came is what has come; it is not changed, but replaced.
type came struct {
	lines  []string
	judged bool // the next line begins anew, unless one of these is taken back
}

// Begun says whether there is a line that is not judged yet.
func (l *Lines) Begun() bool { return len(l.lines) > 0 && !l.judged }

// Add takes a line. One that begins with the numbers of its groups, as the screen
// shows them, takes the place of what was typed for them before. The error says why
// it was not taken.
func (l *Lines) Add(line string) error {
	first, bare := withoutNumbers(line)
	if first > 0 {
		return l.addNumbered(first, bare)
	}
	if n := count(line); l.judged || len(l.lines) > 0 && l.isCode(false) && n >= codeLength-codeGroup {
		l.Anew(line)
		return nil
	} else if n >= 2*codeGroup && slices.ContainsFunc(l.lines, func(old string) bool { return strings.EqualFold(typed.Bare(old), typed.Bare(line)) }) {
		return fmt.Errorf("this line was typed before; %d characters have come, and what follows them is wanted", l.Count())
	}
	l.become(append(slices.Clone(l.lines), typed.Clean(line)))
	return nil
}

// Anew takes a line that is all there is, whatever came before it.
func (l *Lines) Anew(line string) {
	_, line = withoutNumbers(line)
	l.become([]string{typed.Clean(line)})
}

func (l *Lines) become(lines []string) {
	l.before = append(l.before, l.came)
	l.came = came{lines: lines}
}

func (l *Lines) addNumbered(first int, groups string) error {
	if first == 1 && count(groups) >= codeLength-codeGroup {
		l.Anew(groups)
		return nil
	}
	for i, line := range l.lines {
		if before := count(strings.Join(l.lines[:i], " ")); before != (first-1)*codeGroup {
			continue
		}
		if n := count(groups) - count(line); i < len(l.lines)-1 && max(n, -n) >= codeGroup {
			return fmt.Errorf("%d characters were typed for this line before, and these are %d; type the line again as it was cut, or undo those after it", count(line), count(groups))
		}
		lines := slices.Clone(l.lines)
		lines[i] = groups
		l.become(lines)
		return nil
	}
	if next := l.Count()/codeGroup + 1; l.judged || next != first {
		return fmt.Errorf("the groups from %d on were typed, and those from %d on are wanted", first, next)
	}
	l.become(append(slices.Clone(l.lines), groups))
	return nil
}

// Undo takes the last line back, and says whether there was one. All is as it was
// before that line came.
func (l *Lines) Undo() bool {
	n := len(l.before) - 1
	if n < 0 {
		return false
	}
	l.came, l.before = l.before[n], l.before[:n]
	return true
}

// Judged says that all lines have come, and something is wrong with them. Where there
// are several, one of them can still be taken back or replaced.
func (l *Lines) Judged() {
	if l.judged = len(l.lines) > 1; !l.judged {
		l.Clear()
	}
}

// Clear forgets all lines.
func (l *Lines) Clear() { l.came, l.before = came{}, nil }

// Count is how many digits or characters have come.
func (l *Lines) Count() int { return count(strings.Join(l.lines, " ")) }

// count leaves out what stands between groups. The keyboard may be set wrongly.
func count(text string) int {
	if told := typed.Told(text); told != nil {
		text = told.Text
	}
	return len([]rune(typed.Bare(text)))
}

// Code is the code that has come so far. It is false for anything else; hexadecimal
// digits alone are something else where a prime or a value is asked for, which they
// may be.
func (l *Lines) Code(digits bool) (code string, is bool) {
	return strings.Join(l.lines, " "), l.isCode(digits)
}

func (l *Lines) isCode(digits bool) bool {
	text := strings.Join(l.lines, " ")
	if told := typed.Told(text); told != nil {
		text = told.Text
	}
	if strings.Contains(text, ":") {
		return false
	}
	c := readCode(text)
	letters, others := 0, len(c.erasures)
	for i, r := range c.typed {
		switch {
		case slices.Contains(c.erasures, i) && (symbolOf(lookalike(r)) >= 0 || hexDigit(r) != 0):
			others--
		case symbolOf(r) >= 0 && hexDigit(r) == 0:
			letters++
		}
	}
	const longestValue = 34 // digits of a share value or prime
	switch n := len(c.typed); {
	case n < codeGroup || others > n/codeGroup:
		return false
	case n > longestValue+2:
		return true
	case letters == 0 && (digits || n >= 3*codeGroup):
		return false
	case n >= 3*codeGroup:
		return letters > 2
	}
	return l.beginsCode(c.typed)
}

// beginsCode says whether so few characters are the begin of a code: whole groups, of
// which the first names the set if that is known.
func (l *Lines) beginsCode(begin []rune) bool {
	if len(l.Sets) == 0 {
		number := l.Number && !slices.ContainsFunc(begin, func(r rune) bool { return r < '0' || r > '9' })
		return !number && len(begin)%codeGroup == 0
	}
	return slices.ContainsFunc(l.Sets, func(set string) bool {
		same := 0
		for i, r := range set {
			if symbolOf(lookalike(begin[i])) == symbolOf(r) {
				same++
			}
		}
		return same >= setIDSymbols-1
	})
}

// Missing says how much of a code is still to come; empty if nothing is. A code of
// one line that is a little too short, or of several whose groups do not come out
// even, lacks characters in between.
func (l *Lines) Missing() string {
	n := l.Count()
	groups, more := n/codeGroup, n%codeGroup
	short := n >= codeLength-codeGroup && (len(l.lines) == 1 || more != 0)
	switch {
	case n >= codeLength || short:
		return ""
	case more == 0:
		return fmt.Sprintf("%d of 12 groups; go on with group %d", groups, groups+1)
	}
	return fmt.Sprintf("%d of 12 groups, and %d of the %d characters of group %d; go on there", groups, more, codeGroup, groups+1)
}

// Digits are those of a prime or value that have come so far. What is cut between the
// digits of a pair is one pair.
func (l *Lines) Digits() string {
	if len(l.lines) == 1 {
		return l.lines[0]
	}
	return strings.ReplaceAll(strings.Join(l.lines, ""), ":", "")
}

// withoutNumbers drops the numbers of groups before them, "1-4", and gives the first;
// 0 if there are none.
func withoutNumbers(line string) (first int, rest string) {
	words := strings.Fields(typed.Clean(line))
	var groups []string
	for i, word := range words {
		from, to, found := strings.Cut(strings.TrimRight(word, ".:)"), "-")
		if !found || !areGroups(words[i+1:], from, to) {
			groups = append(groups, word)
		} else if first == 0 {
			first, _ = strconv.Atoi(from)
		}
	}
	if first == 0 {
		return 0, line
	}
	return first, strings.Join(groups, " ")
}

// areGroups says whether the words begin with groups of these numbers.
func areGroups(words []string, from, to string) bool {
	a, err := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if n := b - a + 1; err == nil && err2 == nil && a >= 1 && n >= 1 && b <= codeGroups && n <= len(words) {
		return !slices.ContainsFunc(words[:n], func(w string) bool { return len([]rune(w)) != codeGroup })
	}
	return false
}

// Match is how what was typed compares with the sheet that it is on.
type Match struct {
	Typed      Typed // to be read, where it is whole
	Groups, Of int   // that have come and are right, of so many
	Whole      bool
}

// Match compares what has come with the code and the share value of a sheet, of which
// it may be the begin, or the last line all of it again. A keyboard that is set wrongly
// is understood where letters tell it that no sheet has: Z for Y may as well be on the
// paper. The error says which group is not the one that was shown.
func (l *Lines) Match(sheet Sheet) (Match, error) {
	text, isCode := l.Code(true)
	if m, fits := fitting(text, sheet); fits {
		return m, nil
	}
	if told := typed.Told(text); told != nil {
		if m, fits := fitting(told.Text, sheet); fits {
			return m, nil
		}
	}
	if n := len(l.lines); n > 1 { // all of it again, perhaps
		last := Lines{came: came{lines: l.lines[n-1:]}}
		if m, err := last.Match(sheet); err == nil {
			l.came = last.came
			return m, nil
		}
	}
	for _, other := range typed.Otherwise(text) {
		if _, fits := fitting(other.Text, sheet); fits {
			return Match{}, fmt.Errorf("some letters are not those shown; if they are the same on the sheet, %s: set it to English, and type this again", other.Why)
		}
	}
	m, differs := match(text, sheet.Value, 2, digitOf)
	if isCode {
		m, differs = match(text, sheet.Code, codeGroup, lookalike)
	}
	if differs > m.Of {
		return Match{}, errors.New("this is more than was shown; compare it with the sheet")
	}
	return Match{}, fmt.Errorf("group %d is not the one shown; compare it, and all after it, with the sheet", differs)
}

// fitting says whether a text is the code or the share value, or the begin of it.
func fitting(text string, sheet Sheet) (m Match, fits bool) {
	m, differs := match(text, sheet.Code, codeGroup, lookalike)
	if m.Typed = (Typed{Code: text}); differs == 0 {
		return m, true
	}
	m, differs = match(text, sheet.Value, 2, digitOf)
	m.Typed = Typed{Prime: sheet.Prime, ID: sheet.ID, Value: sheet.Value}
	return m, differs == 0
}

// digitOf is the hexadecimal digit that a character stands for, or itself.
func digitOf(r rune) rune {
	if digit := hexDigit(r); digit != 0 {
		return rune(digit)
	}
	return r
}

// match compares a text with what was shown. It gives the first group that differs, 0
// for none.
func match(text, shown string, size int, read func(rune) rune) (m Match, differs int) {
	_, text = withoutNumbers(text)
	have, want := readRunes(text, read), readRunes(shown, read)
	m = Match{Groups: len(have) / size, Of: (len(want) + size - 1) / size, Whole: len(have) == len(want)}
	for i, r := range have {
		if i >= len(want) || r != want[i] {
			return m, i/size + 1
		}
	}
	if len(have) == 0 {
		return m, 1
	}
	return m, 0
}

func readRunes(text string, read func(rune) rune) (all []rune) {
	for _, r := range typed.Bare(text) {
		all = append(all, unicode.ToLower(read(r)))
	}
	return all
}
