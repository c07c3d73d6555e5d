// Conclave drives SmartCard-HSMs, the embedded ones of this user and those in
// PC/SC readers: devices, their DKEK and the custodians' ceremony, keys.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"conclave/device"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/terminal"
	"conclave/wire"
)

// Exit codes. Those from 3 on say how a share file opened, or why it did not.
const (
	exitFailure    = 1
	exitUsage      = 2
	exitRepaired   = 3 // it opened once a mistake in the sheets was corrected
	exitWrongSheet = 4 // a sheet, or the password, is wrong
	exitNotEnough  = 5 // fewer sheets than the threshold
	exitDamaged    = 6 // the share file, or the file of a wrapped key, is damaged
	exitUnproved   = 7 // the evidence fits together, but the paper does not prove all of it
	exitIncomplete = 8 // something of a device is not backed up
	exitOverdue    = 9 // a day that a ceremony has set is past
)

func main() {
	secret.Harden()
	os.Exit(run(context.Background(), device.DefaultHome, os.Args[1:]))
}

// run carries out a command line, with the devices of a home.
func run(ctx context.Context, findHome func() (device.Home, error), args []string) int {
	command, options, err := parse(args)
	if err != nil {
		return fail(err, exitCode(err))
	}
	home, err := findHome()
	if err != nil {
		return fail(err, exitFailure)
	}
	prompts := terminal.NewPrompts(os.Stdin, os.Stderr)
	c := &console{
		ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, prompts: prompts,
		home: home, progress: progress{prompts, os.Stderr, options.Quiet},
	}
	used := command.Selected().Target.Interface()
	if d, ok := used.(interface{ chosen() string }); ok {
		if c.device, err = home.Find(d.chosen()); err != nil {
			return fail(err, exitFailure)
		}
	}
	if t, ok := used.(interface{ traceFile() string }); ok && t.traceFile() != "" {
		file, err := os.OpenFile(t.traceFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fail(err, exitFailure)
		}
		defer file.Close()
		c.trace = file
	}
	if err := command.Run(c); err != nil {
		return fail(advised(err), exitCode(err))
	}
	return c.exit
}

// advised adds what to do about a blocked PIN, which every command may meet.
func advised(err error) error {
	var pin *hsm.PINError
	if errors.As(err, &pin) && pin.Ref == wire.UserPIN && pin.Tries == 0 {
		return fmt.Errorf("%w; the SO-PIN gives its tries back: conclave hsm pin reset --keep-pin", err)
	}
	return err
}

// fail shows an error as one line. Files of others may be in it, so nothing of it
// reaches the terminal that a terminal would obey.
func fail(err error, code int) int {
	if usage := (*usageError)(nil); errors.As(err, &usage) && usage.help != nil {
		if err = usage.help(os.Stderr); err == nil {
			return code
		}
	}
	text := strings.NewReplacer("\n", "; ", context.Canceled.Error(), terminal.ErrInterrupted.Error()).Replace(err.Error())
	io.WriteString(os.Stderr, "conclave: "+terminal.Printable(text)+"\n")
	return code
}
