package token

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// A key pair that a program makes for a session is made on the device, since the private
// key is to be nowhere else, and dies with the session, unless it is copied to the token
// before: Java's keytool does that. Until then its label says that it is provisional,
// and whose it is. What a process leaves behind that is killed, the next one deletes at
// a login.

// provisionalMark begins the label of a provisional key. The owner's name follows.
const provisionalMark = "conclave-provisional:"

// provisional is a key that dies with its session.
type provisional struct {
	ref    byte
	public wire.PublicKey
	label  string
	stays  atomic.Bool // it has been copied to the token
}

// owner is this process, as the labels of its provisional keys name it. It holds the
// lock on a file of that name as long as it lives.
type owner struct {
	mu     sync.Mutex
	name   string // empty until it is needed
	unlock func()
	keys   map[string]bool // fingerprints; false for those that have no session any more
}

// label is that of the keys of this process.
func (o *owner) label(home device.Home) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.name == "" {
		random := make([]byte, 8)
		rand.Read(random)
		name := hex.EncodeToString(random)
		path := home.Provisional(name)
		if err := safefile.MkdirAll(home.Provisional("")); err != nil {
			return "", err
		}
		unlock, err := safefile.Lock(path)
		if err != nil {
			return "", err
		}
		o.name, o.unlock, o.keys = name, unlock, map[string]bool{}
	}
	return provisionalMark + o.name, nil
}

// close gives the name up. No key has it any more, unless a device was not there.
func (o *owner) close(home device.Home) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.name == "" {
		return
	}
	if len(o.keys) == 0 {
		os.Remove(home.Provisional(o.name))
	}
	o.unlock()
	o.name = ""
}

// has takes note of a key, and whether it has a session.
func (o *owner) has(public *wire.PublicKey, session bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys[public.Fingerprint()] = session
}

// forget takes note that a key is gone, or stays.
func (o *owner) forget(public *wire.PublicKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.keys, public.Fingerprint())
}

// isDead says whether a provisional key has no session any more. One whose owner is not
// known in this home may be another user's, and lives.
func (o *owner) isDead(home device.Home, label string, public *wire.PublicKey) bool {
	name := strings.TrimPrefix(label, provisionalMark)
	o.mu.Lock()
	defer o.mu.Unlock()
	if name == o.name {
		session, known := o.keys[public.Fingerprint()]
		return known && !session
	}
	if random, err := hex.DecodeString(name); err != nil || len(random) != 8 {
		return false
	}
	path := home.Provisional(name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	unlock, err := safefile.Lock(path)
	if err == nil {
		unlock()
	}
	return err == nil
}

// provisionalLabel is the label that a key gets which is generated for a session.
func (s *Session) provisionalLabel() (string, error) {
	l := s.slot.library
	return l.owner.label(l.home)
}

// addProvisional makes the pair of a key that was generated on the device for a session,
// with the label that provisionalLabel gives, its objects: the key dies with the
// session, unless it is copied to the token before.
func (s *Session) addProvisional(ref byte, key *wire.PublicKey, public, private cryptoki.Template) (publicKey, privateKey cryptoki.Handle, err error) {
	label, err := s.provisionalLabel()
	if err != nil {
		return 0, 0, err
	}
	k := &keyDescription{kind: key.Type, bits: key.Bits, usage: key.Type.Usual(), public: key, local: true}
	p := &provisional{ref: ref, public: *key, label: label}
	s.slot.library.owner.has(key, true)
	changes := func(t cryptoki.Template) cryptoki.Template {
		return without(without(ours(t), limiting...), cryptoki.AttrToken, cryptoki.AttrModulusBits, cryptoki.AttrPublicExponent, cryptoki.AttrECParams)
	}
	publicKey = s.keep(&object{class: cryptoki.ClassPublicKey, attributes: with(k.publicKey(), changes(public)), public: key, provisional: p})
	privateKey = s.keep(&object{class: cryptoki.ClassPrivateKey, attributes: with(k.privateKey(), changes(private)), ref: ref, public: key, provisional: p})
	return publicKey, privateKey, nil
}

// promote makes a provisional key one of the token, with the label and the ID of the
// object that is copied, or those of the template.
func (s *Session) promote(o *object, t cryptoki.Template) (cryptoki.Handle, error) {
	p := o.provisional
	attributes := with(o.attributes, t)
	label, id := textOf(attributes, cryptoki.AttrLabel), textOf(attributes, cryptoki.AttrID)
	if id == "" {
		id = string([]byte{p.ref})
	}
	h, err := writer{s}.add(o.class, func(h *hsm.HSM) (wire.FID, error) {
		return wire.PrefixKey.File(p.ref), describe(h, p.ref, &label, []byte(id))
	})
	if err == nil {
		p.stays.Store(true)
		s.slot.library.owner.forget(&p.public)
	}
	return h, err
}

// end deletes the key of a session. Where that fails, the next login does it.
func (p *provisional) end(s *slot) {
	owner := &s.library.owner
	owner.has(&p.public, false)
	if p.delete(s) == nil {
		owner.forget(&p.public)
	}
}

// delete deletes the key while no other is made here, which could get its reference
// before all files of that are gone.
func (p *provisional) delete(s *slot) error {
	d := s.objects()
	d.writing.Lock()
	defer d.writing.Unlock()
	return s.use(p.remove)
}

// remove deletes the key, if it is the one that is there.
func (p *provisional) remove(h *hsm.HSM) error {
	k, err := h.Key(p.ref)
	switch {
	case errors.Is(err, hsm.ErrNotFound):
		return nil
	case err != nil:
		return err
	case k.Description == nil || k.Description.Label != p.label || k.Public == nil || !k.Public.Equal(p.public):
		return nil
	}
	return h.DeleteKey(p.ref)
}

// cleanUp deletes the provisional keys of processes that live no more. It comes after
// the user's login, and what fails is left to the next one.
func (s *slot) cleanUp() {
	l, err := s.listing(true)
	if err != nil {
		return
	}
	for _, o := range l.hidden {
		label := textOf(o.attributes, cryptoki.AttrLabel)
		if o.class != cryptoki.ClassPrivateKey || o.public == nil || !s.library.owner.isDead(s.library.home, label, o.public) {
			continue
		}
		p := provisional{ref: o.ref, public: *o.public, label: label}
		if err := p.delete(s); err != nil {
			slog.Warn("a key that a program has left behind was not deleted", "slot", s.name, "key", o.ref, "error", err)
			continue
		}
		s.library.owner.forget(o.public)
	}
}

// isIn says whether the key is still the one that has its reference.
func (p *provisional) isIn(l *listing) bool {
	public := l.keys[p.ref]
	return public != nil && public.Equal(p.public)
}
