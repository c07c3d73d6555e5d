// Package hsm is the host's side of a SmartCard-HSM: a client for any card
// that speaks the applet's commands, virtual or real, such as a Nitrokey HSM 2, a
// pico-hsm or an embedded device.
//
// Begin with [Open], on a connection that device.Home.Open, link.Direct or
// pcsc.Open gives, and ask for the [Status]. A new device is initialised; then
// Login comes before everything that uses keys. [HSM.Signer] gives a key to packages
// that take a crypto.Signer or a crypto.Decrypter, such as crypto/x509, crypto/tls or
// package ca, [HSM.KeyAgreement] one to those that take an ecdh.KeyExchanger. What a
// caller may want to tell apart is an error of its own: a [PINError] with the tries
// left, [ErrNotFound], [ErrOccupied], [ErrNotAllowed]. Most other refusals wrap an
// apdu.Status.
//
// No private key comes out here. WrapKey and UnwrapKey move keys as blobs that
// only the DKEK opens: package dkek does that without a card, package custody lets
// custodians do it. There is no PKCS#11 here. The fields and constants of the
// commands are package wire's; package card is the other end, and neither knows
// the other.
package hsm

import (
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/wire"
)

// HSM is a session with a device. It is not safe for concurrent use.
type HSM struct {
	conn     apdu.Conn
	version  wire.Version
	options  wire.Options
	loggedIn bool // by Login; a reset by another process then costs the session
	alone    int  // how many of begin have no end yet
	chunk    int  // how much of a file one command writes, in bytes
}

// Open selects the applet on a connected card. The HSM takes over the
// connection: Close closes it.
func Open(conn apdu.Conn) (*HSM, error) {
	h := &HSM{conn: conn, chunk: maxChunk}
	if _, ok := conn.(apdu.Roomy); ok {
		h.chunk = apdu.MaxExtendedData - maxOverhead
	}
	err := h.begin()
	if err == nil {
		err = h.selectApplet()
		h.end(&err)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Close ends the session; the card forgets the PIN.
func (h *HSM) Close() error { return h.conn.Close() }

// selection is SELECT of the applet.
func selection() apdu.Command {
	return apdu.Command{INS: wire.InsSelect, P1: 0x04, Data: wire.AID(), Ne: apdu.MaxShortNe}
}

func (h *HSM) selectApplet() error {
	h.loggedIn = false
	fcp, err := h.exchange("select the SmartCard-HSM applet", selection())
	if errors.Is(err, apdu.FileNotFound) {
		return fmt.Errorf("%w (%w)", ErrNotSmartCardHSM, err)
	}
	if err != nil {
		return err
	}
	h.options, h.version, err = wire.ParseAppletFCP(fcp)
	return err
}

// ErrNotSmartCardHSM is the error for a card of another kind.
var ErrNotSmartCardHSM = errors.New("this card is not a SmartCard-HSM")

// Logout makes the card forget the PIN.
func (h *HSM) Logout() error { return h.selectApplet() }

// begin keeps other processes away from the card until end, where the link is
// shared. Methods that do so may call each other.
func (h *HSM) begin() error {
	if shared, ok := h.conn.(apdu.Transactor); ok && h.alone == 0 {
		err := shared.Begin()
		if h.mayResume(err) {
			if err = shared.Begin(); err == nil {
				_, err = h.resume(selection())
			}
		}
		if err != nil {
			return &linkError{"reserve the card", err}
		}
	}
	h.alone++
	return nil
}

// end is deferred after begin; what it fails with goes with the method's error.
func (h *HSM) end(err *error) {
	h.alone--
	if shared, ok := h.conn.(apdu.Transactor); ok && h.alone == 0 {
		*err = errors.Join(*err, shared.End())
	}
}

// mayResume says whether a link can go on after this error as if nothing had
// happened: another process has reset the card, and there was no login to lose.
// Custodians take their time, and must not be called again for that.
func (h *HSM) mayResume(err error) bool { return errors.Is(err, apdu.ErrReset) && !h.loggedIn }

// resume selects the applet again and sends the command.
func (h *HSM) resume(c apdu.Command) (apdu.Response, error) {
	if r, err := apdu.Exchange(h.conn, selection()); err != nil || r.SW != apdu.OK {
		return r, err
	}
	return apdu.Exchange(h.conn, c)
}

// send sends a command. The error is that of the link.
func (h *HSM) send(doing string, c apdu.Command) (apdu.Response, error) {
	r, err := apdu.Exchange(h.conn, c)
	if h.mayResume(err) {
		r, err = h.resume(c)
	}
	if err != nil {
		return r, &linkError{doing, err}
	}
	return r, nil
}

// exchange sends a command. A refusal becomes an error that says what was to
// be done, and wraps the status word.
func (h *HSM) exchange(doing string, c apdu.Command) ([]byte, error) {
	r, err := h.send(doing, c)
	if err != nil {
		return nil, err
	}
	if r.SW != apdu.OK {
		return r.Data, fmt.Errorf("%s: %w", doing, r.SW)
	}
	return r.Data, nil
}

// linkError is a failure of the link, not of the card.
type linkError struct {
	doing string
	err   error
}

func (e *linkError) Error() string { return fmt.Sprintf("%s: %v", e.doing, e.err) }
func (e *linkError) Unwrap() error { return e.err }

// Broken says whether an error is a failure of the link: the device has answered
// nothing, and what comes next will fail too.
func Broken(err error) bool {
	var broken *linkError
	return errors.As(err, &broken)
}

// maxRandom is what one GET CHALLENGE is asked for, in bytes.
const maxRandom = 256

// Random gives n bytes from the card's random number generator.
func (h *HSM) Random(n int) ([]byte, error) {
	random := make([]byte, 0, n)
	for len(random) < n {
		part, err := h.exchange("get random numbers", apdu.Command{
			INS: wire.InsGetChallenge, Ne: min(n-len(random), maxRandom),
		})
		if err != nil {
			return nil, err
		}
		if len(part) == 0 {
			return nil, errors.New("get random numbers: the card gave none")
		}
		random = append(random, part...)
	}
	return random[:n], nil
}

// Read fills p from the card's random number generator; HSM is an io.Reader of
// randomness.
func (h *HSM) Read(p []byte) (int, error) {
	random, err := h.Random(len(p))
	return copy(p, random), err
}
