package token

import (
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"sync"

	"conclave/card"
	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// directory is the objects of a token, as they were when they were read, and what is
// needed to see whether they are still so.
type directory struct {
	writing sync.Mutex // held while the token is written to

	mu    sync.Mutex
	nonce []byte // makes handles that no other process knows
	moved map[cryptoki.Handle]cryptoki.Handle
	as    occasion
	sum   [sha256.Size]byte // of what an embedded device told
	files map[wire.FID]*file
	parts map[wire.FID]*part
	now   *listing // nil until it is read, and when it must be read again
}

func newDirectory() *directory {
	d := &directory{nonce: make([]byte, 16), moved: map[cryptoki.Handle]cryptoki.Handle{}}
	rand.Read(d.nonce)
	return d
}

// occasion is on what a device was read: the same one finds the same objects, but that
// another process may have changed a card in a reader.
type occasion struct {
	contents contents
	login    uint64 // 0 if no user is logged in
}

// occasion is the present one.
func (d *openDevice) occasion() (o occasion, err error) {
	o.contents, err = d.contents()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unlock != nil {
		o.login = d.logins
	}
	return o, err
}

// inventory tells what an embedded device holds; nil where it does not.
func (d *openDevice) inventory(sum [sha256.Size]byte, known map[wire.FID][sha256.Size]byte) (i *card.Inventory, err error) {
	if !d.embedded {
		return nil, nil
	}
	err = d.observer.use(func(w *worker) (err error) {
		i, err = w.card.Inventory(sum, known)
		return err
	})
	return i, err
}

// listing gives the objects of the slot's token as they are now. To look for changes
// that another process has made on a card costs a command, and is done where look is
// true. On an embedded device it costs microseconds, and is done each time.
func (s *slot) listing(look bool) (*listing, error) {
	dev, err := s.open()
	if err != nil {
		return nil, err
	}
	d := s.objects()
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.now
	if err := s.judge(dev, d.refresh(dev, look)); err != nil {
		return nil, err
	}
	if d.now != before && before != nil {
		s.library.changed()
	}
	return d.now, nil
}

// refresh reads what has changed.
func (d *directory) refresh(dev *openDevice, look bool) error {
	o, err := dev.occasion()
	if err != nil {
		return err
	}
	same := d.now != nil && o == d.as
	if same && (dev.embedded || !look) {
		return nil
	}
	use := dev.use
	if o.login == 0 {
		d.forgetProtected()
		use = dev.look
	}
	if o.login != d.as.login {
		d.sum = [sha256.Size]byte{} // protected data come or go
	}
	now, err := dev.inventory(d.sum, known(d.files))
	if err != nil {
		return err
	}
	return use(func(h *hsm.HSM) error {
		if same {
			list, err := h.Files()
			if err != nil || d.sameList(list) {
				return err
			}
		}
		return d.read(h, dev.serial, o, now)
	})
}

// sameList says whether a card still has the files that were read.
func (d *directory) sameList(list []wire.FID) bool {
	n := 0
	for _, fid := range list {
		if shown(fid) {
			if d.files[fid] == nil {
				return false
			}
			n++
		}
	}
	return n == len(d.files)
}

// forgetProtected drops what only the user may read.
func (d *directory) forgetProtected() {
	for fid := range d.files {
		if fid.Prefix() == wire.PrefixProtectedData {
			delete(d.files, fid)
		}
	}
}

// again has the token read anew: something was written to it.
func (d *directory) again() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.as.contents = contents{}
}

// objects is the slot's directory.
func (s *slot) objects() *directory {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.directory == nil {
		s.directory = newDirectory()
	}
	return s.directory
}

// read reads the device: what its inventory says, or else all.
func (d *directory) read(h *hsm.HSM, serial string, o occasion, now *card.Inventory) error {
	status, err := h.DKEK()
	if hsm.Broken(err) {
		return err
	}
	files := d.files
	switch {
	case now == nil:
		d.sum = [sha256.Size]byte{}
		files, err = readCard(h, d.files)
	case now.Files != nil:
		d.sum = now.Sum
		files, err = readEmbedded(h, d.files, now)
	}
	if err != nil {
		d.sum = [sha256.Size]byte{}
		return err
	}
	m := maker{serial: serial, nonce: d.nonce, files: files, before: d.parts, wrapping: status != nil && status.Outstanding == 0}
	if m.wrapping {
		m.kcv = status.KCV
	}
	parts, all := m.parts()
	if d.now == nil || !sameParts(d.parts, parts) {
		d.now = newListing(all)
	}
	d.as, d.files, d.parts = o, files, parts
	return nil
}

