package token

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"conclave/apdu"
	"conclave/device"
	"conclave/hsm"
	"conclave/link"
	"conclave/token/cryptoki"
)

// cutLink fails after so many commands, and from then on: its process was killed.
type cutLink struct {
	apdu.Conn
	left *int
}

var errCut = errors.New("the process was killed")

func (c cutLink) Transmit(command []byte) ([]byte, error) {
	if *c.left == 0 {
		return nil, errCut
	}
	*c.left--
	return c.Conn.Transmit(command)
}

// cutSession is a session with the device of a home, in which the user is logged in, and
// the number of commands after which it is cut off.
func cutSession(t *testing.T, home device.Home) (s *Session, left *int) {
	t.Helper()
	l, endless := New(home), -1
	t.Cleanup(l.Close)
	left = &endless
	if _, err := l.arrange(); err != nil {
		t.Fatal(err)
	}
	slot := l.listed(slotID("test"))
	d, err := newDevice(func() (*worker, error) {
		card, err := home.OpenCard("test", "a test", nil)
		if err != nil {
			return nil, err
		}
		h, err := hsm.Open(cutLink{link.Direct(card), left})
		return &worker{HSM: h, card: card}, err
	}, l.after, slot.unused)
	if err != nil {
		t.Fatal(err)
	}
	slot.device.Store(d)
	slot.token.Store(l.changed())
	if s, err = l.Application().Session(1, slot.id, true); err != nil {
		t.Fatal(err)
	}
	if err := s.logIn(testPIN); err != nil {
		t.Fatal(err)
	}
	return s, left
}

// objectsOf are the objects that a session sees, by class and label, with what does not
// change by chance.
func objectsOf(t *testing.T, s *Session) map[string]string {
	t.Helper()
	all, err := s.Find(nil)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	for _, r := range all {
		attributes := cryptoki.Template(r.Attributes)
		class, _ := attributes.Find(cryptoki.AttrClass)
		label, _ := attributes.Find(cryptoki.AttrLabel)
		id, _ := attributes.Find(cryptoki.AttrID)
		value, _ := attributes.Find(cryptoki.AttrValue)
		name := string(label)
		if c, err := cryptoki.ParseNumber[cryptoki.Class](class); err != nil || c != cryptoki.ClassData {
			name += fmt.Sprintf(" (class %d)", c)
		}
		objects[name] += fmt.Sprintf("id %x, value %q;", id, value)
	}
	return objects
}

var errTwo = errors.New("two objects have that label")

// named finds the one object of a class with a label.
func (s *Session) named(c cryptoki.Class, label string) (cryptoki.Handle, error) {
	all, err := s.Find(cryptoki.Template{class(c), octets(cryptoki.AttrLabel, label)})
	switch {
	case err != nil:
		return 0, err
	case len(all) == 0:
		return 0, fmt.Errorf("nothing is called %s", label)
	case len(all) > 1:
		return 0, errTwo
	}
	return all[0].Handle, nil
}

