package custodypage

import (
	"fmt"
	"strconv"
	"time"
)

// strip is the time line as it is drawn: lanes below each other, and a mark for each
// moment. Across it goes by percent, so that it is as wide as there is room, and its text
// is not made smaller.
type strip struct {
	Height int
	Today  string // where it is, in percent
	Day    string
	Ticks  []tick
	Lanes  []drawnLane
	Later  string // where what comes after the last year stands
}

// tick is the beginning of a year.
type tick struct{ X, Name string }

// drawnLane is a lane with its name above it.
type drawnLane struct {
	Name     string
	Y, Label int
	Marks    []mark
}

// Above is where the upright lines of a lane begin, below its name.
func (l drawnLane) Above() int { return l.Y - 12 }

// Below is where they end.
func (l drawnLane) Below() int { return l.Y + 12 }

// mark is a moment on the strip.
type mark struct {
	X, Shape, Title string
	Open, Urgent    bool // it has not come yet; it is due, or over
}

// Sizes of the strip: those across in percent, those down in pixels.
const (
	firstX, lastX, laterX = 1.5, 88.0, 95.0
	top, laneHeight       = 30, 46
	yearsAhead            = 5 // how far the strip goes on after today
	mostTicks             = 6
)

// newStrip draws moments from the first one on.
func newStrip(now time.Time, past, ahead []moment) strip {
	scale := newScale(now, past)
	s := strip{Height: top + len(lanes())*laneHeight + 22, Today: percent(scale.x(now)), Day: day(now), Ticks: scale.ticks(), Later: percent(laterX)}
	for i, name := range lanes() {
		l := drawnLane{Name: string(name), Label: top + i*laneHeight + 16, Y: top + i*laneHeight + 32}
		l.Marks = append(scale.marks(name, past, false), scale.marks(name, ahead, true)...)
		s.Lanes = append(s.Lanes, l)
	}
	return s
}

// scale is where a day stands on the strip.
type scale struct{ from, to time.Time }

func newScale(now time.Time, past []moment) scale {
	from := now
	if len(past) > 0 && past[0].Day.Before(now) {
		from = past[0].Day
	}
	return scale{from, now.AddDate(yearsAhead, 0, 0)}
}

// x is in percent; what is after the last year stands apart.
func (s scale) x(t time.Time) float64 {
	switch {
	case t.After(s.to):
		return laterX
	case t.Before(s.from):
		return firstX
	}
	return firstX + (lastX-firstX)*float64(t.Sub(s.from))/float64(s.to.Sub(s.from))
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

// ticks are the beginnings of years, as many as have room on a phone.
func (s scale) ticks() (all []tick) {
	first, last := s.from.UTC().Year()+1, s.to.UTC().Year()
	every := 1
	for (last-first)/every >= mostTicks {
		every++
	}
	for year := first; year <= last; year += every {
		all = append(all, tick{percent(s.x(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))), strconv.Itoa(year)})
	}
	return all
}

// marks are those of a lane.
func (s scale) marks(in lane, moments []moment, open bool) (all []mark) {
	for _, m := range moments {
		if m.Lane == in {
			all = append(all, mark{percent(s.x(m.Day)), shapeOf(in), fmt.Sprintf("%s: %s", day(m.Day), m.What), open, m.Mark != ""})
		}
	}
	return all
}

// shapeOf is the outline of a mark, around its middle.
func shapeOf(l lane) string {
	switch l {
	case changes:
		return "M0-7 7 0 0 7-7 0Z"
	case drills:
		return "M0-6.5 6.5 5.5H-6.5Z"
	case crls:
		return "M-5-5H5V5H-5Z"
	}
	return "M-5.5-6H5.5L0 6.5Z"
}
