package card_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/card/store/sqlite"
	"conclave/internal/interrupt"
	"conclave/internal/keyop"
	"conclave/internal/testrun"
	"conclave/wire"
)

// The device of prepared.txt has this user PIN and SO-PIN, with so many tries.
const (
	rightPIN, pinTries  = "648219", 3
	rightSOPIN, soTries = "57621880", 15
)

func TestMain(m *testing.M) { testrun.Main(m, child) }

// child verifies PINs, one for each order, which is the reference, the PIN,
// at which moment to send itself a signal (0: never), and which. It prints what
// the card answers; before that, as soon as a PIN was compared, "compared".
func child(path string, orders iter.Seq[string]) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	cut := &cut{Store: s}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	signals := interrupt.NewHolder()
	c, err := card.New(cut, card.Config{Keys: keyop.Go(), PINCost: cheapPINs, Hold: signals.Hold, Log: slog.Default()})
	if err != nil {
		return err
	}
	for order := range orders {
		var ref wire.PINReference
		var pin string
		var signal syscall.Signal
		if _, err := fmt.Sscan(order, &ref, &pin, &cut.at, &signal); err != nil {
			return err
		}
		cut.moment, cut.updates = 0, 0
		cut.compared = func() { fmt.Println("compared") }
		cut.strike = func() { self.Signal(signal) }
		fmt.Printf("%04X\n", uint16(verify(c, ref, pin)))
		if err := signals.Err(); err != nil {
			return nil // as a program that was asked to end
		}
	}
	return nil
}

// verify gives the status word of VERIFY; without a PIN, that of an empty one.
func verify(c *card.Card, ref wire.PINReference, pin string) apdu.Status {
	r, err := apdu.Exchange(c, apdu.Command{INS: wire.InsVerify, P2: byte(ref), Data: []byte(pin)})
	if err != nil {
		panic(err) // a card gives none
	}
	return r.SW
}

// cut is a store that strikes at one of the moments at which its user can be
// cut off: around the lock, and around each change and its commit.
type cut struct {
	store.Store
	at, moment int
	strike     func()
	updates    int
	compared   func()
}

func (s *cut) tick() {
	if s.moment++; s.moment == s.at {
		s.strike()
	}
}

func (s *cut) Alone(fn func() error) error {
	s.tick()
	defer s.tick()
	return s.Store.Alone(func() error {
		s.tick()
		defer s.tick()
		return fn()
	})
}

// Update takes the second one of a login for the first sign of what came out.
func (s *cut) Update(fn func(store.Writer) error) error {
	if s.updates++; s.updates == 2 {
		s.compared()
	}
	s.tick()
	err := s.Store.Update(func(w store.Writer) error {
		s.tick()
		defer s.tick()
		return fn(w)
	})
	s.tick()
	return err
}

// moments is how many a login with any PIN has, settled the one before its
// second change.
const moments, settled = 12, 7

// order lets a child verify a PIN and be struck at a moment.
func order(p *testrun.Child, ref wire.PINReference, pin string, at int, signal syscall.Signal) {
	p.Order(uint8(ref), pin, at, int(signal))
}

// answer is what the card said. ok is false if the child did not live to tell.
func answer(p *testrun.Child) (compared bool, sw apdu.Status, ok bool) {
	text, ok := p.Answer()
	if compared = text == "compared"; compared {
		text, ok = p.Answer()
	}
	n, err := strconv.ParseUint(text, 16, 16)
	return compared, apdu.Status(n), ok && err == nil
}

