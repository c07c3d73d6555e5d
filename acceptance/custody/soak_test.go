//go:build linux

package custody

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"conclave/acceptance"
	"conclave/hsm"
	"conclave/internal/foreign"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/wire"
)

// soakVariable says how many rounds TestSoak has; 15,000 take about half an hour.
const soakVariable = "CONCLAVE_SOAK_ROUNDS"

// TestSoak lets a served card and the command line work on one device at once, and
// kills them at random moments. After each round the device must have what was
// acknowledged: keys that were made are there and sign, those deleted are gone, the
// PIN is the one that was set, no try and no use is missing that nobody has taken.
// What was cut off has happened or not.
func TestSoak(t *testing.T) {
	foreign.Need(t, "sqlite3")
	rounds := testrun.Times(150, 250)
	if given, err := strconv.Atoi(os.Getenv(soakVariable)); err == nil {
		rounds = given
	}
	s := &soak{victim: newVictim(t, t.TempDir()), random: testrun.Random(t), keys: map[byte]*soakKey{},
		took: map[string]time.Duration{}, ends: map[string]int{}}
	s.local(func(h *hsm.HSM) {
		s.must(h.Initialize(wire.Initialization{Options: wire.OptionResetRetryCounter, UserPIN: s.pin, SOPIN: soPIN(), Retries: soakTries}, ""))
	})
	s.pins = []string{string(s.pin)}
	for ref := range byte(2 * refs) {
		s.keys[ref+1] = &soakKey{ref: ref + 1}
	}
	s.served, s.killServer = s.serve()
	for range rounds {
		disturbed := s.round()
		s.check(disturbed)
	}
	s.killServer()
	s.integrity()
	t.Logf("how orders ended: %v", s.ends)
	for _, end := range []string{"generate cut off", "delete done", "sign cut off", "unwrap done", "PIN change done", "PIN change cut off"} {
		if s.ends[end] == 0 {
			t.Errorf("%s: never in %d rounds", end, rounds)
		}
	}
}

// refs is how many keys each of the two may have.
const refs = 4

// soakPINs are those that the user may have. They may have soakTries tries.
func soakPINs() []string { return []string{"64821900", "11223344", "12345678"} }

const soakTries, soSoakTries = 10, 15

type soak struct {
	*victim
	random     *rand.Rand
	served     *hsm.HSM
	killServer func()
	files      int // that were written

	// What the device must be like.
	pins []string // one of them is the user PIN, the likeliest first
	keys map[byte]*soakKey

	took map[string]time.Duration
	ends map[string]int
}

// soakKey is what must be so of a key.
type soakKey struct {
	ref             byte
	there, unsure   bool            // unsure: what was begun last may have happened or not
	public          *wire.PublicKey // nil while it was not seen
	backup          string          // a file, and which key is in it
	copied          *wire.PublicKey
	uses            int // 0 for no limit
	signed, perhaps int // uses that were acknowledged, and that may have been
	spent           bool
}

// order is something to be done by the served card, or by a program. tried notes
// what may be so once it was begun, done what is so once it is acknowledged.
type order struct {
	name    string
	card    func(*hsm.HSM) error
	program []string
	tried   func()
	done    func(output []byte)
	pin     bool   // it sets a PIN, or tries another one than the user's
	next    string // that PIN
	fails   bool   // it must
}

func (s *soak) in(n int) bool { return s.random.IntN(n) == 0 }

