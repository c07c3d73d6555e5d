package card_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conclave/card"
	"conclave/card/devicelog"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/card/store/sqlite"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/wire"
)

// withLog lets INITIALIZE switch the log on.
func withLog(init string) string { return strings.Replace(init, "80020001", "80028001", 1) }

const (
	wrongPIN = "0020008106000000000000 = 63C2"
	kindLog  = 5
)

// openLogged opens a card whose clock goes a second a look.
func openLogged(t *testing.T, s store.Store, said *bytes.Buffer) *card.Card {
	t.Helper()
	handler := slog.DiscardHandler
	if said != nil {
		handler = slog.NewTextHandler(said, nil)
	}
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	c, err := card.New(s, card.Config{Keys: keyop.Go(), PINCost: cheapPINs, Log: slog.New(handler), Client: "a test",
		Now: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// logged makes a device with a log and a key at 1, in two sessions: 7 entries.
func logged(t *testing.T, s store.Store) {
	t.Helper()
	manufacture(t, s)
	c := openLogged(t, s, nil)
	expect(t, c, withLog(anew), generateEC(t, "01", ""))
	mustReset(t, c)
	expect(t, c, login, sign+"9000 /^30", wrongPIN)
	mustReset(t, c)
	expect(t, c, login)
	mustReset(t, c)
}

func mustReset(t *testing.T, c *card.Card) {
	t.Helper()
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
}

func readLog(t *testing.T, s store.Store) *devicelog.Log {
	t.Helper()
	log, err := card.ReadLog(s)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// told is what the entries say, in short.
func told(t *testing.T, log *devicelog.Log) (lines []string) {
	t.Helper()
	for _, line := range log.Entries() {
		e, err := devicelog.ParseEntry(line)
		if err != nil {
			t.Fatal(err)
		}
		about := e.Object
		if e.Key != 0 {
			about = fmt.Sprint("key ", e.Key)
		}
		lines = append(lines, strings.Join(strings.Fields(e.Command+", "+about+" "+e.Result), " "))
	}
	return lines
}

func wantFindings(t *testing.T, log *devicelog.Log, want string, kept ...string) {
	t.Helper()
	found := log.Verify(kept...).Findings
	switch {
	case want == "" && len(found) > 0:
		t.Errorf("found %v in a log that is whole", found)
	case want != "" && !strings.Contains(fmt.Sprint(found), want):
		t.Errorf("found %v; %q was expected", found, want)
	}
}

// TestLogTellsWhatWasDone: each command that changes the device, uses a key or
// compares a PIN, and no other; and nothing of what was in it.
func TestLogTellsWhatWasDone(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			manufacture(t, s)
			c := openLogged(t, s, nil)
			expect(t, c, withLog(strings.Replace(anew, "920100", "920101", 1)),
				"8052000020"+strings.Repeat("5A", 32)+" = 9000", "8052000000 = 9000 /^0100", "00200081 = 9000",
				generateEC(t, "01", ""), generateEC(t, "02", "900101"), sign+"9000 /^30",
				strings.Replace(sign, "806801", "806802", 1)+"9000 /^30", strings.Replace(sign, "806801", "806802", 1)+"6984",
				"00D7C4010E 54020000 5308 6C6162656C6C6564 = 9000", "00B1C40104 5402000000 = 9000 6C6162656C6C6564",
				"8072019200 0000 = 9000 /^", "8058000000 = 9000 /^CC00", "0084000008 = 9000 /^", deleteFirst, "8062018003 040506 00 = 6A88")
			expect(t, c, "0020008808 3030303030303030 = 63CE", "0020008808 3537363231383830 = 9000", wrongPIN, sign+"6982",
				"002C028106 393939393939 = 9000", "002400810C 393939393939 363438323139 = 9000", "0020008106 363438323139 = 9000")
			mustReset(t, c)
			expect(t, c, strings.NewReplacer("3537363231383830", "3030303030303030", "9000", "63CE").Replace(withLog(anew)))
			want := []string{
				"INITIALIZE DEVICE, 9000", "MANAGE DKEK, 9000", "GENERATE ASYMMETRIC KEY PAIR, key 1 9000", "GENERATE ASYMMETRIC KEY PAIR, key 2 9000",
				"SIGN, key 1 9000", "SIGN, key 2 9000", "SIGN, key 2 6984", "UPDATE BINARY, file C401 9000", "WRAP KEY, key 1 9000", "DELETE FILE, key 1 9000",
				"DECIPHER, key 1 6A88", "VERIFY, SO-PIN 63CE", "VERIFY, SO-PIN 9000", "VERIFY, user PIN 63C2", "SIGN, key 1 6982",
				"RESET RETRY COUNTER, user PIN 9000", "CHANGE REFERENCE DATA, user PIN 9000", "VERIFY, user PIN 9000", "CHECKPOINT,", "INITIALIZE DEVICE, 63CE",
			}
			log := readLog(t, s)
			if got := told(t, log); !slices.Equal(got, want) {
				t.Errorf("the log tells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			wantFindings(t, log, "")
			all := bytes.Join(log.Entries(), nil)
			for _, secret := range []string{"648219", "57621880", "6c6162656c6c6564", "labelled", "1111111111"} {
				if bytes.Contains(bytes.ToLower(all), []byte(secret)) {
					t.Errorf("%s, which was in a command, is in the log", secret)
				}
			}
			if !bytes.Contains(all, []byte(`"client":"a test"`)) || !bytes.Contains(all, []byte(`"time":"2030-01-02T03:04:0`)) {
				t.Error("client and time are not in the log")
			}
		})
	}
}

// TestDevicesWithoutALog are as they would be if there were none.
func TestDevicesWithoutALog(t *testing.T) {
	s := memory.New()
	prepare(t, s)
	c := openCard(t, s)
	expect(t, c, login, sign+"9000 /^30", wrongPIN)
	mustReset(t, c)
	if log := readLog(t, s); log.On || len(log.Lines) > 0 || log.Head != (devicelog.Head{}) {
		t.Errorf("there is a log: %+v", log)
	}
	if text := stateJSON(record(t, s, 1, 1)); bytes.Contains(text, []byte(`"Log"`)) {
		t.Errorf("the state tells of a log: %s", text)
	}
}

// TestLogOutlivesInitialization: it is the device's, and who erases the keys does not
// erase what was done with them.
func TestLogOutlivesInitialization(t *testing.T) {
	for kind, s := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			logged(t, s)
			before := len(told(t, readLog(t, s)))
			c := openLogged(t, s, nil)
			expect(t, c, anew, generateEC(t, "01", ""), sign+"9000 /^30") // without a log
			mustReset(t, c)
			log := readLog(t, s)
			if got := told(t, log)[before:]; log.On || !slices.Equal(got, []string{"INITIALIZE DEVICE, 9000"}) {
				t.Errorf("after an initialisation that switches the log off it tells %v, on: %t", got, log.On)
			}
			wantFindings(t, log, "")
			expect(t, c, withLog(anew))
			mustReset(t, c)
			if got := told(t, readLog(t, s))[before+1:]; !slices.Equal(got, []string{"INITIALIZE DEVICE, 9000", "CHECKPOINT,"}) {
				t.Errorf("after one that switches it on it tells %v", got)
			}
			wantFindings(t, readLog(t, s), "")
		})
	}
}

