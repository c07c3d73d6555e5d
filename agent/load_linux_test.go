package agent

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/token"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// The keys of the tests' devices, by their IDs.
const (
	ecKey  = "ec"
	rsaKey = "rsa"
)

// withKeys makes an EC key and an RSA key on a device.
func withKeys(tb testing.TB, home device.Home, name string) {
	tb.Helper()
	withDevice(tb, home, name, func(h *hsm.HSM) error {
		if err := h.Login(wire.UserPIN, secret.Bytes(userPIN)); err != nil {
			return err
		}
		p256, err := curve.ByName("secp256r1")
		if err != nil {
			return err
		}
		if _, _, err = h.GenerateKey(hsm.NewKey{ID: []byte(ecKey), Key: wire.PublicKey{Type: wire.KeyEC, Curve: p256}}); err != nil {
			return err
		}
		_, _, err = h.GenerateKey(hsm.NewKey{ID: []byte(rsaKey), Key: wire.PublicKey{Type: wire.KeyRSA, Bits: 2048, Exponent: []byte{1, 0, 1}}})
		return err
	})
}

// worker is one of many that use the keys, and looks at what it is answered.
type worker struct {
	session
	random *rand.Rand
	keys   map[string]cryptoki.Handle
	public map[string]crypto.PublicKey
}

// newWorker finds the keys. Its client is logged in.
func newWorker(m *module, slot token.SlotID, random *rand.Rand) (*worker, error) {
	w := &worker{session: m.open(slot), random: random, keys: map[string]cryptoki.Handle{}, public: map[string]crypto.PublicKey{}}
	for _, id := range []string{ecKey, rsaKey} {
		private, err := w.one(cryptoki.ClassPrivateKey, id)
		if err != nil {
			return nil, err
		}
		public, err := w.one(cryptoki.ClassPublicKey, id)
		if err != nil {
			return nil, err
		}
		w.keys[id], w.public[id] = private.Handle, publicKey(public)
	}
	return w, nil
}

func (w *worker) one(class cryptoki.Class, id string) (token.Record, error) {
	found, err := w.find(cryptoki.Attribute{Type: cryptoki.AttrClass, Value: cryptoki.Number(class)}, cryptoki.Attribute{Type: cryptoki.AttrID, Value: []byte(id)})
	if err != nil {
		return token.Record{}, err
	}
	if len(found) != 1 {
		return token.Record{}, fmt.Errorf("%d objects of class %d with ID %s", len(found), class, id)
	}
	return found[0], nil
}

func publicKey(o token.Record) crypto.PublicKey {
	attribute := func(a cryptoki.AttributeType) []byte {
		value, _ := cryptoki.Template(o.Attributes).Find(a)
		return value
	}
	if point := attribute(cryptoki.AttrECPoint); point != nil {
		var encoded []byte
		asn1.Unmarshal(point, &encoded)
		key, _ := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), encoded)
		return key
	}
	exponent := new(big.Int).SetBytes(attribute(cryptoki.AttrPublicExponent))
	return &rsa.PublicKey{N: new(big.Int).SetBytes(attribute(cryptoki.AttrModulus)), E: int(exponent.Int64())}
}

// errWrong is the error for an answer that is not right.
var errWrong = errors.New("a wrong answer")

// step does something, and looks at the answer.
func (w *worker) step() error {
	data := binary.NativeEndian.AppendUint64(nil, w.random.Uint64())
	sum := sha256.Sum256(data)
	switch w.random.IntN(12) {
	case 0:
		return w.signEC(data, sum[:])
	case 1:
		if w.random.IntN(8) == 0 {
			return w.signRSA(data, sum[:])
		}
		return w.signEC(data, sum[:])
	case 2:
		return w.multiPart(data, sum[:])
	case 3:
		return w.look()
	case 4:
		return w.reopen()
	case 5, 6, 7, 8:
		digest, err := w.single(token.Digest, cryptoki.Mechanism{Type: cryptoki.SHA256}, 0, data, nil)
		return right(err, bytes.Equal(digest, sum[:]), "a digest")
	}
	random, err := w.session.random(16)
	return right(err, len(random) == 16, "random bytes")
}

func right(err error, is bool, what string) error {
	if err == nil && !is {
		err = fmt.Errorf("%w: %s", errWrong, what)
	}
	return err
}

func (w *worker) signEC(data, sum []byte) error {
	s, err := w.single(token.Sign, cryptoki.Mechanism{Type: cryptoki.ECDSASHA256}, w.keys[ecKey], data, nil)
	if err != nil || len(s) != 64 {
		return right(err, false, "a signature of another length")
	}
	is := ecdsa.Verify(w.public[ecKey].(*ecdsa.PublicKey), sum, new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:]))
	return right(nil, is, "an EC signature")
}

func (w *worker) signRSA(data, sum []byte) error {
	s, err := w.single(token.Sign, cryptoki.Mechanism{Type: cryptoki.SHA256RSAPKCS}, w.keys[rsaKey], data, nil)
	if err != nil {
		return err
	}
	return right(nil, rsa.VerifyPKCS1v15(w.public[rsaKey].(*rsa.PublicKey), crypto.SHA256, sum, s) == nil, "an RSA signature")
}

// multiPart hashes in two parts.
func (w *worker) multiPart(data, sum []byte) error {
	_, err := w.do(callCrypt, number(token.Digest), number(stageUpdate), number(1), mech(cryptoki.Mechanism{Type: cryptoki.SHA256}), number(0), str(data[:3]), str(""))
	if err != nil {
		return err
	}
	if _, err := w.do(callCrypt, number(token.Digest), number(stageUpdate), number(0), str(data[3:]), str("")); err != nil {
		return err
	}
	r, err := w.do(callCrypt, number(token.Digest), number(stageFinal), number(0), str(""), str(""))
	if err != nil {
		return err
	}
	digest := r.string()
	return right(r.done(), bytes.Equal(digest, sum), "a digest in parts")
}