// sameParts says whether nothing was made anew.
func sameParts(a, b map[wire.FID]*part) bool {
	for fid, p := range b {
		if a[fid] != p {
			return false
		}
	}
	return len(a) == len(b)
}

// listing is the objects of a token at one time, with an index. It does not change.
type listing struct {
	objects  []*object
	byHandle map[cryptoki.Handle]*object
	index    map[indexKey][]*object
	keys     map[byte]*wire.PublicKey // of all keys by their references, provisional ones too
	hidden   []*object                // provisional keys
}

// indexKey is an attribute and its value.
type indexKey struct {
	attribute cryptoki.AttributeType
	value     string
}

// indexed are the attributes that are looked for most.
func indexed() []cryptoki.AttributeType {
	return []cryptoki.AttributeType{cryptoki.AttrClass, cryptoki.AttrID, cryptoki.AttrLabel, cryptoki.AttrSubject}
}

func newListing(objects []*object) *listing {
	c := &listing{byHandle: map[cryptoki.Handle]*object{}, index: map[indexKey][]*object{}, keys: map[byte]*wire.PublicKey{}}
	for _, o := range objects {
		if o.class == cryptoki.ClassPrivateKey {
			c.keys[o.ref] = o.public
		}
		if o.hidden {
			c.hidden = append(c.hidden, o)
			continue
		}
		if c.byHandle[o.handle] != nil {
			slog.Warn("two objects of a token would have one handle, and the second is not shown", "handle", o.handle)
			continue
		}
		c.byHandle[o.handle] = o
		c.objects = append(c.objects, o)
		for _, a := range indexed() {
			if value, found := o.attributes.Find(a); found {
				key := indexKey{a, string(value)}
				c.index[key] = append(c.index[key], o)
			}
		}
	}
	return c
}

// find gives the objects that have all attributes of a template.
func (c *listing) find(t cryptoki.Template) (found []*object) {
	for _, o := range c.candidates(t) {
		if o.matches(t) {
			found = append(found, o)
		}
	}
	return found
}

// candidates are those of the shortest list of the index that the template names.
func (c *listing) candidates(t cryptoki.Template) []*object {
	best := c.objects
	for _, a := range indexed() {
		if value, found := t.Find(a); found {
			if list := c.index[indexKey{a, string(value)}]; len(list) < len(best) {
				best = list
			}
		}
	}
	return best
}

// Find gives the objects that have all attributes of a template, and that the
// application may see: private ones only after a login.
func (s *Session) Find(t cryptoki.Template) ([]Record, error) {
	l, err := s.slot.listing(true)
	if err != nil {
		return nil, err
	}
	var records []Record
	user := s.userLoggedIn()
	for _, o := range append(l.find(t), s.application.find(s.slot, t)...) {
		if user || !o.is(cryptoki.AttrPrivate) {
			records = append(records, o.record())
		}
	}
	return records, nil
}

// object finds what a handle names: an object of the token, or of a session of this
// application. The error is ObjectHandleInvalid if the application may not see it.
func (s *Session) object(h cryptoki.Handle) (*object, error) {
	o, err := s.lookUp(h)
	if err == nil && (o == nil || o.is(cryptoki.AttrPrivate) && !s.userLoggedIn()) {
		err = cryptoki.ObjectHandleInvalid
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// lookUp gives nil for what is not there.
func (s *Session) lookUp(h cryptoki.Handle) (*object, error) {
	own, known := s.application.own(s.slot, h)
	if ofSession(h) && (own == nil || own.provisional == nil) || known && own == nil {
		return own, nil
	}
	l, err := s.slot.listing(false)
	if err != nil {
		return nil, err
	}
	origin := l.byHandle[h&originMask]
	if origin == nil {
		origin = l.byHandle[s.slot.objects().movedTo(h&originMask)]
	}
	switch {
	case own == nil:
		return origin, nil
	case own.provisional != nil && !own.provisional.isIn(l), own.provisional == nil && origin == nil:
		return nil, nil
	case own.provisional != nil:
		return own, nil
	}
	return own.over(origin), nil
}

// Object gives one object.
func (s *Session) Object(h cryptoki.Handle) (Record, error) {
	o, err := s.object(h)
	if err != nil {
		return Record{}, err
	}
	return o.record(), nil
}

// move lets a handle go on to name an object whose files are others now.
func (d *directory) move(from, to cryptoki.Handle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for old, now := range d.moved {
		if now == from {
			d.moved[old] = to
		}
	}
	d.moved[from] = to
}

// movedTo gives the handle that such an object has now; 0 for none.
func (d *directory) movedTo(h cryptoki.Handle) cryptoki.Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.moved[h]
}
