//go:build linux

package agent

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"

	"conclave/token"
	"conclave/token/cryptoki"
)

// Sizes of buffers, in bytes: that of a connection to begin with, and that of the
// longest which is kept for the request that follows.
const (
	firstBuffer = 2 << 10
	keptBuffer  = 32 << 10
)

// connection is one of a client's. Its goroutine reads a request, carries it out, and
// writes the answer: one after the other, each with one system call.
type connection struct {
	exchange
	server *server
	socket *socket
	uid    int
	buffer []byte // for requests
}

// serve goes on until the other side hangs up, says what is malformed, or the server
// stops.
func (c *connection) serve() {
	err := survive(c.requests)
	if errors.Is(err, errPanicked) {
		clear(c.buffer)
		clear(c.out.bytes[:cap(c.out.bytes)])
	}
	c.socket.Close()
	if c.client != nil {
		survive(func() error { c.server.leave(c.client); return nil })
	}
	if errors.Is(err, errMalformed) {
		slog.Warn("a connection was ended", "reason", err, "uid", c.uid)
	}
}

func (c *connection) requests() error {
	c.buffer = make([]byte, firstBuffer)
	for !c.server.stopping() {
		request, err := c.read()
		if err != nil {
			return err
		}
		c.socket.follow(processorOf(request))
		err = c.answer(request)
		c.buffer = emptied(c.buffer, len(request))
		if err != nil {
			return err
		}
		_, err = c.socket.Write(c.out.bytes)
		c.out.bytes = emptied(c.out.bytes, len(c.out.bytes))
		if err != nil {
			return err
		}
	}
	return nil
}

// emptied wipes what was in a buffer, since much of it is secret, and gives the buffer,
// or a small one in place of one that should not be kept.
func emptied(buffer []byte, used int) []byte {
	clear(buffer[:used])
	if len(buffer) > keptBuffer {
		return make([]byte, firstBuffer)
	}
	return buffer
}

// read gives the next request. The buffer becomes only as long as what has come needs
// it to be, whatever the request says.
func (c *connection) read() ([]byte, error) {
	for n := 0; ; {
		if n >= uncounted {
			size := int(binary.NativeEndian.Uint32(c.buffer))
			switch total := uncounted + size; {
			case total < headerBytes || size > maxRequest || n > total:
				return nil, errMalformed
			case n == total:
				return c.buffer[:n], nil
			}
		}
		if n == len(c.buffer) {
			c.grow()
		}
		more, err := c.socket.Read(c.buffer[n:])
		if n += more; err != nil {
			if n > more && errors.Is(err, io.EOF) {
				err = errMalformed
			}
			return nil, err
		}
	}
}

func (c *connection) grow() {
	longer := make([]byte, 2*len(c.buffer))
	copy(longer, c.buffer)
	clear(c.buffer)
	c.buffer = longer
}

// answer makes the answer to a request. The error is errMalformed if there is none.
func (c *connection) answer(request []byte) error {
	flags, slot, session := binary.NativeEndian.Uint16(request[6:]), binary.NativeEndian.Uint64(request[8:]), binary.NativeEndian.Uint64(request[16:])
	asked := call(binary.NativeEndian.Uint16(request[4:]))
	c.in, c.slot = reader{rest: request[headerBytes:]}, token.SlotID(slot)
	c.out.begin()
	generation := c.server.library.Generation()
	err := c.carryOut(asked, session, flags)
	if err == errMalformed {
		return err
	}
	if err != nil && asked != callCrypt {
		c.out.drop()
	}
	if !tells(asked) {
		generation = c.server.library.Generation()
	}
	c.out.finish(rvOf(err), generation)
	return nil
}

// tells says whether the results of a call are as of the generation before it.
func tells(asked call) bool { return asked == callSlots || asked == callFind || asked == callGet }

// flagWritable is that of a read-write session. The other bits of the flags are the
// number, from 1 on, of the processor on which the client's thread waits.
const flagWritable = 1

// processorOf is the processor on which it is best to do what is asked: of what takes
// moments, as a signature does, that of the client.
func processorOf(request []byte) int {
	if call(binary.NativeEndian.Uint16(request[4:])) != callCrypt {
		return noProcessor
	}
	return int(binary.NativeEndian.Uint16(request[6:])>>1) - 1
}

func (c *connection) carryOut(asked call, session uint64, flags uint16) (err error) {
	if c.client == nil || asked == callHello {
		return c.greet(asked, session, flags)
	}
	if int(asked) >= len(rows) || rows[asked].do == nil {
		return errMalformed
	}
	row := rows[asked]
	if session == ownSession || (row.scope == ofSession) != (session != 0) || row.scope == ofNothing && c.slot != 0 {
		return errMalformed
	}
	if row.scope != ofSession {
		return row.do(&c.exchange)
	}
	if asked == callClose && !c.client.has(session) {
		return c.in.done()
	}
	turn, err := c.client.take(session, c.slot)
	if err != nil {
		return err
	}
	defer turn.Unlock()
	c.session, err = c.client.application.Session(session, c.slot, flags&flagWritable != 0)
	if err != nil || asked == callClose {
		defer c.client.forget(session)
	}
	if err != nil {
		return err
	}
	return row.do(&c.exchange)
}

// greet takes HELLO, once on each connection and before all else.
func (c *connection) greet(asked call, session uint64, flags uint16) (err error) {
	if c.client != nil || asked != callHello || c.slot != 0 || session != 0 || flags != 0 {
		return errMalformed
	}
	if c.client, err = c.server.hello(c.in, &c.out, c.uid); err == nil && c.client == nil {
		err = cryptoki.SessionHandleInvalid
	}
	return err
}
