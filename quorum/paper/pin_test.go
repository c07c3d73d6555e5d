package paper_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave/internal/typeset/typesettest"
	"conclave/quorum/paper"
)

func pinSheet() paper.PINSheet {
	return paper.PINSheet{
		Title: "First half of the SO-PIN", Device: "primary", Serial: "DECC0100001", Person: "Žofia Müller",
		Ceremony: "Root CA 2026", Date: time.Date(2026, 10, 5, 9, 30, 0, 0, time.UTC), PIN: "35373632",
	}
}

// TestPINSheets: a printed one, one to be written on, and one with as much as there can be.
func TestPINSheets(t *testing.T) {
	blank, long := pinSheet(), pinSheet()
	blank.PIN, blank.Boxes, blank.Serial = "", 8, ""
	long.Practice, long.Title, long.PIN = true, "Second half of the user PIN", strings.Repeat("W", 16)
	long.Device, long.Person, long.Ceremony = strings.Repeat("w", 40), strings.Repeat("Konstantinopoulou ", 5), strings.Repeat("W", 100)
	content, err := paper.PINPDF(pinSheet(), blank, long)
	if err != nil {
		t.Fatal(err)
	}
	typesettest.CheckWords(t, content, 30, typesettest.Box{Left: 10, Top: 10, Right: 138, Bottom: 200})
	typesettest.CheckType(t, content, 9)
	pages := strings.Split(strings.TrimSuffix(typesettest.Run(t, content, "pdftotext", "-layout", "-", "-"), "\f"), "\f")
	if len(pages) != 3 {
		t.Fatalf("%d pages", len(pages))
	}
	for i, page := range pages {
		pages[i] = strings.Join(strings.Fields(page), " ")
	}
	wantText(t, pages[0], "First half of the SO-PIN", "Device primary", "Serial number DECC0100001", "Typed by Žofia Müller", "Ceremony Root CA 2026", "Date 2026-10-05", "35373632", "Tamper-evident bag number")
	wantText(t, pages[1], "One character in each box")
	wantText(t, pages[2], "PRACTICE: destroy this sheet", "Second half of the user PIN", "WWWWWWWWWWWWWWWW")
	if strings.Contains(pages[0], "PRACTICE") || strings.Contains(pages[1], "35373632") {
		t.Error("what is not on a sheet is there")
	}
	again, err := paper.PINPDF(pinSheet(), blank, long)
	if err != nil || string(again) != string(content) {
		t.Errorf("the same sheets give other bytes: %v", err)
	}
}

// TestPINSheetRefuses: no error, and no sheet as a whole, shows a PIN.
func TestPINSheetRefuses(t *testing.T) {
	for name, change := range map[string]func(*paper.PINSheet){
		"person: ": func(s *paper.PINSheet) { s.Person = "李" },
		"device: ": func(s *paper.PINSheet) { s.Device = "a\x00" },
		"PIN: ":    func(s *paper.PINSheet) { s.PIN = "6482 19" },
		"PIN:":     func(s *paper.PINSheet) { s.PIN = strings.Repeat("7", 17) },
		"PIN":      func(s *paper.PINSheet) { s.PIN = "" },
	} {
		s := pinSheet()
		change(&s)
		_, err := paper.PINPDF(s)
		if err == nil || !strings.Contains(err.Error(), name) || s.PIN != "" && strings.Contains(err.Error(), s.PIN) {
			t.Errorf("%v; %q was expected", err, name)
		}
	}
	if text := fmt.Sprintf("%v %+v", pinSheet(), pinSheet()); strings.Contains(text, "3537") {
		t.Errorf("a sheet is shown as %s", text)
	}
}
