package main

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"conclave/device"
	"conclave/docs"
	"conclave/hsm"
	"conclave/internal/tty"
)

// complete answers the scripts of conclave completion: what may stand where the cursor
// is. So commands, options, devices and keys are known in one place.
type complete struct {
	Shell string   `arg:"" enum:"bash,words" help:"bash, with the line as it was typed; or words, the last of which is begun."`
	Typed []string `arg:"" passthrough:"" help:"What was typed, after --."`
}

// patience is how long someone waits for a list of keys or readers after pressing Tab.
const patience = 2 * time.Second

// Run says nothing where it knows nothing.
func (cmd complete) Run(c *console) error {
	words, behind := cmd.Typed[1:], 0
	if len(words) == 0 {
		return nil
	}
	quoted := func(word string) string { return word }
	if cmd.Shell == "bash" {
		var quote rune
		words, behind, quote = splitLine(words[0])
		quoted = func(word string) string { return quoteForBash(word, quote) }
	}
	offered := make(chan offer, 1)
	go func() { offered <- completionOf(c, words[:len(words)-1], words[len(words)-1]) }()
	select {
	case a := <-offered:
		return a.write(c.out.Exact(), behind, quoted)
	case <-time.After(patience):
		return nil
	}
}

// offer is what may complete a word.
type offer struct {
	kind string // words; parts, of which each goes on; files or folders, which the shell finds
	// kept is what the word begins with and does not belong to the file's name, stem
	// what there is of that, and endings what such files usually end with.
	kept, stem, endings string
	words               []candidate
}

// candidate is a whole word, and what it means.
type candidate struct{ word, help string }

// write writes an offer for a script: four lines, and the words. Bash gets the rest of
// each word alone, and what to take off a file's name for that.
func (a offer) write(w io.Writer, behind int, quoted func(string) string) error {
	if behind > 0 {
		a.kept = a.stem[:min(len(a.stem), max(0, behind-len(a.kept)))]
	}
	text := fmt.Sprintf("%s\n%s\n%s\n%s\n", cmp.Or(a.kind, "words"), a.stem, a.kept, a.endings)
	for _, c := range a.words {
		if tty.Printable(c.word) != c.word {
			continue // a device or a reader may call something anything
		}
		help, _, _ := strings.Cut(c.help, ". ")
		text += fmt.Sprintf("%s\t%s\n", quoted(c.word[behind:]), tty.Printable(help))
	}
	_, err := io.WriteString(w, text)
	return err
}

// position is where in a command line a word is begun.
type position struct {
	node      *kong.Node
	arguments int               // of the command, before the word
	argument  bool              // is begun, also with a hyphen
	flag      *kong.Flag        // whose value is begun
	given     map[string]string // options, with their values
}

// completionOf says how the last word of a command line may go on.
func completionOf(c *console, words []string, begun string) offer {
	helping := firstWord(words) == "help"
	if helping {
		words = slices.DeleteFunc(words, func(word string) bool { return word == "help" })
	}
	parser, err := newParser(grammarOf(wordsFirst(words)))
	if err != nil {
		return offer{}
	}
	p := position{node: parser.Model.Node, given: map[string]string{}}
	for _, word := range words {
		if name, value, joined := p.cut(word); joined {
			p.pass(name)
			word = value
		}
		p.pass(word)
	}
	kept := ""
	if name, value, joined := p.cut(begun); joined {
		p.pass(name)
		kept, begun = name+"=", value
	}
	switch {
	case p.flag != nil:
		return valuesOf(c, p, p.flag.Value, kept, begun)
	case strings.HasPrefix(begun, "-") && !p.argument:
		return p.options().that(begun)
	case len(p.node.Children) > 0 || helping:
		a := p.commands()
		if helping && p.node.Parent == nil {
			a.words = append(a.words, pages(p.node)...)
		}
		return a.that(begun)
	}
	arguments := p.node.Positional
	if last := len(arguments) - 1; last >= 0 && p.arguments > last && arguments[last].IsCumulative() {
		p.arguments = last
	}
	if p.arguments < len(arguments) {
		return valuesOf(c, p, arguments[p.arguments], "", begun)
	}
	return p.options().that(begun)
}

