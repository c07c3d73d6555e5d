package typeset_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/internal/typeset"
)

func TestLinesAreBrokenWhereTheyRead(t *testing.T) {
	d := typeset.New(100, 100, time.Unix(0, 0), typeset.Mono)
	s := typeset.Style{Face: typeset.Mono, Points: 10, Leading: typeset.Tight}
	room := d.Measure(s, "0123456789") + 0.001 // of ten characters
	for text, want := range map[string][]string{
		"":                              nil,
		" ":                             nil,
		" 0123456789 ":                  {"0123456789"},
		"one two three":                 {"one two", "three"},
		"0123456789 abc":                {"0123456789", "abc"},
		"a-file-name.pbe":               {"a-file-", "name.pbe"},
		"a-filenametoolong":             {"a-filename", "toolong"},
		"ДДДДДДДДДДДД":                  {"ДДДДДДДДДД", "ДД"},
		strings.Repeat("u\u0308", 11):   {strings.Repeat("\u00fc", 10), "\u00fc"},
		strings.Repeat("WWWW WWWW ", 2): {"WWWW WWWW", "WWWW WWWW"},
	} {
		if got := d.Wrap(s, room, text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	if got := d.Wrap(s, 0, "abc"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("without any room: %q", got)
	}
}

func TestAccentsMayBeApart(t *testing.T) {
	if err := typeset.Check("Schlu\u0308ssel"); err != nil {
		t.Error(err)
	}
	if err := typeset.Check("x\u0301"); err == nil || !strings.Contains(err.Error(), "U+0301") {
		t.Errorf("%v; an error with the accent that no font has was expected", err)
	}
}

func TestSmallTypeIsRefused(t *testing.T) {
	for points, wrong := range map[float64]bool{typeset.Least: false, typeset.Least - 0.5: true} {
		d := typeset.New(100, 100, time.Unix(0, 0), typeset.Regular)
		d.AddPage()
		d.Text(10, 10, typeset.Style{Face: typeset.Regular, Points: points}, "text")
		if _, err := d.Bytes(); (err != nil) != wrong {
			t.Errorf("type of %g points: %v", points, err)
		}
	}
}

func TestTheFirstErrorStays(t *testing.T) {
	first := errors.New("first")
	d := typeset.New(100, 100, time.Unix(0, 0), typeset.Regular)
	d.AddPage()
	d.SetError(first)
	d.SetError(errors.New("second"))
	d.Text(10, 10, typeset.Style{Face: typeset.Regular, Points: 10}, "text")
	if content, err := d.Bytes(); content != nil || !errors.Is(err, first) {
		t.Errorf("%d bytes, %v", len(content), err)
	}
}
