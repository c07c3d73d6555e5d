package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// closed checks what the close has counted, and what it says of the recording.
func (v *verifier) closed(id string) {
	facts := Of[step.CloseFacts](v.facts, id)
	v.watch(id, facts.Watch, facts.Clock, facts.Ahead)
	if v.facts.Schema >= 2 {
		v.agrees(TranscriptFile, id, "schema", strconv.Itoa(facts.Schema), strconv.Itoa(v.facts.Schema))
	}
	v.agrees(TranscriptFile, id, "exceptions", strconv.Itoa(facts.Exceptions), strconv.Itoa(v.counted))
	if v.facts.Schema >= 3 {
		v.recording(id, facts)
	}
}

// recording wants the hash to be that of the file, if it is in the bundle, and an
// exception where there is no recording, and one was planned.
func (v *verifier) recording(id string, facts step.CloseFacts) {
	const fact = "recording sha256"
	none := facts.Recording == step.NoRecording
	sum, err := hex.DecodeString(facts.RecordingSum)
	switch hashed := err == nil && len(sum) == sha256.Size; {
	case v.bundle.has(facts.Recording):
		v.agrees(facts.Recording, id, fact, facts.RecordingSum, v.sum(facts.Recording))
	case facts.RecordingSum != step.NoRecording && (none || !hashed):
		v.problem(TranscriptFile, "step %s, fact %q: it is %s; %s was expected, or the SHA-256 of a file", id, fact, facts.RecordingSum, step.NoRecording)
	}
	told := slices.ContainsFunc(v.last(id, transcript.Exception), func(e transcript.Entry) bool { return e.Text == step.NotRecorded && e.By == "" }) // no one's own words
	if told != (none && v.plan.Recording) {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s, the plan wants one: %v, and an exception says that there is none: %v", id, "recording", facts.Recording, v.plan.Recording, told)
	}
	if none {
		v.shown("recording of the whole: none")
		return
	}
	v.shown("recording of the whole: %s, SHA-256 %s", facts.Recording, facts.RecordingSum)
}
