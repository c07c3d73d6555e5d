package main

import (
	"errors"
	"fmt"
	"time"

	"conclave/agent"
	"conclave/internal/interrupt"
)

type runAgent struct {
	Socket string        `placeholder:"PATH" complete:"files" help:"Where programs connect. Default: agent.sock, where the devices are."`
	Group  string        `placeholder:"GROUP" help:"Let the members of GROUP connect, too. Without it only you and root may."`
	Idle   time.Duration `default:"5m" placeholder:"DURATION" help:"End after no program was connected for so long; 0 is never. Default: 5m."`
}

// Validate rejects what cannot be meant.
func (cmd runAgent) Validate() error {
	if cmd.Idle < 0 {
		return errors.New("--idle: 0, or a time like 5m, was expected")
	}
	return nil
}

// Run serves until it is told to stop, or no one has needed it for a while.
func (cmd runAgent) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	o := agent.Options{Home: c.home, Socket: cmd.Socket, Group: cmd.Group, Idle: cmd.Idle}
	o.Ready = func() error {
		c.out.Printf("The agent serves your devices at %s.\n", o.Path())
		return nil
	}
	err := agent.Run(ctx, o)
	if errors.Is(err, agent.ErrServed) {
		err = fmt.Errorf("%w; programs find that one: nothing is left to do", err)
	}
	return err
}
