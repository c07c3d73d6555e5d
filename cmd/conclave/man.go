package main

import (
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"conclave/docs"
	"conclave/internal/safefile"
)

type man struct {
	homeless
	Dir string `arg:"" complete:"folders" help:"Folder for the pages."`
}

// Run writes the man pages of all commands, and of the pages of docs that are about
// files.
func (cmd man) Run(*console) error {
	pages, err := manPages(madeOn())
	if err != nil {
		return err
	}
	if err := safefile.MkdirAll(cmd.Dir); err != nil {
		return err
	}
	for name, page := range pages {
		if err := safefile.Replace(filepath.Join(cmd.Dir, name), []byte(page)); err != nil {
			return err
		}
	}
	return nil
}

// madeOn is the day of the revision that the program was built from, so that two builds
// give the same pages.
func madeOn() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return at
			}
		}
	}
	return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
}

// manPages are the pages by the names of their files.
func manPages(day time.Time) (map[string]string, error) {
	parser, err := newParser(new(all))
	if err != nil {
		return nil, err
	}
	pages := map[string]string{}
	commandPages(pages, parser.Model.Node, day)
	for _, p := range []struct{ page, about string }{
		{"plan", "what the plan of a key ceremony can say"}, {"files", "files, environment and exit statuses of conclave"},
	} {
		text, err := docs.Page(p.page)
		if err != nil {
			return nil, err
		}
		name := "conclave-" + p.page
		pages[name+".5"] = head(name, 5, p.about, day) + ".Sh DESCRIPTION\n" + fromMarkdown(text) + seeAlso("conclave 1")
	}
	return pages, nil
}

// commandPages adds the page of a command, and of those below it.
func commandPages(pages map[string]string, node *kong.Node, day time.Time) {
	if node.Hidden {
		return
	}
	name := strings.ReplaceAll(node.FullPath(), " ", "-")
	page := head(name, 1, aboutOf(node), day) + synopsis(node) + ".Sh DESCRIPTION\n" + roff(node.Help) + detail(node)
	page += arguments(node) + optionList(node) + subcommands(node)
	if node.Parent == nil {
		page += ".Sh ENVIRONMENT\n.Xr conclave-files 5\nhas the variables, and the files that conclave keeps.\n"
	}
	page += ".Sh EXIT STATUS\n0 if it is done, 1 if it failed, 2 if the command line is wrong, 10 if the device refused a PIN,\n11 if what was named is not there, 12 if what was to be made is, 130 if it was stopped;\n.Xr conclave-files 5\nhas all, and what they say.\n" + examplesOf(node)
	pages[name+".1"] = page + seeAlso(related(node)...)
	for _, child := range node.Children {
		commandPages(pages, child, day)
	}
}

// aboutOf is a command in a few words, as indexes of man pages have them.
func aboutOf(node *kong.Node) string {
	text, _, _ := strings.Cut(node.Help, "\n")
	text = strings.TrimSuffix(text, ".")
	return strings.ToLower(text[:1]) + text[1:]
}

func head(name string, section int, about string, day time.Time) string {
	return fmt.Sprintf(".Dd %s\n.Dt %s %d\n.Os Conclave\n.Sh NAME\n.Nm %s\n.Nd %s\n", day.Format("January 2, 2006"), strings.ToUpper(name), section, name, inline(about))
}

func synopsis(node *kong.Node) string {
	text := ".Sh SYNOPSIS\n.Nm " + node.FullPath() + "\n"
	for _, f := range node.Flags {
		if f.Required {
			text += "." + option(f) + "\n"
		}
	}
	if len(node.Flags) > 0 || node.Parent != nil {
		text += ".Op Ar options\n"
	}
	for _, a := range node.Positional {
		text += positional(a) + "\n"
	}
	if len(node.Children) > 0 {
		text += ".Ar command\n"
	}
	return text
}

// option is an option as it is typed.
func option(f *kong.Flag) string {
	if f.IsBool() || f.IsCounter() {
		return "Fl Fl " + f.Name
	}
	return "Fl Fl " + f.Name + " Ns = Ns Ar " + argument(f.FormatPlaceHolder())
}

func positional(a *kong.Positional) string {
	text := "Ar " + argument(a.Name)
	if a.IsCumulative() {
		text += " ..."
	}
	if !a.Required {
		text = "Op " + text
	}
	return "." + text
}

func arguments(node *kong.Node) (text string) {
	for _, a := range node.Positional {
		text += ".It Ar " + argument(a.Name) + "\n" + roff(a.Help)
	}
	return list("The arguments are as follows:\n", text)
}

