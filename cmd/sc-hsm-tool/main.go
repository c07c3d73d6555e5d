// Sc-hsm-tool does what OpenSC's tool of that name does, with the same
// options, prompts, output and exit status, on the SmartCard-HSMs of readers
// and on embedded devices. Where OpenSC's tool loses keys it does not.
//
// Its interface is that of OpenSC 0.23 (src/tools/sc-hsm-tool.c): what scripts
// and expect files match on stays as it is, whatever one may think of it. What
// this tool adds goes to standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"conclave/apdu"
	"conclave/custody"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/tty"
)

// program begins every message that is not OpenSC's.
const program = "sc-hsm-tool"

// Exit statuses.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	secret.Harden()
	os.Exit(run(context.Background(), device.DefaultHome, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run carries out a command line, with the embedded devices of a home.
func run(ctx context.Context, home func() (device.Home, error), args []string, in, out, err *os.File) int {
	stderr := tty.NewVerbatim(err)
	log.SetOutput(stderr)
	o, problem := parseOptions(args)
	defer o.wipe()
	var usage usageError
	if errors.As(problem, &usage) {
		stderr.Printf("%s: %s\n", program, usage)
		showUsage(out)
		return exitUsage
	}
	if problem == nil {
		problem = o.check()
	}
	if problem == nil {
		t := &tool{ctx: ctx, home: home, options: o, Terminal: tty.New(in, tty.NewVerbatim(out)), err: stderr}
		problem = t.run()
	}
	if problem != nil {
		report(stderr, problem)
		if code, ok := interrupt.ExitCode(problem); ok {
			return code
		}
		return exitFailure
	}
	return 0
}

// tool is one call of the program. Its terminal shows what OpenSC's tool
// prints to standard output.
type tool struct {
	ctx  context.Context
	home func() (device.Home, error)
	options
	*tty.Terminal
	err  *tty.Output
	conn apdu.Conn
	hsm  *hsm.HSM
	// What is to be written has its place: a set with its share file, or another file.
	meeting *custody.Place
	place   *safefile.Place
}

// run does what the options ask for, in the order of OpenSC's tool.
func (t *tool) run() error {
	if err := t.reserve(); err != nil {
		return err
	}
	defer t.release()
	t.warnOfExposure()
	if err := t.connect(); err != nil {
		return err
	}
	defer t.conn.Close()
	asked := false
	for _, action := range []struct {
		asked bool
		do    func() error
	}{
		{t.initialize, t.initializeDevice},
		{t.createShare, t.createDKEKShare},
		{t.importShare, t.importDKEKShare},
		{t.wrapKey, t.wrap},
		{t.unwrapKey, t.unwrap},
		{t.exportKey, t.exportPublicKey},
		{t.registerKey, t.registerPublicKey},
		{t.pkaStatus, t.showPKAStatus},
	} {
		if !action.asked {
			continue
		}
		if err := action.do(); err != nil {
			return err
		}
		asked = true
	}
	if !asked {
		return t.showStatus()
	}
	return nil
}

// line prints a line of OpenSC's tool to standard error.
func (t *tool) line(format string, args ...any) { t.err.Printf(format+"\n", args...) }

// note tells something that OpenSC's tool does not.
func (t *tool) note(format string, args ...any) { note(t.err, format, args...) }

func note(w *tty.Output, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.Printf("%s: %s\n", program, strings.ReplaceAll(text, "\n", "; "))
}
