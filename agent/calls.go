//go:build linux

package agent

import (
	"errors"
	"log/slog"
	"strings"

	"conclave/internal/secret"
	"conclave/token"
	"conclave/token/cryptoki"
)

// exchange is one request and its answer.
type exchange struct {
	client  *client
	slot    token.SlotID
	session *token.Session // of the calls in a session
	in      reader
	out     writer
}

// row is how a call is carried out. What it reads is read whole, and found to be well
// formed, before anything is done.
type row struct {
	scope scope
	do    func(*exchange) error
}

// scope is what a call is about.
type scope int

// Scopes of calls.
const (
	ofNothing scope = iota
	ofSlot
	ofSession
)

// rows are all calls but HELLO, which makes the client that the others are from.
var rows = [callWait + 1]row{
	callSlots:        {ofNothing, (*exchange).slots},
	callLogin:        {ofSession, (*exchange).login},
	callLogout:       {ofSession, (*exchange).logout},
	callResume:       {ofSlot, (*exchange).resume},
	callInitToken:    {ofSlot, (*exchange).initToken},
	callInitPIN:      {ofSession, (*exchange).initPIN},
	callSetPIN:       {ofSession, (*exchange).setPIN},
	callClose:        {ofSession, (*exchange).close},
	callCloseAll:     {ofSlot, (*exchange).closeAll},
	callFind:         {ofSession, (*exchange).find},
	callGet:          {ofSession, (*exchange).get},
	callCreate:       {ofSession, (*exchange).create},
	callCopy:         {ofSession, (*exchange).copy},
	callDestroy:      {ofSession, (*exchange).destroy},
	callSet:          {ofSession, (*exchange).set},
	callCrypt:        {ofSession, (*exchange).crypt},
	callGenerate:     {ofSession, (*exchange).generate},
	callGeneratePair: {ofSession, (*exchange).generatePair},
	callWrap:         {ofSession, (*exchange).wrap},
	callUnwrap:       {ofSession, (*exchange).unwrap},
	callDerive:       {ofSession, (*exchange).derive},
	callRandom:       {ofSession, (*exchange).random},
	callWait:         {ofNothing, (*exchange).wait},
}

// maxRandom is how many random bytes one answer has at most.
const maxRandom = 64 << 10

// rvOf is what PKCS#11 returns for an error. One that has no word there is logged.
func rvOf(err error) cryptoki.RV {
	var rv cryptoki.RV
	switch {
	case err == nil:
		return cryptoki.OK
	case errors.As(err, &rv):
		return rv
	}
	slog.Error("a call failed", "error", err)
	return cryptoki.GeneralError
}

func (x *exchange) login() error {
	user, pin := cryptoki.UserType(x.in.number()), secret.Bytes(x.in.string())
	if err := x.in.done(); err != nil {
		return err
	}
	if err := x.session.Login(user, pin); err != nil {
		return err
	}
	var ticket []byte
	if user == cryptoki.User {
		ticket = x.client.server.tickets.give(x.session, x.client.uid, pin)
	}
	x.out.string(ticket)
	return nil
}

func (x *exchange) logout() error {
	if err := x.in.done(); err != nil {
		return err
	}
	return x.session.Logout()
}

func (x *exchange) resume() error {
	ticket := x.in.string()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.client.server.tickets.take(ticket, x.client, x.slot)
}

func (x *exchange) initToken() error {
	const labelBytes = 32
	so, label := secret.Bytes(x.in.string()), x.in.string()
	if err := x.in.done(); err != nil || len(label) != labelBytes {
		return errMalformed
	}
	return x.newPIN(x.client.application.InitToken(x.slot, so, strings.TrimRight(string(label), " ")))
}

// newPIN sees to it that no ticket with an earlier PIN is tried.
func (x *exchange) newPIN(err error) error {
	if err == nil {
		x.client.server.tickets.void()
	}
	return err
}

func (x *exchange) initPIN() error {
	pin := secret.Bytes(x.in.string())
	if err := x.in.done(); err != nil {
		return err
	}
	return x.newPIN(x.session.InitPIN(pin))
}

func (x *exchange) setPIN() error {
	old, pin := secret.Bytes(x.in.string()), secret.Bytes(x.in.string())
	if err := x.in.done(); err != nil {
		return err
	}
	return x.newPIN(x.session.SetPIN(old, pin))
}

func (x *exchange) close() error {
	if err := x.in.done(); err != nil {
		return err
	}
	x.session.Close()
	return nil
}

func (x *exchange) closeAll() error {
	if err := x.in.done(); err != nil {
		return err
	}
	x.client.application.CloseSessions(x.slot)
	x.client.forgetAll(x.slot)
	return nil
}

func (x *exchange) find() error {
	t := x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	records, err := x.session.Find(t)
	x.out.number(uint64(len(records)))
	for _, o := range records {
		x.out.record(o)
	}
	return err
}

func (x *exchange) get() error {
	h := x.in.handle()
	if err := x.in.done(); err != nil {
		return err
	}
	o, err := x.session.Object(h)
	x.out.record(o)
	return err
}

func (x *exchange) create() error {
	t := x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.made(x.session.Create(t))
}

// made answers with the handle of an object.
func (x *exchange) made(h cryptoki.Handle, err error) error {
	x.out.number(uint64(h))
	return err
}

func (x *exchange) copy() error {
	h, t := x.in.handle(), x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.made(x.session.Copy(h, t))
}

func (x *exchange) destroy() error {
	h := x.in.handle()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.session.Destroy(h)
}

func (x *exchange) set() error {
	h, t := x.in.handle(), x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.session.Set(h, t)
}

func (x *exchange) generate() error {
	m, t := x.in.mechanism(), x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.made(x.session.GenerateKey(m, t))
}

func (x *exchange) generatePair() error {
	m, public, private := x.in.mechanism(), x.in.template(), x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	publicKey, privateKey, err := x.session.GenerateKeyPair(m, public, private)
	x.out.number(uint64(publicKey))
	x.out.number(uint64(privateKey))
	return err
}

func (x *exchange) wrap() error {
	m, wrapping, key := x.in.mechanism(), x.in.handle(), x.in.handle()
	if err := x.in.done(); err != nil {
		return err
	}
	wrapped, err := x.session.WrapKey(m, wrapping, key)
	x.out.string(wrapped)
	return err
}

func (x *exchange) unwrap() error {
	m, unwrapping, wrapped, t := x.in.mechanism(), x.in.handle(), x.in.string(), x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.made(x.session.UnwrapKey(m, unwrapping, wrapped, t))
}

func (x *exchange) derive() error {
	m, base, t := x.in.mechanism(), x.in.handle(), x.in.template()
	if err := x.in.done(); err != nil {
		return err
	}
	return x.made(x.session.DeriveKey(m, base, t))
}

func (x *exchange) random() error {
	n := x.in.number()
	if err := x.in.done(); err != nil || n > maxRandom {
		return errMalformed
	}
	random, err := x.session.Random(int(n))
	x.out.string(random)
	return err
}
