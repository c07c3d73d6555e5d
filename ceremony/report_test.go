package ceremony_test

import (
	"bytes"
	"html"
	"strings"
	"testing"

	"conclave/ceremony/evidence"
	"conclave/ceremony/report"
	"conclave/ceremony/transcript"
)

// reported wants the report of a ceremony to have every step with the entry that says it
// is done, every hash of a key, and every exception.
func (h held) reported(t *testing.T) {
	found, err := evidence.Verify(h.bundle, h.paper)
	if err != nil {
		t.Fatal(err)
	}
	source := report.Source{Evidence: found, Options: h.paper, Tool: "1.4.0"}
	page, err := report.HTML(source)
	if err != nil {
		t.Fatal(err)
	}
	if pdf, err := report.PDF(source); err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("the PDF: %v", err)
	}
	text := html.UnescapeString(string(page))
	said := func(what, want string) {
		if want != "" && !strings.Contains(text, want) {
			t.Errorf("it does not have %s, %q", what, want)
		}
	}
	for _, s := range h.plan.Steps() {
		said("the step", s.Title)
	}
	for _, e := range h.entries {
		if e.Kind == transcript.Exception || strings.HasSuffix(e.Text, " the room") {
			said("the text of an entry", e.Text)
		}
		for _, name := range []string{"public key sha256", "wrapped key sha256", "certificate sha256", "crl sha256", "device serial", "device version", "recording", "recording sha256", "key file sha256"} {
			if e.Kind == transcript.Done && e.Facts[name] != "none" {
				said("the fact "+name+" of "+e.Step, e.Facts[name])
			}
		}
	}
}
