package plan

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"conclave/ceremony/step"
)

// Item is a line of the agenda: steps one after the other for which the same people
// must be in the room, or a break.
type Item struct {
	Begin       time.Time // in the zone of the plan's start
	Took        time.Duration
	First, Last int      // numbers of the steps; 0 for a break
	Titles      []string // of the steps
	Called      []int    // numbers of the custodians who must be in the room
}

// End is when the item is over.
func (i Item) End() time.Time { return i.Begin.Add(i.Took) }

// IsBreak says whether nothing is done.
func (i Item) IsBreak() bool { return i.First == 0 }

// How an agenda is divided.
const (
	longItem    = 30 * time.Minute // steps are put into one line up to this
	sitting     = 2 * time.Hour    // how long people work before a break
	withoutRest = 3 * time.Hour    // a ceremony up to this has none
	breakTime   = 15 * time.Minute
)

// Agenda says when which steps come and who is needed for them, if the ceremony begins
// as planned. It is an estimate: see pace.
func (p *Plan) Agenda() []Item {
	items, total := script{p}.items()
	if total > withoutRest {
		items = withBreaks(items)
	}
	at := p.Start
	for i := range items {
		items[i].Begin = at
		at = items[i].End()
	}
	return items
}

// StepsOf are the numbers of the steps that a custodian must be in the room for.
func (p *Plan) StepsOf(custodian int) (numbers []int) {
	for i, s := range p.Steps() {
		if slices.Contains(script{p}.called(s), custodian) {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

// called are the custodians who must be in the room: those whom the step calls, and those
// whom it names because they type a PIN; where it is theirs and says no more, all of them.
func (p script) called(s step.Step) (numbers []int) {
	for i, name := range p.People.Custodians {
		if slices.Contains(s.Called, i+1) || names(s.Do, name) {
			numbers = append(numbers, i+1)
		}
	}
	if s.By == step.Custodians && numbers == nil {
		return p.custodians()
	}
	return numbers
}

// names says whether a name is in lines, and not as a part of another word.
func names(lines []string, name string) bool {
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for _, line := range lines {
		if before, after, found := strings.Cut(line, name); found {
			last, _ := utf8.DecodeLastRuneInString(before)
			first, _ := utf8.DecodeRuneInString(after)
			if !inWord(last) && !inWord(first) {
				return true
			}
		}
	}
	return false
}

// items are the lines without breaks and without times.
func (p script) items() (items []Item, total time.Duration) {
	for i, s := range p.Steps() {
		next := Item{Took: p.takes(s), First: i + 1, Last: i + 1, Titles: []string{s.Title}, Called: p.called(s)}
		total += next.Took
		if last := len(items) - 1; last >= 0 && slices.Equal(items[last].Called, next.Called) && items[last].Took+next.Took <= longItem {
			items[last].Took += next.Took
			items[last].Last, items[last].Titles = i+1, append(items[last].Titles, s.Title)
			continue
		}
		items = append(items, next)
	}
	return items, total
}

// withBreaks puts a break before what would make people sit for too long; none before the
// last of all.
func withBreaks(items []Item) (all []Item) {
	var sat time.Duration
	for i, item := range items {
		if sat > 0 && sat+item.Took > sitting && i < len(items)-1 {
			all, sat = append(all, Item{Took: breakTime}), 0
		}
		all, sat = append(all, item), sat+item.Took
	}
	return all
}

// takes is how long a step takes.
func (p script) takes(s step.Step) time.Duration {
	pace := p.pace(s.Action)
	return time.Duration(pace.step+pace.line*len(s.Do)+pace.custodian*len(p.called(s))) * time.Minute
}

// pace is how many minutes go with a step itself, with each line of what is done in it,
// and with each custodian who is called. What the program does takes seconds, as
// rehearsals show: the whole of the example's is over in less than a minute, and an RSA
// key in a card adds one or two. So these are people's minutes, and rather too many: those
// who must come later had better wait than be waited for.
type pace struct{ step, line, custodian int }

func (p script) pace(a step.Action) pace {
	const wordsOfAHash = 3 // 32 of them, read and compared, or written down
	switch a {
	case step.Open:
		return pace{step: 5 + wordsOfAHash*(3+len(p.Inputs())+len(p.KeyFiles()))} // of plan, program and ceremony key
	case step.RollCall:
		return pace{step: 2, line: 1}
	case step.Share:
		own := 5
		if p.Change != nil && p.Change.Before != nil {
			own += 4 * p.Change.Before.Threshold // who type the sheets of until now
		}
		if p.Custody.Printer == "" {
			return pace{step: own, custodian: 10} // 48 characters are copied, and typed
		}
		return pace{step: own, custodian: 5}
	case step.Decide:
		return pace{step: 20}
	case step.Certify:
		return pace{step: 6, line: 2} // each field is compared
	case step.Seal:
		return pace{step: 2, line: 2} // a line for each bag
	case step.Close:
		return pace{step: 10, line: 2, custodian: 1} // who signs
	}
	return pace{step: 2, line: 2, custodian: 4}
}
