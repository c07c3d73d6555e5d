// Package calendar writes the dates that a ceremony leaves to people, renewals
// and tests of backups, as a file that calendar programs take (RFC 5545). Each is
// an [Event], which lasts a whole day; plan.Plan.Schedule says which days those are.
// It invites no one and sends nothing.
package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
)

// Event is a whole day on which something is to be done.
type Event struct {
	UID         string // unique in the world; the same again replaces the event (section 3.8.4.7)
	Summary     string // one line
	Description string // lines end in \n
	Date        time.Time
	Yearly      bool  // again on that day of each year, without end
	Remind      []int // whole days before, 0 for the start of the day itself
}

// Bytes is a file with the events in their order, made at a time to the
// second. The day of a Date is that in its own zone. The same arguments give
// the same bytes.
func Bytes(events []Event, made time.Time) ([]byte, error) {
	if len(events) == 0 {
		return nil, errors.New("calendar: no events; a file has at least one (RFC 5545 section 3.6)")
	}
	c := ics.NewCalendar()
	c.SetProductId("-//conclave//ceremony//EN")
	seen := map[string]bool{}
	for _, e := range events {
		if seen[e.UID] {
			return nil, fmt.Errorf("calendar: event %q is there twice; give each a UID of its own", e.UID)
		}
		seen[e.UID] = true
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("calendar: event %q: %w", e.UID, err)
		}
		c.AddVEvent(e.component(made))
	}
	return []byte(c.Serialize(ics.WithNewLineWindows)), nil
}

// check refuses what a calendar program would read differently, or not at all.
func (e Event) check() error {
	for name, text := range map[string]string{"UID": e.UID, "summary": e.Summary} {
		if text == "" || !isText(text) {
			return fmt.Errorf("%s is %q; one line of text was expected", name, text)
		}
	}
	if !isText(strings.ReplaceAll(e.Description, "\n", "")) {
		return fmt.Errorf("description is %q; lines of text that end in \\n were expected", e.Description)
	}
	if year := e.Date.Year(); year < 1 || year > 9999 {
		return fmt.Errorf("the year %d does not have four digits", year)
	}
	if e.Yearly && e.Date.Month() == time.February && e.Date.Day() == 29 {
		return errors.New("29 February does not come each year; choose the 28th")
	}
	for _, days := range e.Remind {
		if days < 0 {
			return fmt.Errorf("a reminder %d days before; 0 or more were expected", days)
		}
	}
	return nil
}

// isText says whether text is UTF-8 without control characters other than the tab
// (RFC 5545 section 3.1).
func isText(text string) bool {
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return utf8.ValidString(text) && !strings.ContainsFunc(text, control)
}

// component is the event as a VEVENT (RFC 5545 section 3.6.1), which lasts its
// day and leaves people free in it.
func (e Event) component(made time.Time) *ics.VEvent {
	v := ics.NewEvent(e.UID)
	v.SetDtStampTime(made)
	v.SetAllDayStartAt(e.Date)
	v.SetSummary(e.Summary)
	if e.Description != "" {
		v.SetDescription(e.Description)
	}
	v.SetTimeTransparency(ics.TransparencyTransparent)
	if e.Yearly {
		v.AddRrule("FREQ=YEARLY")
	}
	for _, days := range e.Remind {
		alarm := v.AddAlarm()
		alarm.SetAction(ics.ActionDisplay)
		alarm.SetDescription(e.Summary) // which DISPLAY wants, section 3.6.6
		alarm.SetTrigger(fmt.Sprintf("-P%dD", days))
	}
	return v
}
