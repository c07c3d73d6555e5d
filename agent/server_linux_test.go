package agent

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// The PINs of the tests' devices.
const (
	userPIN = "648219"
	soPIN   = "57621880"
)

// newHome is a home with devices that are initialised.
func newHome(tb testing.TB, names ...string) device.Home {
	tb.Helper()
	home := practiceHome(tb.TempDir())
	for _, name := range names {
		if _, err := home.Create(name); err != nil {
			tb.Fatal(err)
		}
		withDevice(tb, home, name, func(h *hsm.HSM) error {
			return h.Initialize(wire.UsualInitialization(secret.Bytes(userPIN), secret.Bytes(soPIN), 0), name)
		})
	}
	return home
}

// withDevice uses a device beside the agent.
func withDevice(tb testing.TB, home device.Home, name string, fn func(*hsm.HSM) error) {
	tb.Helper()
	conn, err := home.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		tb.Fatal(err)
	}
	defer h.Close()
	if err := fn(h); err != nil {
		tb.Fatal(err)
	}
}

// serving runs an agent in this process, for the time of the test, and gives its socket.
func serving(tb testing.TB, o Options) (path string) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan bool), make(chan error, 1)
	o.Ready = func() error { close(ready); return nil }
	go func() { ended <- Run(ctx, o) }()
	select {
	case <-ready:
	case err := <-ended:
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("the agent ended with %v", err)
		}
	})
	return o.Path()
}

func TestSlots(t *testing.T) {
	m := connected(t, serving(t, Options{Home: newHome(t, "office")}))
	generation, slots, err := m.slots()
	if err != nil || len(slots) != 1 || slots[0].id == 0 {
		t.Fatalf("slots %+v, %v", slots, err)
	}
	slot, info := slots[0].slot, slots[0].token
	if name, flags := string(slot[:64]), binary.NativeEndian.Uint64(slot[96:]); strings.TrimRight(name, " ") != "office" || flags != uint64(cryptoki.SlotTokenPresent) {
		t.Errorf("slot %q with flags %x", name, flags)
	}
	if serial := info[80:96]; bytes.Contains(serial, []byte{0}) {
		t.Errorf("the serial number is %q", serial)
	}
	if times := info[188:204]; string(times) != strings.Repeat(" ", 16) {
		t.Errorf("the time is %q", times)
	}
	r, err := m.call(callSlots, 0, 0, 0, number(generation))
	if err != nil || len(r.rest) > 0 {
		t.Errorf("what is known already is answered with %x, %v", r.rest, err)
	}
}

func TestConnectionsOfOneClient(t *testing.T) {
	m := connected(t, serving(t, Options{Home: newHome(t)}))
	more, err := m.another()
	if err != nil || more.client != m.client || more.instance != m.instance {
		t.Fatalf("the other is client %d of %d, %v", more.client, more.instance, err)
	}
	other := connected(t, m.path)
	if other.client == m.client {
		t.Errorf("two are client %d", m.client)
	}
	stolen := *other
	stolen.client = m.client
	if err := stolen.hello(); !errors.Is(err, cryptoki.SessionHandleInvalid) {
		t.Errorf("with the secret of another: %v", err)
	}
}

func TestRandom(t *testing.T) {
	m := connected(t, serving(t, Options{Home: newHome(t, "office")}))
	s := m.open(onlySlot(t, m))
	a, err := s.random(40)
	if b, again := s.random(40); err != nil || again != nil || len(a) != 40 || bytes.Equal(a, b) {
		t.Errorf("%x, %v and %x, %v", a, err, b, again)
	}
	if _, err := m.open(12345).random(1); err != cryptoki.SlotIDInvalid {
		t.Errorf("in no slot: %v", err)
	}
}

func onlySlot(tb testing.TB, m *module) token.SlotID {
	tb.Helper()
	_, slots, err := m.slots()
	if err != nil || len(slots) != 1 {
		tb.Fatalf("slots %+v, %v", slots, err)
	}
	return slots[0].id
}

func TestTwoAgents(t *testing.T) {
	home := newHome(t)
	serving(t, Options{Home: home})
	for _, socket := range []string{"", filepath.Join(t.TempDir(), "other.sock")} {
		if err := Run(t.Context(), Options{Home: home, Socket: socket}); !errors.Is(err, ErrServed) {
			t.Errorf("a second agent at %q ended with %v", socket, err)
		}
	}
}

// TestSocketPathIsTaken: what is no socket is left as it is.
func TestSocketPathIsTaken(t *testing.T) {
	home := newHome(t)
	path := SocketOf(home)
	for what, make := range map[string]func() error{
		" is a file; ":       func() error { return os.WriteFile(path, []byte("mine"), 0o600) },
		" is a folder; ":     func() error { return os.Mkdir(path, 0o700) },
		" is a named pipe; ": func() error { return syscall.Mkfifo(path, 0o600) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(path)
		if err := Run(t.Context(), Options{Home: home}); err == nil || !strings.Contains(err.Error(), path+what) {
			t.Errorf("%q: %v", what, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%q: it is gone, or another: %v", what, err)
		}
		os.Remove(path)
	}
}
