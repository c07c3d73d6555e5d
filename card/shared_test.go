package card_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"conclave/card"
	"conclave/card/store"
)

// expect plays exchanges as a scenario has them, "command = status [data]".
func expect(t *testing.T, c *card.Card, lines ...string) {
	t.Helper()
	for _, text := range lines {
		left, right, _ := strings.Cut(text, "=")
		command, err := hex.DecodeString(strings.ReplaceAll(left, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		status, data, _ := strings.Cut(strings.TrimSpace(right), " ")
		if err := (exchange{command: command, status: status, data: data}).play(c); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

const (
	login  = "0020008106363438323139 = 9000"
	sign   = "8068017020 1111111111111111111111111111111111111111111111111111111111111111 00 = "
	anew   = "805000001C 80020001 8106363438323139 8208 3537363231383830 910103 920100 = 9000"
	delete = "00E4020002CC01 = 9000"
)

// TestTwoProcessesOnOneDevice: two cards on one store stand for two processes.
func TestTwoProcessesOnOneDevice(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			prepare(t, s)
			one, other := openCard(t, s), openCard(t, s)

			expect(t, one, "0020008106000000000000 = 63C2")
			expect(t, other, "00200081 = 63C2", login) // they share the counter
			expect(t, one, "00200081 = 63C3", sign+"6982")
			expect(t, one, login, sign+"9000 /^30")

			expect(t, other, delete)
			expect(t, one, sign+"6A88") // not from a key that it still had open

			expect(t, other, anew)
			expect(t, one, sign+"6982", "00200081 = 63C3") // its login was to what is erased
			expect(t, other, "00200081 = 63C3", login)
		})
	}
}

// TestPowerLossEndsTheSession: nothing volatile outlives a reset, and nothing
// persistent goes with it.
func TestPowerLossEndsTheSession(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			prepare(t, s)
			c := openCard(t, s)
			expect(t, c, login, sign+"9000 /^30", "00A4000C02CE01 = 9000")
			if err := c.Reset(); err != nil {
				t.Fatal(err)
			}
			expect(t, c, sign+"6982", "00200081 = 63C3", "00B1000004 5402000000 = 6986")
			expect(t, c, login, sign+"9000 /^30")
		})
	}
}

// TestStoreHoldsNoSecretInTheClear looks for the scalar of a key, the PINs and
// the DKEK in every record.
func TestStoreHoldsNoSecretInTheClear(t *testing.T) {
	s := newSQLite(t)
	prepare(t, s)
	c := openCard(t, s)
	share := strings.Repeat("5A", 32)
	expect(t, c, strings.Replace(anew, "920100", "920102", 1), "8052000020"+share+" = 9000")
	expect(t, c, "8052000020"+strings.Repeat("A7", 32)+" = 9000")
	expect(t, c, login, "00D7CD010A 54020000 5304 53656372 = 9000")
	for _, record := range dump(t, s) {
		for name, secret := range map[string]string{
			"user PIN": "648219", "SO-PIN": "57621880", "protected file": "Secr",
			"DKEK": strings.Repeat("\xFD", 32), "first share": strings.Repeat("\x5A", 32),
		} {
			if strings.Contains(record, secret) {
				t.Errorf("the %s is in a record", name)
			}
		}
	}
}

func dump(t *testing.T, s store.Store) (records []string) {
	t.Helper()
	err := s.View(func(r store.Reader) error {
		for kind := range store.Kind(10) {
			ids, err := r.List(kind)
			if err != nil {
				return err
			}
			for _, id := range ids {
				b, err := r.Get(kind, id)
				if err != nil {
					return err
				}
				records = append(records, string(b))
			}
		}
		return nil
	})
	if err != nil || len(records) < 6 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	return records
}
