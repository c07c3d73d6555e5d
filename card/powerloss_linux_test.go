package card_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/sqlite"
	"conclave/internal/faultdisk"
	"conclave/internal/testrun"
	"conclave/wire"
)

// facts are what must be true of a device.
type facts struct {
	pin, so string       // that are right; empty before the first INITIALIZE DEVICE
	uses    map[byte]int // of the keys that sign: how often, uncounted for as often as one likes
	// The counters, as VERIFY without a PIN has them.
	tries map[wire.PINReference]apdu.Status
}

const uncounted = -1

// change is a command that changes the state of a device, or a part of its life
// that may change the file.
type change struct {
	name          string
	command       apdu.Command // with the answer to the last WRAP KEY for a blob
	sw            apdu.Status
	needs         wire.PINReference // which PIN a new session has to verify first; 0 for none
	refills       bool              // a counter may be higher afterwards
	then          func(f *facts)    // what is true afterwards; nil for the same as before
	before, after facts
	begun         int // how much the disk had done
	updates       int // of the store, where nothing fails
}

// reopened is the name of what is no command: the process ends, and another opens
// the file.
const reopened = "close and open"

// changes are all commands that change the state, at least once.
func changes(t *testing.T) []*change {
	t.Helper()
	key, err := os.ReadFile("../wire/testdata/key-request-ec.hex")
	if err != nil {
		t.Fatal(err)
	}
	request := strings.Join(strings.Fields(string(key)), "")
	do := func(ins, p1, p2 byte, data string) apdu.Command {
		b, err := hex.DecodeString(strings.ReplaceAll(data, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		c := apdu.Command{INS: ins, P1: p1, P2: p2, Data: b}
		if ins == wire.InsGenerateKeyPair || ins == wire.InsSign || ins == wire.InsWrapKey {
			c.Ne = 65536
		}
		return c
	}
	initialize := func(pin, so, shares string) apdu.Command {
		return do(wire.InsInitializeDevice, 0, 0, fmt.Sprintf("80020001 8106%X 8208%X 910103 9201%s", pin, so, shares))
	}
	user := func(pin string) apdu.Command { return do(wire.InsVerify, 0, 0x81, fmt.Sprintf("%X", pin)) }
	officer := func(so string) apdu.Command { return do(wire.InsVerify, 0, 0x88, fmt.Sprintf("%X", so)) }
	pins := func(pin, so string) func(*facts) { return func(f *facts) { f.pin, f.so = pin, so } }
	add := func(id byte, uses int) func(*facts) { return func(f *facts) { f.uses[id] = uses } }
	digest := strings.Repeat("11", 32)
	const p0, p1, p2, s0, s1 = "648219", "123456", "654321", "57621880", "31415926"
	used := func(f *facts) { f.uses[2]-- }
	return []*change{
		{name: "the first INITIALIZE DEVICE", command: initialize(p0, s0, "00"), sw: apdu.OK, refills: true, then: pins(p0, s0)},
		{name: "VERIFY", command: user(p0), sw: apdu.OK},
		{name: "GENERATE KEY PAIR", command: do(wire.InsGenerateKeyPair, 1, 0, request), sw: apdu.OK, needs: wire.UserPIN, then: add(1, uncounted)},
		{name: "VERIFY with a wrong PIN", command: user("000000"), sw: apdu.TriesLeft(2)},
		{name: "VERIFY with another", command: user("000001"), sw: apdu.TriesLeft(1)},
		{name: "VERIFY with the right one", command: user(p0), sw: apdu.OK, refills: true},
		{name: "GENERATE KEY PAIR of a key with three uses", command: do(wire.InsGenerateKeyPair, 2, 0, request+"900103"), sw: apdu.OK, needs: wire.UserPIN, then: add(2, 3)},
		{name: "SIGN", command: do(wire.InsSign, 2, 0x70, digest), sw: apdu.OK, needs: wire.UserPIN, then: used},
		{name: reopened},
		{name: "VERIFY", command: user(p0), sw: apdu.OK},
		{name: "SIGN", command: do(wire.InsSign, 2, 0x70, digest), sw: apdu.OK, needs: wire.UserPIN, then: used},
		{name: "UPDATE BINARY", command: do(wire.InsUpdateBinary, 0xCE, 1, "54020000 5304 01020304"), sw: apdu.OK, needs: wire.UserPIN},
		{name: "UPDATE BINARY of a longer one", command: do(wire.InsUpdateBinary, 0xCE, 1, "54020004 53820800"+strings.Repeat("A5", 2048)), sw: apdu.OK, needs: wire.UserPIN},
		{name: "UPDATE BINARY of a protected file", command: do(wire.InsUpdateBinary, 0xCD, 1, "54020000 5304 01020304"), sw: apdu.OK, needs: wire.UserPIN},
		{name: "DELETE FILE", command: do(wire.InsDeleteFile, 2, 0, "CE01"), sw: apdu.OK, needs: wire.UserPIN},
		{name: "CHANGE REFERENCE DATA", command: do(wire.InsChangeReferenceData, 0, 0x81, fmt.Sprintf("%X%X", p0, p1)), sw: apdu.OK, then: pins(p1, s0)},
		{name: "CHANGE REFERENCE DATA with a wrong PIN", command: do(wire.InsChangeReferenceData, 0, 0x81, fmt.Sprintf("%X%X", p0, p2)), sw: apdu.TriesLeft(2)},
		{name: "CHANGE REFERENCE DATA of the SO-PIN", command: do(wire.InsChangeReferenceData, 0, 0x88, fmt.Sprintf("%X%X", s0, s1)), sw: apdu.OK, then: pins(p1, s1)},
		{name: "RESET RETRY COUNTER with the SO-PIN", command: do(wire.InsResetRetryCounter, 1, 0x81, fmt.Sprintf("%X", s1)), sw: apdu.OK, refills: true},
		{name: "VERIFY with a wrong PIN", command: user("000000"), sw: apdu.TriesLeft(2)},
		{name: "VERIFY with a wrong PIN", command: user("000001"), sw: apdu.TriesLeft(1)},
		{name: "VERIFY with a wrong PIN, which blocks", command: user("000002"), sw: apdu.AuthenticationBlocked},
		{name: "RESET RETRY COUNTER with a new PIN", command: do(wire.InsResetRetryCounter, 0, 0x81, fmt.Sprintf("%X%X", s1, p2)), sw: apdu.OK, refills: true, then: pins(p2, s1)},
		{name: "VERIFY of a wrong SO-PIN", command: officer("00000000"), sw: apdu.TriesLeft(14)},
		{name: "VERIFY of the SO-PIN", command: officer(s1), sw: apdu.OK, refills: true},
		{name: "RESET RETRY COUNTER after the SO-PIN, with a new PIN", command: do(wire.InsResetRetryCounter, 2, 0x81, fmt.Sprintf("%X", p1)), sw: apdu.OK, needs: wire.SOPIN, refills: true, then: pins(p1, s1)},
		{name: "RESET RETRY COUNTER after the SO-PIN", command: do(wire.InsResetRetryCounter, 3, 0x81, ""), sw: apdu.OK, needs: wire.SOPIN, refills: true},
		{name: "VERIFY", command: user(p1), sw: apdu.OK},
		{name: "DELETE FILE of a key", command: do(wire.InsDeleteFile, 2, 0, "CC01"), sw: apdu.OK, needs: wire.UserPIN, then: func(f *facts) { f.uses = map[byte]int{2: f.uses[2]} }},
		{name: reopened},
		{name: "INITIALIZE DEVICE with a wrong SO-PIN", command: initialize(p0, s0, "02"), sw: apdu.TriesLeft(14)},
		{name: "INITIALIZE DEVICE", command: initialize(p0, s1, "02"), sw: apdu.OK, refills: true, then: func(f *facts) { f.pin, f.uses = p0, map[byte]int{} }},
		{name: "MANAGE DKEK", command: do(wire.InsManageDKEK, 0, 0, strings.Repeat("5A", 32)), sw: apdu.OK},
		{name: "MANAGE DKEK with the last share", command: do(wire.InsManageDKEK, 0, 0, strings.Repeat("A7", 32)), sw: apdu.OK},
		{name: reopened},
		{name: "VERIFY", command: user(p0), sw: apdu.OK}, // opens the inbox
		{name: "GENERATE KEY PAIR", command: do(wire.InsGenerateKeyPair, 1, 0, request), sw: apdu.OK, needs: wire.UserPIN, then: add(1, uncounted)},
		{name: "WRAP KEY", command: do(wire.InsWrapKey, 1, wire.WrapMode, ""), sw: apdu.OK, needs: wire.UserPIN},
		{name: "UNWRAP KEY", command: do(wire.InsUnwrapKey, 3, wire.UnwrapMode, ""), sw: apdu.OK, needs: wire.UserPIN, then: add(3, uncounted)},
		{name: reopened},
	}
}

// send sends a command. It keeps what WRAP KEY answers, and gives it to UNWRAP KEY.
func (x *change) send(t *testing.T, c *card.Card, blob *[]byte) apdu.Status {
	t.Helper()
	if x.command.INS == wire.InsUnwrapKey && *blob != nil {
		x.command.Data = *blob
	}
	r, err := apdu.Exchange(c, x.command)
	if err != nil {
		t.Fatal(err)
	}
	if x.command.INS == wire.InsWrapKey {
		*blob = r.Data
	}
	return r.SW
}

// fingerprint is the state of a device: of all its records.
func fingerprint(r store.Reader) (string, error) {
	h := sha256.New()
	for kind := range store.Kind(16) {
		ids, err := r.List(kind)
		if err != nil {
			return "", err
		}
		for _, id := range ids {
			b, err := r.Get(kind, id)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%d %d %d %s", kind, id, len(b), b)
		}
	}
	return fmt.Sprintf("%.8x", h.Sum(nil)), nil
}

func stateOf(s store.Store) (state string, err error) {
	err = s.View(func(r store.Reader) error {
		state, err = fingerprint(r)
		return err
	})
	return state, err
}

// witness is a store that tells of each update that is durable.
type witness struct {
	store.Store
	durable func()
}

func (w witness) Update(fn func(store.Writer) error) error {
	err := w.Store.Update(fn)
	if err == nil {
		w.durable()
	}
	return err
}

// life plays all changes on a device, whose file a disk remembers. For each state
// that was durable, there is what was under way.
func life(t *testing.T, files *faultdisk.SQLite) (h *faultdisk.History, all, under []*change) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "device")
	made, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	manufacture(t, made)
	made.Close()
	h = &faultdisk.History{Disk: faultdisk.NewDisk(t, filepath.Dir(path))}
	files.Remember(h.Disk)
	defer files.Remember(nil)
	all = changes(t)
	now := all[0]
	open := func() (*sqlite.Store, *card.Card) {
		s := openFile(t, path)
		return s, openCard(t, witness{s, func() { reached(t, h, s); under = append(under, now) }})
	}
	s, c := open()
	reached(t, h, s)
	under = append(under, now)
	f := facts{uses: map[byte]int{}, tries: tries(t, s)}
	var blob []byte
	for _, x := range all {
		now, x.before, x.begun = x, f, h.Done()
		if x.name == reopened {
			s.Close()
			s, c = open()
		} else if sw := x.send(t, c, &blob); sw != x.sw {
			t.Fatalf("%s: %v; %v was expected", x.name, sw, x.sw)
		}
		f.uses, f.tries = maps.Clone(f.uses), tries(t, s)
		if x.then != nil {
			x.then(&f)
		}
		x.after = f
		reached(t, h, s) // the answer is out
		under = append(under, x)
	}
	s.Close()
	return h, all, under
}

