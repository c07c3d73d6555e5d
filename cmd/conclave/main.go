// Conclave drives SmartCard-HSMs, the embedded ones of this user and those in
// PC/SC readers: devices, their DKEK and the custodians' ceremony, keys.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"os"
	"strings"

	"conclave/device"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/terminal"
)

func main() {
	secret.Harden()
	os.Exit(run(context.Background(), device.DefaultHome, os.Args[1:]))
}

// run carries out a command line, with the devices of a home.
func run(ctx context.Context, findHome func() (device.Home, error), args []string) int {
	command, options, err := parse(args)
	stdout, stderr := tty.NewOutput(os.Stdout, options.Color), tty.NewOutput(os.Stderr, options.Color)
	log.SetOutput(stderr)
	c := &console{ctx: ctx, in: os.Stdin, answers: answers{out: stdout, err: stderr}}
	if c.json = asksJSON(command, args); c.json {
		c.out = c.err
	}
	if err != nil {
		return c.fail(err, failureOf(err))
	}
	used := command.Selected().Target.Interface()
	if _, without := used.(interface{ needsNoHome() }); !without {
		if c.home, err = findHome(); err != nil {
			return c.fail(err, failureOf(err))
		}
	}
	c.quiet = options.Quiet
	c.asking = asking{terminal.NewPrompts(c.in, c.err), &c.answers}
	c.progress = progress{c.asking}
	if d, ok := used.(interface{ chosen() string }); ok {
		if c.device, err = c.home.Find(d.chosen()); err != nil {
			return c.fail(err, failureOf(err))
		}
	}
	if t, ok := used.(interface{ traceFile() string }); ok && t.traceFile() != "" {
		file, err := os.OpenFile(t.traceFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return c.fail(err, failureOf(err))
		}
		defer file.Close()
		c.trace = file
	}
	err = command.Run(c)
	err = errors.Join(c.sendAnswer(stdout.Exact()), err)
	if err = cmp.Or(err, stdout.Err()); err != nil {
		return c.fail(err, failureOf(err))
	}
	return c.exit
}

// fail shows an error as one line, the last one, and gives the exit status. Files of
// others may be in it, so nothing of it reaches the terminal that a terminal would obey.
func (c *console) fail(err error, f failure) int {
	if usage := (*usageError)(nil); errors.As(err, &usage) && usage.help != nil && !c.json {
		if err = usage.help(c.err); err == nil {
			return f.exit
		}
	}
	text := strings.ReplaceAll(inputName(explained(err).Error()), "\n", "; ")
	c.out.FreshLine()
	c.err.FreshLine()
	if c.json {
		c.err.Exact().Write(append(c.object(map[string]errorEntry{"error": {text, f.exit, f.kind}}), '\n'))
	} else {
		c.err.Printf("conclave: %s\n", text)
	}
	return f.exit
}
