package report

import (
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// movements is who entered and left the room.
func (r record) movements() section { return section{} }

// room is where the ceremony was held, by which clock, and what there is of it.
func (r record) room() section {
	s := section{Title: "Room, clock and recording", Facts: []fact{{Name: "Room", Text: r.place()}}}
	if e := r.last(transcript.Done, step.Open.ID()); e != nil {
		watch := of[step.OpenFacts](r, step.Open.ID()).Watch
		s.Facts = append(s.Facts, fact{Name: "Clock", Text: "At " + moment(e.Time) + " by the computer the watch had: " + watch})
	}
	return s
}