// cut takes an option that is joined with its value apart.
func (p *position) cut(word string) (name, value string, joined bool) {
	name, value, joined = strings.Cut(word, "=")
	return name, value, joined && p.flag == nil && !p.argument && p.find(name) != nil
}

// pass goes past a word.
func (p *position) pass(word string) {
	switch flag := p.find(word); {
	case p.flag != nil:
		p.given[p.flag.Name], p.flag = word, nil
	case p.argument || !strings.HasPrefix(word, "-") || word == "-":
		p.enter(word)
	case word == "--":
		p.argument = true
	case flag != nil:
		if p.given[flag.Name] = ""; !flag.IsBool() && !flag.IsCounter() {
			p.flag = flag
		}
	}
}

// enter goes into the command of a name, or past an argument.
func (p *position) enter(word string) {
	i := slices.IndexFunc(p.node.Children, func(n *kong.Node) bool { return n.Name == word })
	if i < 0 {
		p.arguments++
		return
	}
	p.node = p.node.Children[i]
}

// find is an option of the command, or of those that may still be named.
func (p *position) find(name string) (found *kong.Flag) {
	known := slices.Concat(p.node.AllFlags(false)...)
	for _, leaf := range p.node.Leaves(false) {
		known = append(known, leaf.Flags...)
	}
	if i := slices.IndexFunc(known, func(f *kong.Flag) bool { return "--"+f.Name == name }); i >= 0 {
		return known[i]
	}
	return nil
}

// options are those that have not been given.
func (p *position) options() (a offer) {
	for _, f := range slices.Concat(p.node.AllFlags(true)...) {
		if _, given := p.given[f.Name]; !given || f.IsCumulative() || f.IsCounter() {
			a.words = append(a.words, candidate{"--" + f.Name, f.Help})
		}
	}
	return a
}

func (p *position) commands() (a offer) {
	for _, n := range p.node.Children {
		if !n.Hidden {
			a.words = append(a.words, candidate{n.Name, n.Help})
		}
	}
	return a
}

// pages are those that conclave help shows, and what lists them.
func pages(commands *kong.Node) []candidate {
	words := []candidate{{"topics", "all pages"}}
	for _, topic := range docs.Topics() {
		words = append(words, candidate{pageName(topic, commands), topic.About})
	}
	return words
}

// that leaves the words that begin so.
func (a offer) that(begun string) offer {
	a.words = slices.DeleteFunc(a.words, func(c candidate) bool { return !strings.HasPrefix(c.word, begun) })
	return a
}

// valuesOf are the values of an option or argument. What is kept stands before them.
func valuesOf(c *console, p position, value *kong.Value, kept, begun string) (a offer) {
	switch kind, list, _ := strings.Cut(cmp.Or(value.Tag.Get("complete"), kindOf(value)), ":"); kind {
	case "files", "folders":
		return offer{kind: kind, kept: kept, stem: begun, endings: list}
	case "words":
		for _, word := range strings.Fields(list) {
			a.words = append(a.words, candidate{word: word})
		}
	case "secret":
		if path, ok := strings.CutPrefix(begun, "file:"); ok {
			return offer{kind: "files", kept: kept + "file:", stem: path}
		}
		a = secrets(begun)
	case "device":
		a.words = devices(c.home, begun)
	case "embedded":
		a.words = embedded(c.home)
	case "key":
		a.words = keys(c, cmp.Or(p.given["device"], usualDevice()), begun)
	}
	for i := range a.words {
		a.words[i].word = kept + a.words[i].word
	}
	return a.that(kept + begun)
}

// kindOf is what the values of an option are, as its type and its placeholder have it.
func kindOf(value *kong.Value) string {
	switch value.Target.Type() {
	case reflect.TypeFor[secretArgument]():
		return "secret"
	case reflect.TypeFor[keyName]():
		return "key"
	}
	switch {
	case value.Enum != "":
		return "words:" + strings.Join(value.EnumSlice(), " ")
	case value.Tag.PlaceHolder == "FILE":
		return "files"
	case value.Tag.PlaceHolder == "DIR":
		return "folders"
	}
	return ""
}

