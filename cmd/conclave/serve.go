package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"conclave/internal/interrupt"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/link/pcsc"
	"conclave/wire"
)

type hsmServe struct {
	onDevice
	VPCD     string `name:"vpcd" default:"${vpcd}" placeholder:"HOST:PORT" help:"Where pcscd's virtual reader waits for a card. Default: ${vpcd}."`
	TrustAny bool   `name:"trust-any" help:"Serve whoever listens there, not root, pcscd's user and your own processes alone. Who listens can spoil the device with wrong PINs."`
}

// awakened is a reader of a pcscd that is there while it has clients: who serves a card
// is one, or the first to look for the card would find none.
type awakened struct {
	dial    link.Dialer
	release func()
}

// reader is dialled each time that pcscd has gone, and what was held of it.
func (a *awakened) reader(ctx context.Context) (net.Conn, error) {
	a.let()
	release, held := pcsc.Hold()
	if held == nil {
		a.release = release
	}
	conn, err := a.dial(ctx)
	if err != nil && held != nil && !errors.Is(err, link.ErrStranger) {
		err = fmt.Errorf("%w (%w)", err, held)
	}
	return conn, err
}

func (a *awakened) let() {
	if a.release != nil {
		a.release()
		a.release = nil
	}
}

// Validate rejects what is no address.
func (cmd hsmServe) Validate() error {
	if _, _, err := net.SplitHostPort(cmd.VPCD); err != nil {
		return fmt.Errorf("--vpcd: %q is no address; HOST:PORT was expected", cmd.VPCD)
	}
	return nil
}

// Run serves until it is told to stop.
func (cmd hsmServe) Run(c *console) error {
	card, err := c.home.OpenCard(c.device, "pcscd", secret.Forget)
	if err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	dial := link.TCP(cmd.VPCD)
	if !cmd.TrustAny { // it is this machine's pcscd
		awake := &awakened{dial: link.Guard(dial)}
		defer awake.let()
		dial = awake.reader
	}
	link.Keep(ctx, dial, c.withTrace(card), wire.ATR(), func(state link.State, err error) {
		reason := ""
		if err != nil {
			reason = ": " + err.Error()
		}
		if errors.Is(err, link.ErrStranger) {
			reason += "; if you know whose reader it is: conclave hsm serve --trust-any"
		}
		c.out.Printf("%s device %s: %s, reader at %s%s\n", time.Now().Format(time.DateTime), c.device, state, cmd.VPCD, reason)
	})
	return card.Close()
}
