package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/docs"
)

type help struct {
	Command []string `arg:"" optional:"" help:"A command, such as: key list; or a page, such as: first-try. topics lists the pages. Absent: all commands."`
}

// Run shows the help of a command, or of a group of them, or a page.
func (cmd help) Run(c *console) error {
	parser, err := newParser(grammarOf(cmd.Command))
	if err != nil {
		return err
	}
	found, err := kong.Trace(parser, cmd.Command)
	if err != nil {
		return err
	}
	if found.Error != nil && len(cmd.Command) == 1 {
		return showPage(c, cmd.Command[0])
	}
	if found.Error != nil {
		return &usageError{error: fmt.Errorf("there is no command %q; see: conclave --help", strings.Join(cmd.Command, " "))}
	}
	return found.PrintUsage(false)
}

// showPage shows a page of the documentation, or which there are. Where a command has
// the name of a page, NAME.md is the page.
func showPage(c *console, name string) error {
	if name == "topics" {
		return showTopics(c)
	}
	page, err := docs.Page(strings.TrimSuffix(name, ".md"))
	if err != nil {
		return &usageError{error: fmt.Errorf("there is no command or page %q; see: conclave --help, or: conclave help topics", name)}
	}
	_, err = io.WriteString(c.out, docs.Plain(page))
	return err
}

func showTopics(c *console) error {
	section := ""
	for _, topic := range docs.Topics() {
		if topic.Section != section {
			c.out.Printf("%s\n", topic.Section)
			section = topic.Section
		}
		c.out.Printf("- conclave help %s.md: %s\n", topic.Name, topic.About)
	}
	return nil
}
