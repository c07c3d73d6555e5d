// Package watch reads the time that people read from a watch, and says how far it is
// from a computer's clock. Begin with [Read]. It looks at no clock itself: whoever
// verifies a ceremony years later reads again what was typed, beside the clock of then.
package watch

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Limit is how far a watch and a clock may be apart, and still agree.
const Limit = 5 * time.Minute

// Reading is a time by a watch, beside the clock of a computer.
type Reading struct {
	Time  time.Time     // in the zone in which it was read
	Ahead time.Duration // of the clock; negative where the watch is behind
}

// Apart says whether watch and clock do not agree.
func (r Reading) Apart() bool { return r.Ahead.Abs() > Limit }

// String says how far they are apart.
func (r Reading) String() string {
	switch {
	case r.Ahead == 0:
		return "the watch and the computer's clock agree"
	case r.Ahead < 0:
		return "the watch is " + words(-r.Ahead) + " behind the computer's clock"
	}
	return "the watch is " + words(r.Ahead) + " ahead of the computer's clock"
}

// words writes a duration in its two largest units.
func words(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		n := d / unit.of
		d -= n * unit.of
		if n == 1 {
			parts = append(parts, "1 "+unit.name)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
	}
	return strings.Join(parts[:min(2, len(parts))], " ")
}

// Read reads a time such as 14:05, 2:05 pm, 14:05:30 CET or 2027-01-15 14:05+01:00.
// Without a date it is the one that is nearest to the clock. Without a zone it is in
// the clock's, or in UTC if that is nearer: some set the watch of a ceremony so. A
// watch that shows no seconds is compared with the minute of the clock.
func Read(text string, clock time.Time) (Reading, error) {
	const number, zone = `([0-9]{1,2})`, `(z|[a-z]{3,4})? ?([+-][0-9]{1,2}(?::?[0-9]{2})?)?`
	form := regexp.MustCompile(`^(?:([0-9]{4}-[0-9]{2}-[0-9]{2})[t ])?` + number + `[:.h]([0-9]{2})(?:[:.]([0-9]{2}))? ?(?:([ap])\.?m\.?)? ?` + zone + `$`)
	folded := strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(text)), " "))
	parts := form.FindStringSubmatch(strings.ReplaceAll(folded, "\u2212", "-"))
	if parts == nil {
		return Reading{}, fmt.Errorf("%q is not a time by a watch; one such as 14:05, 2:05 pm, 14:05 CET or 14:05+01:00 was expected", text)
	}
	seconds, err := ofDay(parts[2], parts[3], parts[4], parts[5])
	if err != nil {
		return Reading{}, fmt.Errorf("%q: %w", text, err)
	}
	zones, err := zonesOf(parts[6], parts[7], clock)
	if err != nil {
		return Reading{}, fmt.Errorf("%q: %w", text, err)
	}
	if parts[4] == "" {
		clock = clock.Truncate(time.Minute)
	}
	return nearest(parts[1], seconds, zones, clock.Truncate(time.Second))
}

// ofDay gives the time of the day that hour, minute and second make.
func ofDay(hour, minute, second, half string) (time.Duration, error) {
	var n [3]int
	for i, text := range []string{hour, minute, second} {
		n[i], _ = strconv.Atoi(text) // digits, or nothing
	}
	switch {
	case half != "" && (n[0] < 1 || n[0] > 12):
		return 0, fmt.Errorf("the hour is %d; 1 to 12 was expected before am or pm", n[0])
	case n[0] > 23 || n[1] > 59 || n[2] > 59:
		return 0, fmt.Errorf("there is no such time of the day; 0:00 to 23:59 was expected")
	case half != "":
		n[0] %= 12
	}
	if half == "p" {
		n[0] += 12
	}
	return time.Duration(n[0])*time.Hour + time.Duration(n[1])*time.Minute + time.Duration(n[2])*time.Second, nil
}

// nearest is the reading in one of the zones, and on one of the days where none was
// said, that is nearest to the clock; of two, the first.
func nearest(date string, ofDay time.Duration, zones []*time.Location, clock time.Time) (best Reading, err error) {
	found := false
	for _, zone := range zones {
		for _, days := range []int{0, -1, 1} {
			there := clock.In(zone)
			day := time.Date(there.Year(), there.Month(), there.Day()+days, 0, 0, 0, 0, zone)
			if date != "" {
				if day, err = time.ParseInLocation(time.DateOnly, date, zone); err != nil {
					return Reading{}, fmt.Errorf("%s is not a day", date)
				}
			}
			at := day.Add(ofDay)
			if r := (Reading{at, at.Sub(clock)}); !found || r.Ahead.Abs() < best.Ahead.Abs() {
				best, found = r, true
			}
		}
	}
	return best, nil
}