// reached takes down what is durable.
func reached(t *testing.T, h *faultdisk.History, s store.Store) {
	t.Helper()
	state, err := stateOf(s)
	if err != nil {
		t.Fatal(err)
	}
	h.Reached(state)
}

// tries gives both counters.
func tries(t *testing.T, s store.Store) map[wire.PINReference]apdu.Status {
	t.Helper()
	c := openCard(t, s)
	return map[wire.PINReference]apdu.Status{wire.UserPIN: verify(c, wire.UserPIN, ""), wire.SOPIN: verify(c, wire.SOPIN, "")}
}

// left is how many tries a status word of VERIFY tells of; a PIN that is blocked has
// none.
func left(sw apdu.Status) int {
	if n, ok := sw.Tries(); ok {
		return n
	}
	return 0
}

// judge wants of a device in the middle of a change what must be true whatever became
// of that.
func (x *change) judge(t *testing.T, s store.Store) {
	t.Helper()
	for ref, sw := range tries(t, s) {
		if before := x.before.tries[ref]; !x.refills && left(sw) > left(before) {
			t.Errorf("%s: the counter of PIN %X is at %v; it was at %v before", x.name, byte(ref), sw, before)
		}
	}
	c := openCard(t, s)
	so := either(t, c, x, wire.SOPIN, x.before.so, x.after.so)
	if x.after.tries[wire.UserPIN] == apdu.AuthenticationBlocked || x.before.tries[wire.UserPIN] == apdu.AuthenticationBlocked {
		expect(t, c, fmt.Sprintf("002C018108 %X = 9000", so))
	}
	either(t, c, x, wire.UserPIN, x.before.pin, x.after.pin)
	for id, before := range x.before.uses {
		if after, stays := x.after.uses[id]; stays {
			x.wantUses(t, c, id, before, after)
		}
	}
}

