package report

import (
	"strconv"

	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// movements is who came into the room, and went, while the ceremony was held.
func (r record) movements() section {
	s := section{Title: "Who entered and left", Note: "As it was written down during the ceremony. Who was there when it began, the roll says.",
		Table: &table{Titles: []string{"Time (UTC)", "What", "Written down by", "Entry"}, Widths: []int{22, 40, 26, 12}}}
	for _, e := range r.Entries {
		if e.Kind == transcript.Note && factsOf[step.NoteFacts](r, e).Moves() {
			s.Table.Rows = append(s.Table.Rows, []string{clock(e.Time), e.Text, e.By, strconv.FormatInt(e.Index, 10)})
		}
	}
	if len(s.Table.Rows) == 0 {
		return section{Title: s.Title, Note: "Nothing was written down."}
	}
	return s
}

// room is where the ceremony was held, by which clock, and what there is of it.
func (r record) room() section {
	s := section{Title: "Room, clock and recording", Facts: []fact{{Name: "Room", Text: r.place()}}}
	if e := r.last(transcript.Done, step.Open.ID()); e != nil {
		watch := of[step.OpenFacts](r, step.Open.ID()).Watch
		s.Facts = append(s.Facts, fact{Name: "Clock", Text: "At " + moment(e.Time) + " by the computer the watch had: " + watch})
	}
	closing := of[step.CloseFacts](r, step.Close.ID())
	recording := fact{Name: "Recording", Text: orNotInEvidence(closing.Recording)}
	if closing.RecordingSum != step.NoRecording {
		recording.Text, recording.Sums = recording.Text+", SHA-256 of the file", sums(step.Sum(closing.RecordingSum))
	}
	s.Facts = append(s.Facts, recording)
	return s
}

func orNotInEvidence(text string) string {
	if text == "" {
		return "not in the evidence"
	}
	return text
}
