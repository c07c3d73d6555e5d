//go:build linux

package agent

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"sync"

	"conclave/token"
	"conclave/token/cryptoki"
)

// Bounds on clients.
const (
	maxClients     = 4096
	maxConnections = 4 * maxClients
	maxSessions    = 4096 // of a client
)

// ownSession is the number of a session that no client chooses.
const ownSession = ^uint64(0)

// Versions of the protocol: that which HELLO names, and that which its answer does, of
// an agent that takes the client's processor.
const (
	protocolVersion = 1
	takesProcessors = 2
)

// client is an initialisation of the module in some process: what all connections
// of it have in common.
type client struct {
	server      *server
	number      uint64
	secret      [16]byte
	uid         int
	application *token.Application

	connections int // with the server's lock

	mu       sync.Mutex
	sessions map[uint64]*turn
}

// turn is the lock of a session: requests for one session come one after the other, on
// whatever connections.
type turn struct {
	sync.Mutex
	slot token.SlotID
	over bool // with the client's lock: the session was closed
}

// take waits for a session.
func (c *client) take(session uint64, slot token.SlotID) (*turn, error) {
	for {
		t, err := c.turn(session, slot)
		if err != nil {
			return nil, err
		}
		t.Lock()
		if !c.isOver(t) {
			return t, nil
		}
		t.Unlock()
	}
}

func (c *client) turn(session uint64, slot token.SlotID) (*turn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.sessions[session]
	switch {
	case t != nil && t.slot != slot:
		return nil, errMalformed
	case t != nil:
	case len(c.sessions) == maxSessions:
		return nil, cryptoki.SessionCount
	default:
		t = &turn{slot: slot}
		c.sessions[session] = t
	}
	return t, nil
}

// has says whether a session was opened.
func (c *client) has(session uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions[session] != nil
}

func (c *client) isOver(t *turn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.over
}

// forget drops a session that is closed, or was not opened.
func (c *client) forget(session uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.sessions[session]; t != nil {
		t.over = true
		delete(c.sessions, session)
	}
}

// forgetAll drops the sessions of a slot.
func (c *client) forgetAll(slot token.SlotID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for number, t := range c.sessions {
		if t.slot == slot {
			t.over = true
			delete(c.sessions, number)
		}
	}
}

// hello answers the first request on a connection, and gives the client that it is of.
// The client is nil if the answer is a refusal.
func (s *server) hello(in reader, out *writer, uid int) (*client, error) {
	version, number, secret := in.number(), in.number(), in.string()
	if err := in.done(); err != nil || version != protocolVersion {
		return nil, errMalformed
	}
	c := s.join(number, secret, uid)
	if c != nil {
		out.number(s.instance)
		out.number(c.number)
		out.string(c.secret[:])
		out.number(takesProcessors)
	}
	return c, nil
}

// join adds a connection to a client, or makes a new one for number 0. It gives nil for
// a client that has ended, and where there are too many.
func (s *server) join(number uint64, secret []byte, uid int) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[number]
	switch {
	case number == 0 && len(s.clients) < maxClients:
		s.lastClient++
		c = &client{server: s, number: s.lastClient, uid: uid, application: s.library.Application(), sessions: map[uint64]*turn{}}
		rand.Read(c.secret[:])
		s.clients[c.number] = c
	case c == nil || c.uid != uid || subtle.ConstantTimeCompare(c.secret[:], secret) != 1:
		return nil
	}
	c.connections++
	return c
}

// leave takes a connection from its client, which ends with the last one.
func (s *server) leave(c *client) {
	s.mu.Lock()
	c.connections--
	last := c.connections == 0
	if last {
		delete(s.clients, c.number)
	}
	s.mu.Unlock()
	if last {
		c.application.Close()
	}
}

// randomNumber is not 0.
func randomNumber() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.NativeEndian.Uint64(b[:]) | 1
}
