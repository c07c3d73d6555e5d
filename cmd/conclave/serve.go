package main

import (
	"errors"
	"time"

	"conclave/internal/interrupt"
	"conclave/link"
	"conclave/wire"
)

type hsmServe struct {
	onDevice
	VPCD     string `name:"vpcd" default:"${vpcd}" placeholder:"HOST:PORT" help:"Where pcscd's virtual reader waits for a card. Default: ${vpcd}."`
	TrustAny bool   `name:"trust-any" help:"Serve whoever listens there, not root, pcscd's user and your own processes alone. Who listens can spoil the device with wrong PINs."`
}

// Run serves until it is told to stop.
func (cmd hsmServe) Run(c *console) error {
	card, err := c.home.OpenCard(c.device)
	if err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	dial := link.TCP(cmd.VPCD)
	if !cmd.TrustAny {
		dial = link.Guard(dial)
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
