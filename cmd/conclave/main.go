// Conclave drives SmartCard-HSMs, the embedded ones of this user and those in
// PC/SC readers: devices, their DKEK and the custodians' ceremony, keys.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/internal/device"
	"conclave/internal/tty"
	"conclave/link"
)

// cli is the command line. Every command is a struct whose Run does the work.
type cli struct {
	Device string `default:"default" env:"CONCLAVE_DEVICE" placeholder:"NAME" help:"Device: the name of an embedded one, or pcsc:READER for a card in a reader (pcsc: alone takes the first). Default: default."`
	Trace  string `placeholder:"FILE" help:"Append the exchange with the card to FILE, without its secrets."`

	HSM      hsmCommands      `cmd:"" name:"hsm" help:"Devices: make, initialise, look at, serve."`
	DKEK     dkekCommands     `cmd:"" name:"dkek" help:"The device key encryption key, under which keys are backed up."`
	Key      keyCommands      `cmd:"" help:"Keys: generate, use, back up, restore."`
	Ceremony ceremonyCommands `cmd:"" help:"A key ceremony from its plan: check, rehearse, hold, verify."`
	CA       caCommands       `cmd:"" name:"ca" help:"An offline CA on a key of a device: certificates, CRLs, and the register of both."`
	Rehearse rehearse         `cmd:"" help:"Play the whole life of a key, from ceremony to recovery, on throw-away devices."`
	Version  version          `cmd:"" help:"Show the version."`
}

// Exit codes. Those from 3 on tell how a share file opened, or why it did not.
const (
	exitFailure    = 1
	exitUsage      = 2
	exitRepaired   = 3 // it opened once a mistake in the sheets was corrected
	exitWrongSheet = 4 // a sheet, or the password, is wrong
	exitNotEnough  = 5 // fewer sheets than the threshold
	exitDamaged    = 6 // the share file, or the file of a wrapped key, is damaged
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var app cli
	parser, err := kong.New(&app, kong.Name("conclave"),
		kong.Description("A SmartCard-HSM in software, and the tools for it and for the real one."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"vpcd": link.VPCDAddress})
	if err != nil {
		return fail(err, exitFailure)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return fail(fmt.Errorf("%w; see: conclave --help", err), exitUsage)
	}
	home, err := device.DefaultHome()
	if err != nil {
		return fail(err, exitFailure)
	}
	c := &console{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, prompts: tty.New(os.Stdin, os.Stderr),
		home: home, device: app.Device,
	}
	if app.Trace != "" {
		file, err := os.OpenFile(app.Trace, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fail(err, exitFailure)
		}
		defer file.Close()
		c.trace = file
	}
	if err := command.Run(c); err != nil {
		return fail(err, exitCode(err))
	}
	return c.exit
}

// fail shows an error as one line.
func fail(err error, code int) int {
	text := strings.NewReplacer("\n", "; ", context.Canceled.Error(), errInterrupted.Error()).Replace(err.Error())
	io.WriteString(os.Stderr, "conclave: "+text+"\n")
	return code
}
