package watch_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conclave/ceremony/watch"
)

// TestRead: what people read from a watch, while the computer's clock has 14:05:40 in
// a zone that is one hour ahead of UTC.
func TestRead(t *testing.T) {
	clock := time.Date(2027, 1, 15, 14, 5, 40, 0, time.FixedZone("CET", 3600))
	for text, want := range map[string]struct {
		ahead time.Duration
		zone  string
	}{
		"14:05": {0, "UTC+01:00"}, "14.05": {0, "UTC+01:00"}, "14h05": {0, "UTC+01:00"}, "2:05 pm": {0, "UTC+01:00"}, "02:05P.M.": {0, "UTC+01:00"}, "１４：０５": {0, "UTC+01:00"},
		"14:07": {2 * time.Minute, "UTC+01:00"}, "14:05:00": {-40 * time.Second, "UTC+01:00"}, "13:58": {-7 * time.Minute, "UTC+01:00"},
		"14:05 CET": {0, "UTC+01:00"}, "14:05 mez": {0, "UTC+01:00"}, "15:05 CEST": {0, "UTC+02:00"}, "08:05 EST": {0, "UTC-05:00"},
		"14:05+01:00": {0, "UTC+01:00"}, "14:05 +1": {0, "UTC+01:00"}, "14:05 UTC+1": {0, "UTC+01:00"}, "18:50 +0545": {0, "UTC+05:45"}, "11:35 \u2212130": {0, "UTC-01:30"},
		"13:05": {0, "UTC"}, "13:05 UTC": {0, "UTC"}, "13:05Z": {0, "UTC"}, "13:05 gmt": {0, "UTC"},
		"14:05 UTC":            {time.Hour, "UTC"},
		"2027-01-15T13:05:40Z": {0, "UTC"}, "2027-01-14 14:05 CET": {-24 * time.Hour, "UTC+01:00"},
	} {
		r, err := watch.Read(text, clock)
		if err != nil || r.Ahead != want.ahead || r.Time.Location().String() != want.zone {
			t.Errorf("%q is %v ahead, in %v (%v); %v in %s was expected", text, r.Ahead, r.Time.Location(), err, want.ahead, want.zone)
		}
	}
}

// TestMidnight: the day is the one that is nearest.
func TestMidnight(t *testing.T) {
	clock := time.Date(2027, 1, 1, 0, 1, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"23:58": -3 * time.Minute, "0:03": 2 * time.Minute, "12:00 am": -time.Minute, "12:00 pm": 12*time.Hour - time.Minute} {
		if r, err := watch.Read(text, clock); err != nil || r.Ahead != want {
			t.Errorf("%q is %v ahead (%v); %v was expected", text, r.Ahead, err, want)
		}
	}
}

// TestReadRefuses says what is wrong, and what was expected.
func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"": "14:05 CET or 14:05+01:00 was expected", "the same": "is not a time by a watch", "1405": "is not a time by a watch", "14:5": "is not a time by a watch",
		"24:00": "0:00 to 23:59 was expected", "14:60": "0:00 to 23:59 was expected", "14:05 pm": "1 to 12 was expected", "0:05 am": "1 to 12 was expected",
		"14:05 IST": "the zone IST is not known here; write how far it is from UTC", "14:05 CET+1": "the zone CET+1 is not known here", "14:05+15": "no zone is +15 from UTC",
		"2027-02-30 14:05": "2027-02-30 is not a day",
	} {
		if _, err := watch.Read(text, time.Unix(0, 0)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; %q was expected", text, err, want)
		}
	}
}

// TestReading says how far apart they are, and when that is too far.
func TestReading(t *testing.T) {
	for ahead, want := range map[time.Duration]string{
		0:                             "the watch and the computer's clock agree",
		time.Second:                   "the watch is 1 second ahead of the computer's clock",
		-2 * time.Minute:              "the watch is 2 minutes behind the computer's clock",
		61*time.Minute + time.Second:  "the watch is 1 hour 1 minute ahead of the computer's clock",
		-49*time.Hour - 5*time.Second: "the watch is 2 days 1 hour behind the computer's clock",
	} {
		if r := (watch.Reading{Ahead: ahead}); r.String() != want || r.Apart() != (ahead.Abs() > 5*time.Minute) {
			t.Errorf("%v: %s, apart %v", ahead, r, r.Apart())
		}
	}
}

// TestReadAgain: however a time is written, it is the same one.
func TestReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-12*60, 14*60).Draw(t, "zone"))
		clock := time.Unix(rapid.Int64Range(1<<30, 1<<33).Draw(t, "clock"), 0).In(zone)
		ahead := time.Duration(rapid.IntRange(-11*3600, 11*3600).Draw(t, "ahead")) * time.Second
		at := clock.Add(ahead)
		for _, form := range []string{"15:04:05-07:00", "15.04.05 -0700", "3:04:05 PM -07:00", "2006-01-02T15:04:05Z07:00"} {
			if r, err := watch.Read(at.Format(form), clock); err != nil || r.Ahead != ahead || !r.Time.Equal(at) {
				t.Fatalf("%s is %v ahead of %v (%v); %v was expected", at.Format(form), r.Ahead, clock, err, ahead)
			}
		}
	})
}
