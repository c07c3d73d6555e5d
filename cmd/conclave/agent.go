package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"conclave/agent"
	"conclave/internal/interrupt"
)

type runAgent struct {
	Start    bool          `help:"Start an agent in the background, unless one answers already, and come back when it does."`
	Socket   string        `placeholder:"PATH" complete:"files" help:"Where programs connect. Default: agent.sock, where the devices are."`
	Group    string        `placeholder:"GROUP" help:"Let the members of GROUP connect, too. Without it only you and root may."`
	Idle     time.Duration `default:"5m" placeholder:"DURATION" help:"End after no program was connected for so long; 0 is never. Default: 5m."`
	Detached bool          `hidden:"" help:"Be the agent that --start starts."`
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
	o := agent.Options{Home: c.home, Group: cmd.Group, Idle: cmd.Idle}
	if cmd.Socket != "" {
		var err error
		if o.Socket, err = filepath.Abs(cmd.Socket); err != nil {
			return err
		}
	}
	if cmd.Start {
		return agent.Start(c.ctx, o, "agent", "--detached", "--socket="+o.Path(), "--group="+o.Group, "--idle="+o.Idle.String())
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if cmd.Detached {
		return runDetached(ctx, c, o)
	}
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

// runDetached is an agent that says one line to the one who has started it.
func runDetached(ctx context.Context, c *console, o agent.Options) error {
	o.Ready = func() error {
		return agent.Detach(agent.LogOf(c.home), func() { c.out.Printf("%s\n", agent.SaysReady) })
	}
	err := agent.Run(ctx, o)
	if errors.Is(err, agent.ErrServed) {
		c.out.Printf("%s\n", agent.SaysServed)
		return nil
	}
	if err != nil {
		c.out.Printf("%v\n", err)
	}
	return err
}
