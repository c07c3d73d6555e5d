package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"conclave/agent"
	"conclave/docs"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/tty"
	"conclave/terminal"
	"conclave/token"
)

type pkcs11Commands struct {
	Info pkcs11Info `cmd:"" help:"Show where the module is, and how programs load it."`
	Test pkcs11Test `cmd:"" help:"Use the installed module, or another one, as programs do."`
}

// moduleName is the file of the module.
const moduleName = "conclave-pkcs11.so"

// errNoModule is the error where none is installed.
var errNoModule = errors.New(moduleName + " is neither beside this program nor in the lib that belongs to it; make build, where there is a C compiler, and make install put it there")

// installedModule finds the module that was installed with this program.
func installedModule() (string, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "", err
	}
	bin := filepath.Dir(program)
	lib := filepath.Join(filepath.Dir(bin), "lib*")
	if found := firstOf(filepath.Join(bin, moduleName), filepath.Join(lib, "pkcs11", moduleName), filepath.Join(lib, "*", "pkcs11", moduleName)); found != "" {
		return found, nil
	}
	return "", missing{errNoModule}
}

// firstOf is the first file that patterns match, "" if there is none.
func firstOf(patterns ...string) string {
	for _, pattern := range patterns {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// toldP11Kit is the file by which p11-kit knows the module, "" if it does not.
func toldP11Kit() string {
	folders := []string{"/etc/pkcs11/modules", "/usr/share/p11-kit/modules"}
	if config, err := os.UserConfigDir(); err == nil {
		folders = append([]string{filepath.Join(config, "pkcs11", "modules")}, folders...)
	}
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(folder, "*.module"))
		for _, file := range files {
			content, err := safefile.Read(file, 64<<10)
			if err == nil && bytes.Contains(content, []byte(moduleName)) {
				return file
			}
		}
	}
	return ""
}

type pkcs11Info struct {
	answering
	chosenDevice
	Program string `arg:"" default:"all" enum:"all,opensc,openssl,engine,curl,nginx,ssh,java,p11-kit,remote" complete:"words:opensc openssl engine curl nginx ssh java p11-kit remote" help:"One program: opensc, openssl (with pkcs11-provider), engine (OpenSSL with libp11), curl, nginx, ssh, java, p11-kit, or remote for another computer. Default: all."`
}

// everyProgram stands for all of them.
const everyProgram = "all"

// headings are the programs, and the sections of the page about PKCS#11 that are about
// them.
func headings() [][2]string {
	return [][2]string{
		{"opensc", "OpenSC"}, {"openssl", "OpenSSL"}, {"engine", "OpenSSL's engine"}, {"curl", "curl"}, {"nginx", "nginx"},
		{"ssh", "OpenSSH"}, {"java", "Java"}, {"p11-kit", "p11-kit"}, {"remote", "Another computer"},
	}
}

// pkcs11Answer is what programs are to be told.
type pkcs11Answer struct {
	Module   string         `json:"module"`
	P11Kit   string         `json:"p11_kit"` // file
	Socket   string         `json:"socket"`
	Answers  bool           `json:"answers"` // an agent, at the socket
	Device   string         `json:"device"`
	Label    string         `json:"label"`
	URI      string         `json:"uri"`
	Slot     *token.SlotID  `json:"slot"`
	Programs []programEntry `json:"programs"`
}

// programEntry is how a program loads the module.
type programEntry struct {
	Name    string   `json:"name"`
	Scripts []string `json:"scripts"`
	section string
}

// Run shows what the page about PKCS#11 says, with what is so on this computer.
func (cmd pkcs11Info) Run(c *console) error {
	a := pkcs11Answer{Device: c.device, P11Kit: toldP11Kit(), Programs: []programEntry{}}
	a.Socket = cmp.Or(os.Getenv("CONCLAVE_AGENT"), agent.SocketOf(c.home))
	if conn, err := net.Dial("unix", a.Socket); err == nil {
		a.Answers = true
		conn.Close()
	}
	var err error
	if a.Module, err = installedModule(); err != nil {
		c.warn("%v", err)
	}
	if err := a.findToken(c); err != nil {
		return err
	}
	if err := a.addPrograms(cmd.Program); err != nil {
		return err
	}
	return c.answer(a, func() error { return a.show(c, cmd.Program == everyProgram) })
}

// findToken finds the token that the chosen device is. The device that is meant where
// none is named need not be there yet.
func (a *pkcs11Answer) findToken(c *console) error {
	library := token.New(c.home)
	defer library.Close()
	slots, err := library.Slots()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(slots, func(s token.SlotInfo) bool {
		return s.Token != nil && isSlotOf(c.device, s.Description, s.Removable, s.Token.Serial)
	})
	if i < 0 {
		why := c.withHSM(func(*hsm.HSM) error { return errors.New("it is no token") })
		if c.device != usualDevice() {
			return why
		}
		c.warn("%v; until then another serial number and slot stand below", why)
		return nil
	}
	a.Slot, a.Label, a.URI = &slots[i].ID, slots[i].Token.Label, "pkcs11:serial="+slots[i].Token.Serial
	return nil
}

