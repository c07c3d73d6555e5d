package calendar

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"conclave/internal/foreign"
)

var made = time.Date(2026, 6, 1, 14, 0, 0, 5, time.FixedZone("CEST", 7200))

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 23, 30, 0, 0, time.FixedZone("west", -12*3600))
}

// events are the usual, and what has to be escaped or folded.
func events() []Event {
	return []Event{
		{UID: "renew-ca@conclave", Summary: "Renew the CA", Date: date(2031, 5, 31), Remind: []int{90, 7, 0}},
		{UID: "test-backup@conclave", Summary: "Test the backup; all shares, one by one", Yearly: true, Date: date(2026, 12, 31), Remind: []int{14},
			Description: "Bring:\n- the sheets, sealed\n- a \\ and a \"quote\"; <angles>\n\nThen: begin."},
		{UID: "umlauts@conclave", Summary: strings.Repeat("Schlüsselübergabe für 鍵の儀式 🔑 ", 12) + "Ende", Yearly: true, Date: date(2028, 2, 28),
			Description: strings.Repeat("ohneZwischenraum", 30) + strings.Repeat(" ", 100) + "\tx"},
	}
}

func TestBytes(t *testing.T) {
	b, err := Bytes(events()[:1], made)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//conclave//ceremony//EN
BEGIN:VEVENT
UID:renew-ca@conclave
DTSTAMP:20260601T120000Z
DTSTART;VALUE=DATE:20310531
SUMMARY:Renew the CA
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Renew the CA
TRIGGER:-P90D
END:VALARM
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Renew the CA
TRIGGER:-P7D
END:VALARM
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Renew the CA
TRIGGER:-P0D
END:VALARM
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	if string(b) != want {
		t.Errorf("calendar is\n%s\nexpected\n%s", b, want)
	}
}

func TestLines(t *testing.T) {
	b, err := Bytes(events(), made)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Bytes(events(), made)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("the same events make two files, %v", err)
	}
	for line := range bytes.Lines(b) {
		text, ended := bytes.CutSuffix(line, []byte("\r\n"))
		if !ended || len(text) > 75 || bytes.ContainsAny(text, "\r\n") || !utf8.Valid(text) {
			t.Errorf("line %q has %d octets; 75 at most in whole characters, and CRLF, were expected", line, len(text))
		}
	}
}

func TestRefused(t *testing.T) {
	good := Event{UID: "a@b", Summary: "s", Date: date(2030, 1, 1)}
	if _, err := Bytes([]Event{good}, made); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Event){
		"no UID":                  func(e *Event) { e.UID = "" },
		"no summary":              func(e *Event) { e.Summary = "" },
		"two lines":               func(e *Event) { e.Summary = "a\nb" },
		"a line of another event": func(e *Event) { e.UID = "a\r\nEND:VEVENT" },
		"CRLF":                    func(e *Event) { e.Description = "a\r\nb" },
		"not UTF-8":               func(e *Event) { e.Description = "\xff" },
		"no date":                 func(e *Event) { e.Date = e.Date.AddDate(8000, 0, 0) },
		"29 February yearly":      func(e *Event) { e.Date, e.Yearly = date(2028, 2, 29), true },
		"a reminder afterwards":   func(e *Event) { e.Remind = []int{-1} },
	} {
		bad := good
		change(&bad)
		if _, err := Bytes([]Event{bad}, made); err == nil {
			t.Errorf("%s: %+v was accepted", name, bad)
		}
	}
	if _, err := Bytes(nil, made); err == nil {
		t.Error("no events were accepted")
	}
	if _, err := Bytes([]Event{good, good}, made); err == nil {
		t.Error("the same UID twice was accepted")
	}
}

// reader says what python3-icalendar reads. It expects a whole day: a date without
// a time.
const reader = `
import datetime, icalendar, json, sys
def event(e):
    assert type(e["DTSTART"].dt) is datetime.date and "DTEND" not in e
    alarms = [a for a in e.walk("VALARM")]
    assert all(a["ACTION"] == "DISPLAY" and a["DESCRIPTION"] == e["SUMMARY"] for a in alarms)
    assert all(a["TRIGGER"].dt.seconds == 0 for a in alarms)
    assert e.get("RRULE", {"FREQ": ["YEARLY"]}) == {"FREQ": ["YEARLY"]}
    return {"UID": e["UID"], "Summary": e["SUMMARY"], "Description": e.get("DESCRIPTION", ""),
            "Date": e["DTSTART"].dt.isoformat(), "Yearly": "RRULE" in e,
            "Remind": [-a["TRIGGER"].dt.days for a in alarms], "Made": e["DTSTAMP"].dt.isoformat()}
c = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
assert c["VERSION"] == "2.0" and not c.errors
json.dump([event(e) for e in c.walk("VEVENT")], sys.stdout)
`

func TestPythonReadsTheSame(t *testing.T) {
	python := foreign.NeedPython(t, "icalendar")
	b, err := Bytes(events(), made)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", reader)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(b), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		UID, Summary, Description, Date, Made string
		Yearly                                bool
		Remind                                []int
	}
	var got, want []seen
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, e := range events() {
		want = append(want, seen{e.UID, e.Summary, e.Description, e.Date.Format(time.DateOnly), "2026-06-01T12:00:00+00:00", e.Yearly, append([]int{}, e.Remind...)})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Python reads\n%+v\nexpected\n%+v", got, want)
	}
}