// round lets card and program work at once.
func (s *soak) round() (disturbed bool) {
	s.t.Helper()
	byCard := s.keyOrder(byte(1 + s.random.IntN(refs)))
	byProgram := s.keyOrder(byte(1 + refs + s.random.IntN(refs)))
	// Of two that restore at once, one can find the other's key in the staging file.
	// Programs see that, and say so; it is not what is tried here.
	if s.in(3) || byCard.name == "unwrap" && byProgram.name == "unwrap" {
		byProgram = s.pinOrder()
	}
	cmd, output, complaint := s.command(byProgram), new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = output, complaint
	h, pin := s.served, secret.Bytes(s.pins[0])
	byCard.tried()
	byProgram.tried()
	cardMoment, programMoment := s.moment("card", 3), s.moment("program", 2)
	s.must(cmd.Start())
	program := make(chan strike, 1)
	go func() { program <- begin(cmd.Wait, programMoment, func() { cmd.Process.Kill() }) }()
	card := begin(func() error {
		if err := h.Login(wire.UserPIN, pin); err != nil {
			return err
		}
		return byCard.card(h)
	}, cardMoment, s.killServer)
	s.end("card", byCard, card, byProgram.pin && !byProgram.fails, nil)
	struck := <-program
	if struck.err != nil && !struck.killed {
		struck.err = errors.New(complaint.String())
	}
	s.end("program", byProgram, struck, false, output.Bytes())
	if card.killed {
		s.served, s.killServer = s.serve()
	}
	return byProgram.pin
}

// strike is how something ended that may have been killed.
type strike struct {
	err    error // nil if it was acknowledged
	killed bool
	took   time.Duration
}

// begin does something, and kills it at a moment.
func begin(do func() error, moment time.Duration, kill func()) strike {
	started := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	select {
	case err := <-ended:
		return strike{err, false, time.Since(started)}
	case <-time.After(moment):
		kill()
		return strike{<-ended, true, 0}
	}
}

// moment is when to kill: once in n times, somewhere in what is done.
func (s *soak) moment(who string, n int) time.Duration {
	if !s.in(n) {
		return math.MaxInt64
	}
	return time.Duration(s.random.Int64N(int64(s.took[who]) + int64(time.Millisecond)))
}

// end takes note of how an order ended. What was not killed may fail only for a PIN
// that the other has changed.
func (s *soak) end(who string, o order, how strike, disturbed bool, output []byte) {
	s.t.Helper()
	end := "done"
	switch {
	case how.err == nil && o.fails:
		s.t.Fatalf("%s by the %s was acknowledged", o.name, who)
	case how.err == nil:
		o.done(output)
	case how.killed:
		end = "cut off"
	case o.fails, disturbed:
		end = "refused"
	default:
		s.t.Fatalf("%s by the %s: %v", o.name, who, how.err)
	}
	if !how.killed {
		s.took[who] = (3*s.took[who] + how.took) / 4
	}
	s.ends[o.name+" "+end]++
}

func (s *soak) command(o order) *exec.Cmd {
	cmd := exec.Command(acceptance.Bin("practice/"+o.program[0]), o.program[1:]...)
	cmd.Env = append(cmd.Environ(), "XDG_DATA_HOME="+s.data, "CONCLAVE_DEVICE=victim",
		"PIN="+s.pins[0], "NEW="+o.next, "WRONG=wrong000", "SOPIN=3537363231383830")
	return cmd
}

func (s *soak) file() string {
	s.files++
	return filepath.Join(s.data, fmt.Sprintf("key-%d.wrap", s.files))
}

// keyOrder is something that can be done with a key as it is.
func (s *soak) keyOrder(ref byte) order {
	k := s.keys[ref]
	switch n := s.random.IntN(6); {
	case !k.there && k.backup != "" && n < 4:
		return s.unwrap(k)
	case !k.there:
		return s.generate(k)
	case k.spent, n < 2:
		return s.delete(k)
	case n == 2 && k.uses == 0:
		return s.wrap(k)
	}
	return s.sign(k)
}

func (s *soak) generate(k *soakKey) order {
	made := soakKey{ref: k.ref, unsure: true, backup: k.backup, copied: k.copied}
	program := []string{"conclave", "key", "generate", "--type", "ec:secp256r1", "--ref", strconv.Itoa(int(k.ref)), "--pin", "env:PIN"}
	request := hsm.NewKey{Ref: k.ref, Key: p256(s.t)}
	if s.in(3) {
		made.uses = 1 + s.random.IntN(3)
		uses := uint32(made.uses)
		request.UseCounter = &uses
		program = append(program, "--uses", strconv.Itoa(made.uses))
	}
	return order{
		name: "generate", program: program,
		card: func(h *hsm.HSM) error {
			_, _, err := h.GenerateKey(request)
			return err
		},
		tried: func() { *k = made },
		done:  func([]byte) { k.there, k.unsure = true, false },
	}
}

