package pcsc

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const nitrokey, first, second, odd = "Nitrokey HSM (DENK0100) 00 00", "Virtual PCD 00 00", "Virtual PCD 00 01", "1"
	readers := []string{nitrokey, first, second, odd}
	for _, test := range []struct {
		query string
		found []string
	}{
		{"", readers},
		{first, []string{first}},
		{"0", []string{nitrokey}},
		{"2", []string{second}},
		{"1", []string{odd}}, // a whole name goes before a place in the list
		{"4", nil},
		{"-1", nil},
		{"Nitrokey", []string{nitrokey}},
		{"Virtual", []string{first, second}},
		{"virtual", nil},
		{"00 01", []string{second}},
	} {
		if found := match(readers, test.query); !slices.Equal(found, test.found) {
			t.Errorf("%q means %q, expected %q", test.query, found, test.found)
		}
	}
}

func TestWatch(t *testing.T) {
	const a, b = "reader a", "reader b"
	w := new(watch)
	check := func(got []Event, want ...Event) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%v, expected %v", got, want)
		}
	}
	check(w.list([]string{a, b}), Event{ReaderAdded, a}, Event{ReaderAdded, b})
	check(w.update([]readerState{{a, stateChanged}, {b, 1<<16 | statePresent | stateChanged}}), Event{CardInserted, b})
	check(w.update([]readerState{{a, 0}, {b, 1<<16 | statePresent | 0x0100}})) // in use
	check(w.update([]readerState{{a, 0}, {b, 3<<16 | statePresent}}), Event{CardRemoved, b}, Event{CardInserted, b})
	check(w.list([]string{a}), Event{CardRemoved, b}, Event{ReaderRemoved, b})
	check(w.list([]string{a, b}), Event{ReaderAdded, b})
	check(w.list(nil), Event{ReaderRemoved, a}, Event{ReaderRemoved, b})
}

func TestMissingLibrary(t *testing.T) {
	_, err := loadWinscard("libconclave-no-such-library.so.1")
	if err == nil || !strings.Contains(err.Error(), "libconclave-no-such-library.so.1") || !strings.Contains(err.Error(), libraryHint) {
		t.Errorf("error %v; the library and how to get it were expected", err)
	}
}

func TestCode(t *testing.T) {
	for code, want := range map[Code]string{
		ErrReset:         "log in again",
		ErrNoService:     serviceHint,
		Code(0x8010FFFF): "8010FFFF",
	} {
		if !strings.Contains(code.Error(), want) {
			t.Errorf("%q does not contain %q", code.Error(), want)
		}
	}
}
