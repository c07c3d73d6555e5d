package agent

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/token"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// agentOf is an agent in this process that can be stopped and followed by another one.
type agentOf struct {
	tb    testing.TB
	home  device.Home
	stop  context.CancelFunc
	ended chan error
}

func (a *agentOf) start() {
	a.tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready := make(chan bool)
	a.stop, a.ended = stop, make(chan error, 1)
	go func() {
		a.ended <- Run(ctx, Options{Home: a.home, Ready: func() error { close(ready); return nil }})
	}()
	select {
	case <-ready:
	case err := <-a.ended:
		a.tb.Fatal(err)
	}
}

func (a *agentOf) end() {
	a.tb.Helper()
	a.stop()
	if err := <-a.ended; err != nil {
		a.tb.Errorf("the agent ended with %v", err)
	}
}

func (a *agentOf) again() {
	a.tb.Helper()
	a.end()
	a.start()
}

// tries are those that are left of the user PIN.
func tries(tb testing.TB, home device.Home, name string) (n int) {
	tb.Helper()
	withDevice(tb, home, name, func(h *hsm.HSM) error {
		s, err := h.Status()
		n = s.User.Tries
		return err
	})
	return n
}

// holder is a module that is logged in, in some agent.
func (a *agentOf) holder() (m *module, ticket []byte) {
	a.tb.Helper()
	m = connected(a.tb, SocketOf(a.home))
	ticket, err := m.open(onlySlot(a.tb, m)).login(cryptoki.User, userPIN)
	if err != nil || len(ticket) == 0 || bytes.Contains(ticket, []byte(userPIN)) {
		a.tb.Fatalf("ticket %x, %v", ticket, err)
	}
	return m, ticket
}

func (a *agentOf) resume(ticket []byte) (m *module, err error) {
	a.tb.Helper()
	m = connected(a.tb, SocketOf(a.home))
	_, err = m.call(callResume, 0, onlySlot(a.tb, m), 0, str(ticket))
	return m, err
}

func agentWithKey(t *testing.T) *agentOf {
	t.Helper()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	a := &agentOf{tb: t, home: newHome(t, "office")}
	a.start()
	t.Cleanup(func() { a.end() })
	return a
}

