package card_test

import (
	"errors"
	"testing"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
)

// wantRefused expects a card to log no one in as on another one.
func wantRefused(t *testing.T, c, other *card.Card) {
	t.Helper()
	if err := c.LogInAs(other); !errors.Is(err, apdu.SecurityNotSatisfied) {
		t.Errorf("logged in as on another card: %v", err)
	}
	expect(t, c, sign+"6982", "00200081 = 63C3")
}

// TestLogInAs: one comparison of the PIN is enough for all cards that a process has
// open on a device; each session ends on its own.
func TestLogInAs(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			prepare(t, s)
			first, twin := openCard(t, s), openCard(t, s)
			wantRefused(t, twin, first)
			expect(t, first, login)
			for range 2 {
				if err := twin.LogInAs(first); err != nil {
					t.Fatal(err)
				}
				expect(t, twin, sign+"9000 /^30", "00200081 = 9000")
			}
			if err := first.Reset(); err != nil {
				t.Fatal(err)
			}
			expect(t, first, sign+"6982")
			expect(t, twin, sign+"9000 /^30", "00D7CD010A 54020000 5304 53656372 = 9000")
			third := openCard(t, s)
			if err := third.LogInAs(twin); err != nil {
				t.Fatal(err)
			}
			expect(t, third, sign+"9000 /^30", "00B1CD0104 5402000000 = 9000 53656372")
			// The officer is no user.
			expect(t, first, "0020008808 3537363231383830 = 9000")
			wantRefused(t, openCard(t, s), first)
		})
	}
}

// TestLogInAsOfThePast: not with a PIN that is not the device's any more, whoever
// notices first.
func TestLogInAsOfThePast(t *testing.T) {
	for what, change := range map[string]string{
		"changed":     "002400810C 363438323139 393939393939 = 9000",
		"reset":       "002C00810E 3537363231383830 393939393939 = 9000",
		"initialised": anew,
	} {
		for kind, s := range stores(t) {
			t.Run(what+"/"+kind, func(t *testing.T) {
				prepare(t, s)
				first, twin, another := openCard(t, s), openCard(t, s), openCard(t, s)
				expect(t, first, login)
				if err := twin.LogInAs(first); err != nil {
					t.Fatal(err)
				}
				expect(t, another, change)
				wantRefused(t, openCard(t, s), first)
				expect(t, twin, sign+"6982")
				wantRefused(t, openCard(t, s), twin)
			})
		}
	}
}

// TestLogInAsOnAnotherDevice: also where another one with the same PIN was put in the
// place of a device, or parts of it were.
func TestLogInAsOnAnotherDevice(t *testing.T) {
	s, other := memory.New(), memory.New()
	prepare(t, s)
	prepare(t, other)
	first := openCard(t, s)
	expect(t, first, login)
	wantRefused(t, openCard(t, other), first)

	twin := openCard(t, s)
	err := s.Update(func(w store.Writer) error { return copyAll(other, w) })
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, twin, first) // the first has noticed, and is logged out
	expect(t, first, sign+"6982")
}

// TestLogInAsOnForgedState: what decides about secrets is checked as it is after a PIN.
func TestLogInAsOnForgedState(t *testing.T) {
	s := memory.New()
	prepare(t, s)
	first, copied := openCard(t, s), memory.New()
	expect(t, first, login)
	if err := copied.Update(func(w store.Writer) error { return copyAll(s, w) }); err != nil {
		t.Fatal(err)
	}
	twin := openCard(t, copied)
	if err := twin.LogInAs(first); err != nil {
		t.Fatal(err) // the same device, to the last bit
	}
	forge(t, copied, `"Options":1`, `"Options":33`)
	if err := twin.LogInAs(first); err == nil {
		t.Error("logged in to a state that was forged")
	}
	expect(t, twin, sign+"6982", "00200081 = 63C3")
	expect(t, first, sign+"9000 /^30")
}
