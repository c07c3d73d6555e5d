package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"
	"time"

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
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	link.Keep(ctx, link.TCP(cmd.VPCD), c.traced(card), wire.ATR(), func(state link.State, err error) {
		reason := ""
		if err != nil {
			reason = ": " + err.Error()
		}
		fmt.Fprintf(c.out, "%s device %s: %s, reader at %s%s\n", time.Now().Format(time.DateTime), c.device, state, cmd.VPCD, reason)
	})
	return card.Close()
}

// interruptible gives a context that ends when a signal asks the program to
// stop, the end of the terminal's connection among them: what is on the screen
// or in a temporary directory must go first. Asked once more, it stops at once.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
