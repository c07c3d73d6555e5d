package token

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"conclave/apdu"
	"conclave/card"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// PINs of devices here, and the SO-PIN as PKCS#11 has it.
const (
	userPIN = "648219"
	soPIN   = "3537363231383830"
)

// desk is a home with devices, and a library on it whose timers the test lets fire.
type desk struct {
	testing.TB
	home    device.Home
	library *Library

	mu     sync.Mutex
	timers map[time.Duration][]*func()
}

// practiceHome has PINs that are cheap to compare.
func practiceHome(dir string) device.Home {
	home := device.NewHome(dir)
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	return home
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	home := practiceHome(tb.TempDir())
	d := &desk{TB: tb, home: home, library: New(home), timers: map[time.Duration][]*func(){}}
	d.library.after = func(t time.Duration, f func()) func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.timers[t] = append(d.timers[t], &f)
		return func() bool { return d.stop(t, &f) }
	}
	tb.Cleanup(d.library.Close)
	return d
}

// pass lets a time pass: what was to happen after it happens.
func (d *desk) pass(t time.Duration) {
	d.mu.Lock()
	due := d.timers[t]
	delete(d.timers, t)
	d.mu.Unlock()
	for _, f := range due {
		(*f)()
	}
}

func (d *desk) stop(t time.Duration, f *func()) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.timers[t])
	d.timers[t] = slices.DeleteFunc(d.timers[t], func(other *func()) bool { return other == f })
	return len(d.timers[t]) < before
}

// make makes an embedded device, initialised with a label and an options' bit.
func (d *desk) make(name, label string, options wire.Options) SlotID {
	d.Helper()
	if _, err := d.home.Create(name); err != nil {
		d.Fatal(err)
	}
	d.initialise(name, label, options)
	return slotID(name)
}

func (d *desk) initialise(name, label string, options wire.Options) {
	d.Helper()
	d.other(name, func(h *hsm.HSM) error {
		init := wire.UsualInitialization(secret.Bytes(userPIN), officerPIN(d), wire.NoDKEK)
		init.Options |= options
		return h.Initialize(init, label)
	})
}

// officerPIN is the SO-PIN as devices have it.
func officerPIN(tb testing.TB) secret.Bytes {
	pin, err := hsm.ParseSOPIN(secret.Bytes(soPIN))
	if err != nil {
		tb.Fatal(err)
	}
	return pin
}

// other does something to a device as another process does, and expects success.
func (d *desk) other(name string, do func(*hsm.HSM) error) {
	d.Helper()
	conn, err := d.home.Open(name)
	if err != nil {
		d.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		d.Fatal(err)
	}
	defer h.Close()
	if err := do(h); err != nil {
		d.Error(err)
	}
}

// tries that a PIN of a device has left, as another process sees it.
func (d *desk) tries(name string) (user, so int) {
	d.other(name, func(h *hsm.HSM) error {
		s, err := h.Status()
		user, so = s.User.Tries, s.SO.Tries
		return err
	})
	return user, so
}

// info is what a slot tells.
func (d *desk) info(id SlotID) SlotInfo {
	d.Helper()
	slots, err := d.library.Slots()
	if err != nil {
		d.Fatal(err)
	}
	for _, s := range slots {
		if s.ID == id {
			return s
		}
	}
	d.Fatalf("there is no slot %d among %v", id, slots)
	return SlotInfo{}
}

// session opens a session of a new application.
func (d *desk) session(id SlotID) *Session {
	d.Helper()
	a := d.library.Application()
	d.Cleanup(a.Close)
	s, err := a.Session(1, id, true)
	if err != nil {
		d.Fatal(err)
	}
	return s
}

// want expects a return value; 0 is success.
func (d *desk) want(doing string, err error, want cryptoki.RV) {
	d.Helper()
	if want == cryptoki.OK && err != nil || want != cryptoki.OK && !errors.Is(err, want) {
		d.Errorf("%s: %v; %v was expected", doing, err, want)
	}
}

// use needs the user's login, and changes nothing.
func use(s *Session) error {
	return s.asUser(func(h *hsm.HSM) error {
		status, err := h.Status()
		if err == nil && !status.User.Verified {
			return apdu.SecurityNotSatisfied // as for what wants a login there
		}
		return err
	})
}

func (s *Session) logIn(pin string) error { return s.Login(cryptoki.User, secret.Bytes(pin)) }

// write does what the device itself lets only the user do.
func write(h *hsm.HSM) error { return h.WriteFile(wire.PrefixProtectedData.File(1), []byte("secret")) }

// replaceFile puts the file of another home's device in the place of one.
func (d *desk) replaceFile(name string, home device.Home) {
	d.Helper()
	d.removeFiles(name)
	if err := os.Rename(deviceFile(home, name), deviceFile(d.home, name)); err != nil {
		d.Fatal(err)
	}
}

// removeFiles removes a device's file, and what SQLite has beside it.
func (d *desk) removeFiles(name string) {
	d.Helper()
	for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
		if err := os.Remove(deviceFile(d.home, name) + suffix); err != nil && suffix == "" {
			d.Fatal(err)
		}
	}
}

func deviceFile(home device.Home, name string) string {
	return filepath.Join(filepath.Dir(home.Imports()), "devices", name+".device")
}
