package token

import (
	"bytes"
	"errors"
	"sync"

	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// Destroy destroys an object. A private key goes with its public half and its
// certificate, which the application may still destroy, once. The public half of a key
// stays as long as the key does, so that what is destroyed of it is nothing, and where
// its certificate is destroyed it is kept.
func (s *Session) Destroy(h cryptoki.Handle) error {
	o, err := s.object(h)
	switch {
	case errors.Is(err, cryptoki.ObjectHandleInvalid) && s.writable && s.application.went.take(h):
		return nil
	case err != nil:
		return err
	case !o.is(cryptoki.AttrDestroyable):
		return cryptoki.ActionProhibited
	case o.session != nil:
		s.application.destroy(func(other *object) bool { return other.handle == h })
		return nil
	case !s.writable:
		return cryptoki.SessionReadOnly
	}
	others, err := s.othersOfKey(o)
	if err != nil {
		return err
	}
	if err = (writer{s}).write(o.destroy); err == nil {
		s.application.went.add(others)
	}
	return err
}

// othersOfKey are the handles of what goes with a private key.
func (s *Session) othersOfKey(k *object) (others []cryptoki.Handle, err error) {
	if k.class != cryptoki.ClassPrivateKey {
		return nil, nil
	}
	l, err := s.slot.listing(false)
	if err != nil {
		return nil, err
	}
	for _, o := range l.objects {
		if o.ref == k.ref && o != k {
			others = append(others, o.handle)
		}
	}
	return others, nil
}

// departed are objects that went with their private keys: programs that have found all
// destroy one after the other, and take it for a failure if one is not there.
type departed struct {
	mu      sync.Mutex
	handles map[cryptoki.Handle]bool
}

func (g *departed) add(handles []cryptoki.Handle) {
	const most = 4096 // what was not destroyed after so many others will not be
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.handles == nil || len(g.handles) > most {
		g.handles = map[cryptoki.Handle]bool{}
	}
	for _, h := range handles {
		g.handles[h] = true
	}
}

// take says whether an object is one of those, and forgets it.
func (g *departed) take(h cryptoki.Handle) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.handles[h]
	delete(g.handles, h)
	return found
}

// destroy destroys an object of the token.
func (o *object) destroy(h *hsm.HSM) error {
	id := o.file.ID()
	switch o.file.Prefix() {
	case wire.PrefixKey:
		if o.class == cryptoki.ClassPublicKey {
			return nil
		}
		return h.DeleteKey(o.ref)
	case wire.PrefixEECert:
		return keepOnlyPublic(h, o.ref)
	case wire.PrefixCACert:
		if o.class == cryptoki.ClassPublicKey {
			return nil
		}
		return deleteBoth(h, wire.PrefixCD.File(id), o.file)
	}
	return errors.Join(deleteFile(h, wire.PrefixData.File(id)), deleteFile(h, wire.PrefixProtectedData.File(id)), deleteFile(h, o.file))
}

func deleteBoth(h *hsm.HSM, first, second wire.FID) error {
	if err := deleteFile(h, first); err != nil {
		return err
	}
	return deleteFile(h, second)
}

// keepOnlyPublic puts a request into the place of a key's certificate. A key that may
// not sign has no other place for its public half.
func keepOnlyPublic(h *hsm.HSM, ref byte) error {
	public, err := h.PublicKey(ref)
	if err == nil {
		err = h.KeepPublic(ref, *public)
	}
	if errors.Is(err, hsm.ErrNotAllowed) {
		return cryptoki.ActionProhibited
	}
	return err
}

// Set changes attributes of an object. Of one of the token, those that the device has a
// place for are label, ID and, of data, all else.
func (s *Session) Set(h cryptoki.Handle, t cryptoki.Template) error {
	o, err := s.object(h)
	if err != nil {
		return err
	}
	changes, err := o.changesOf(t)
	switch {
	case err != nil:
		return err
	case !o.is(cryptoki.AttrModifiable):
		return cryptoki.ActionProhibited
	case o.session != nil:
		s.application.change(h, changes)
		return nil
	case !s.writable:
		return cryptoki.SessionReadOnly
	case len(changes) == 0:
		return nil
	case o.class == cryptoki.ClassData:
		return s.rewriteData(o, changes)
	}
	return writer{s}.write(func(h *hsm.HSM) error { return o.relabel(h, changes) })
}

// changesOf gives the attributes of a template that are another than they were, if all
// of these may be changed.
func (o *object) changesOf(t cryptoki.Template) (changes cryptoki.Template, err error) {
	if err := checkTemplate(t); err != nil {
		return nil, err
	}
	for _, a := range ours(t) {
		if o.has(a) || a.Type == cryptoki.AttrSubject && o.isKey() && o.session == nil {
			continue // the subject is that of the certificate, whatever programs say
		}
		if !o.mayChange(a, o.session != nil) {
			return nil, cryptoki.AttributeReadOnly
		}
		changes = append(changes, a)
	}
	return changes, nil
}

func (o *object) isKey() bool {
	return o.class == cryptoki.ClassPrivateKey || o.class == cryptoki.ClassPublicKey || o.class == cryptoki.ClassSecretKey
}