// isSlotOf says whether a slot is that of a device as it was found: by its own name or
// that of its reader, which the slot is described by, or by the serial number of one that
// another user's agent has. Where no reader is named, it is any with a card.
func isSlotOf(device, description string, reader bool, serial string) bool {
	name, inReader := strings.CutPrefix(device, "pcsc:")
	return inReader == reader && (name == description || inReader && name == "") || device == serial
}

// addPrograms takes the sections about programs from the page, one or all of them.
func (a *pkcs11Answer) addPrograms(program string) error {
	page, err := docs.Page("pkcs11")
	if err != nil {
		return err
	}
	page = a.here().Replace(page)
	for _, h := range headings() {
		if program != everyProgram && program != h[0] {
			continue
		}
		_, section, _ := strings.Cut(page, "\n## "+h[1]+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		entry := programEntry{Name: h[0], section: "## " + h[1] + "\n" + section}
		for i, part := range strings.Split(section, "```") {
			if script, is := strings.CutPrefix(part, "sh\n"); is && i%2 == 1 {
				entry.Scripts = append(entry.Scripts, script)
			}
		}
		a.Programs = append(a.Programs, entry)
	}
	return nil
}

// here puts what is so on this computer in place of what the page has. What is not
// installed stays as Debian has it.
func (a *pkcs11Answer) here() *strings.Replacer {
	const debian = "/usr/lib/x86_64-linux-gnu/"
	found := []string{"pkcs11:serial=ZZCL0123456", cmp.Or(a.URI, "pkcs11:serial=ZZCL0123456")}
	if a.Slot != nil {
		found = append(found, "1234567890", fmt.Sprint(*a.Slot))
	}
	if a.Module != "" {
		found = append(found, debian+"pkcs11/"+moduleName, a.Module, debian+"pkcs11/*", filepath.Dir(a.Module)+"/*")
	}
	for _, file := range []string{"ossl-modules/pkcs11.so", "engines-3/pkcs11.so", "pkcs11/p11-kit-client.so"} {
		if path := firstOf("/usr/lib/*/"+file, "/usr/lib64/"+file); path != "" {
			found = append(found, debian+file, path)
		}
	}
	return strings.NewReplacer(found...)
}

// show shows the facts, unless one program alone was asked for, and what programs are to
// be told.
func (a *pkcs11Answer) show(c *console, facts bool) error {
	if facts {
		terminal.Facts(c.out, a.facts())
	}
	for i, p := range a.Programs {
		if facts || i > 0 {
			c.out.Printf("\n")
		}
		p.show(c)
	}
	return c.out.Err()
}

func (a *pkcs11Answer) facts() [][]string {
	agent := "none yet: a program starts it"
	if a.Answers {
		agent = "answers"
	}
	none := func(s string) string { return cmp.Or(s, "none") }
	rows := [][]string{
		{"Module", none(a.Module)}, {"p11-kit", cmp.Or(a.P11Kit, "is not told of it")},
		{"Agent", agent}, {"Socket", a.Socket}, {"Token", none(a.Label)}, {"URI", none(a.URI)},
	}
	if a.Slot != nil {
		rows = append(rows, []string{"Slot", fmt.Sprint(*a.Slot)})
	}
	return rows
}

// show shows text as pages are shown, and scripts so that they can be pasted.
func (p programEntry) show(c *console) {
	for i, part := range strings.Split(strings.TrimRight(p.section, "\n"), "```") {
		if i%2 == 0 {
			c.out.Printf("%s", tty.Lines(docs.Plain(part)))
			continue
		}
		_, script, _ := strings.Cut(part, "\n")
		c.out.Unbroken(strings.Split(strings.TrimRight(script, "\n"), "\n"))
	}
}

type pkcs11Test struct {
	answering
	chosenDevice
	Module string         `placeholder:"FILE" complete:"files:so" help:"Another module. Default: the one that is installed."`
	PIN    secretArgument `name:"pin" placeholder:"SECRET" help:"The user PIN, so that each key signs: env:NAME, file:PATH or the PIN itself."`
}

// pkcs11Report is what was done with a module.
type pkcs11Report struct {
	Module      string       `json:"module"`
	Description string       `json:"description"`
	Interface   string       `json:"interface"`
	Device      string       `json:"device"`
	Token       string       `json:"token"`
	Steps       []pkcs11Step `json:"steps"`
	OK          bool         `json:"ok"`
}

// pkcs11Step is one thing that programs do.
type pkcs11Step struct {
	What    string  `json:"what"`
	Result  string  `json:"result"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error"`
}

func (s pkcs11Step) row() []string {
	return []string{s.What, cmp.Or(s.Error, s.Result), fmt.Sprintf("%.1f ms", s.Seconds*1000)}
}
