package token

import (
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"

	"conclave/token/cryptoki"
)

// Objects of sessions are the application's: all its sessions with the slot see them.
// A copy in a session of a key of the token is an alias of it: the key is looked up each
// time, and the copy is what its template has changed.

// maxObjects is how many objects the sessions of an application have at most: they are in
// the memory of this process, which other applications use, too.
const maxObjects = 4096

// isFull says whether there may be no more of them.
func (a *Application) isFull() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.objects) >= maxObjects
}

// find gives the objects of the application's sessions with a slot that have all
// attributes of a template, in the order of their handles.
func (a *Application) find(s *slot, t cryptoki.Template) (found []*object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range slices.Sorted(maps.Keys(a.objects)) {
		if o := a.objects[h]; o.session.slot == s && o.matches(t) {
			found = append(found, o)
		}
	}
	return found
}

// own gives an object of the application's sessions with a slot. It is known, and nil,
// if it was an alias that has been destroyed.
func (a *Application) own(s *slot, h cryptoki.Handle) (o *object, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, known = a.objects[h]
	if known && o.session.slot != s {
		return nil, true
	}
	return o, known || aliasNumber(h) > 0 && aliasNumber(h) <= a.aliases[h&originMask]
}

// keep makes an object one of a session.
func (s *Session) keep(o *object) cryptoki.Handle {
	a := s.application
	a.mu.Lock()
	defer a.mu.Unlock()
	for o.handle == 0 || a.objects[o.handle] != nil {
		var random [8]byte
		rand.Read(random[:])
		o.handle = sessionFlag | cryptoki.Handle(binary.BigEndian.Uint64(random[:]))&(sessionFlag-1)
	}
	return a.add(s, o)
}

// add is called with the lock.
func (a *Application) add(s *Session, o *object) cryptoki.Handle {
	o.session = s
	o.attributes = with(o.attributes, cryptoki.Template{flag(cryptoki.AttrToken, false), uniqueID(o.handle)})
	a.objects[o.handle] = o
	return o.handle
}

// alias makes a copy in the session of a key of the token, with other attributes.
func (s *Session) alias(origin *object, changes cryptoki.Template) (cryptoki.Handle, error) {
	a := s.application
	h := origin.handle & originMask
	a.mu.Lock()
	defer a.mu.Unlock()
	number := a.aliases[h]
	for range maxAlias {
		number = number%uint16(maxAlias) + 1
		if a.objects[aliasOf(h, number)] == nil {
			a.aliases[h] = max(a.aliases[h], number)
			copied := &object{handle: aliasOf(h, number), class: origin.class, ref: origin.ref, public: origin.public, changes: changes}
			copied.attributes = with(origin.attributes, changes)
			return a.add(s, copied), nil
		}
	}
	return 0, cryptoki.HostMemory
}

// over is an alias as its key is now.
func (o *object) over(origin *object) *object {
	now := *origin
	now.handle, now.session, now.changes = o.handle, o.session, o.changes
	now.attributes = with(origin.attributes, append(cryptoki.Template{flag(cryptoki.AttrToken, false), uniqueID(o.handle)}, o.changes...))
	return &now
}

// with gives attributes with others in their place, or after them.
func with(t, changes cryptoki.Template) cryptoki.Template {
	t = slices.Clone(t)
	for _, c := range changes {
		same := func(a cryptoki.Attribute) bool { return a.Type == c.Type }
		if i := slices.IndexFunc(t, same); i >= 0 {
			t[i] = c
		} else {
			t = append(t, c)
		}
	}
	return t
}

// destroyObjects ends the objects of a session.
func (s *Session) destroyObjects() {
	s.application.destroy(func(o *object) bool { return o.session == s })
}

// destroy ends objects of the application's sessions, and provisional keys with the
// last copy of their private halves.
func (a *Application) destroy(which func(*object) bool) {
	for p, s := range a.take(which) {
		p.end(s)
	}
}

// take takes objects off the list. It gives the provisional keys that have no object
// any more.
func (a *Application) take(which func(*object) bool) (ended map[*provisional]*slot) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ended = map[*provisional]*slot{}
	for h, o := range a.objects {
		if which(o) {
			o.value.Wipe()
			if o.software != nil {
				o.software.close()
			}
			delete(a.objects, h)
			if p := o.provisional; p != nil && !p.stays.Load() {
				ended[p] = o.session.slot
			}
		}
	}
	for _, o := range a.objects {
		if o.class == cryptoki.ClassPrivateKey {
			delete(ended, o.provisional)
		}
	}
	return ended
}
