package pcsc

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
)

// bufferSize is pcsc-lite's MAX_BUFFER_SIZE_EXTENDED (pcsclite.h): an extended
// response of 65536 bytes and what the protocols add to it.
const bufferSize = 4 + 3 + 1<<16 + 3 + 2

// Card is a card in a reader, shared with other processes. It is an apdu.Conn
// and an apdu.Transactor. It may be used by several goroutines; a transaction
// keeps out other connections, not other goroutines with the same Card.
type Card struct {
	service *service
	reader  string
	atr     []byte

	mu       sync.Mutex
	card     handle
	protocol dword
	response []byte
	closed   bool
}

var errClosed = errors.New("the connection to the card has been closed")

// Open connects to a card. reader is a reader's name, a part of it, or its
// place in the list of Readers from 0 on; if it names several readers, and
// the empty string names them all, the first one with a card is taken.
func Open(reader string) (*Card, error) {
	s, err := openService()
	if err != nil {
		return nil, err
	}
	c := &Card{service: s, response: make([]byte, bufferSize)}
	if err := c.connect(reader); err != nil {
		s.close()
		return nil, err
	}
	return c, nil
}

func (c *Card) connect(query string) (err error) {
	if c.reader, err = c.service.readerWithCard(query); err != nil {
		return err
	}
	if code := c.service.connect(c.service.context, c.reader, shareShared, protocolT0|protocolT1, &c.card, &c.protocol); code != success {
		return c.failure("connecting", code)
	}
	atr := make([]byte, 36) // ISO 7816-3 allows 33; Windows writes up to 36
	length := dword(len(atr))
	if code := c.service.status(c.card, 0, 0, nil, nil, &atr[0], &length); code != success {
		return c.failure("reading the ATR", code)
	}
	c.atr = atr[:length]
	return nil
}

// Reader is the name of the card's reader.
func (c *Card) Reader() string { return c.reader }

// ATR is the card's answer to reset (ISO 7816-3 section 8), as of Open.
func (c *Card) ATR() []byte { return bytes.Clone(c.atr) }

// Transmit implements apdu.Card. The error is ErrReset when another process
// has reset the card, and the command has not been sent; the next one will be.
// It is ErrRemoved when there is no card any more.
//
// How long a command may be depends on the reader. vpcd carries 65535 bytes in
// either direction; at a command of 65536 it throws the card out (observed with
// pcscd 1.9.9).
func (c *Card) Transmit(command []byte) ([]byte, error) {
	if len(command) < 2 {
		// vpcd takes one byte for a control and none for no command, and waits
		// for ever for the answer.
		return nil, fmt.Errorf("pcsc: a command of %d bytes cannot be sent; a command APDU has 4 bytes or more", len(command))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, c.failure("sending a command", errClosed)
	}
	length := dword(len(c.response))
	code := c.service.transmit(c.card, c.pci(), &command[0], dword(len(command)), 0, &c.response[0], &length)
	switch {
	case code == ErrReset:
		if err := c.reconnect(leaveCard); err != nil {
			return nil, err
		}
	case code == success && length == 0:
		code = ErrRemoved // this is how vpcd says that the card hung up instead of answering
	}
	if code != success {
		return nil, c.failure("sending a command", removal(code))
	}
	response := bytes.Clone(c.response[:length])
	clear(c.response[:length])
	return response, nil
}

func (c *Card) pci() uintptr {
	if c.protocol == protocolT0 {
		return c.service.pciT0
	}
	return c.service.pciT1
}

// Reset implements apdu.Conn. To other processes that share the card it is
// ErrReset.
func (c *Card) Reset() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failure("resetting the card", errClosed)
	}
	return c.reconnect(resetCard)
}

func (c *Card) reconnect(initialization dword) error {
	if code := c.service.reconnect(c.card, shareShared, protocolT0|protocolT1, initialization, &c.protocol); code != success {
		return c.failure("reconnecting", removal(code))
	}
	return nil
}

// Begin implements apdu.Transactor. It waits until no other process has a
// transaction. The error is ErrReset when another process has reset the card,
// and no transaction has begun; the next one will.
func (c *Card) Begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failure("beginning a transaction", errClosed)
	}
	code := c.service.beginTransaction(c.card)
	if code == ErrReset {
		if err := c.reconnect(leaveCard); err != nil {
			return err
		}
	}
	if code != success {
		return c.failure("beginning a transaction", removal(code))
	}
	return nil
}

// End implements apdu.Transactor.
func (c *Card) End() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failure("ending a transaction", errClosed)
	}
	if code := c.service.endTransaction(c.card, leaveCard); code != success {
		return c.failure("ending a transaction", removal(code))
	}
	return nil
}

// Close implements apdu.Conn. It resets the card, so that a login of ours is
// not there for the next process; while another process has a transaction it
// waits for its end.
func (c *Card) Close() error { return c.disconnect(resetCard) }

// Leave ends the connection and leaves the card as it is, for who has only looked: the
// sessions of other processes go on.
func (c *Card) Leave() error { return c.disconnect(leaveCard) }

func (c *Card) disconnect(disposition dword) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failure("closing", errClosed)
	}
	c.closed = true
	defer c.service.close()
	if code := c.service.disconnect(c.card, disposition); code != success {
		return c.failure("closing", code)
	}
	return nil
}

// removal gives one name to the ways in which a reader says that its card is
// gone.
func removal(code Code) Code {
	if code == ErrNoCard || code == readerUnavailable {
		return ErrRemoved
	}
	return code
}

func (c *Card) failure(doing string, err error) error {
	return fmt.Errorf("pcsc: reader %q: %s: %w", c.reader, doing, err)
}
