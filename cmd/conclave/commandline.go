package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/link"
)

// options are those of every command.
type options struct {
	Device string `default:"default" env:"CONCLAVE_DEVICE" placeholder:"NAME" help:"Device: the name of an embedded one, or pcsc:READER for a card in a reader (pcsc: alone takes the first). Default: default."`
	Trace  string `placeholder:"FILE" help:"Append the exchange with the card to FILE, without its secrets."`
}

func (o *options) get() *options { return o }

// The groups of commands. Every command is a struct whose Run does the work.
type (
	hsmGroup struct {
		HSM hsmCommands `cmd:"" name:"hsm" help:"Devices: make, initialise, look at, serve."`
	}
	dkekGroup struct {
		DKEK dkekCommands `cmd:"" name:"dkek" help:"The device key encryption key, under which keys are backed up."`
	}
	keyGroup struct {
		Key keyCommands `cmd:"" help:"Keys: generate, use, back up, restore."`
	}
	backupGroup struct {
		Backup backupCard `cmd:"" help:"Back up a whole device: every key, certificate and data object."`
	}
	restoreGroup struct {
		Restore restoreCard `cmd:"" help:"Restore what conclave backup has saved to another device."`
	}
	statusGroup struct {
		Status overview `cmd:"" help:"Show all devices, and which of their keys are backed up, when and where."`
	}
	ceremonyGroup struct {
		Ceremony ceremonyCommands `cmd:"" help:"A key ceremony from its plan: check, rehearse, hold, verify."`
	}
	caGroup struct {
		CA caCommands `cmd:"" name:"ca" help:"An offline CA on a key of a device: certificates, CRLs, and the register of both."`
	}
	logGroup struct {
		Log logCommands `cmd:"" help:"The log of an embedded device: what changed it or used its keys."`
	}
	rehearseGroup struct {
		Rehearse rehearse `cmd:"" help:"Rehearse the whole life of a key, from ceremony to recovery, on throw-away devices."`
	}
	versionGroup struct {
		Version version `cmd:"" help:"Show the version."`
	}
)

// all is the whole command line.
type all struct {
	options
	hsmGroup
	dkekGroup
	keyGroup
	backupGroup
	restoreGroup
	statusGroup
	ceremonyGroup
	caGroup
	logGroup
	rehearseGroup
	versionGroup
}

// one is the command line of one group alone.
type one[Group any] struct {
	options
	Group Group `embed:""`
}

type grammar interface{ get() *options }

// grammarOf is what the arguments are parsed by: the group that they name, or the
// whole where they name none. Kong makes a model of the whole in 6 ms, and of one
// group in a tenth of that.
func grammarOf(args []string) grammar {
	switch firstWord(args) {
	case "hsm":
		return new(one[hsmGroup])
	case "dkek":
		return new(one[dkekGroup])
	case "key":
		return new(one[keyGroup])
	case "backup":
		return new(one[backupGroup])
	case "restore":
		return new(one[restoreGroup])
	case "status":
		return new(one[statusGroup])
	case "ceremony":
		return new(one[ceremonyGroup])
	case "ca":
		return new(one[caGroup])
	case "log":
		return new(one[logGroup])
	case "rehearse":
		return new(one[rehearseGroup])
	case "version":
		return new(one[versionGroup])
	}
	return new(all)
}

// firstWord is the first argument that does not belong to an option.
func firstWord(args []string) string {
	for i := 0; i < len(args); i++ {
		switch name, _, joined := strings.Cut(args[i], "="); {
		case name != "--device" && name != "--trace":
			return args[i]
		case !joined:
			i++
		}
	}
	return ""
}

// parse reads the command line. Asked for help, it shows it and ends the program.
func parse(args []string) (command *kong.Context, o *options, err error) {
	g := grammarOf(args)
	parser, err := kong.New(g, kong.Name("conclave"),
		kong.Description("A SmartCard-HSM in software, and the tools for it and for the real one."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"vpcd": link.VPCDAddress})
	if err != nil {
		return nil, nil, err
	}
	command, err = parser.Parse(args)
	if err == nil {
		err = errors.Join(givenOnce(command), givenForUse(command))
	}
	return command, g.get(), err
}

// givenOnce refuses an option that takes one value and comes twice: kong takes the
// last, and someone may have meant the first.
func givenOnce(command *kong.Context) error {
	seen := map[*kong.Flag]bool{}
	for _, at := range command.Path {
		if at.Flag == nil || at.Flag.IsCumulative() || at.Flag.IsCounter() {
			continue
		}
		if seen[at.Flag] {
			return fmt.Errorf("--%s is given twice; it was expected once", at.Flag.Name)
		}
		seen[at.Flag] = true
	}
	return nil
}

// withoutDevice is part of a command that uses no device.
type withoutDevice struct{}

func (withoutDevice) useless() []string { return []string{"device", "trace"} }

// withOtherDevices is part of a command that uses all devices, or those that something
// else names.
type withOtherDevices struct{}

func (withOtherDevices) useless() []string { return []string{"device"} }

// givenForUse refuses an option that a command would pass over. The environment is for
// all commands.
func givenForUse(command *kong.Context) error {
	c, ok := command.Selected().Target.Interface().(interface{ useless() []string })
	if !ok {
		return nil
	}
	for _, at := range command.Path {
		if at.Flag != nil && slices.Contains(c.useless(), at.Flag.Name) {
			return fmt.Errorf("--%s: %s makes no use of it; leave it out", at.Flag.Name, command.Selected().FullPath())
		}
	}
	return nil
}
