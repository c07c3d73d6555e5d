package main

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/internal/safefile"
	"conclave/internal/tty"
	"conclave/link"
)

// options are those of every command.
type options struct {
	Quiet bool      `help:"Show results and errors alone: no notes, no progress."`
	Color tty.Color `enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Styles in what is shown: auto (at a terminal, unless NO_COLOR is set), always or never. Default: auto."`
}

func (o *options) get() *options { return o }

// chosenDevice is the option of the commands that are about one device.
type chosenDevice struct {
	Device string `default:"default" env:"CONCLAVE_DEVICE" placeholder:"NAME" complete:"device" help:"Device: its name, its serial number, or pcsc: and a part of its reader's name (pcsc: alone takes the first card). Default: default."`
}

func (d chosenDevice) chosen() string { return d.Device }

// tracing is the option of the commands that exchange something with devices.
type tracing struct {
	Trace string `placeholder:"FILE" help:"Append the exchange with the card to FILE, without its secrets."`
}

func (t tracing) traceFile() string { return t.Trace }

// answering is the option of the commands that answer: all but those that write a
// document, or talk as long as they run.
type answering struct {
	JSON bool `name:"json" help:"Answer in JSON, as conclave help json says. An error is JSON too, on standard error."`
}

func (a answering) asJSON() bool { return a.JSON }

// asksJSON says whether a command line asks for JSON; one that cannot be parsed, too.
func asksJSON(command *kong.Context, args []string) bool {
	if command == nil {
		return slices.Contains(args, "--json")
	}
	c, ok := command.Selected().Target.Interface().(interface{ asJSON() bool })
	return ok && c.asJSON()
}

// homeless are the commands that know no devices: they run where there is no place for
// any, as where packages are made.
type homeless struct{}

func (homeless) needsNoHome() {}

// onDevice are the options of the commands that work with one device.
type onDevice struct {
	chosenDevice
	tracing
}

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
	pkcs11Group struct {
		PKCS11 pkcs11Commands `cmd:"" name:"pkcs11" help:"The PKCS#11 module, by which other programs use devices."`
	}
	logGroup struct {
		Log logCommands `cmd:"" help:"The log of an embedded device: what changed it or used its keys."`
	}
	agentGroup struct {
		Agent runAgent `cmd:"" help:"Hold the devices for programs that speak PKCS#11, until none needs them any more."`
	}
	rehearseGroup struct {
		Rehearse rehearse `cmd:"" help:"Rehearse the whole life of a key, from ceremony to recovery, on throw-away devices."`
	}
	versionGroup struct {
		Version version `cmd:"" help:"Show the version."`
	}
	helpGroup struct {
		Help help `cmd:"" help:"Show what a command does, and its options."`
	}
	completionGroup struct {
		Completion completion `cmd:"" help:"Show the script that lets a shell complete commands, devices and keys."`
	}
	manGroup struct {
		Man man `cmd:"" hidden:"" help:"Write the man pages of all commands."`
	}
	completeGroup struct {
		Complete complete `cmd:"" hidden:"" help:"Complete a command line, for those scripts."`
	}
)

// all is the whole command line.
type all struct {
	options
	ShowVersion versionFlag `name:"version" help:"Show the version."`
	hsmGroup
	dkekGroup
	keyGroup
	backupGroup
	restoreGroup
	statusGroup
	ceremonyGroup
	caGroup
	pkcs11Group
	logGroup
	agentGroup
	rehearseGroup
	versionGroup
	helpGroup
	completionGroup
	completeGroup
	manGroup
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
	case "pkcs11":
		return new(one[pkcs11Group])
	case "log":
		return new(one[logGroup])
	case "agent":
		return new(one[agentGroup])
	case "rehearse":
		return new(one[rehearseGroup])
	case "version":
		return new(one[versionGroup])
	case "help":
		return new(one[helpGroup])
	case "completion":
		return new(one[completionGroup])
	case "complete":
		return new(one[completeGroup])
	case "man":
		return new(one[manGroup])
	}
	return new(all)
}

// wordsFirst puts the options that may come before the command after it, where the
// command has them that knows them.
func wordsFirst(args []string) []string {
	var words, moved []string
	for i := 0; i < len(args); i++ {
		name, _, joined := strings.Cut(args[i], "=")
		switch {
		case name == "--":
			return slices.Concat(words, moved, args[i:])
		case name == "--json":
			moved = append(moved, args[i])
		case name != "--device" && name != "--trace" && name != "--color":
			words = append(words, args[i])
		case joined || i == len(args)-1:
			moved = append(moved, args[i])
		default:
			moved = append(moved, args[i], args[i+1])
			i++
		}
	}
	return append(words, moved...)
}

// firstWord is the first argument that is no option.
func firstWord(args []string) string {
	i := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if i < 0 {
		return ""
	}
	return args[i]
}

// newParser makes a parser of the arguments that grammarOf says.
func newParser(g grammar) (*kong.Kong, error) {
	return kong.New(g, kong.Name("conclave"),
		kong.Description("A SmartCard-HSM in software, and the tools for it and for the real one.\n\nFirst try: conclave rehearse\n\nPages, from the first try to years after: conclave help topics"),
		kong.Help(showUsage),
		kong.ValueFormatter(describeOption),
		kong.NamedMapper("input", kong.MapperFunc(decodeInput)),
		kong.PostBuild(func(k *kong.Kong) error { require(k.Model.Node); return nil }),
		kong.Vars{"vpcd": link.VPCDAddress})
}