// either wants the PIN before a change to be right, or the one after it.
func either(t *testing.T, c *card.Card, x *change, ref wire.PINReference, pins ...string) string {
	t.Helper()
	var answers []apdu.Status
	for _, pin := range pins {
		sw := verify(c, ref, pin)
		if sw == apdu.OK || sw == apdu.ReferenceNotFound && x.before.pin == "" {
			return pin
		}
		answers = append(answers, sw)
	}
	t.Errorf("%s: PIN %X is neither what it was nor what it was to be: %v", x.name, byte(ref), answers)
	return ""
}

// wantUses wants a key to sign as often as it could before or as it can afterwards.
func (x *change) wantUses(t *testing.T, c *card.Card, id byte, before, after int) {
	t.Helper()
	signed := 0
	for signed <= before || before == uncounted && signed == 0 {
		r, err := apdu.Exchange(c, apdu.Command{INS: wire.InsSign, P1: id, P2: 0x70, Data: bytes.Repeat([]byte{0x11}, 32), Ne: 65536})
		if err != nil || r.SW != apdu.OK {
			break
		}
		signed++
	}
	if before == uncounted && signed == 0 || before != uncounted && signed != before && signed != after {
		t.Errorf("%s: key %d signs %d times; %d before and %d after were expected", x.name, id, signed, before, after)
	}
}