// optionList are the options of a command; those of all commands are on conclave's page.
func optionList(node *kong.Node) (text string) {
	for _, f := range node.Flags {
		if !f.Hidden {
			text += ".It " + option(f) + "\n" + roff(describeOption(f.Value))
		}
	}
	title := "The options are as follows;\n.Xr conclave 1\nhas those of all commands.\n"
	if node.Parent == nil {
		title = "The options of all commands are as follows:\n"
	}
	return list(title, text)
}

func subcommands(node *kong.Node) (text string) {
	for _, child := range node.Children {
		if !child.Hidden {
			text += ".It Xr " + strings.ReplaceAll(child.FullPath(), " ", "-") + " 1\n" + roff(child.Help)
		}
	}
	return list("The commands are as follows:\n", text)
}

func list(title, items string) string {
	if items == "" {
		return ""
	}
	return ".Pp\n" + title + ".Bl -tag -width Ds\n" + items + ".El\n"
}

func detail(node *kong.Node) string {
	if node.Detail == "" {
		return ""
	}
	return ".Pp\n" + fromMarkdown(node.Detail)
}

func examplesOf(node *kong.Node) string {
	lines := examples()[node.Path()]
	if len(lines) == 0 {
		return ""
	}
	text := ".Sh EXAMPLES\n.Bd -literal -offset indent\n"
	for _, line := range lines {
		text += literal("conclave "+line) + "\n"
	}
	return text + ".Ed\n"
}

func related(node *kong.Node) []string {
	if node.Parent == nil {
		return []string{"sc-hsm-tool 1", "conclave-files 5", "conclave-plan 5"}
	}
	pages := []string{"conclave 1"}
	if node.Parent.Parent != nil {
		pages = append(pages, strings.ReplaceAll(node.Parent.FullPath(), " ", "-")+" 1")
	}
	if strings.HasPrefix(node.Path(), "ceremony") {
		pages = append(pages, "conclave-plan 5")
	}
	return pages
}

func seeAlso(pages ...string) string {
	return ".Sh SEE ALSO\n.Xr " + strings.Join(pages, " ,\n.Xr ") + "\n"
}

// examples are command lines of commands that have so many options that one shows more
// than a list.
func examples() map[string][]string {
	return map[string][]string{
		"hsm init":      {"hsm init --dkek-shares 1 --label root", "hsm init --pin env:PIN --so-pin file:so-pin --dkek-shares 2 --yes"},
		"hsm pin reset": {"hsm pin reset --keep-pin"},
		"dkek create":   {"dkek create dkek.pbe --threshold 2 --custodian Alice --custodian Bob --custodian Carol", "dkek create dkek.pbe --password file:password"},
		"dkek import":   {"dkek import dkek.pbe", "dkek import dkek.pbe --sheets-file sheets.txt"},
		"dkek recover":  {"dkek recover dkek.pbe --sheets 3", "dkek recover dkek.pbe --nearly"},
		"dkek reshare":  {"dkek reshare dkek.pbe --threshold 2 --custodians 3", "dkek reshare dkek.pbe --new-file new.pbe --threshold 2 --names names.txt"},
		"dkek rekey":    {"dkek rekey new.pbe root.wrap --dkek dkek.pbe --dir rewrapped --threshold 2 --custodians 3"},
		"key generate":  {"key generate --type rsa:4096 --label root", "key generate --type ec:P-384 --id 4711"},
		"key wrap":      {"key wrap root root.wrap", "key wrap id:4711 root.wrap --device pcsc:"},
		"key sign":      {"key sign root --algorithm rsa-pkcs1-sha256 --in message --out message.sig"},
		"key import":    {"key import root.key --dkek dkek.pbe --certificate root.crt"},
		"key recover":   {"key recover root.wrap --dkek dkek.pbe --out root.pem", "key recover root.wrap --dkek dkek.pbe --into spare"},
		"backup":        {"backup card --dkek dkek.pbe"},
		"restore":       {"restore card --device spare --dkek dkek.pbe"},
		"ca root":       {"ca root root root.pem --subject 'CN=Acme Root,O=Acme Ltd,C=CH' --until 2046-10-31"},
		"ca issue":      {"ca issue sub.csr sub.pem --issuer root.pem --subject request --until 2036-10-31 --crl-url http://pki.example/root.crl"},
		"ca crl":        {"ca crl root.crl --issuer root.pem --next-update 2027-11-30"},
		"ca adopt":      {"ca adopt root.pem --key root --index index.txt --certificates newcerts --crl last.crl"},
	}
}
