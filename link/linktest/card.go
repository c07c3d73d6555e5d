package linktest

import (
	"bytes"
	"errors"
	"sync"
)

// ATR is the answer to reset of a SmartCard-HSM, which every host knows.
func ATR() []byte {
	return []byte{
		0x3B, 0xFE, 0x18, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 0x80, 0x31, 0x81,
		0x54, 0x48, 0x53, 0x4D, 0x31, 0x73, 0x80, 0x21, 0x40, 0x81, 0x07, 0xFA,
	}
}

// Card is a card that shows what the link did to it. It answers Login, Status
// and Break, and every other command with Complement of it.
type Card struct {
	mu       sync.Mutex
	commands [][]byte
	loggedIn bool
	resets   chan struct{}
}

// NewCard is a card after reset.
func NewCard() *Card { return &Card{resets: make(chan struct{}, 1)} }

// The commands that Card knows.
const (
	Login  = "\x80\x20\x00\x00" // opens a session
	Status = "\x80\x22\x00\x00" // is answered with LoggedIn or LoggedOut
	Break  = "\x80\x24\x00\x00" // makes Transmit fail
)

// The responses to Login and Status.
const (
	LoggedIn  = "\x90\x00"
	LoggedOut = "\x69\x82"
)

// Complement is the answer to a command that the card does not know: as many
// bytes, each inverted, so that it cannot be mistaken for the command.
func Complement(command []byte) []byte {
	response := make([]byte, len(command))
	for i, b := range command {
		response[i] = ^b
	}
	return response
}

// Transmit implements apdu.Card.
func (c *Card) Transmit(command []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands = append(c.commands, bytes.Clone(command))
	switch string(command) {
	case Login:
		c.loggedIn = true
		return []byte(LoggedIn), nil
	case Status:
		if c.loggedIn {
			return []byte(LoggedIn), nil
		}
		return []byte(LoggedOut), nil
	case Break:
		return nil, errors.New("linktest: the card was told to break")
	default:
		return Complement(command), nil
	}
}

// Reset ends the session.
func (c *Card) Reset() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loggedIn = false
	select {
	case c.resets <- struct{}{}:
	default:
	}
	return nil
}

// Resets receives after one or more resets since it was last received from.
func (c *Card) Resets() <-chan struct{} { return c.resets }

// LoggedIn tells whether a session is open.
func (c *Card) LoggedIn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loggedIn
}

// Commands are those received so far, oldest first.
func (c *Card) Commands() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([][]byte{}, c.commands...)
}
