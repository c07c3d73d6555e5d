package card_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/card/store/sqlite"
	"conclave/internal/keyop"
)

// Attacks of those who can read and write a device's file, and what they get.

// record reads a record as the store has it.
func record(t *testing.T, s store.Store, kind store.Kind, id uint16) (value []byte) {
	t.Helper()
	err := s.View(func(r store.Reader) (err error) {
		value, err = r.Get(kind, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func putRecord(t *testing.T, s store.Store, kind store.Kind, id uint16, value []byte) {
	t.Helper()
	if err := s.Update(func(w store.Writer) error { return w.Put(kind, id, value) }); err != nil {
		t.Fatal(err)
	}
}

// shared makes a device with a DKEK of two shares that has been kept, and a key.
func shared(t *testing.T, s store.Store) {
	t.Helper()
	prepare(t, s)
	c := openCard(t, s)
	expect(t, c, strings.Replace(anew, "920100", "920102", 1))
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "8052000020"+strings.Repeat("5A", 32)+" = 9000", "8052000020"+strings.Repeat("A7", 32)+" = 9000", login)
}

// TestForgedState: what decides about secrets cannot be changed but by who has the
// storage key, whatever checksum is made for it.
func TestForgedState(t *testing.T) {
	for what, change := range map[string][2]string{
		"options":           {`"Options":1`, `"Options":33`},
		"retry counter":     {`"MaxTries":3`, `"MaxTries":9`},
		"transport PIN":     {`"Transport":false},"SO"`, `"Transport":false,"Length":7},"SO"`},
		"DKEK, anew":        {`"Kept":true`, `"Kept":false`},
		"check value":       {`"KCV":[`, `"KCV":[1,`},
		"number of shares":  {`"Shares":2`, `"Shares":3`},
		"list of shares":    {`"Seen":["`, `"Seen":["AAAA","`},
		"escrow":            {`"Escrow":"`, `"Escrow":"AAAA`},
		"list of records":   {`"Contents":"`, `"Contents":"AAAA`},
		"epoch":             {`"Epoch":"`, `"Epoch":"00`},
		"no MAC":            {`"MAC":"`, `"MAK":"`},
		"format of the PIN": {`"User":{"Format":2`, `"User":{"Format":3`},
	} {
		t.Run(what, func(t *testing.T) {
			s := memory.New()
			shared(t, s)
			forge(t, s, change[0], change[1])
			c, err := card.New(s, card.Config{Keys: keyop.Go(), PINCost: cheapPINs, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				return // not even readable
			}
			if r := transmit(t, c, login); r == "9000" {
				t.Error("its user logs in as if nothing had happened")
			}
			if r := transmit(t, c, "002400810C 363438323139 393939393939 = "); r == "9000" {
				t.Error("a new PIN makes it true")
			}
			if r := transmit(t, c, "002C00810E 3537363231383830 393939393939 = "); r == "9000" {
				t.Error("a new PIN by the SO-PIN makes it true")
			}
		})
	}
}

// TestForgedWhileLoggedIn: not even while someone is logged in.
func TestForgedWhileLoggedIn(t *testing.T) {
	s := memory.New()
	prepare(t, s)
	c := openCard(t, s)
	expect(t, c, login, sign+"9000 /^30")
	forge(t, s, `"Options":1`, `"Options":33`)
	expect(t, c, sign+"6581", "00200081 = 63C3")
}

// transmit gives the status word of a command, the left side of an exchange.
func transmit(t *testing.T, c *card.Card, text string) string {
	t.Helper()
	left, _, _ := strings.Cut(text, "=")
	command, err := hex.DecodeString(strings.ReplaceAll(left, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Transmit(command)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%X", r[len(r)-2:])
}

// generateEC is an exchange that makes a P-256 key, with more fields in the request.
func generateEC(t *testing.T, id, fields string) string {
	t.Helper()
	request, err := os.ReadFile("../wire/testdata/key-request-ec.hex")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Join(strings.Fields(string(request)), "") + fields
	return fmt.Sprintf("0046%s0000%04x%s0000 = 9000 /^67", id, len(body)/2, body)
}

// TestDamagedStateIsNoticed: any one byte.
func TestDamagedStateIsNoticed(t *testing.T) {
	s := memory.New()
	prepare(t, s)
	whole := record(t, s, 1, 1)
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		putRecord(t, s, 1, 1, damaged)
		if _, err := card.New(s, card.Config{}); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

// TestSwappedDKEK: who can write the file puts a DKEK of his own into the inbox,
// with its check value. Once its user has logged in, that is in vain.
func TestSwappedDKEK(t *testing.T) {
	mine, theirs := memory.New(), memory.New()
	prepare(t, mine)
	c := openCard(t, mine)
	expect(t, c, strings.Replace(anew, "920100", "920101", 1))
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := theirs.Update(func(w store.Writer) error { return copyAll(mine, w) }); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "8052000020"+strings.Repeat("5A", 32)+" = 9000")
	expect(t, openCard(t, theirs), "8052000020"+strings.Repeat("66", 32)+" = 9000") // to the same inbox

	pending := record(t, theirs, 1, 1)
	expect(t, c, login) // keeps the DKEK
	for _, id := range []uint16{3, 4} {
		if err := mine.View(func(r store.Reader) error { _, err := r.Get(1, id); return err }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("record %d of the inbox is still there: %v", id, err)
		}
	}
	expect(t, c, generateEC(t, "01", ""))
	for _, id := range []uint16{3, 4} {
		putRecord(t, mine, 1, id, record(t, theirs, 1, id))
	}
	putRecord(t, mine, 1, 1, pending)
	attacked := openCard(t, mine)
	if transmit(t, attacked, login) == "9000" && transmit(t, attacked, "8072019200 0000 =") == "9000" {
		t.Error("a key was wrapped under the DKEK of whoever wrote the file")
	}
}

func copyAll(from store.Store, to store.Writer) error {
	return from.View(func(r store.Reader) error {
		for kind := range store.Kind(5) {
			ids, err := r.List(kind)
			if err != nil {
				return err
			}
			for _, id := range ids {
				value, err := r.Get(kind, id)
				if err != nil {
					return err
				}
				if err := to.Put(kind, id, value); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// TestRecordsOfThePast: a key that was deleted, or had more uses left, cannot be
// put back, nor one be taken out; nor can the description of one be another's.
func TestRecordsOfThePast(t *testing.T) {
	const digest = " 1111111111111111111111111111111111111111111111111111111111111111 00 = "
	for what, attack := range map[string]func(t *testing.T, s store.Store){
		"more uses": func(t *testing.T, s store.Store) {
			expect(t, openCard(t, s), login, generateEC(t, "02", "900101"))
			before := record(t, s, 4, 2)
			expect(t, openCard(t, s), login, "8068027020"+digest+"9000 /^30", "8068027020"+digest+"6984")
			putRecord(t, s, 4, 2, before)
			expect(t, openCard(t, s), login, "8068027020"+digest+"6581")
		},
		"deleted": func(t *testing.T, s store.Store) {
			before := record(t, s, 4, 1)
			expect(t, openCard(t, s), login, deleteFirst)
			putRecord(t, s, 4, 1, before)
			expect(t, openCard(t, s), login, sign+"6581")
		},
		"taken out": func(t *testing.T, s store.Store) {
			if err := s.Update(func(w store.Writer) error { return w.Delete(4, 1) }); err != nil {
				t.Fatal(err)
			}
			c := openCard(t, s)
			expect(t, c, login, sign+"6581")
			expect(t, c, deleteFirst, sign+"6A88") // it can be put right
		},
		"another description": func(t *testing.T, s store.Store) {
			expect(t, openCard(t, s), login, "00D7C4010A 54020000 5304 6C616265 = 9000", "00D7C4020A 54020000 5304 6C616266 = 9000")
			putRecord(t, s, 2, 0xC401, record(t, s, 2, 0xC402))
			expect(t, openCard(t, s), "00B1C40104 5402000000 = 6581", "00B1C40204 5402000000 = 9000 6C616266")
		},
		"list of before": func(t *testing.T, s store.Store) {
			key, list := record(t, s, 4, 1), record(t, s, 1, 6)
			expect(t, openCard(t, s), login, deleteFirst)
			putRecord(t, s, 4, 1, key)
			putRecord(t, s, 1, 6, list)
			expect(t, openCard(t, s), login, sign+"6581")
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := memory.New()
			prepare(t, s)
			attack(t, s)
		})
	}
}

// TestTheLogKeepsNothing: who cuts the log short gets no PIN of before, and no key
// that was deleted. Another process may have the device open.
func TestTheLogKeepsNothing(t *testing.T) {
	for what, change := range map[string]struct{ commands, past []string }{
		"PIN change":      {[]string{"002400810C 363438323139 393939393939 = 9000"}, []string{login}},
		"PIN reset":       {[]string{"002C00810E 3537363231383830 393939393939 = 9000"}, []string{login}},
		"SO-PIN change":   {[]string{"0024008810 3537363231383830 3132333435363738 = 9000"}, []string{"0020008808 3537363231383830 ="}},
		"initialisation":  {[]string{anew}, []string{login, sign}},
		"a deleted key":   {[]string{login, deleteFirst}, []string{login, sign}},
		"a reset by both": {[]string{"0020008808 3537363231383830 = 9000", "002C028106 393939393939 = 9000"}, []string{login}},
	} {
		t.Run(what, func(t *testing.T) {
			path := preparedFile(t, t.TempDir())
			open := openCard(t, openFile(t, path))
			expect(t, open, login)
			expect(t, openCard(t, openFile(t, path)), change.commands...)
			file, log := readBoth(t, path)
			for cut := 0; cut <= len(log); cut += 512 {
				copied := filepath.Join(t.TempDir(), "d")
				for name, content := range map[string][]byte{copied: file, copied + "-wal": log[:cut]} {
					if err := os.WriteFile(name, content, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				s, err := sqlite.Open(copied)
				if err != nil {
					continue
				}
				defer s.Close()
				c := openCard(t, s)
				gotIn := true
				for _, command := range change.past {
					gotIn = gotIn && transmit(t, c, command) == "9000"
				}
				if gotIn {
					t.Fatalf("%d of %d bytes of the log bring back what was replaced", cut, len(log))
				}
			}
		})
	}
}

func readBoth(t *testing.T, path string) (file, log []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err = os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return file, log
}

// TestWhatCouldNotBeScrubbed is said, and tried again.
func TestWhatCouldNotBeScrubbed(t *testing.T) {
	t.Parallel() // it waits for the reader
	path := preparedFile(t, t.TempDir())
	s := openFile(t, path)
	var said bytes.Buffer
	c, err := card.New(s, card.Config{Keys: keyop.Go(), PINCost: cheapPINs, Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	err = openFile(t, path).View(func(r store.Reader) error { // another process is in the midst of reading
		expect(t, c, login, deleteFirst)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "may still be on disk") {
		t.Errorf("nothing was said: %q", &said)
	}
	if _, log := readBoth(t, path); len(log) == 0 {
		t.Error("the log was emptied: this test proves nothing")
	}
	said.Reset()
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, log := readBoth(t, path); len(log) != 0 || said.Len() != 0 {
		t.Errorf("the log still has %d bytes; %q", len(log), &said)
	}
}

// TestLoginsOfThePast: a login ends when another process sets the PIN.
func TestLoginsOfThePast(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			prepare(t, s)
			one, other := openCard(t, s), openCard(t, s)
			expect(t, one, login, sign+"9000 /^30")
			expect(t, other, "002C00810E 3537363231383830 393939393939 = 9000")
			expect(t, one, sign+"6982", "00200081 = 63C3")
			expect(t, one, "0020008106393939393939 = 9000", "0020008808 3537363231383830 = 9000")
			expect(t, other, "0024008810 3537363231383830 3132333435363738 = 9000")
			expect(t, one, sign+"9000 /^30", "002C028106 363438323139 = 6982") // the user's is another PIN
			expect(t, one, "0024008110 393939393939 31323334353637383930 = 9000", sign+"9000 /^30")
			expect(t, other, "0024008110 31323334353637383930 393939393939 = 9000")
			expect(t, one, sign+"6982")
			// And between the look at the device and the change, the third with a login.
			h := &hooked{Store: s, n: 3}
			h.hook = func() { expect(t, other, "002400810C 393939393939 363438323139 = 9000") }
			expect(t, openCard(t, h), "0020008106393939393939 = 9000", "00E4020002CC01 = 6982", "00200081 = 63C3")
		})
	}
}

// TestDKEKOfAnother: a DKEK in the inbox whose check value is not the one that
// was shown when the last share came is not kept, and nothing is wrapped under it.
func TestDKEKOfAnother(t *testing.T) {
	s := memory.New()
	prepare(t, s)
	c := openCard(t, s)
	expect(t, c, strings.Replace(anew, "920100", "920101", 1), generateEC(t, "01", ""))
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	theirs := memory.New()
	if err := theirs.Update(func(w store.Writer) error { return copyAll(s, w) }); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "8052000020"+strings.Repeat("5A", 32)+" = 9000")
	expect(t, openCard(t, theirs), "8052000020"+strings.Repeat("66", 32)+" = 9000")
	putRecord(t, s, 1, 4, record(t, theirs, 1, 4))
	expect(t, c, login, sign+"9000 /^30", "8072019200 0000 = 6581") // the keys are as good as ever
}
