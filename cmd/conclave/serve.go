package main

import (
	"fmt"
	"time"

	"conclave/internal/interrupt"
	"conclave/link"
	"conclave/wire"
)

type hsmServe struct {
	VPCD string `name:"vpcd" default:"${vpcd}" placeholder:"HOST:PORT" help:"Where pcscd's virtual reader waits for a card. Default: ${vpcd}."`
}

// Run serves until it is told to stop.
func (cmd hsmServe) Run(c *console) error {
	card, err := c.home.OpenCard(c.device)
	if err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	link.Keep(ctx, link.TCP(cmd.VPCD), c.withTrace(card), wire.ATR(), func(state link.State, err error) {
		reason := ""
		if err != nil {
			reason = ": " + err.Error()
		}
		fmt.Fprintf(c.out, "%s device %s: %s, reader at %s%s\n", time.Now().Format(time.DateTime), c.device, state, cmd.VPCD, reason)
	})
	return card.Close()
}
