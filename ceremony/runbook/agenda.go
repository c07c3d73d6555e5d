package runbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"conclave/ceremony/plan"
)

// agenda is when what is done, and who must be in the room.
type agenda struct {
	Zones []string // of the times, as heads of their columns
	Rows  []agendaRow
	End   []string // the time in each zone
	Total string
}

type agendaRow struct {
	Times             []string
	Steps, What, Whom string
	Minutes           int
}

func agendaOf(p *plan.Plan) (a agenda) {
	a.Zones = []string{"UTC"}
	if _, offset := p.Start.Zone(); offset != 0 {
		a.Zones = []string{strings.TrimSuffix(p.Start.Format("UTC-07:00"), ":00"), "UTC"}
	}
	items := p.Agenda()
	for _, item := range items {
		row := agendaRow{Times: a.clock(p, item.Begin), What: "Break: two people stay with devices and computer", Minutes: int(item.Took.Minutes())}
		if !item.IsBreak() {
			row.Steps, row.What, row.Whom = span(item.First, item.Last), strings.Join(item.Titles, "; "), whom(p, item.Called)
			if before := formerIn(p); before > 0 && item.First <= before && before <= item.Last {
				row.Whom += fmt.Sprintf(", and %d who have sheets until now", p.Change.Before.Threshold)
			}
		}
		a.Rows = append(a.Rows, row)
	}
	end := items[len(items)-1].End()
	a.End, a.Total = a.clock(p, end), hours(end.Sub(p.Start))
	return a
}

// clock is a time in each of the zones; on another day than the first, with that.
func (a agenda) clock(p *plan.Plan, t time.Time) (times []string) {
	for i := range a.Zones {
		at, begin := t, p.Start
		if i == len(a.Zones)-1 {
			at, begin = at.UTC(), begin.UTC()
		}
		form := "15:04"
		if at.YearDay() != begin.YearDay() {
			form = "Mon 15:04"
		}
		times = append(times, at.Format(form))
	}
	return times
}

// whom names the custodians who are called; those whose names are long by their numbers.
func whom(p *plan.Plan, called []int) string {
	switch len(called) {
	case 0:
		return "no one else"
	case len(p.People.Custodians):
		return "all custodians"
	}
	var names []string
	for _, n := range called {
		names = append(names, p.People.Custodians[n-1])
	}
	const twoLines = 40
	if text := strings.Join(names, ", "); utf8.RuneCountInString(text) <= twoLines {
		return text
	}
	return "custodians " + ranges(called)
}

func hours(d time.Duration) string {
	text := fmt.Sprintf("%d min", int(d.Minutes())%60)
	if h := int(d.Hours()); h > 0 {
		text = fmt.Sprintf("%d h ", h) + text
	}
	return text
}

// ranges writes ascending numbers, as 1–3, 7.
func ranges(numbers []int) string {
	var all []string
	for len(numbers) > 0 {
		n := 1
		for n < len(numbers) && numbers[n] == numbers[0]+n {
			n++
		}
		all = append(all, span(numbers[0], numbers[n-1]))
		numbers = numbers[n:]
	}
	return strings.Join(all, ", ")
}

func span(first, last int) string {
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d–%d", first, last)
}

// word is one that not everyone in the room knows.
type word struct{ Word, Meaning string }

// words are those that come up in the steps of this ceremony.
func words(steps []paperStep) (used []word) {
	var text strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&text, s.Title, s.Do, s.Expect, s.Write)
	}
	said := strings.ToLower(text.String())
	for _, w := range []word{
		{"CRL", "certificate revocation list: which certificates of a CA are not good any more."},
		{"DKEK", "device key encryption key: keys leave a device only encrypted under it. It is in the share file, which custodians open with their sheets."},
		{"Key check value", "16 digits made from a DKEK, which name it. They need no more: whoever had another DKEK with the same ones could not open a key with it."},
		{"SO-PIN", "security officer PIN: initialises a device, which erases it."},
		{"Wrapped key", "a key encrypted under the DKEK: its backup."},
	} {
		if strings.Contains(said, strings.ToLower(w.Word)) {
			used = append(used, w)
		}
	}
	return slices.Clip(used)
}