// TestLostPower lets a device live through all that changes it, and loses the power
// at each step that its file takes.
func TestLostPower(t *testing.T) {
	h, _, under := life(t, faultdisk.UnderSQLite(t))
	if h.Done() < 150 {
		t.Errorf("the changes take %d steps: not all of them are remembered", h.Done())
	}
	look := func(dir string) (string, error) {
		s, err := sqlite.Open(filepath.Join(dir, "device"))
		if err != nil {
			return "", err
		}
		defer s.Close()
		return stateOf(s)
	}
	judge := func(dir string, promised int) {
		s := openFile(t, filepath.Join(dir, "device"))
		defer s.Close()
		under[min(promised+1, len(under)-1)].judge(t, s)
	}
	h.Check(t, testrun.Random(t), look, judge)
}

// attempts is a store that knows the states that it is in or may be in: that of the
// last update that was durable, and that of one that failed while it was made so.
type attempts struct {
	store.Store
	now, tried string
	updates    int // that were durable
}

func (a *attempts) Update(fn func(store.Writer) error) error {
	state := ""
	err := a.Store.Update(func(w store.Writer) error {
		err := fn(w)
		if err == nil {
			state, err = fingerprint(w)
		}
		return err
	})
	if err == nil {
		a.now, a.tried = state, ""
		a.updates++
	} else if state != "" {
		a.tried = state
	}
	return err
}

// check wants the state to be one of them.
func (a *attempts) check(t *testing.T, what string, s store.Store) (state string) {
	t.Helper()
	state, err := stateOf(s)
	if err != nil || state != a.now && state != a.tried {
		t.Fatalf("%s: the state is %s (%v); %s or %q was expected", what, state, err, a.now, a.tried)
	}
	return state
}

