package link

import (
	"errors"
	"sync"

	"conclave/apdu"
)

// Direct links a host to a card in the same process. The Conn is Roomy.
func Direct(card Card) apdu.Conn { return &direct{card: card} }

type direct struct {
	card Card

	mu     sync.Mutex
	closed bool
}

var errClosed = errors.New("link: the connection to the card has been closed")

func (d *direct) Transmit(command []byte) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	return d.card.Transmit(command)
}

// Roomy implements apdu.Roomy.
func (d *direct) Roomy() {}

func (d *direct) Reset() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	return d.card.Reset()
}

func (d *direct) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	d.closed = true
	return d.card.Reset()
}