func (s *soak) delete(k *soakKey) order {
	return order{
		name: "delete", program: []string{"conclave", "key", "delete", strconv.Itoa(int(k.ref)), "--yes", "--pin", "env:PIN"},
		card:  func(h *hsm.HSM) error { return h.DeleteKey(k.ref) },
		tried: func() { k.unsure = true },
		done:  func([]byte) { k.there, k.unsure = false, false },
	}
}

// message is what keys sign.
func message() []byte { return []byte("what was acknowledged is there") }

func (s *soak) sign(k *soakKey) order {
	path := filepath.Join(s.data, "message")
	s.must(os.WriteFile(path, message(), 0o600))
	return order{
		name: "sign", program: []string{"conclave", "key", "sign", strconv.Itoa(int(k.ref)), "--algorithm", "ecdsa-sha256", "--in", path, "--pin", "env:PIN"},
		card:  func(h *hsm.HSM) error { return signs(h, k) },
		tried: func() { k.perhaps++ },
		done: func(output []byte) {
			k.perhaps--
			k.signed++
			if output != nil {
				s.must(k.public.VerifyDER(message(), output))
			}
		},
	}
}

func signs(h *hsm.HSM, k *soakKey) error {
	digest := sha256.Sum256(message())
	signature, err := h.Sign(k.ref, wire.ECDSA, digest[:])
	if err != nil {
		return err
	}
	return k.public.VerifyDER(message(), signature)
}

func (s *soak) wrap(k *soakKey) order {
	path, ref := s.file(), strconv.Itoa(int(k.ref))
	o := order{
		name: "wrap", program: []string{"conclave", "key", "wrap", ref, path, "--pin", "env:PIN"},
		card: func(h *hsm.HSM) error {
			f, err := h.WrapKey(k.ref)
			if err != nil {
				return err
			}
			content, err := f.Bytes()
			if err != nil {
				return err
			}
			return os.WriteFile(path, content, 0o600)
		},
		tried: func() {},
		done:  func([]byte) { k.backup, k.copied = path, k.public },
	}
	if s.in(2) {
		o.program = []string{"sc-hsm-tool", "--reader", "embedded:victim", "--wrap-key", path, "--key-reference", ref, "--pin", "env:PIN"}
	}
	return o
}

func (s *soak) unwrap(k *soakKey) order {
	ref := strconv.Itoa(int(k.ref))
	restored := soakKey{ref: k.ref, unsure: true, public: k.copied, backup: k.backup, copied: k.copied}
	content, err := os.ReadFile(k.backup)
	s.must(err)
	o := order{
		name: "unwrap", program: []string{"conclave", "key", "unwrap", k.backup, "--ref", ref, "--pin", "env:PIN"},
		card: func(h *hsm.HSM) error {
			f, err := wire.ParseWrapFile(content)
			if err != nil {
				return err
			}
			return h.UnwrapKey(k.ref, f, false)
		},
		tried: func() { *k = restored },
		done:  func([]byte) { k.there, k.unsure = true, false },
	}
	if s.in(2) {
		// A deletion that was cut off may have left the key's description, which this
		// program overwrites only when it is told to, as OpenSC's does.
		o.program = []string{"sc-hsm-tool", "--reader", "embedded:victim", "--unwrap-key", k.backup, "--key-reference", ref, "--force", "--pin", "env:PIN"}
	}
	return o
}

// pinOrder is something that is done to the user PIN.
func (s *soak) pinOrder() order {
	next := soakPINs()[s.random.IntN(3)]
	o := order{
		pin: true, next: next, tried: func() { s.pins = append(s.pins, next) },
		done: func([]byte) { s.pins = []string{next} },
	}
	switch s.random.IntN(4) {
	case 0:
		o.name, o.fails = "guess", true
		o.program = []string{"conclave", "hsm", "pin", "change", "--pin", "env:WRONG", "--new-pin", "env:NEW"}
		o.tried = func() {}
	case 1:
		o.name = "PIN reset"
		o.program = []string{"conclave", "hsm", "pin", "reset", "--so-pin", "env:SOPIN", "--new-pin", "env:NEW"}
	default:
		o.name = "PIN change"
		o.program = []string{"conclave", "hsm", "pin", "change", "--pin", "env:PIN", "--new-pin", "env:NEW"}
	}
	return o
}

