package report

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/pgpwords"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// content is what a report says, before it has a form.
type content struct {
	Kind, Name, Digest string
	Note               string // of a rehearsal
	Verdict            string // how far the evidence can be relied on
	Facts              []fact
	Sections           []section
}

// section is a part of a report, with a heading. What it has comes in this order.
type section struct {
	Title, Note string
	OnNewPage   bool
	Facts       []fact
	Words       []string // of a hash
	List        []string
	Table       *table
	Parts       []section // with headings of their own
}

// fact is a name and what is so called. There may be hashes below it.
type fact struct {
	Name, Text string
	Sums       []string
}

// table is one whose columns have titles and widths, in parts of the whole.
type table struct {
	Titles []string
	Widths []int // percent
	Blank  bool  // it is filled in by hand
	Rows   [][]string
}

func (s Source) content() (content, error) {
	if err := s.check(); err != nil {
		return content{}, fmt.Errorf("report: %w", err)
	}
	r := record{s.Evidence, s.Evidence.Plan}
	c := content{
		Kind: "Key ceremony report", Name: r.plan.Ceremony, Digest: hex.EncodeToString(r.Closing[:4]),
		Verdict: r.verdict(), Facts: r.cover(s),
	}
	if r.plan.Practice {
		c.Note = "A rehearsal. Nothing in this report is in force."
	}
	c.Sections = []section{
		r.fingerprint("Closing", "The SHA-256 of the last signed checkpoint, and so of all that the transcript says.", r.Closing),
		r.fingerprint("Ceremony key", "The fingerprint of the key that has signed each entry of the transcript.", r.Key),
		r.notProved(), r.program(), r.keys(), r.signed(), r.devices(), r.present(), r.led(), r.movements(), r.room(), r.controls(), r.exceptions(), r.interruptions(), r.verified(), r.signatures(),
	}
	c.Sections = slices.DeleteFunc(c.Sections, func(s section) bool { return s.Title == "" })
	return c, nil
}

// record is what evidence tells of a ceremony.
type record struct {
	*evidence.Report
	plan *plan.Plan
}

// verdict says how far the evidence can be relied on.
func (r record) verdict() string {
	switch r.Level() {
	case evidence.Proved:
		return "Proved. All of the evidence is as it was made, going by what is on the paper of the ceremony."
	case evidence.Unproved:
		return fmt.Sprintf("Unproved in part. All of the evidence is as it was made, going by what is on the paper of the ceremony; what is not proved is listed below: %d.", len(r.Unproved))
	}
	return "Unanchored. The evidence fits together, but no one has compared it with the paper of the ceremony for this report: anyone may have made all of it. Compare the words below with the paper."
}

// cover is what the first page says.
func (r record) cover(s Source) []fact {
	facts := []fact{
		{Name: "Place", Text: r.place()},
		{Name: "Held", Text: moment(r.Begin) + " to " + moment(r.End)},
		{Name: "Compared with the paper", Text: compared(s.Options)},
		{Name: "Not proved", Text: strconv.Itoa(len(r.Unproved))},
		{Name: "Exceptions", Text: strconv.Itoa(len(r.Exceptions))},
		{Name: "Made", Text: "by conclave " + s.Tool + ", of the evidence alone"},
	}
	if r.plan.Custody != nil {
		facts = slices.Insert(facts, 2, fact{Name: "Quorum", Text: fmt.Sprintf("any %d of the %d custodians can restore the keys; fewer cannot", r.plan.Custody.Threshold, len(r.plan.People.Custodians))})
	}
	return facts
}

// program is which plan and which program the ceremony followed.
func (r record) program() section {
	opened := r.opening()
	return section{Title: "Plan and program", Facts: []fact{
		{Name: "Plan", Text: evidence.PlanFile + ", SHA-256", Sums: sums(opened.Plan)},
		{Name: "Planned start", Text: moment(r.plan.Start)},
		{Name: "Program", Text: "conclave " + opened.Version + ", whose parts are in " + evidence.SoftwareFile + "; SHA-256 of the program", Sums: sums(opened.Program)},
		{Name: "Kept until", Text: r.plan.KeptUntil().Format("2 January 2006")},
	}}
}

// compared says what the verifier knew from the paper.
func compared(o evidence.Options) string {
	var known []string
	if o.Key != nil {
		known = append(known, "the ceremony key")
	}
	if o.Closing != nil {
		known = append(known, "the closing")
	}
	if known == nil {
		return "nothing"
	}
	return strings.Join(known, " and ")
}

func (r record) place() string {
	if r.plan.Place == "" {
		return "The plan names none"
	}
	return r.plan.Place
}

// moment writes a time as the transcript has it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// clock writes one where it is said that all times are in UTC.
func clock(t time.Time) string { return t.UTC().Format(time.DateTime) }

func (r record) fingerprint(title, note string, sum [32]byte) section {
	return section{Title: title, Note: note, Facts: []fact{{Name: "SHA-256", Sums: []string{hex.EncodeToString(sum[:])}}}, Words: pgpwords.Words(sum[:])}
}

func (r record) notProved() section {
	if len(r.Unproved) == 0 {
		return section{Title: "What is not proved", Note: "Nothing: the verification leaves nothing open that a ceremony can prove."}
	}
	return section{Title: "What is not proved", Note: "What a ceremony can prove, and this evidence does not.", List: r.Unproved}
}

// verified is what the verification has shown, in its words.
func (r record) verified() section {
	return section{Title: "What was verified", Note: "What the verification has found to be so, in its own words.", List: r.Shown}
}

// opening are the facts of the entry that opens the transcript.
func (r record) opening() (opened step.Opened) {
	return factsOf[step.Opened](r, r.Entries[0])
}

// factsOf reads the facts of an entry, which were verified.
func factsOf[T any](r record, e transcript.Entry) (facts T) {
	_ = step.Read(e.Facts, r.Facts.Schema, &facts)
	return facts
}

// of gives the facts of a step.
func of[T any](r record, id string) T { return evidence.Of[T](r.Facts, id) }

// last is the last entry of a kind in a step, nil if there is none.
func (r record) last(kind transcript.Kind, id string) *transcript.Entry {
	for i := len(r.Entries) - 1; i >= 0; i-- {
		if e := &r.Entries[i]; e.Kind == kind && e.Step == id {
			return e
		}
	}
	return nil
}

// where is how a report refers to an entry.
func where(e *transcript.Entry) string {
	text := fmt.Sprintf("Entry %d, %s", e.Index, clock(e.Time))
	if e.Step != "" {
		text += ", " + e.Step
	}
	return text
}