// look looks at a key once more.
func (w *worker) look() error {
	o, err := w.one(cryptoki.ClassPrivateKey, ecKey)
	return right(err, o.Handle == w.keys[ecKey] && o.Output == 64, "a key")
}

// reopen closes the session, and goes on in another one.
func (w *worker) reopen() error {
	if _, err := w.do(callClose); err != nil {
		return err
	}
	w.session = w.open(w.slot)
	return nil
}

// TestThreads has 32 threads of 8 clients do everything at once.
func TestThreads(t *testing.T) {
	steps := testrun.Times(2_000, 10_000)
	if testing.Short() {
		steps = 200
	}
	home := newHome(t, "office")
	withKeys(t, home, "office")
	path := serving(t, Options{Home: home})
	var all sync.WaitGroup
	var client *module
	seeds := testrun.Random(t)
	for i := range 32 {
		m := client
		if i%4 == 0 {
			client = connected(t, path)
			m = client
		} else if more, err := m.another(); err != nil {
			t.Fatal(err)
		} else {
			m = more
			t.Cleanup(func() { more.conn.Close() })
		}
		random, slot := rand.New(rand.NewPCG(seeds.Uint64(), uint64(i))), onlySlot(t, m)
		if _, err := m.open(slot).login(cryptoki.User, userPIN); err != nil && (err != cryptoki.UserAlreadyLoggedIn || i%4 == 0) {
			t.Fatal(err)
		}
		all.Go(func() {
			w, err := newWorker(m, slot, random)
			for n := 0; n < steps && err == nil; n++ {
				err = w.step()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestKilledClients kills processes at any moment, and looks for what they leave.
func TestKilledClients(t *testing.T) {
	home := newHome(t, "office")
	path := serving(t, Options{Home: home})
	random, patience := testrun.Random(t), testrun.Patience(t)
	before := openSockets(t)
	for range 5 {
		var children []*testrun.Child
		for range 3 {
			children = append(children, testrun.Start(t, path))
		}
		for _, c := range children {
			c.Strike(random)
		}
	}
	noKeys(t, home)
	for after := before + 1; after > before; after = openSockets(t) {
		if patience.Err() != nil {
			t.Fatalf("%d sockets are open; before there were %d", after, before)
		}
	}
}

// noKeys waits until a device has no key.
func noKeys(t *testing.T, home device.Home) {
	t.Helper()
	for keys, patience := -1, testrun.Patience(t); keys != 0; {
		withDevice(t, home, "office", func(h *hsm.HSM) error {
			all, err := h.Keys()
			keys = len(all)
			return err
		})
		if patience.Err() != nil {
			t.Fatalf("%d keys are left", keys)
		}
	}
}

// openSockets are those of this process. What a device has open it keeps for a while.
func openSockets(tb testing.TB) (n int) {
	tb.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		if link, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}

// TestKilledAgent kills the agent under load, a hundred times, and asks it to end after
// each ten of them. Clients connect again and resume, as the module does; no answer may be wrong.
func TestKilledAgent(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 10
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	home := newHome(t, "office")
	withKeys(t, home, "office")
	random := testrun.Random(t)
	start := func() *testrun.Child {
		c := testrun.Start(t, "agent of "+home.Dir())
		if says, _ := c.Answer(); says != "ready" {
			t.Fatalf("the agent says %q", says)
		}
		return c
	}
	agent := start()
	stop, progress := make(chan bool), make(chan bool)
	failed := make(chan bool, 4)
	var all sync.WaitGroup
	for i := range 4 {
		p := &persistent{home: home, stop: stop, progress: progress, random: rand.New(rand.NewPCG(random.Uint64(), uint64(i)))}
		all.Go(func() {
			if err := p.run(); err != nil {
				t.Error(err)
				failed <- true
			}
		})
	}
	for n := range kills + kills/10 {
		for range 1 + random.IntN(40) {
			select {
			case <-progress:
			case <-failed:
				t.FailNow()
			}
		}
		if n%11 != 10 {
			agent.Kill()
		} else if agent.Order("stop"); agent.End() != nil {
			t.Error("the agent did not end as it should")
		}
		agent = start()
	}
	close(stop)
	all.Wait()
	agent.Kill()
	if n := tries(t, home, "office"); n != 3 {
		t.Errorf("%d tries are left", n)
	}
}

// persistent is a client that outlives agents.
type persistent struct {
	home           device.Home
	stop, progress chan bool
	random         *rand.Rand
	ticket         []byte
}

func (p *persistent) run() error {
	for !p.stopped() {
		if err := p.useAgent(); err != nil && !errors.Is(err, errEnded) {
			return err
		}
	}
	return nil
}

func (p *persistent) stopped() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// useAgent uses an agent until it ends. With a ticket the PIN is not asked for again.
func (p *persistent) useAgent() error {
	m, err := dial(SocketOf(p.home))
	if err != nil {
		return errors.Join(errEnded, err)
	}
	defer m.conn.Close()
	_, slots, err := m.slots()
	if err != nil {
		return err
	}
	if p.ticket == nil {
		p.ticket, err = m.open(slots[0].id).login(cryptoki.User, userPIN)
	} else {
		_, err = m.call(callResume, 0, slots[0].id, 0, str(p.ticket))
	}
	if err != nil {
		return err
	}
	w, err := newWorker(m, slots[0].id, p.random)
	for err == nil {
		select {
		case <-p.stop:
			return nil
		case p.progress <- true:
			err = w.step()
		}
	}
	return err
}
