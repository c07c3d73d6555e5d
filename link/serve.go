package link

import (
	"errors"
	"fmt"
	"io"
)

// Serve answers the reader at the other end of conn until the reader closes
// it, and then returns nil. Any other end is an error: a frame cut short, an
// unknown control, an error of the card. Whatever the end, it is a loss of
// power to the card: its session is gone when Serve returns.
//
// Power on, power off and reset end the session too. A request for the ATR
// does not: pcscd makes one every 400 ms to see whether the card is there.
func Serve(conn io.ReadWriter, card Card, atr []byte) (err error) {
	defer func() { err = errors.Join(err, card.Reset()) }()
	for {
		payload, err := readFrame(conn)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := answer(conn, card, atr, payload); err != nil {
			return err
		}
	}
}

func answer(conn io.Writer, card Card, atr, payload []byte) error {
	if len(payload) != 1 {
		response, err := card.Transmit(payload)
		clear(payload) // PINs and keys may be in both
		if err != nil {
			return fmt.Errorf("link: the card failed: %w", err)
		}
		defer clear(response)
		return writeFrame(conn, response)
	}
	switch control := payload[0]; control {
	case powerOff, powerOn, reset:
		return card.Reset()
	case sendATR:
		return writeFrame(conn, atr)
	default:
		return fmt.Errorf("link: control %02X from the reader; 00, 01, 02 or 04 was expected: is that a vpcd at the other end?", control)
	}
}