// preparedFile makes the device of prepared.txt in a file, and closes it.
func preparedFile(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "test.device")
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	prepare(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFile(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// outstanding is the mark of the PIN for which a try is taken and neither given
// back nor spent, and empty if there is none.
func outstanding(t testing.TB, s store.Store) string {
	t.Helper()
	var state struct{ User, SO struct{ Attempt []byte } }
	err := s.View(func(r store.Reader) error {
		b, err := r.Get(1, 1)
		if err != nil {
			return err
		}
		return json.Unmarshal(stateJSON(b), &state)
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(state.User.Attempt) + string(state.SO.Attempt)
}

// stateJSON is the state without its checksum.
func stateJSON(record []byte) []byte { return record[1+sha256.Size:] }

// stateRecord is a state with its checksum.
func stateRecord(json []byte) []byte {
	sum := sha256.Sum256(json)
	return slices.Concat([]byte{2}, sum[:], json)
}

// TestManyRightPINs: processes that log in at once with the right PIN wait for
// each other, and all get in, even if there is only one try.
func TestManyRightPINs(t *testing.T) {
	path := preparedFile(t, t.TempDir())
	one := openCard(t, openFile(t, path))
	expect(t, one, strings.Replace(anew, "910103", "910101", 1), "0020008106393939393939 = 6983") // and the device is blocked
	expect(t, one, strings.Replace(anew, "910103", "910101", 1))
	for _, ref := range []struct {
		ref wire.PINReference
		pin string
	}{{wire.UserPIN, rightPIN}, {wire.SOPIN, rightSOPIN}} {
		for _, sw := range together(t, path, ref.ref, slices.Repeat([]string{ref.pin}, 8)) {
			if sw != apdu.OK {
				t.Errorf("a right PIN of reference %X was answered with %v", byte(ref.ref), sw)
			}
		}
	}
}

// together verifies each PIN in a process of its own, at once, five times.
func together(t *testing.T, path string, ref wire.PINReference, pins []string) (answers []apdu.Status) {
	t.Helper()
	const times = 5
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, pin := range pins {
		p := testrun.Start(t, path)
		group.Go(func() {
			for range times {
				order(p, ref, pin, 0, 0)
				_, sw, ok := answer(p)
				if !ok {
					t.Error("a child died")
				}
				mu.Lock()
				answers = append(answers, sw)
				mu.Unlock()
			}
			p.End()
		})
	}
	group.Wait()
	return answers
}

// TestManyPINs: the counter ends where one after the other would have left it.
func TestManyPINs(t *testing.T) {
	path := preparedFile(t, t.TempDir())
	c := openCard(t, openFile(t, path))
	// Of PINs that are all wrong, each takes a number of its own.
	answers := together(t, path, wire.SOPIN, []string{"00000001", "00000002"})
	slices.Sort(answers)
	var want []apdu.Status
	for n := soTries - len(answers); n < soTries; n++ {
		want = append(want, apdu.TriesLeft(n))
	}
	if !slices.Equal(answers, want) {
		t.Errorf("wrong PINs were answered with %v; %v was expected", answers, want)
	}
	// Right ones among them set it to its maximum; after the last of them each
	// wrong one has taken one off. All wrong ones could come first: it begins where
	// they do not block it.
	if sw := verify(openCard(t, openFile(t, path)), wire.SOPIN, rightSOPIN); sw != apdu.OK {
		t.Fatalf("the right PIN was answered with %v", sw)
	}
	pins := slices.Concat(slices.Repeat([]string{rightSOPIN}, 4), []string{"00000001", "00000002"})
	right := 0
	least := apdu.TriesLeft(soTries)
	for _, sw := range together(t, path, wire.SOPIN, pins) {
		if sw == apdu.OK {
			right++
		} else {
			least = min(least, sw)
		}
	}
	if right != 5*4 {
		t.Errorf("%d of 20 right PINs were taken", right)
	}
	if sw := verify(c, wire.SOPIN, ""); sw < least || sw > apdu.TriesLeft(soTries) {
		t.Errorf("the counter ends at %v; the least that was answered is %v", sw, least)
	}
}

// TestKilledRightPINs kills processes with the right PIN at every moment: at
// most one try is outstanding, the counter stays where it was, and no number of
// kills locks anyone out.
func TestKilledRightPINs(t *testing.T) { testStruckRightPINs(t, syscall.SIGKILL) }

// TestInterruptedRightPINs is the same with Ctrl-C, which waits until nothing is
// outstanding.
func TestInterruptedRightPINs(t *testing.T) { testStruckRightPINs(t, syscall.SIGINT) }

func testStruckRightPINs(t *testing.T, signal syscall.Signal) {
	t.Parallel()
	rounds := testrun.Times(12, 40) * moments
	if testing.Short() {
		rounds = 4 * moments
	}
	path := preparedFile(t, t.TempDir())
	s := openFile(t, path)
	c := openCard(t, s)
	left := 0
	for round := range rounds {
		ref, pin, tries := wire.UserPIN, rightPIN, pinTries
		if round%3 == 0 {
			ref, pin, tries = wire.SOPIN, rightSOPIN, soTries
		}
		p := testrun.Start(t, path)
		order(p, ref, pin, 1+round%moments, signal)
		if _, sw, ok := answer(p); ok && sw != apdu.OK {
			t.Fatalf("round %d: a right PIN was answered with %v", round, sw)
		}
		p.End()
		if sw := verify(c, ref, ""); sw != apdu.TriesLeft(tries) {
			t.Fatalf("round %d: the counter is at %v; %d tries were expected", round, sw, tries)
		}
		if outstanding(t, s) != "" {
			left++
		}
	}
	if killed := signal == syscall.SIGKILL; killed != (left > 0) {
		t.Errorf("a try was outstanding after %d of %d rounds", left, rounds)
	}
	for ref, pin := range map[wire.PINReference]string{wire.UserPIN: rightPIN, wire.SOPIN: rightSOPIN} {
		if sw := verify(c, ref, pin); sw != apdu.OK {
			t.Errorf("the right PIN is answered with %v", sw)
		}
	}
	if outstanding(t, s) != "" {
		t.Error("a try is outstanding after a login")
	}
}

// TestKilledGuesses kills processes that guess, at the moment when what came out
// is known and not yet written down: that gives no guess beyond the counter.
func TestKilledGuesses(t *testing.T) {
	path := preparedFile(t, t.TempDir())
	learned := 0
	for n := range 2 * pinTries {
		p := testrun.Start(t, path)
		order(p, wire.UserPIN, fmt.Sprintf("%06d", n), settled, syscall.SIGKILL)
		compared, sw, ok := answer(p)
		if ok && sw != apdu.AuthenticationBlocked {
			t.Errorf("guess %d was answered with %v", n, sw)
		}
		if compared {
			learned++
		}
		p.End()
	}
	if learned != pinTries {
		t.Errorf("%d guesses were compared; the counter has %d", learned, pinTries)
	}
	if sw := verify(openCard(t, openFile(t, path)), wire.UserPIN, rightPIN); sw != apdu.AuthenticationBlocked {
		t.Errorf("the right PIN is answered with %v after as many guesses as there are", sw)
	}
}

// errCut is what a store gives from the moment at which its user is cut off.
var errCut = errors.New("cut off")

// TestGuessesAreCounted plays 1,000 attackers, each with a victim that has the
// right PIN. Every process may be cut off at any moment. Since the last login of
// the victim, no more guesses are compared than the counter has; as long as it
// has one, the victim gets in.
func TestGuessesAreCounted(t *testing.T) {
	random := testrun.Random(t)
	s := memory.New()
	prepare(t, s)
	guesses, blocked := map[string]bool{}, 0
	held, mark := "", "" // the PIN for which a try is outstanding
	rounds := 10000
	if testing.Short() {
		rounds = 1000
	}
	for round := range rounds {
		pin := rightPIN
		if random.IntN(3) > 0 {
			pin = fmt.Sprintf("%06d", random.IntN(10))
		}
		before := verify(openCard(t, s), wire.UserPIN, "")
		compared, sw := cutOff(t, s, pin, random.IntN(moments+4))
		after := verify(openCard(t, s), wire.UserPIN, "")
		switch {
		case pin != rightPIN && (compared || held == rightPIN && slices.Contains([]apdu.Status{sw, after}, apdu.AuthenticationBlocked)):
			guesses[pin] = true // known to be wrong
		case pin == rightPIN && held == "" && after < before:
			t.Fatalf("round %d: a right PIN took the counter from %v to %v", round, before, after)
		case compared && outstanding(t, s) == "":
			clear(guesses) // all tries were given back, even if no one lived to hear it
		}
		if len(guesses) > pinTries {
			t.Fatalf("round %d: %d guesses were compared; the counter has %d", round, len(guesses), pinTries)
		}
		if after == apdu.AuthenticationBlocked {
			blocked++
			clear(guesses)
			expect(t, openCard(t, s), "002C018108 3537363231383830 = 9000")
		}
		if now := outstanding(t, s); now == "" {
			held, mark = "", ""
		} else if now != mark {
			held, mark = pin, now
		}
	}
	if blocked < rounds/20 {
		t.Errorf("%d attackers were stopped in %d rounds", blocked, rounds)
	}
}

// cutOff verifies a PIN with a card that is cut off at a moment; sw is 0 then.
func cutOff(t *testing.T, s store.Store, pin string, at int) (compared bool, sw apdu.Status) {
	t.Helper()
	cut := &cut{Store: s, at: at, compared: func() { compared = true }, strike: func() { panic(errCut) }}
	defer func() {
		if p := recover(); p != nil && p != errCut { //nolint:errorlint // the very value
			panic(p)
		}
	}()
	sw = verify(openCard(t, cut), wire.UserPIN, pin)
	return compared, sw
}
