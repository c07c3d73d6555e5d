package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"conclave/apdu"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// console is what a command works with.
type console struct {
	answers
	ctx    context.Context
	in     *os.File
	home   device.Home
	device string
	trace  io.Writer // nil for none
	asking
	progress
	exit int // of a command that has done its work
}

// count is a number of things in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// reserve takes the place of a file of so many bytes at most, before people do
// anything for it, and tells of an earlier run that was cut off.
func (c *console) reserve(path string, room int64) (*safefile.Place, error) {
	place, err := safefile.Reserve(path, room)
	if err == nil && place.Left != nil {
		c.note("conclave: an earlier run was cut off before %s was written (%v); what it left is cleared away", path, *place.Left)
	}
	return place, err
}

// Room for files of which none is larger.
const (
	wrapRoom        = 64 << 10 // a wrapped key, with a certificate
	certificateRoom = 64 << 10 // or a request
	keyRoom         = 16 << 10 // a private key, or a signature
)

// withHSM runs fn with the chosen device.
func (c *console) withHSM(fn func(*hsm.HSM) error) error { return c.withDevice(c.device, fn) }

func (c *console) withDevice(name string, fn func(*hsm.HSM) error) error {
	conn, err := c.connect(name)
	if err != nil {
		return advised(err, name, nil)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		conn.Close()
		return advised(err, name, nil)
	}
	defer h.Close()
	return advised(fn(h), name, h)
}

func (c *console) connect(name string) (apdu.Conn, error) {
	conn, err := c.home.Open(name)
	if err != nil {
		return nil, err
	}
	return c.withTrace(conn), nil
}

// withTrace gives the connection, whose exchange is written to the trace if there
// is one.
func (c *console) withTrace(conn apdu.Conn) apdu.Conn {
	if c.trace == nil {
		return conn
	}
	return apdu.NewTrace(conn, c.trace, wire.NewRedactor())
}

// login asks for the user PIN, unless the command line names it, and verifies
// it.
func (c *console) login(h *hsm.HSM, argument secretArgument) error {
	pin, err := c.verified(h, argument)
	pin.Wipe()
	return err
}

// verified gives the user PIN of a device, which is logged in to with it.
func (c *console) verified(h *hsm.HSM, argument secretArgument) (pin secret.Bytes, err error) {
	ask := func() (secret.Bytes, error) { return c.ask(argument, "user PIN") }
	if pin, err = ask(); err != nil {
		return nil, err
	}
	return c.untilRight(argument, pin, ask, func(pin secret.Bytes) error { return h.Login(wire.UserPIN, pin) })
}

// verifiedBeforehand gives the user PIN before people come for what needs it: no one
// types anything in vain for a PIN that is wrong. The login is made when they have.
func (c *console) verifiedBeforehand(h *hsm.HSM, argument secretArgument) (secret.Bytes, error) {
	pin, err := c.verified(h, argument)
	if err != nil {
		return nil, err
	}
	return pin, h.Logout()
}

// withLogin runs fn with the chosen device after a login.
func (c *console) withLogin(argument secretArgument, fn func(*hsm.HSM) error) error {
	return c.withHSM(func(h *hsm.HSM) error {
		if err := c.login(h, argument); err != nil {
			return err
		}
		return fn(h)
	})
}