// TestCutOff: an agent is killed at any moment while a program changes a token. Each
// object is then as it was or as it was to be, and what was begun can be done again.
func TestCutOff(t *testing.T) {
	first := newSessionOn(t, 0)
	generate(t, first, "ec:secp256r1", "old", 1)
	certificate := certify(t, publicOf(t, first, "old"), "old")
	data := cryptoki.Template{class(cryptoki.ClassData), onToken(true), octets(cryptoki.AttrLabel, "old data"), octets(cryptoki.AttrValue, "old value")}
	create(t, first, data...)
	key, err := first.named(cryptoki.ClassPrivateKey, "old")
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := first.WrapKey(dkekMechanism(), dkekOf(t, first), key)
	if err != nil {
		t.Fatal(err)
	}
	before, dir := objectsOf(t, first), first.slot.library.home.Dir()
	first.slot.library.Close()
	on := func(c cryptoki.Class, label string, do func(s *Session, h cryptoki.Handle) error) func(*Session) error {
		return func(s *Session) error {
			h, err := s.named(c, label)
			if err != nil {
				return err
			}
			return do(s, h)
		}
	}
	destroy := func(s *Session, h cryptoki.Handle) error { return s.Destroy(h) }
	// Of data the new object is there before the old one goes, and of that the value goes
	// before the label.
	const oldData, newData, noData = `id , value "old value";`, `id , value "new value";`, `id , value "";`
	between := map[string][]string{"other data": {oldData + newData, noData + newData}, "no data": {noData}}
	for name, change := range map[string]func(*Session) error{
		"a pair": func(s *Session) error {
			_, _, err := s.GenerateKeyPair(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}, ofToken(cryptoki.Template{octets(cryptoki.AttrECParams, printable("secp256r1"))}),
				ofToken(cryptoki.Template{octets(cryptoki.AttrLabel, "new"), octets(cryptoki.AttrID, "\x02")}))
			return err
		},
		"a certificate": func(s *Session) error {
			_, err := s.Create(x509Certificate(certificate, onToken(true), octets(cryptoki.AttrID, "\x01")))
			return err
		},
		"data": func(s *Session) error {
			_, err := s.Create(cryptoki.Template{class(cryptoki.ClassData), onToken(true), octets(cryptoki.AttrLabel, "new data"), octets(cryptoki.AttrValue, "new value")})
			return err
		},
		"an unwrapped key": func(s *Session) error {
			dkek, err := s.named(cryptoki.ClassSecretKey, "DKEK")
			if err != nil {
				return err
			}
			_, err = s.UnwrapKey(dkekMechanism(), dkek, wrapped, ofToken(cryptoki.Template{octets(cryptoki.AttrLabel, "new"), octets(cryptoki.AttrID, "\x02")}))
			return err
		},
		"another label": on(cryptoki.ClassPrivateKey, "old", func(s *Session, h cryptoki.Handle) error {
			return s.Set(h, cryptoki.Template{octets(cryptoki.AttrLabel, "renamed")})
		}),
		"other data": on(cryptoki.ClassData, "old data", func(s *Session, h cryptoki.Handle) error {
			return s.Set(h, cryptoki.Template{octets(cryptoki.AttrValue, "new value")})
		}),
		"no key":  on(cryptoki.ClassPrivateKey, "old", destroy),
		"no data": on(cryptoki.ClassData, "old data", destroy),
	} {
		t.Run(name, func(t *testing.T) {
			cutOff(t, dir, before, between[name], change)
		})
	}
}

// cutOff cuts a change off after each number of commands. What is between is neither as
// it was before nor as it is to be.
func cutOff(t *testing.T, dir string, before map[string]string, between []string, change func(*Session) error) {
	var whole map[string]string
	for commands := -1; ; commands++ {
		at := t.TempDir()
		if err := os.CopyFS(at, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(at, "devices", "test.device"), 0o600); err != nil {
			t.Fatal(err)
		}
		home := practiceHome(at)
		s, left := cutSession(t, home)
		*left = commands
		err := change(s)
		s.slot.library.Close()
		s, _ = cutSession(t, home)
		now := objectsOf(t, s)
		if commands < 0 {
			if whole = now; err != nil || maps.Equal(before, whole) {
				t.Fatalf("%v, and nothing changes", err)
			}
			continue
		}
		all := maps.Clone(before)
		maps.Copy(all, whole)
		maps.Copy(all, now)
		for k := range all { // also what is gone
			if now[k] != before[k] && now[k] != whole[k] && !slices.Contains(between, now[k]) {
				t.Errorf("after %d commands %s is %q; %q or %q was expected", commands, k, now[k], before[k], whole[k])
			}
		}
		if err == nil {
			return
		}
		if !maps.Equal(now, whole) {
			if err := change(s); errors.Is(err, errTwo) {
				continue
			} else if err != nil {
				t.Errorf("again after %d commands: %v", commands, err)
			}
		}
		if again := objectsOf(t, s); !maps.Equal(again, whole) {
			t.Errorf("again after %d commands there is %q; %q was expected", commands, again, whole)
		}
	}
}
