package card_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/card/store/sqlite"
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

// hooked is a store in whose nth next Update another process is first.
type hooked struct {
	store.Store
	n    int
	hook func()
}

func (h *hooked) Update(fn func(store.Writer) error) error {
	if h.n--; h.n == 0 {
		h.hook()
	}
	return h.Store.Update(fn)
}

// TestInitialisedWhileAPINIsCompared: what a PIN has opened is void when the
// device is initialised before it is used. Each command takes a try, gives it
// back, and then changes the state.
func TestInitialisedWhileAPINIsCompared(t *testing.T) {
	for name, command := range map[string]string{
		"CHANGE REFERENCE DATA":             "002400810C 363438323139 313233343536",
		"RESET RETRY COUNTER":               "002C00810E 3537363231383830 313233343536",
		"RESET RETRY COUNTER without a PIN": "002C018108 3537363231383830",
		"INITIALIZE DEVICE":                 "805000001C 80020001 8106363438323139 8208 3537363231383830 910103 920100",
	} {
		for kind, s := range stores(t) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				prepare(t, s)
				other := openCard(t, s)
				expect(t, other, anew)
				h := &hooked{Store: s, n: 3}
				h.hook = func() {
					expect(t, other, strings.Replace(strings.Replace(anew, "80020001", "80020000", 1), "363438323139", "393939393939", 1))
				}
				expect(t, openCard(t, h), command+" = 6985")
				expect(t, other, "0020008106 393939393939 = 9000", "00200081 = 9000")
			})
		}
	}
}

// TestMistakesCostNoUse, and no command is a way around counter and list.
func TestMistakesCostNoUse(t *testing.T) {
	s := newSQLite(t)
	prepare(t, s)
	c := openCard(t, s)
	request, err := os.ReadFile("../wire/testdata/key-request-ec.hex")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Join(strings.Fields(string(request)), "") + "900101" + "910170" // one use, for ECDSA
	generate := func(id, signer string) string {
		return fmt.Sprintf("0046%s%s00%04x%s0000 = ", id, signer, len(body)/2, body)
	}
	expect(t, c, login, generate("02", "00")+"9000 /^67")
	const digest = " 1111111111111111111111111111111111111111111111111111111111111111 00 = "
	expect(t, c, "8068022020"+digest+"6A80")  // an RSA algorithm
	expect(t, c, "8068027000 = 6700")         // nothing to sign
	expect(t, c, "8062028001 04 00 = 6A80")   // no point
	expect(t, c, generate("03", "02")+"6A81") // ECDSA with SHA-256 on the card is not in the list
	expect(t, c, "8068027020"+digest+"9000 /^30", "8068027020"+digest+"6984")
}

// TestDamagedState: a device whose state was tampered with is refused, and
// does not take the process down.
func TestDamagedState(t *testing.T) {
	s := memory.New()
	prepare(t, s)
	err := s.Update(func(w store.Writer) error {
		b, err := w.Get(1, 1)
		if err != nil {
			return err
		}
		return w.Put(1, 1, bytes.Replace(b, []byte(`"Time":1`), []byte(`"Time":0`), 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := card.New(s, card.Config{}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a login that costs nothing: %v", err)
	}
}

// TestNothingInTheClearIsLeftOnDisk: neither in the file nor in its log.
func TestNothingInTheClearIsLeftOnDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Create(filepath.Join(dir, "d"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	manufacture(t, s)
	c := openCard(t, s)
	onDisk := func(text string) bool {
		found := false
		for _, name := range []string{"d", "d-wal"} {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(content, []byte(text))
		}
		return found
	}
	const factoryKey = `"Curve":"secp256r1"`
	if !onDisk(factoryKey) {
		t.Error("the factory key was not seen: this test looks for the wrong thing")
	}
	expect(t, c, strings.Replace(anew, "920100", "920102", 1))
	if onDisk(factoryKey) {
		t.Error("the factory key is on disk after the initialisation")
	}
	first := bytes.Repeat([]byte{0x5A}, 32)
	expect(t, c, fmt.Sprintf("8052000020%X = 9000", first))
	partial := base64.StdEncoding.EncodeToString(first)
	if !onDisk(partial) {
		t.Error("the first share was not seen: this test looks for the wrong thing")
	}
	expect(t, c, "8052000020"+strings.Repeat("A7", 32)+" = 9000")
	if onDisk(partial) {
		t.Error("the first share is on disk after the last")
	}
}

const (
	login       = "0020008106363438323139 = 9000"
	sign        = "8068017020 1111111111111111111111111111111111111111111111111111111111111111 00 = "
	anew        = "805000001C 80020001 8106363438323139 8208 3537363231383830 910103 920100 = 9000"
	deleteFirst = "00E4020002CC01 = 9000"
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

			expect(t, other, deleteFirst)
			expect(t, one, sign+"6A88") // not from a key that it still had open

			expect(t, other, anew)
			expect(t, one, sign+"6982", "00200081 = 63C3") // its login was to what is erased
			expect(t, other, "00200081 = 9000")            // it initialised the device
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