// mayChange says whether an attribute of an object may get another value.
func (o *object) mayChange(a cryptoki.Attribute, inSession bool) bool {
	switch a.Type {
	case cryptoki.AttrLabel:
		return true
	case cryptoki.AttrID:
		return o.class != cryptoki.ClassData
	case cryptoki.AttrApplication, cryptoki.AttrObjectID, cryptoki.AttrValue:
		return o.class == cryptoki.ClassData
	}
	if !inSession || !o.isKey() {
		return false
	}
	switch a.Type {
	case cryptoki.AttrSubject, cryptoki.AttrStartDate, cryptoki.AttrEndDate,
		cryptoki.AttrEncrypt, cryptoki.AttrDecrypt, cryptoki.AttrSign, cryptoki.AttrSignRecover, cryptoki.AttrVerify,
		cryptoki.AttrVerifyRecover, cryptoki.AttrWrap, cryptoki.AttrUnwrap, cryptoki.AttrDerive:
		return true
	case cryptoki.AttrSensitive, cryptoki.AttrWrapWithTrusted: // from false to true
		return a.Value[0] == 1
	case cryptoki.AttrExtractable: // from true to false
		return a.Value[0] == 0
	}
	return false
}

// change changes an object of a session.
func (a *Application) change(h cryptoki.Handle, changes cryptoki.Template) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.objects[h]
	if before == nil {
		return
	}
	now := *before
	now.changes = with(before.changes, changes)
	now.attributes = with(before.attributes, changes)
	if now.class == cryptoki.ClassSecretKey {
		now.attributes = hideValue(now.attributes)
	}
	a.objects[h] = &now
}

// relabel changes label and ID of a key or a certificate of the token.
func (o *object) relabel(h *hsm.HSM, changes cryptoki.Template) error {
	label, id := namesOf(changes)
	if o.ref != 0 {
		return describe(h, o.ref, label, id)
	}
	fid := wire.PrefixCD.File(o.file.ID())
	content, err := h.ReadFile(fid)
	if err != nil && !errors.Is(err, hsm.ErrNotFound) {
		return err
	}
	encoded, err := wire.Rewrite(content, label, id)
	if err != nil {
		attributes := with(o.attributes, changes)
		d := wire.CD{Label: textOf(attributes, cryptoki.AttrLabel), ID: []byte(textOf(attributes, cryptoki.AttrID)), File: o.file}
		if encoded, err = d.Bytes(); err != nil {
			return err
		}
	}
	return h.WriteFile(fid, encoded)
}

// rewriteData writes a data object anew, under other files, and then takes the old one
// away: whatever happens, one of the two is whole. Its handle goes on to name it here.
func (s *Session) rewriteData(o *object, changes cryptoki.Template) error {
	attributes := with(o.attributes, changes)
	d := wire.DCOD{
		Label: textOf(attributes, cryptoki.AttrLabel), Application: textOf(attributes, cryptoki.AttrApplication),
		ObjectID: contentsOf(textOf(attributes, cryptoki.AttrObjectID)),
	}
	handle, err := writer{s}.storeData(d, []byte(textOf(attributes, cryptoki.AttrValue)), o.is(cryptoki.AttrPrivate))
	if err != nil {
		return err
	}
	if err := (writer{s}).write(o.destroy); err != nil {
		return err
	}
	s.slot.objects().move(o.handle, handle)
	return nil
}

// Copy copies an object, with the attributes of the template in place of its own. A copy
// in a session of a key of the token is an alias of it; a provisional key of a session
// that is copied to the token stays there.
func (s *Session) Copy(h cryptoki.Handle, t cryptoki.Template) (cryptoki.Handle, error) {
	o, err := s.object(h)
	if err != nil {
		return 0, err
	}
	changes, err := o.changesOfCopy(t)
	switch {
	case err != nil:
		return 0, err
	case !o.is(cryptoki.AttrCopyable):
		return 0, cryptoki.ActionProhibited
	}
	whole := with(o.attributes, changes)
	ofToken := truthOf(whole, cryptoki.AttrToken, false)
	switch {
	case ofToken && !s.writable:
		return 0, cryptoki.SessionReadOnly
	case !ofToken && s.application.isFull():
		return 0, cryptoki.DeviceMemory
	case truthOf(whole, cryptoki.AttrPrivate, false) && !s.userLoggedIn():
		return 0, cryptoki.UserNotLoggedIn
	case o.isKey() && ofToken:
		return s.copyKeyToToken(o, changes)
	case o.isKey() && !ofSession(o.handle):
		return s.alias(o, with(o.changes, without(changes, cryptoki.AttrToken)))
	case ofToken:
		return s.Create(creating(whole))
	}
	return s.keep(&object{
		class: o.class, attributes: whole, ref: o.ref, public: o.public, value: o.value.Clone(), provisional: o.provisional,
	}), nil
}

// creating leaves out of the attributes of an object what no template may have.
func creating(t cryptoki.Template) (left cryptoki.Template) {
	for _, a := range t {
		if shapeOf(a.Type) != made {
			left = append(left, a)
		}
	}
	return left
}

// copyKeyToToken is for keys that are on the device already: there is one of each.
func (s *Session) copyKeyToToken(o *object, changes cryptoki.Template) (cryptoki.Handle, error) {
	switch {
	case o.provisional != nil:
		return s.promote(o, changes)
	case o.class == cryptoki.ClassPublicKey && o.public != nil:
		return writer{s}.keepPublic(o.public)
	}
	return 0, cryptoki.TemplateInconsistent
}

// changesOfCopy gives the attributes that a copy has otherwise.
func (o *object) changesOfCopy(t cryptoki.Template) (changes cryptoki.Template, err error) {
	if err := checkTemplate(t); err != nil {
		return nil, err
	}
	for _, a := range ours(t) {
		if o.has(a) {
			continue
		}
		switch a.Type {
		case cryptoki.AttrToken, cryptoki.AttrPrivate, cryptoki.AttrModifiable, cryptoki.AttrDestroyable:
		case cryptoki.AttrCopyable:
			if bytes.Equal(a.Value, cryptoki.Bool(true)) {
				return nil, cryptoki.AttributeReadOnly
			}
		default:
			if !o.mayChange(a, true) {
				return nil, cryptoki.AttributeReadOnly
			}
		}
		changes = append(changes, a)
	}
	return changes, nil
}
