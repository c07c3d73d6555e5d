//go:build linux

package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"conclave/token"
	"conclave/token/cryptoki"
)

// module is what the module is to an agent: a client with connections, which makes
// requests as the protocol says. It is for one goroutine; others of the same client use
// another connection of it.
type module struct {
	path     string
	conn     net.Conn
	instance uint64
	client   uint64
	secret   []byte

	generation uint64 // that the last answer told
	sessions   *atomic.Uint64
}

// errEnded is the error for a connection that ends.
var errEnded = errors.New("the agent has ended the connection")

// dial connects to an agent as a new client.
func dial(path string) (*module, error) {
	m := &module{path: path, sessions: new(atomic.Uint64)}
	return m, m.hello()
}

// another is another connection of the same client.
func (m *module) another() (*module, error) {
	more := &module{path: m.path, instance: m.instance, client: m.client, secret: m.secret, sessions: m.sessions}
	return more, more.hello()
}

func (m *module) hello() (err error) {
	if m.conn, err = net.Dial("unix", m.path); err != nil {
		return err
	}
	return m.greet()
}

func (m *module) greet() error {
	r, err := m.call(callHello, 0, 0, 0, number(protocolVersion), number(m.client), str(m.secret))
	if err != nil {
		return err
	}
	m.instance, m.client, m.secret = r.number(), r.number(), r.string()
	if version := r.number(); version != takesProcessors {
		return fmt.Errorf("the version is %d", version)
	}
	return r.done()
}

// An argument writes itself.
type argument func(*writer)

func number[T ~uint64 | ~int](n T) argument { return func(w *writer) { w.number(uint64(n)) } }
func str[T ~string | ~[]byte](s T) argument { return func(w *writer) { w.string([]byte(s)) } }
func mech(m cryptoki.Mechanism) argument {
	return func(w *writer) { w.number(uint64(m.Type)); w.string(m.Parameter) }
}
func handle(h cryptoki.Handle) argument { return number(uint64(h)) }
func raw(b []byte) argument             { return func(w *writer) { w.bytes = append(w.bytes, b...) } }
func attributes(t ...cryptoki.Attribute) argument {
	return func(w *writer) {
		w.number(uint64(len(t)))
		for _, a := range t {
			w.number(uint64(a.Type))
			w.string(a.Value)
		}
	}
}

// message is a request.
func message(asked call, flags uint16, slot token.SlotID, session uint64, arguments ...argument) []byte {
	m := request(asked, func(w *writer) {
		for _, a := range arguments {
			a(w)
		}
	})
	binary.NativeEndian.PutUint16(m[6:], flags)
	binary.NativeEndian.PutUint64(m[8:], uint64(slot))
	binary.NativeEndian.PutUint64(m[16:], session)
	return m
}

// call makes a request and reads the answer. The error is what the call returns, if it
// is a cryptoki.RV.
func (m *module) call(asked call, flags uint16, slot token.SlotID, session uint64, arguments ...argument) (*reader, error) {
	if _, err := m.conn.Write(message(asked, flags, slot, session, arguments...)); err != nil {
		return nil, errors.Join(errEnded, err)
	}
	return m.answer()
}

func (m *module) answer() (*reader, error) {
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(m.conn, header); err != nil {
		return nil, errors.Join(errEnded, err)
	}
	size := binary.NativeEndian.Uint32(header)
	if binary.NativeEndian.Uint32(header[4:]) != 0 || size < headerBytes-uncounted || size > maxAnswer {
		return nil, fmt.Errorf("the header of an answer is %x", header)
	}
	results := make([]byte, size-(headerBytes-uncounted))
	if _, err := io.ReadFull(m.conn, results); err != nil {
		return nil, errors.Join(errEnded, err)
	}
	m.generation = binary.NativeEndian.Uint64(header[16:])
	if rv := cryptoki.RV(binary.NativeEndian.Uint64(header[8:])); rv != cryptoki.OK {
		return &reader{rest: results}, rv
	}
	return &reader{rest: results}, nil
}

// session is a session of a module.
type session struct {
	*module
	slot   token.SlotID
	number uint64
}

func (m *module) open(slot token.SlotID) session { return session{m, slot, m.sessions.Add(1)} }

func (s session) do(asked call, arguments ...argument) (*reader, error) {
	return s.call(asked, flagWritable, s.slot, s.number, arguments...)
}

func (s session) login(user cryptoki.UserType, pin string) (ticket []byte, err error) {
	r, err := s.do(callLogin, number(user), str(pin))
	if err != nil {
		return nil, err
	}
	return r.string(), r.done()
}

// single does the whole of an operation.
func (s session) single(op token.Operation, m cryptoki.Mechanism, key cryptoki.Handle, data, signature []byte) ([]byte, error) {
	r, err := s.do(callCrypt, number(op), number(stageSingle), number(1), mech(m), handle(key), str(data), str(signature))
	if r == nil {
		return nil, err
	}
	output := r.string()
	return output, errors.Join(err, r.done())
}

func (s session) random(n int) ([]byte, error) {
	r, err := s.do(callRandom, number(n))
	if err != nil {
		return nil, err
	}
	return r.string(), r.done()
}

// find gives all attributes of the objects that have those.
func (s session) find(wanted ...cryptoki.Attribute) (objects []token.Record, err error) {
	r, err := s.do(callFind, attributes(wanted...))
	if err != nil {
		return nil, err
	}
	for range r.number() {
		o := token.Record{Handle: r.handle(), Output: int(r.number())}
		for range r.number() {
			a := cryptoki.Attribute{Type: cryptoki.AttributeType(r.number())}
			if n := r.number(); n == cryptoki.Unavailable {
				a.Sensitive = true
			} else {
				a.Value = r.take(n)
			}
			o.Attributes = append(o.Attributes, a)
		}
		objects = append(objects, o)
	}
	return objects, r.done()
}

// described is a slot with its token, as SLOTS tells it.
type described struct {
	id          token.SlotID
	slot, token []byte
	mechanisms  int
}

func (m *module) slots() (generation uint64, slots []described, err error) {
	r, err := m.call(callSlots, 0, 0, 0, number(0))
	if err != nil {
		return 0, nil, err
	}
	generation = r.number()
	for range r.number() {
		d := described{id: token.SlotID(r.number()), slot: r.take(112), token: r.take(tokenInfoBytes)}
		d.mechanisms = int(r.number())
		r.take(uint64(40 * d.mechanisms))
		slots = append(slots, d)
	}
	return generation, slots, r.done()
}

// connected is a module that is a client of an agent.
func connected(tb testing.TB, path string) *module {
	tb.Helper()
	m, err := dial(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.conn.Close() })
	return m
}