// attacker is who can write the file of a device.
type attacker struct {
	t *testing.T
	s store.Store
}

func (a attacker) line(n int) []byte { return record(a.t, a.s, kindLog, uint16(n)) }

func (a attacker) put(n int, line []byte) { putRecord(a.t, a.s, kindLog, uint16(n), line) }

func (a attacker) remove(n int) {
	a.t.Helper()
	if err := a.s.Update(func(w store.Writer) error { return w.Delete(kindLog, uint16(n)) }); err != nil {
		a.t.Fatal(err)
	}
}

// state changes what the state says of the log; the MAC stays as it was.
func (a attacker) state(change func(log map[string]any)) {
	a.t.Helper()
	var all map[string]any
	if err := json.Unmarshal(stateJSON(record(a.t, a.s, 1, 1)), &all); err != nil {
		a.t.Fatal(err)
	}
	change(all["Log"].(map[string]any))
	b, err := json.Marshal(all)
	if err != nil {
		a.t.Fatal(err)
	}
	putRecord(a.t, a.s, 1, 1, stateRecord(b))
}

// rewrite lets the log end after entry n, and writes anew what follows.
func (a attacker) rewrite(n int, sealed bool, entries ...devicelog.Entry) {
	a.t.Helper()
	line := a.line(n)
	head := devicelog.Head{Size: int64(n), Hash: sha256.Sum256(line)}
	for _, e := range entries {
		var err error
		if line, head, err = head.Append(e); err != nil {
			a.t.Fatal(err)
		}
		a.put(int(head.Size), line)
	}
	for id := range readLog(a.t, a.s).Lines {
		if int64(id) > head.Size {
			a.remove(int(id))
		}
	}
	a.state(func(log map[string]any) {
		log["Size"], log["Hash"] = head.Size, head.Hash.String()
		if sealed {
			log["Sealed"] = map[string]any{"Size": head.Size, "Hash": head.Hash.String()}
		}
	})
}