// secrets are named by a variable or a file; the secret itself is nothing to complete.
func secrets(begun string) (a offer) {
	if !strings.HasPrefix(begun, "env:") {
		return offer{kind: "parts", words: []candidate{{"env:", "a variable of the environment"}, {"file:", "the first line of a file"}}}
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		a.words = append(a.words, candidate{word: "env:" + name})
	}
	return a
}

func embedded(home device.Home) (found []candidate) {
	names, _ := home.List()
	for _, name := range names {
		found = append(found, candidate{name, "embedded device"})
	}
	return found
}

// devices are all that --device takes. No card in a reader is looked at, which would
// end the logins that other programs have there.
func devices(home device.Home, begun string) []candidate {
	found := embedded(home)
	if readers, err := device.Readers(); err == nil {
		for _, name := range readers {
			found = append(found, candidate{name, "card in a reader"})
		}
	}
	if begun == "" || slices.ContainsFunc(found, func(c candidate) bool { return strings.HasPrefix(c.word, begun) }) {
		return found
	}
	for serial, name := range home.Serials() {
		found = append(found, candidate{serial, "serial number of " + name})
	}
	return found
}

// keys are those of an embedded device: by reference, and by label where that is one
// key's. A card in a reader is not looked at for this either.
func keys(c *console, name, begun string) (found []candidate) {
	if names, err := c.home.List(); err != nil || !slices.Contains(names, name) {
		name = c.home.Serials()[name]
	}
	_ = c.withDevice(name, func(h *hsm.HSM) error { // who presses Tab reads no errors
		keys, err := h.Keys()
		for _, k := range keys {
			found = append(found, keyWords(k, keys, begun)...)
		}
		return err
	})
	return found
}

// keyWords are the words for one of the keys, in the form that was begun.
func keyWords(k hsm.Key, all []hsm.Key, begun string) []candidate {
	words := []candidate{{strconv.Itoa(int(k.Ref)), describe(k)}}
	if k.Description == nil {
		return words
	}
	named := []string{"id:" + hex.EncodeToString(k.Description.ID), "label:" + k.Description.Label, k.Description.Label}
	for _, word := range named {
		var name keyName
		scheme, _, schemed := strings.Cut(word, ":")
		plain := !schemed || strings.HasPrefix(begun, scheme+":")
		if err := name.UnmarshalText([]byte(word)); err != nil || !plain {
			continue
		}
		if !slices.ContainsFunc(all, func(other hsm.Key) bool { return other.Ref != k.Ref && name.names(other) }) && name.names(k) {
			words = append(words, candidate{word, k.Size()})
		}
	}
	return words
}

// quoteForBash makes the rest of a word from which bash makes nothing else, after the
// quotation mark that was typed, or none. Readline's own way leaves $ as it is.
func quoteForBash(word string, quote rune) string {
	special := map[rune]string{0: " \t!\"#$&'()*;<>?[\\]^`{|}~", '"': "\"$\\`"}[quote]
	var quoted strings.Builder
	for _, r := range word {
		if strings.ContainsRune(special, r) {
			quoted.WriteByte('\\')
		}
		quoted.WriteRune(r)
	}
	if quote == '\'' {
		return strings.ReplaceAll(quoted.String(), "'", `'\''`)
	}
	return quoted.String()
}

// splitLine splits a line as bash does, and says how much of the last word bash keeps
// by itself, and which quotation mark is open: bash takes what follows that, = or : for
// a word of its own.
func splitLine(line string) (words []string, behind int, quote rune) {
	var word strings.Builder
	escaped, begun := false, false
	for _, r := range line {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(r)
		case r == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, begun, behind = r, true, word.Len()
		case quote == 0 && (r == ' ' || r == '\t'):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun, behind = false, 0
		default:
			begun = true
			word.WriteRune(r)
			if quote == 0 && (r == '=' || r == ':') {
				behind = word.Len()
			}
		}
	}
	return append(words, word.String())[1:], behind, quote
}
