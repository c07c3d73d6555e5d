package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/internal/tty"
)

// showUsage implements kong.HelpPrinter: the help of a command, as wide as the window
// is. Kong's own leaves lines to the terminal, which breaks them within words.
func showUsage(options kong.HelpOptions, command *kong.Context) error {
	out, known := command.Stdout.(*tty.Output)
	if !known {
		out = tty.NewOutput(os.Stdout, tty.ColorNever)
	}
	node, usage := command.Model.Node, command.Model.Name+command.Model.Summary()
	if selected := command.Selected(); selected != nil {
		node, usage = selected, command.Model.Name+" "+selected.Summary()
	}
	window, _ := out.Size() // programs get the first line whole
	out.Unbroken(strings.Split(tty.Wrap("Usage: "+usage, window), "\n"))
	for _, text := range []string{node.Help, node.Detail} {
		if text != "" {
			out.Unbroken(strings.Split(tty.Wrap("\n"+text, usageWidth(out)), "\n"))
		}
	}
	var arguments, flags, commands [][2]string
	for _, a := range node.Positional {
		arguments = append(arguments, [2]string{a.Summary(), options.ValueFormatter(a)})
	}
	for i, group := range node.AllFlags(true) {
		if i > 0 {
			flags = append(flags, [2]string{})
		}
		for _, f := range group {
			flags = append(flags, [2]string{flagAsTyped(f), options.ValueFormatter(f.Value)})
		}
	}
	for _, child := range node.Children {
		if !child.Hidden {
			commands = append(commands, [2]string{child.Path(), child.Help})
		}
	}
	showEntries(out, "Arguments", arguments)
	showEntries(out, "Flags", flags)
	showEntries(out, "Commands", commands)
	if node.Parent == nil {
		out.Printf("\nRun \"%s <command> --help\" for more information on a command.\n", node.Name)
	}
	return out.Err()
}

// flagAsTyped is an option as it is typed, in the column of those with one letter.
func flagAsTyped(f *kong.Flag) string {
	text := "    --" + f.Name
	if f.Short != 0 {
		text = fmt.Sprintf("-%c, --%s", f.Short, f.Name)
	}
	if f.IsBool() || f.IsCounter() {
		return text
	}
	return text + "=" + f.FormatPlaceHolder()
}

// showEntries shows names and what they are: beside each other, or below, in a window
// that has no room for that.
func showEntries(out *tty.Output, title string, entries [][2]string) {
	const longest, between, readable = 30, 4, 20
	indent := 2 + between
	for _, e := range entries {
		if n := len(e[0]); n < longest {
			indent = max(indent, 2+n+between)
		}
	}
	window := usageWidth(out)
	beside := indent <= window-readable
	if !beside {
		indent = between
	}
	if len(entries) > 0 {
		out.Printf("\n%s:\n", title)
	}
	for _, e := range entries {
		lines := strings.Split(tty.Wrap(e[1], window-indent), "\n")
		for i, line := range lines {
			lines[i] = strings.TrimRight(strings.Repeat(" ", indent)+line, " ")
		}
		switch name := "  " + e[0]; {
		case e[0] == "":
		case beside && len(name) <= indent-between:
			lines[0] = name + lines[0][len(name):]
		default:
			lines = append([]string{name}, lines...)
		}
		out.Unbroken(lines)
	}
}

// usageWidth is how wide help is.
func usageWidth(out *tty.Output) int {
	const usual, readable = 80, 100
	if columns, _ := out.Size(); columns > 0 {
		return min(columns, readable)
	}
	return usual
}