// TestFailingDisk lets each call that SQLite makes in a change fail, in each way: the
// card refuses, nothing is half done, and with the disk in order all goes on, in this
// process, in another one, and after a kill.
func TestFailingDisk(t *testing.T) {
	files := faultdisk.UnderSQLite(t)
	h, all, _ := life(t, files)
	random := testrun.Random(t)
	points, refused := 0, 0
	for _, x := range all {
		do := x.fail
		if x.name == reopened {
			do = x.failToOpen
		}
		image := h.Image(x.begun)
		var counts map[faultdisk.Call]int
		image.InDirectory(t, func(dir string) { counts, _ = do(t, files, dir, nil, random.IntN(3)) })
		for _, fault := range faultdisk.Faults(random, counts) {
			image.InDirectory(t, func(dir string) {
				points++
				if _, ok := do(t, files, dir, &fault, random.IntN(3)); !ok {
					refused++
				}
			})
		}
	}
	t.Logf("%d calls failed, %d commands were refused", points, refused)
	if points < 50 || refused < points/2 {
		t.Error("that are too few: this test lets nothing fail")
	}
}

// failToOpen opens a file that a process has left, while a call fails.
func (x *change) failToOpen(t *testing.T, files *faultdisk.SQLite, dir string, fault *faultdisk.Fault, _ int) (counts map[faultdisk.Call]int, ok bool) {
	t.Helper()
	path := filepath.Join(dir, "device")
	states := map[string]bool{}
	look := func() error {
		s, err := sqlite.Open(path)
		if err != nil {
			return err
		}
		defer s.Close()
		state, err := stateOf(s)
		if err == nil {
			states[state] = true
			_, err = card.New(s, card.Config{})
		}
		return err
	}
	var err error
	counts = files.Fail(fault, func() { err = look() })
	if again := look(); again != nil || len(states) != 1 || err != nil && fault == nil {
		t.Fatalf("%s, %v: %v, then %v; the states are %v", x.name, fault, err, again, states)
	}
	s := openFile(t, path)
	defer s.Close()
	x.judge(t, s)
	return counts, err == nil
}

// fail does a change in a new session, in which a call fails, and then goes on: in
// what a kill leaves, in this process, or in another one.
func (x *change) fail(t *testing.T, files *faultdisk.SQLite, dir string, fault *faultdisk.Fault, goOn int) (counts map[faultdisk.Call]int, ok bool) {
	t.Helper()
	what := fmt.Sprintf("%s, %v", x.name, fault)
	path := filepath.Join(dir, "device")
	disk := faultdisk.NewDisk(t, dir)
	files.Remember(disk)
	s := openFile(t, path)
	a := &attempts{Store: s}
	c := openCard(t, a)
	x.logIn(t, c)
	before, err := stateOf(s)
	if err != nil {
		t.Fatal(err)
	}
	a.now, a.updates = before, 0
	var sw apdu.Status
	counts = files.Fail(fault, func() { sw = x.send(t, c, new([]byte)) })
	files.Remember(nil)
	a.check(t, what, s)
	if fault == nil {
		x.updates = a.updates
	}
	if sw != x.sw && (sw != apdu.MemoryFailure || fault == nil) || sw == x.sw && a.updates != x.updates {
		t.Fatalf("%s: the answer is %v after %d updates of %d", what, sw, a.updates, x.updates)
	}
	switch goOn {
	case 0:
		disk.Image(disk.Done()).InDirectory(t, func(dir string) {
			s := openFile(t, filepath.Join(dir, "device"))
			a.check(t, what+", killed", s)
			x.judge(t, s)
			s.Close()
		})
	case 1:
		x.again(t, what, a, c, before)
	default:
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		s = openFile(t, path)
		a.Store = s
		x.again(t, what+", in a new process", a, openCard(t, a), before)
	}
	s.Close()
	return counts, sw == x.sw
}

// again does the change again, if nothing has come of it.
func (x *change) again(t *testing.T, what string, a *attempts, c *card.Card, before string) {
	t.Helper()
	if a.check(t, what, a) == before {
		x.logIn(t, c)
		if sw := x.send(t, c, new([]byte)); sw != x.sw {
			t.Fatalf("%s: with the disk in order it is answered with %v; %v was expected", what, sw, x.sw)
		}
	}
	x.judge(t, a)
}

func (x *change) logIn(t *testing.T, c *card.Card) {
	t.Helper()
	pin := map[wire.PINReference]string{wire.UserPIN: x.before.pin, wire.SOPIN: x.before.so}[x.needs]
	if x.needs == 0 {
		return
	}
	if sw := verify(c, x.needs, pin); sw != apdu.OK {
		t.Fatalf("%s: the PIN is answered with %v", x.name, sw)
	}
}
