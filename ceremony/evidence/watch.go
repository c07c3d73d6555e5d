package evidence

import (
	"strconv"
	"time"

	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/ceremony/watch"
)

// watch reads again what was read from a watch, beside the clock of the computer, and
// wants an exception where the two were far apart, and no other.
func (v *verifier) watch(id, text, clock string, ahead int) {
	if v.facts.Schema < 3 {
		return
	}
	at, err := time.Parse(time.RFC3339, clock)
	if err != nil || at.Format(time.RFC3339) != clock {
		v.problem(TranscriptFile, "step %s, fact %q: it is %q; a time such as %s was expected", id, "computer's clock", clock, time.RFC3339)
		return
	}
	v.during(id, at)
	reading, err := watch.Read(text, at)
	if err != nil {
		v.problem(TranscriptFile, "step %s, fact %q: %v", id, "time by the watch", err)
		return
	}
	v.agrees(TranscriptFile, id, "watch ahead", strconv.Itoa(ahead), strconv.Itoa(int(reading.Ahead/time.Second)))
	told := 0
	for _, e := range v.last(id, transcript.Exception) {
		if facts := read[step.ExceptionFacts](v, e); facts.Ahead != 0 {
			told = facts.Ahead
		}
	}
	want := 0
	if reading.Apart() {
		want = ahead
	}
	if told != want {
		v.problem(TranscriptFile, "step %s, fact %q: %s, and an exception has %d seconds; one is expected where it is more than five minutes, and nowhere else", id, "watch ahead", reading, told)
	}
	v.shown("step %s: %s", id, reading)
}

// during wants the clock of the computer to have shown a time of the last attempt of
// a step, unless it was put back meanwhile.
func (v *verifier) during(id string, at time.Time) {
	entries := v.said[id].last
	for _, e := range v.last(id, transcript.Exception) {
		if read[step.ExceptionFacts](v, e).Clock != "" {
			return
		}
	}
	if len(entries) > 0 && (at.Before(entries[0].Time) || at.After(entries[len(entries)-1].Time)) {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s; a time from %s to %s was expected", id, "computer's clock", Clock(at), Clock(entries[0].Time), Clock(entries[len(entries)-1].Time))
	}
}