func TestResume(t *testing.T) {
	a := agentWithKey(t)
	_, ticket := a.holder()
	files, err := os.ReadDir(os.Getenv("XDG_RUNTIME_DIR"))
	if err != nil || len(files) != 1 {
		t.Fatalf("in the runtime folder: %v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 || info.Size() != ticketKeyBytes {
		t.Errorf("the key is %v, %v", info, err)
	}
	a.again()
	m, err := a.resume(ticket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.open(onlySlot(t, m)).login(cryptoki.User, userPIN); err != cryptoki.UserAlreadyLoggedIn {
		t.Errorf("who resumed, and logs in, is told %v", err)
	}
	for i := range ticket {
		forged := bytes.Clone(ticket)
		forged[i] ^= 1
		if _, err := a.resume(forged); err != cryptoki.UserNotLoggedIn {
			t.Fatalf("with another byte %d: %v", i, err)
		}
	}
	if n := tries(t, a.home, "office"); n != 3 {
		t.Errorf("%d tries are left", n)
	}
}

// TestTicketsAreOfOneUserAndDevice: with another user, or for another device that has the
// same PIN, a ticket logs no one in, and costs no try.
func TestTicketsAreOfOneUserAndDevice(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	home := newHome(t, "office", "other")
	l := token.New(home)
	t.Cleanup(l.Close)
	slots, err := l.Slots()
	if err != nil || len(slots) != 2 {
		t.Fatalf("%v, %v", slots, err)
	}
	s, err := l.Application().Session(1, slots[0].ID, true)
	if err == nil {
		err = s.Login(cryptoki.User, secret.Bytes(userPIN))
	}
	if err != nil {
		t.Fatal(err)
	}
	const uid = 1000
	issued := newTickets(home)
	ticket := issued.give(s, uid, secret.Bytes(userPIN))
	for _, test := range []struct {
		uid  int
		slot token.SlotID
		want error
	}{
		{uid + 1, slots[0].ID, cryptoki.UserNotLoggedIn}, {uid, slots[1].ID, cryptoki.UserNotLoggedIn}, {uid, slots[0].ID, nil},
	} {
		c := &client{uid: test.uid, application: l.Application()}
		if err := issued.take(ticket, c, test.slot); err != test.want {
			t.Errorf("user %d, slot %d: %v; %v was expected", test.uid, test.slot, err, test.want)
		}
	}
	for _, name := range []string{"office", "other"} {
		if n := tries(t, home, name); n != 3 {
			t.Errorf("%s has %d tries left", name, n)
		}
	}
}

// TestTicketOfAnEarlierPIN costs one try in all, however many there are and however often
// they are tried, and no last one.
func TestTicketOfAnEarlierPIN(t *testing.T) {
	a := agentWithKey(t)
	_, one := a.holder()
	_, other := a.holder()
	a.end()
	withDevice(t, a.home, "office", func(h *hsm.HSM) error {
		return h.ChangePIN(wire.UserPIN, secret.Bytes(userPIN), secret.Bytes("000000"))
	})
	a.start()
	for range 3 {
		for _, ticket := range [][]byte{one, other} {
			if _, err := a.resume(ticket); err == nil {
				t.Fatal("an earlier PIN opens it")
			}
		}
		if n := tries(t, a.home, "office"); n != 2 {
			t.Fatalf("%d tries are left", n)
		}
		a.again()
	}
}

func TestNoTicketTakesTheLastTry(t *testing.T) {
	a := agentWithKey(t)
	_, ticket := a.holder()
	a.again()
	withDevice(t, a.home, "office", func(h *hsm.HSM) error {
		for range 2 {
			if err := h.Login(wire.UserPIN, secret.Bytes("000000")); err == nil {
				t.Error("any PIN is right")
			}
		}
		return nil
	})
	if _, err := a.resume(ticket); err != cryptoki.UserNotLoggedIn {
		t.Errorf("before the last try: %v", err)
	}
}

// TestNewPINVoidsTickets: a PIN that is changed through the agent costs no try later.
func TestNewPINVoidsTickets(t *testing.T) {
	a := agentWithKey(t)
	m, ticket := a.holder()
	s := m.open(onlySlot(t, m))
	if _, err := s.do(callSetPIN, str(userPIN), str("000000")); err != nil {
		t.Fatal(err)
	}
	a.again()
	if _, err := a.resume(ticket); err != cryptoki.UserNotLoggedIn {
		t.Errorf("an earlier PIN: %v", err)
	}
	if n := tries(t, a.home, "office"); n != 3 {
		t.Errorf("%d tries are left", n)
	}
}

// TestTicketKeyInTheHome is for systems without a runtime folder, and for a key of which
// a kill has left half.
func TestTicketKeyInTheHome(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	home := newHome(t, "office")
	path := filepath.Join(home.Dir(), "agent.key")
	if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &agentOf{tb: t, home: home}
	a.start()
	_, ticket := a.holder()
	a.again()
	defer a.end()
	if _, err := a.resume(ticket); err != nil {
		t.Error(err)
	}
}

// TestIdleAgentLeavesNoKey: with the last client the tickets are gone.
func TestIdleAgentLeavesNoKey(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	home := newHome(t, "office")
	waiting := make(chan net.Conn, 1)
	o := Options{Home: home, Idle: 2 * time.Second, Ready: func() error {
		conn, err := net.Dial("unix", SocketOf(home)) // it is accepted first of all
		waiting <- conn
		return err
	}}
	ended := make(chan error, 1)
	go func() { ended <- Run(context.Background(), o) }()
	m := &module{path: SocketOf(home), conn: <-waiting, sessions: new(atomic.Uint64)}
	if err := m.greet(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.open(onlySlot(t, m)).login(cryptoki.User, userPIN); err != nil {
		t.Error(err)
	}
	if !safefile.Exists(filepath.Join(home.Dir(), "agent.key")) {
		t.Error("there is no key")
	}
	m.conn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, name := range []string{"agent.key", "agent.sock"} {
		if safefile.Exists(filepath.Join(home.Dir(), name)) {
			t.Errorf("%s is left", name)
		}
	}
}
