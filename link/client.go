package link

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// Client is the reader's side of a link, and an apdu.Conn. It may be used by
// several goroutines; the card sees one exchange after the other.
type Client struct {
	conn io.ReadWriteCloser

	mu     sync.Mutex // held during an exchange
	broken error      // why there will be no further exchange
}

// NewClient is a reader for the card that is served at the other end of conn.
// It owns conn.
func NewClient(conn io.ReadWriteCloser) *Client { return &Client{conn: conn} }

// Transmit implements apdu.Card. A command of one byte is refused, as the link
// would take it for a control, and so is one of more than MaxPayload bytes.
func (c *Client) Transmit(command []byte) ([]byte, error) {
	if len(command) == 1 {
		return nil, errors.New("link: a command of 1 byte cannot be sent, since this link would take it for a control; a command APDU has 4 bytes or more")
	}
	if len(command) > MaxPayload {
		return nil, fmt.Errorf("link: a command of %d bytes cannot be sent; this link carries up to %d", len(command), MaxPayload)
	}
	return c.request(command)
}

// ATR asks for the card's answer to reset (ISO 7816-3 section 8) without
// resetting the card.
func (c *Client) ATR() ([]byte, error) { return c.request([]byte{sendATR}) }

// PowerOn is a cold reset: the card forgets its session.
func (c *Client) PowerOn() error { return c.control(powerOn) }

// Reset implements apdu.Conn.
func (c *Client) Reset() error { return c.control(reset) }

// Close implements apdu.Conn. It interrupts an exchange that is under way.
func (c *Client) Close() error { return c.conn.Close() }

func (c *Client) request(payload []byte) (response []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.send(payload); err != nil {
		return nil, err
	}
	if response, err = readFrame(c.conn); err != nil {
		return nil, c.fail(err)
	}
	return response, nil
}

func (c *Client) control(control byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.send([]byte{control})
}

func (c *Client) send(payload []byte) error {
	if c.broken != nil {
		return c.broken
	}
	if err := writeFrame(c.conn, payload); err != nil {
		return c.fail(err)
	}
	return nil
}

// fail closes the link: what comes after half a frame has no meaning.
func (c *Client) fail(err error) error {
	if err == io.EOF {
		err = errors.New("the card hung up")
	}
	c.broken = fmt.Errorf("link: no connection to the card: %w", err)
	c.conn.Close()
	return c.broken
}
