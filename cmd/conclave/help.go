package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"conclave/docs"
	"conclave/internal/tty"
)

type help struct {
	homeless
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
	if err := found.PrintUsage(false); err != nil {
		return err
	}
	if len(cmd.Command) == 1 {
		if _, err := docs.Page(cmd.Command[0]); err == nil {
			c.out.Printf("\nThere is a page about it, too: conclave help %s.md\n", cmd.Command[0])
		}
	}
	return nil
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

// showTopics lists the pages by the names that show them.
func showTopics(c *console) error {
	parser, err := newParser(new(all))
	if err != nil {
		return err
	}
	c.out.Printf("A page is shown by: conclave help NAME\n")
	section := ""
	for _, topic := range docs.Topics() {
		if topic.Section != section {
			c.out.Printf("\n%s\n", tty.Heading(topic.Section))
			section = topic.Section
		}
		c.out.Printf("- %s: %s\n", pageName(topic, parser.Model.Node), topic.About)
	}
	return nil
}

// pageName is the name that shows a page, among commands.
func pageName(topic docs.Topic, commands *kong.Node) string {
	if slices.ContainsFunc(commands.Children, func(n *kong.Node) bool { return n.Name == topic.Name }) {
		return topic.Name + ".md"
	}
	return topic.Name
}
