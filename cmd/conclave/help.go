package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type help struct {
	Command []string `arg:"" optional:"" help:"A command, such as: key list. Absent: all."`
}

// Run shows the help of a command, or of a group of them.
func (cmd help) Run(*console) error {
	parser, err := newParser(grammarOf(cmd.Command))
	if err != nil {
		return err
	}
	found, err := kong.Trace(parser, cmd.Command)
	if err != nil {
		return err
	}
	if found.Error != nil { // what is no command
		return &usageError{error: fmt.Errorf("there is no command %q; see: conclave --help", strings.Join(cmd.Command, " "))}
	}
	return found.PrintUsage(false)
}