// require marks the options that a command requires, and others that have the same
// options do not.
func require(node *kong.Node) {
	for _, child := range node.Children {
		require(child)
	}
	command, ok := node.Target.Interface().(interface{ required() []string })
	for _, flag := range node.Flags {
		flag.Required = flag.Required || ok && slices.Contains(command.required(), flag.Name)
	}
}

// describeOption is the help of an option or an argument, which says whether it can be
// left out, and whether it can be standard input or output.
func describeOption(value *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(value)
	if value.Tag.Type == "input" {
		help += " - is standard input."
	}
	if value.Tag.Has("output") {
		help += " - is standard output."
	}
	if value.Flag != nil && value.Required {
		help += " Required."
	}
	return help
}

// parse reads the command line. Asked for help, it shows it and ends the program.
func parse(args []string) (command *kong.Context, o *options, err error) {
	args = wordsFirst(args)
	g := grammarOf(args)
	parser, err := newParser(g)
	if err != nil {
		return nil, g.get(), err
	}
	command, err = parser.Parse(args)
	if err == nil {
		err = givenOnce(command)
	}
	if err != nil {
		g.get().Color = colorIn(args)
		return nil, g.get(), explain(parser, command, err)
	}
	return command, g.get(), nil
}

// colorIn is --color of a command line that cannot be parsed.
func colorIn(args []string) tty.Color {
	color := tty.ColorAuto
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		if known := []string{string(tty.ColorAlways), string(tty.ColorNever)}; name == "--color" && slices.Contains(known, value) {
			color = tty.Color(value)
		}
	}
	return color
}

// usageError is what is wrong with a command line.
type usageError struct {
	error
	// help is shown in its place where there is nothing more to say.
	help func(*tty.Output) error
}

// explain says where to read on about a command line that has something wrong. Who has
// named a group of commands, or nothing at all, reads on at once.
func explain(parser *kong.Kong, command *kong.Context, err error) error {
	var failed *kong.ParseError
	if errors.As(err, &failed) {
		command = failed.Context
	}
	node := command.Selected()
	if node == nil {
		node = parser.Model.Node
	}
	option := useless(node, command.Args)
	unnamed := command.Error == nil || option != "" && strings.HasPrefix(err.Error(), "unknown flag --"+option)
	text := spoken(strings.TrimPrefix(err.Error(), node.Path()+": "))
	switch {
	case !node.Leaf() && unnamed:
		return &usageError{error: fmt.Errorf("a command was expected; see: %s --help", node.FullPath()), help: func(out *tty.Output) error {
			parser.Stdout = out
			return command.PrintUsage(false)
		}}
	case !node.Leaf() || option == "":
	case option == "device" && len(node.Positional) > 0 && node.Positional[0].Name == "name":
		text = fmt.Sprintf("--device: here the name is an argument: %s NAME", node.FullPath())
	default:
		text = fmt.Sprintf("--%s: %s makes no use of it; leave it out", option, node.FullPath())
	}
	return &usageError{error: fmt.Errorf("%s; see: %s --help", text, node.FullPath())}
}

// spoken says in words for people what kong says in those of its own.
func spoken(text string) string {
	for pattern, words := range map[string]string{
		`expected \S+ value but got "EOL" \(<EOL>\)$`:                        "a value was expected after it",
		`expected \S+ value but got "(.*)" \(.* flag\); perhaps try (.*)\?$`: "a value was expected before $1; if that is the value: $2",
		`expected a valid \d+ bit u?int but got (".*")$`:                     "$1 is not a number that it can have",
		`expected duration but got (".*"): time: .*$`:                        "$1 is not a time like 5m",
		`^expected "(.*)"$`: "missing: $1",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, words)
	}
	return text
}

// useless is an option about devices that the arguments have, and that their command
// does not know.
func useless(node *kong.Node, args []string) string {
	known := slices.Concat(node.AllFlags(false)...)
	for _, option := range []string{"device", "trace", "json"} {
		given := slices.ContainsFunc(args, func(arg string) bool {
			name, _, _ := strings.Cut(arg, "=")
			return name == "--"+option
		})
		if given && !slices.ContainsFunc(known, func(f *kong.Flag) bool { return f.Name == option }) {
			return option
		}
	}
	return ""
}

// decodeInput reads the name of a file that is read as it comes, which standard input
// can be. Its path is one that internal/safefile knows.
func decodeInput(ctx *kong.DecodeContext, target reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("file", &path); err != nil {
		return err
	}
	if path == "-" {
		path = safefile.StandardInput
	}
	if target.Kind() != reflect.Slice {
		target.SetString(path)
		return nil
	}
	target.Set(reflect.Append(target, reflect.ValueOf(path)))
	if ctx.Value.Flag == nil && ctx.Scan.Peek().IsValue() { // an argument; an option comes again
		return decodeInput(ctx, target)
	}
	return nil
}

// inputName is what people are told of the name of a file that was read.
func inputName(path string) string {
	return strings.ReplaceAll(path, safefile.StandardInput, "standard input")
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