func (a attacker) entry(n int) devicelog.Entry {
	a.t.Helper()
	e, err := devicelog.ParseEntry(a.line(n))
	if err != nil {
		a.t.Fatal(err)
	}
	return e
}

// ownKey is a key of the attacker, who lets it sign for a device.
func (a attacker) ownKey() devicelog.Key {
	a.t.Helper()
	on, err := curve.ByName("secp256r1")
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := on.Generate()
	if err != nil {
		a.t.Fatal(err)
	}
	return devicelog.Key{Serial: readLog(a.t, a.s).Key.Serial, Public: wire.ECPublicKey(on, private.Q), Private: private.Sign}
}

// TestAttacksOnTheLog are found by who has no PIN; those that need it, with the
// checkpoint that was kept elsewhere. The log has the entries
//
//	1 INITIALIZE, 2 GENERATE, 3 CHECKPOINT, 4 VERIFY, 5 SIGN, 6 VERIFY (wrong), 7 VERIFY, 8 CHECKPOINT
func TestAttacksOnTheLog(t *testing.T) {
	for what, attack := range map[string]struct {
		run  func(a attacker)
		want string
		kept bool // it takes the kept checkpoint
	}{
		"nothing": {func(attacker) {}, "", false},
		"edited": {func(a attacker) { a.put(5, bytes.Replace(a.line(5), []byte(`"key":1`), []byte(`"key":2`), 1)) },
			"entry 5: it was edited, or the next one was", false},
		"last one edited": {func(a attacker) { a.put(8, bytes.Replace(a.line(8), []byte("test"), []byte("rest"), 1)) },
			"entry 8: it is not the one that the device has written", false},
		"unreadable": {func(a attacker) { a.put(5, []byte("x")) }, "entry 5: it was edited, and cannot be read", false},
		"taken out":  {func(a attacker) { a.remove(5); a.remove(6) }, "entry 5: it is missing, with all up to entry 6", false},
		"exchanged": {func(a attacker) {
			five, six := a.line(5), a.line(6)
			a.put(5, six)
			a.put(6, five)
		}, "entry 5: entry 6 stands in its place", false},
		"exchanged, with their numbers": {func(a attacker) {
			five, six := a.line(5), a.line(6)
			a.put(5, bytes.Replace(six, []byte(`"number":6`), []byte(`"number":5`), 1))
			a.put(6, bytes.Replace(five, []byte(`"number":5`), []byte(`"number":6`), 1))
		}, "it was edited, or the next one was", false},
		"cut off":                       {func(a attacker) { a.remove(7); a.remove(8) }, "entry 7: it is missing, with all up to entry 8", false},
		"cut off, with the head":        {func(a attacker) { a.rewrite(5, false) }, "the log was cut after entry 5: it had 8 entries when the user", false},
		"cut off, with all but the MAC": {func(a attacker) { a.rewrite(5, true) }, "the log was cut after entry 5: it had 7 entries when the checkpoint", true},
		"only the head":                 {func(a attacker) { a.state(func(log map[string]any) { log["Size"] = 5 }) }, "it has lines behind its end, such as entry 6", false},
		"an impossible head":            {func(a attacker) { a.state(func(log map[string]any) { log["Size"] = 1 << 50 }) }, "which cannot be", false},
		"a negative head":               {func(a attacker) { a.state(func(log map[string]any) { log["Size"] = -5 }) }, "which cannot be", false},
		"written anew": {func(a attacker) {
			a.rewrite(5, true, a.entry(7), a.entry(8))
		}, "entry 7: its checkpoint is of 7 other entries", false},
		"written anew, as long as it was": {func(a attacker) {
			a.rewrite(4, true, a.entry(7), a.entry(7), a.entry(7), a.entry(8))
		}, "entry 8: its checkpoint is of 7 other entries", false},
		"written anew, without the checkpoint": {func(a attacker) {
			a.rewrite(4, true, a.entry(7), a.entry(7), a.entry(7), a.entry(7))
		}, "entry 7: it, or one before it, is not what it was", true},
		"written anew, the head of the last login kept": {func(a attacker) {
			a.rewrite(4, false, a.entry(7), a.entry(7), a.entry(7), a.entry(7))
		}, "entry 8: it, or one before it, is not what it was when the user was last logged in", false},
		"signed with another key": {func(a attacker) {
			e := a.entry(8)
			checkpoint, err := a.ownKey().Sign(devicelog.Head{Size: 7, Hash: sha256.Sum256(a.line(7))})
			if err != nil {
				a.t.Fatal(err)
			}
			e.Checkpoint = checkpoint
			a.rewrite(7, true, e)
		}, "entry 8: the checkpoint is not signed by this device", false},
		"another key in the certificate": {func(a attacker) {
			other := memory.New()
			logged(a.t, other)
			putRecord(a.t, a.s, 2, 0x2F02, record(a.t, other, 2, 0x2F02))
		}, "the checkpoint that was kept: the checkpoint is of another device", true},
		"entries that are said to be no longer kept": {func(a attacker) {
			putRecord(a.t, a.s, 6, 0, []byte("conclave-log/x\n4\n"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n\n— x AAAA\n"))
		}, "the checkpoint of the entries that are no longer kept", false},
	} {
		t.Run(what, func(t *testing.T) {
			s := memory.New()
			logged(t, s)
			log := readLog(t, s)
			kept := log.Verify().Checkpoint
			wantFindings(t, log, "", kept)
			attack.run(attacker{t, s})
			if attack.kept {
				wantFindings(t, readLog(t, s), attack.want, kept)
			} else {
				wantFindings(t, readLog(t, s), attack.want)
			}
		})
	}
}

// TestOlderFile: the whole file of before shows only beside a checkpoint that was kept.
func TestOlderFile(t *testing.T) {
	s, older := memory.New(), memory.New()
	logged(t, s)
	copyLogged(t, s, older)
	c := openLogged(t, s, nil)
	expect(t, c, login, sign+"9000 /^30")
	mustReset(t, c)
	kept := readLog(t, s).Verify().Checkpoint
	wantFindings(t, readLog(t, older), "")
	wantFindings(t, readLog(t, older), "the log was cut after entry 8: it had 10 entries when the checkpoint that was kept", kept)
	wantFindings(t, readLog(t, older), "not a checkpoint", "what is this?")
}

func copyLogged(t *testing.T, from, to store.Store) {
	t.Helper()
	err := to.Update(func(w store.Writer) error {
		if err := copyAll(from, w); err != nil {
			return err
		}
		for id, line := range readLog(t, from).Lines {
			if err := w.Put(kindLog, id, line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCutLogLocksNobodyOut: the next login says that the log was cut, in the log too,
// and the keys are there.
func TestCutLogLocksNobodyOut(t *testing.T) {
	for what, attack := range map[string]func(a attacker){
		"cut off":                func(a attacker) { a.rewrite(5, false) },
		"edited since the login": func(a attacker) { a.put(9, bytes.Replace(a.line(9), []byte("63C2"), []byte("9000"), 1)) },
		"missing since then":     func(a attacker) { a.remove(9) },
		"an impossible head":     func(a attacker) { a.state(func(log map[string]any) { log["Size"] = 1 << 50 }) },
		"added since then": func(a attacker) {
			a.put(10, a.line(9))
			a.state(func(log map[string]any) { log["Size"] = 10 })
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := memory.New()
			logged(t, s)
			expect(t, openLogged(t, s, nil), wrongPIN) // entry 9
			wantFindings(t, readLog(t, s), "")
			attack(attacker{t, s})
			var said bytes.Buffer
			c := openLogged(t, s, &said)
			expect(t, c, login, sign+"9000 /^30")
			mustReset(t, c)
			if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "was cut or changed") {
				t.Errorf("it was not said: %s", &said)
			}
			log := readLog(t, s)
			wantFindings(t, log, "the device says that the log was cut or changed before it")
			if got := told(t, log); !slices.Equal(got[len(got)-4:], []string{devicelog.Cut + ",", "VERIFY, user PIN 9000", "SIGN, key 1 9000", "CHECKPOINT,"}) {
				t.Errorf("the log ends with %v", got)
			}
			for range 2 { // it says so once
				expect(t, c, login)
				mustReset(t, c)
			}
			if n := strings.Count(strings.Join(told(t, readLog(t, s)), "\n"), devicelog.Cut); n != 1 {
				t.Errorf("it was said %d times", n)
			}
		})
	}
}

// TestForgedSeal: what the log was when the user was last logged in is under the MAC
// of the state.
func TestForgedSeal(t *testing.T) {
	s := memory.New()
	logged(t, s)
	attacker{t, s}.rewrite(5, true)
	if r := transmit(t, openLogged(t, s, nil), login); r != "6581" {
		t.Errorf("a login was answered with %s", r)
	}
}

// TestForgedSizes keep no one from initialising the device, whatever the state says.
func TestForgedSizes(t *testing.T) {
	for _, size := range []int64{-1, 1 << 20, 1 << 50, math.MaxInt64} {
		s := memory.New()
		logged(t, s)
		attacker{t, s}.state(func(log map[string]any) {
			log["Size"], log["Sealed"] = size, map[string]any{"Size": size, "Hash": log["Hash"]}
		})
		c := openLogged(t, s, nil)
		expect(t, c, withLog(anew), generateEC(t, "01", ""), sign+"9000 /^30")
		mustReset(t, c)
		if len(readLog(t, s).Verify().Findings) == 0 {
			t.Errorf("size %d: nothing is found", size)
		}
	}
}

// TestRotatingLog drops the oldest entries, keeps a signed checkpoint of them, and
// agrees with the checkpoints of before.
func TestRotatingLog(t *testing.T) {
	s := newSQLite(t)
	logged(t, s)
	c := openLogged(t, s, nil)
	c.LimitLog(20, 8, 6, 100)
	kept := []string{readLog(t, s).Verify().Checkpoint}
	for range 15 {
		expect(t, c, login, sign+"9000 /^30", sign+"9000 /^30", wrongPIN)
		mustReset(t, c)
		report := readLog(t, s).Verify(kept...)
		if len(report.Findings) > 0 || report.Last-report.First > 21 {
			t.Fatalf("entries %d to %d, findings %v", report.First, report.Last, report.Findings)
		}
		kept = append(kept, report.Checkpoint)
	}
	log := readLog(t, s)
	if report := log.Verify(); report.First < 40 || report.Last < 70 || len(log.Lines) > 21 {
		t.Errorf("%d entries are kept, %d to %d", len(log.Lines), report.First, report.Last)
	}
	putRecord(t, s, 6, 0, nil)
	wantFindings(t, readLog(t, s), "entry 1: it is missing, with all up to entry")
	for range 6 {
		expect(t, c, login)
	}
}

// TestLongSessionIsSigned within the session.
func TestLongSessionIsSigned(t *testing.T) {
	s := memory.New()
	logged(t, s)
	c := openLogged(t, s, nil)
	c.LimitLog(1000, 100, 6, 100)
	expect(t, c, login)
	for range 20 {
		expect(t, c, sign+"9000 /^30")
	}
	if report := readLog(t, s).Verify(); report.Last-report.Signed.Size > 6 {
		t.Errorf("of %d entries the first %d are signed", report.Last, report.Signed.Size)
	}
}

// TestRefusalsDoNotFlushTheLog: who lacks the PIN writes only so much into it, but
// each wrong PIN.
func TestRefusalsDoNotFlushTheLog(t *testing.T) {
	s := memory.New()
	logged(t, s)
	c := openLogged(t, s, nil)
	c.LimitLog(30, 10, 100, 5)
	for range 20 {
		expect(t, c, sign+"6982")
	}
	expect(t, c, wrongPIN)
	got := told(t, readLog(t, s))
	if want := append(slices.Repeat([]string{"SIGN, key 1 6982"}, 5), "VERIFY, user PIN 63C2"); !slices.Equal(got[8:], want) {
		t.Errorf("the log ends with %v", got[8:])
	}
	wantFindings(t, readLog(t, s), "")
}

// fullStore has no room for entries of the log while it is full.
type fullStore struct {
	store.Store
	full bool
}

func (s *fullStore) Update(fn func(store.Writer) error) error {
	return s.Store.Update(func(w store.Writer) error { return fn(fullWriter{w, s}) })
}

type fullWriter struct {
	store.Writer
	s *fullStore
}

func (w fullWriter) Put(kind store.Kind, id uint16, value []byte) error {
	if w.s.full && kind == kindLog {
		return store.ErrFull
	}
	return w.Writer.Put(kind, id, value)
}

// TestNoRoomForTheLog: no key is used, and nothing is changed, that the log does not
// tell of.
func TestNoRoomForTheLog(t *testing.T) {
	s := &fullStore{Store: memory.New()}
	logged(t, s)
	c := openLogged(t, s, nil)
	commands := []string{sign, deleteFirst[:14], "8072019200 0000 = ", generateEC(t, "02", ""), "00D7C4010A 54020000 5304 6C616265 = "}
	expect(t, c, login)
	entries := told(t, readLog(t, s))
	keys := len(dump(t, s))
	s.full = true
	for _, command := range commands {
		left, _, _ := strings.Cut(command, "=")
		expect(t, c, left+"= 6581")
	}
	expect(t, openLogged(t, s, nil), "0020008106363438323139 = 6581", "00200081 = 63C3", sign+"6982")
	if got := told(t, readLog(t, s)); !slices.Equal(got, entries) || len(dump(t, s)) != keys {
		t.Errorf("entries %v, %d records; there were %d", got[len(entries):], len(dump(t, s)), keys)
	}
	s.full = false
	expect(t, c, sign+"9000 /^30")
	mustReset(t, c)
	wantFindings(t, readLog(t, s), "")
}

// TestLogOfManyProcesses: cards on one file stand for processes; their entries have
// no gap.
func TestLogOfManyProcesses(t *testing.T) {
	path := t.TempDir() + "/d"
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	logged(t, s)
	const processes, signatures = 3, 10
	var all sync.WaitGroup
	for range processes {
		c := openLogged(t, openFile(t, path), nil)
		all.Go(func() {
			for range signatures {
				if transmit(t, c, login) != "9000" || transmit(t, c, sign) != "9000" {
					t.Error("a login or a signature was refused")
				}
			}
			if err := c.Reset(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	text := strings.Join(told(t, readLog(t, s)), "\n")
	if n := strings.Count(text, "SIGN, key 1 9000"); n != 1+processes*signatures {
		t.Errorf("%d signatures are in the log", n)
	}
	wantFindings(t, readLog(t, s), "")
}

// TestNothingAcknowledgedIsMissing: whatever commands come, and whenever the store
// fails, the last entry of the log is that of the command that was answered last.
func TestNothingAcknowledgedIsMissing(t *testing.T) {
	whole := memory.New()
	logged(t, whole)
	commands := []string{login, sign, "0020008106000000000000 =", "8072019200 0000 =", "00D7C4010A 54020000 5304 6C616265 =", "00E4020002C401 =",
		generateEC(t, "03", ""), "00E4020002CC03 =", "002C01810E 3537363231383830 393939393939 =", "002C018108 3537363231383830 =", "8062018003 040506 00 ="}
	rapid.Check(t, func(rt *rapid.T) {
		s := &failing{Store: memory.New()}
		copyLogged(t, whole, s.Store)
		c := openLogged(t, s, nil)
		for range rapid.IntRange(1, 12).Draw(rt, "commands") {
			s.after = rapid.IntRange(0, 4).Draw(rt, "failing update") // 0 for none
			command := rapid.SampledFrom(commands).Draw(rt, "command")
			result := transmit(t, c, command)
			failed := s.failed
			if s.after, s.failed = 0, false; failed && result != "9000" {
				continue // what is refused is refused, in the log or not
			}
			lines := told(t, readLog(t, s))
			if last := lines[len(lines)-1]; !strings.HasSuffix(last, " "+result) {
				rt.Fatalf("% s was answered with %s, and the log ends with %q", command, result, last)
			}
		}
		if found := readLog(t, s).Verify().Findings; len(found) > 0 {
			rt.Fatal(found)
		}
	})
}

// failing is a store one of whose next updates fails.
type failing struct {
	store.Store
	after  int
	failed bool
}

func (s *failing) Update(fn func(store.Writer) error) error {
	if s.after--; s.after == 0 {
		s.failed = true
		return store.ErrFull
	}
	return s.Store.Update(fn)
}

// TestCheckpointIsANote that others can verify: ECDSA with SHA-256 over the text.
func TestCheckpointIsANote(t *testing.T) {
	s := memory.New()
	logged(t, s)
	log := readLog(t, s)
	checkpoint := log.Verify().Checkpoint
	text, signatures, _ := strings.Cut(checkpoint, "\n\n")
	lines := strings.Fields(text)
	sum := sha256.Sum256(attacker{t, s}.line(7))
	if len(lines) != 3 || lines[0] != "conclave-log/"+log.Key.Serial || lines[1] != "7" || lines[2] != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("the text is %q", lines)
	}
	signature, err := base64.StdEncoding.DecodeString(strings.Fields(signatures)[2])
	spki, spkiErr := log.Key.Public.SPKI()
	id := sha256.Sum256(spki)
	if err != nil || spkiErr != nil || !bytes.Equal(signature[:4], id[:4]) || log.Key.Public.VerifyDER([]byte(text+"\n"), signature[4:]) != nil {
		t.Errorf("the signature %x (%v) is not that of the device", signature, err)
	}
	if e := (attacker{t, s}).entry(8); e.Previous != hex.EncodeToString(sum[:]) {
		t.Errorf("entry 8 follows %s", e.Previous)
	}
	for i := range checkpoint {
		changed := []byte(checkpoint)
		changed[i] ^= 1
		if last := strings.LastIndex(checkpoint, "="); last > 0 && i < last && strings.Trim(checkpoint[i+1:], "=\n") == "" {
			continue // the last character before the padding has bits that say nothing
		}
		if _, err := log.Key.Open(string(changed)); err == nil {
			t.Errorf("byte %d can be changed", i)
		}
	}
}
