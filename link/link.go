// Package link carries APDUs between a card and a host that do not share a
// process: Serve on the card's side, Client on the reader's side. Direct links
// the two if they do share one.
//
// Begin with [Direct] in a program that has the card itself. [Keep] puts a card
// into pcscd's virtual reader ([TCP] and [VPCDAddress] say where that is), so that
// OpenSC and every other PC/SC program meets it, and brings it back when pcscd
// restarts. [Serve] is one such connection, and [NewClient] its other end, where
// there is no pcscd.
//
// Whoever reaches the connection has the card: there is no encryption and no
// password here. Keep it on the machine, where [Guard] sees who is at the other end,
// or bring a net.Conn that is protected, such as one of crypto/tls. Real readers are package link/pcsc. What the bytes
// mean this package does not know: see packages apdu, hsm and card.
//
// The framing is that of vpcd, the virtual reader of the Virtual Smart Card
// Architecture (virtualsmartcard/src/vpcd/vpcd.c): a payload behind its length
// in two bytes, big-endian, in both directions. A payload of one byte from the
// reader is a control, every other a command APDU, answered with a response
// APDU.
package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"conclave/apdu"
)

// MaxPayload is the size of the longest APDU that a frame can carry, in bytes.
// An extended command of full size (65544 bytes) is longer.
const MaxPayload = 1<<16 - 1

// Controls: VPCD_CTRL_* in vpcd.h. Only sendATR is answered.
const (
	powerOff = 0x00
	powerOn  = 0x01
	reset    = 0x02
	sendATR  = 0x04
)

// Card is what a link needs of a card: an answer to each command, and Reset,
// which ends the card's session and nothing else.
type Card interface {
	apdu.Card
	Reset() error
}

func readFrame(r io.Reader) ([]byte, error) {
	var header [2]byte
	switch n, err := io.ReadFull(r, header[:]); {
	case n == 1:
		return nil, fmt.Errorf("link: the connection ended within the length of a frame: %w", err)
	case err != nil:
		return nil, err
	}
	payload := make([]byte, binary.BigEndian.Uint16(header[:]))
	if n, err := io.ReadFull(r, payload); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("link: the connection ended after %d of the %d bytes of a frame: %w", n, len(payload), err)
	}
	return payload, nil
}

func writeFrame(w io.Writer, payload []byte) error {
	if len(payload) > MaxPayload {
		return fmt.Errorf("link: %d bytes do not fit a frame of at most %d", len(payload), MaxPayload)
	}
	frame := make([]byte, 0, 2+len(payload))
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(payload)))
	frame = append(frame, payload...)
	defer clear(frame) // a PIN may be in it
	_, err := w.Write(frame)
	return err
}