// check opens the device as the next user does.
func (s *soak) check(disturbed bool) {
	s.t.Helper()
	s.local(func(h *hsm.HSM) {
		s.checkTries(h, disturbed)
		s.logIn(h)
		s.checkKeys(h)
	})
}

// checkTries: right PINs cost no try, however they were cut off. Where another one
// was tried in the same round, it may have cost one, and so may each that was cut off.
func (s *soak) checkTries(h *hsm.HSM, disturbed bool) {
	s.t.Helper()
	status, err := h.Status()
	s.must(err)
	least := soakTries
	if disturbed {
		least -= 4
	}
	if status.User.Tries < least || status.SO.Tries != soSoakTries {
		s.t.Fatalf("%d tries of the user PIN and %d of the SO-PIN are left; %d and %d were expected", status.User.Tries, status.SO.Tries, least, soSoakTries)
	}
}

// logIn finds the PIN out.
func (s *soak) logIn(h *hsm.HSM) {
	s.t.Helper()
	var err error
	for _, pin := range s.pins {
		var refused *hsm.PINError
		if err = h.Login(wire.UserPIN, secret.Bytes(pin)); err == nil {
			s.pins = []string{pin}
			return
		}
		if !errors.As(err, &refused) {
			break
		}
	}
	s.t.Fatalf("the PIN is none of %v, one of which was set last: %v", s.pins, err)
}

// checkKeys looks for every key, and lets it sign if it does not count that.
func (s *soak) checkKeys(h *hsm.HSM) {
	s.t.Helper()
	keys, err := h.Keys()
	s.must(err)
	for ref, k := range s.keys {
		i := slices.IndexFunc(keys, func(found hsm.Key) bool { return found.Ref == ref })
		if there := i >= 0; !k.unsure && there != k.there {
			s.t.Fatalf("key %d is there: %v; %v was acknowledged", ref, there, k.there)
		}
		if k.there, k.unsure = i >= 0, false; !k.there {
			continue
		}
		if keys[i].Description == nil || keys[i].Public == nil {
			s.t.Fatalf("key %d is half written: %+v", ref, keys[i])
		}
		if k.public != nil && !k.public.Equal(*keys[i].Public) {
			s.t.Fatalf("key %d is not the one that it was", ref)
		}
		k.public = keys[i].Public
		s.checkUse(h, k)
	}
	if extra := slices.DeleteFunc(keys, func(found hsm.Key) bool { return s.keys[found.Ref] != nil }); len(extra) > 0 {
		s.t.Fatalf("there are keys that nobody made: %+v", extra)
	}
}

// checkUse lets a key sign. One that counts is used up when it may be by then.
func (s *soak) checkUse(h *hsm.HSM, k *soakKey) {
	s.t.Helper()
	if k.uses == 0 {
		if err := signs(h, k); err != nil {
			s.t.Fatalf("key %d does not sign: %v", k.ref, err)
		}
		return
	}
	if k.spent || k.signed+k.perhaps < k.uses {
		return
	}
	for k.spent = true; k.signed <= k.uses && signs(h, k) == nil; {
		k.signed++
	}
	if k.signed > k.uses || k.signed+k.perhaps < k.uses {
		s.t.Fatalf("key %d has signed %d times and perhaps %d more; %d uses were expected", k.ref, k.signed, k.perhaps, k.uses)
	}
}

// integrity has another program judge the file.
func (s *soak) integrity() {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.data, "conclave", "*", "victim*"))
	if err != nil || len(files) == 0 {
		s.t.Fatalf("the device's file was not found, %v", err)
	}
	out, err := exec.Command("sqlite3", files[0], "PRAGMA integrity_check").CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		s.t.Errorf("sqlite3 says %q, %v", out, err)
	}
}
