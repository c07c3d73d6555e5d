//go:build linux

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/internal/foreign"
	"conclave/terminal/terminaltest"
)

// shellPrompt ends what a command has shown.
const shellPrompt = "next-command> "

// people are everyone in a ceremony room, at one terminal.
type people struct {
	*session
	codes     map[string]string  // of the sheets, by custodian's number
	custodian string             // at the screen
	typed     string             // the last secret, which may be asked for again
	folders   []string           // of backup media
	medium    string             // that is there in a drill
	written   terminaltest.Words // of the last hash
	bags      int
	once      []oneAnswer
}

// oneAnswer is what someone types once in place of the usual answer.
type oneAnswer struct{ prompt, answer string }

// reply is how people answer a prompt.
type reply struct {
	prompt string
	answer func(p *people, groups []string) string
}

// always is a reply that is always the same.
func always(text string) func(*people, []string) string {
	return func(*people, []string) string { return text }
}

// replies are in the order in which they are tried; each prompt ends what is
// shown.
func replies() []reply {
	return []reply{
		{`Name of the organisation: $`, always("Example Ltd")},
		{`Its country, two capital letters: $`, always("CH")},
		{`Ceremony administrator, who operates the computer: $`, always("Ada Admin")},
		{`Witnesses, with commas between them; the first compares and initials: $`, always("Wim Witness, Wanda Witness")},
		{`Key custodians, three at least, with commas between them: $`, always("Carla, Chen, Cem, Cora, Cyril")},
		{`Whom custodians call[^\n]*: $`, always("Ada Admin, +41 44 123 45 67")},
		{`DNS names that it may issue for[^\n]*: $`, always("example.com")},
		{`Is all of it right\?[^\n]*: $`, always("yes")},
		{`(?:Place|Why; in an emergency, what has happened|Who (?:leaves|comes), [^\n]*; empty for no one): $|\[[^\n]*\]: $`, always("")},
		{`(?s)The paper has as word \d+: (\S+)\s.*[Tt]ype word [^\n]*: $`, func(_ *people, groups []string) string { return groups[1] }},
		{`(?s)SHA-256 in words, to be read aloud:\s(.*?)\n[^\n]*: Type word (\d+), which the screen leaves out, from the paper[^\n]*: $`, func(p *people, groups []string) string {
			return p.fromPaper(terminaltest.WordsOnScreen(groups[1]), groups[2])
		}},
		{`(?s)SHA-256 in words, to be read aloud:\s(.*?)\n[^\n]*: Write [^\n]* the screen shows them no more then: $`, func(p *people, groups []string) string {
			p.written = terminaltest.WordsOnScreen(groups[1])
			return ""
		}},
		{`: type word (\d+), as you have written it down[^\n]*: $`, func(p *people, groups []string) string { return p.written.Number(groups[1]) }},
		{`custodian (\d+), comes to the screen alone[^\n]*\s+Press <enter> when you are alone\. $`, func(p *people, groups []string) string {
			p.custodian = groups[1]
			return ""
		}},
		{`(?s)Write down the code:\s+(.*?)\s+The same for OpenSC.*the screen is cleared\. $`, func(p *people, groups []string) string {
			code := regexp.MustCompile(`(?m)^ *\d+-\d+ +`).ReplaceAllString(groups[1], "")
			p.codes[p.custodian] = strings.Join(strings.Fields(code), " ")
			return ""
		}},
		{`(?s)Type this code first: ([A-Z0-9 ]+)\s.*Type from the sheet\. Code[^:]*: $`, func(_ *people, groups []string) string { return groups[1] }},
		{`Sheet \d+ was sent to the printer\.[^\n]*: $`, func(p *people, _ []string) string {
			p.codes[p.custodian] = scan(p.t, p.lastSheet())
			return ""
		}},
		{`Type from the sheet\. Code[^:]*: $`, func(p *people, _ []string) string { return p.codes[p.custodian] }},
		{`Number of the bag of [^\n]*, or none: $`, func(p *people, _ []string) string {
			p.bags++
			return fmt.Sprintf("A%06d", p.bags)
		}},
		{`SO-PIN of the device [^:(]*: $`, func(p *people, _ []string) string { p.typed = soPIN; return soPIN }},
		{`user PIN of the device [^:(]*: $`, func(p *people, _ []string) string { p.typed = pin; return pin }},
		{`(?:New u|U)ser PIN(?:, again)?: $`, always(pin)},
		{`New SO-PIN(?:, again)?: $`, always(soPIN)},
		{`(?:the same again|type it again from there): $`, func(p *people, _ []string) string { return p.typed }},
		{`\(yes/no\): $`, always("yes")},
		{`Leave it out\? \[y/N\] $`, always("y")},
		{`(?i)press <enter>[^\n]*: $`, always("")},
		{`To go on, type its serial number \((\S+)\): $`, func(_ *people, groups []string) string { return groups[1] }},
		{`What has become of the old device [^\n]*: $`, always("lost")},
		{`What has happened: $`, always("a sheet was seen")},
		{`Who decides what is done about it: $`, always("Ada Admin")},
		{`What is decided: $`, always("the custodians get new sheets")},
		{`By which day must the keys be changed[^\n]*: $`, always("not needed")},
		{`Time by the watch, such as [^\n]*: $`, func(*people, []string) string { return time.Now().UTC().Format("15:04 UTC") }},
		{`Folder of backup medium (\d), or done: $`, func(p *people, _ []string) string {
			if len(p.folders) == 0 {
				return "done"
			}
			folder := p.folders[0]
			p.folders = p.folders[1:]
			return folder
		}},
		{`Folder of backup medium \d: $`, func(p *people, _ []string) string { return p.medium }}, // in a drill
		{`Recording of the whole[^\n]*, or none: $`, always("none")},
		{`Sheet (\d+) of \d+: a custodian comes to the screen alone[^\n]*\s+Press <enter> when you are alone\. $`, func(p *people, groups []string) string {
			p.custodian = groups[1] // whoever has the sheet of that number
			return ""
		}},
		{`Code, or [^:\n]*: $`, func(p *people, _ []string) string { return p.codes[p.custodian] }},
	}
}

// fromPaper is a word that is left out, from a runbook in the folders below; where there
// is none the program must stand in for it.
func (p *people) fromPaper(shown terminaltest.Words, number string) string {
	p.t.Helper()
	found := "paper"
	err := filepath.WalkDir(p.Command.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".runbook.html") {
			return err
		}
		content, err := os.ReadFile(path)
		if printed := shown.Of(terminaltest.WordsOnPaper(content)); printed != nil {
			found = printed.Number(number)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// twoCome lets two custodians come to the screen with their codes, next time that
// any are asked for.
func (p *people) twoCome() {
	for _, custodian := range []string{"1", "3"} {
		p.once = append(p.once, oneAnswer{`a custodian comes to the screen alone[^\n]*\s+Press <enter> when you are alone\. $`, ""},
			oneAnswer{`Code, or [^:\n]*: $`, p.codes[custodian]})
	}
}

// until answers every prompt until one comes that ends it, and gives what was
// shown meanwhile.
func (p *people) until(end string) string {
	p.t.Helper()
	alternatives := []string{"(" + end + ")"}
	for _, one := range p.once {
		alternatives = append(alternatives, one.prompt)
	}
	for _, r := range replies() {
		alternatives = append(alternatives, r.prompt)
	}
	any := "(?:" + strings.Join(alternatives, "|") + ")"
	from := p.Seen
	for {
		p.Expect(any)
		shown := string(p.All[from:p.Seen])
		if regexp.MustCompile("(?:" + end + ")$").MatchString(shown) {
			return shown
		}
		p.Enter(p.answerTo(shown))
		from = p.Seen
	}
}

// answerTo is what someone answers to what is shown.
func (p *people) answerTo(shown string) string {
	for i, one := range p.once {
		if regexp.MustCompile(one.prompt).MatchString(shown) {
			p.once = append(p.once[:i:i], p.once[i+1:]...)
			return one.answer
		}
	}
	for _, r := range replies() {
		if groups := regexp.MustCompile(r.prompt).FindStringSubmatch(strings.ReplaceAll(shown, "\r", "")); groups != nil {
			return r.answer(p, groups)
		}
	}
	p.t.Fatalf("no one knows an answer to:\n%s", shown)
	return ""
}

// enterShell starts a shell at a terminal, in a folder.
func enterShell(t *testing.T, dir string) *people {
	t.Helper()
	foreign.Need(t, "bash")
	command := exec.Command("bash", "--norc", "--noprofile", "--noediting", "-i")
	command.Dir = dir
	command.Env = append(os.Environ(), "PS1="+shellPrompt, "PS2=", "NO_COLOR=1", "BASH_SILENCE_DEPRECATION_WARNING=1")
	p := &people{session: &session{terminaltest.Start(t, command), t}, codes: map[string]string{}}
	p.Expect(shellPrompt + "$")
	return p
}

// do types a command, and lets people answer until it ends; it must succeed.
func (p *people) do(command string) string {
	p.t.Helper()
	return p.ends("0", command)
}

// ends is do for a command that must end with a status.
func (p *people) ends(want, command string) string {
	p.t.Helper()
	shown, status := p.try(command)
	if status != want {
		p.t.Fatalf("%s ended with %s:\n%s", command, status, shown)
	}
	return shown
}

// try is do for a command that may fail, and gives its exit status.
func (p *people) try(command string) (shown, status string) {
	p.t.Helper()
	p.Enter(command)
	p.Expect(regexp.QuoteMeta(command[max(0, len(command)-20):]) + `[\r\n]+`)
	shown = p.until(shellPrompt + "$")
	p.Enter("echo status $?")
	return shown, p.Expect(`status (\d+)[\r\n]+` + shellPrompt + "$")[1]
}

// commands are those on a page, in its console blocks.
func commands(t *testing.T, page string) (all []string) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
				all = append(all, command)
			}
		}
	}
	return all
}

// TestOfflineRootPage does what docs/offline-root.md says, from nothing to
// evidence, at a terminal.
func TestOfflineRootPage(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	foreign.Need(t, "openssl")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	p := enterShell(t, dir)
	media := t.TempDir()
	p.folders, p.medium = []string{media, filepath.Join(media, "missing")}, media
	// In the middle of it someone has something to say.
	p.once = []oneAnswer{
		{`Is Chen here, and who they say they are\? \(yes/no\): $`, "exception"},
		{`What has happened, in your own words: $`, "Chen came ten minutes late"},
	}
	page := commands(t, "../../docs/offline-root.md")
	if len(page) < 7 {
		t.Fatalf("the page has %d commands", len(page))
	}
	for _, command := range page {
		shown := p.do(command)
		t.Logf("$ %s: %d bytes", command, len(shown))
		if strings.HasSuffix(command, "--dir drill-1") {
			wantWords(t, shown, "The drill is closed.", "conclave ceremony verify drill-1/evidence --key FINGERPRINT --closing CLOSING")
		}
	}
	wantWords(t, p.ends("1", "conclave ceremony drill drill-1/evidence --backup plan.ceremony/backup --dir drill-3"),
		"its witness types words from its runbook", "--backup plan.ceremony/backup --dir drill-3 --paper")
	root := filepath.Join(dir, "root", "plan.ceremony")
	for _, secret := range []string{pin, soPIN} {
		if strings.Contains(string(p.All), secret) {
			t.Error("the terminal showed a PIN")
		}
	}
	for _, name := range []string{"dkek.pbe", "root.wrap"} {
		if _, err := os.Stat(filepath.Join(media, name)); err != nil {
			t.Error(err)
		}
	}
	for paper, bag := range map[string]string{"drill-1/plan.runbook.html": "A000001", "drill-2/plan.runbook.html": "A000011"} {
		content, err := os.ReadFile(filepath.Join(dir, "root", paper))
		if want := "the bag of the device primary is closed and has the number " + bag; err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s does not say %q (%v)", paper, want, err)
		}
	}
	out := verifyEvidence(t, filepath.Join(root, "evidence"))
	if !strings.Contains(out, "Chen came ten minutes late") || !strings.Contains(out, "All of it is as it was made, going by what is on the paper.") {
		t.Errorf("verify shows:\n%s", out)
	}
}

// fakePrinter is a CUPS client whose queue is a folder.
const fakePrinter = `#!/bin/sh
test "$*" = "-d sealed-room" || exit 1
mkdir -p sheets
cat > sheets/$(($(ls sheets | wc -l) + 1)).pdf
`

// lastSheet is what the printer printed last.
func (p *people) lastSheet() []byte {
	p.t.Helper()
	dir := filepath.Join(p.Command.Dir, "sheets")
	sheets, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.pdf", len(sheets))))
	if err != nil {
		p.t.Fatal(err)
	}
	return document
}

// installPrinter puts the printer where programs are looked for.
func installPrinter(t *testing.T) {
	t.Helper()
	foreign.Need(t, "pdftoppm", "zbarimg")
	bin := t.TempDir()
	for name, script := range map[string]string{"lp": fakePrinter, "lpstat": "#!/bin/sh\necho printer $2 is idle\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

// TestExamplePlan holds the ceremony of the examples as people do: they stop,
// mishear, disagree, and the computer dies. Their sheets are printed. The
// evidence says so, and verifies.
func TestExamplePlan(t *testing.T) {
	if testing.Short() {
		t.Skip("whole ceremonies")
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	installPrinter(t)
	dir := t.TempDir()
	plan, err := os.ReadFile("../../examples/offline-root/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	plan = []byte(strings.Replace(string(plan), `"standby": "standby"`, `"standby": "standby", "printer": "sealed-room"`, 1))
	if err := os.WriteFile(filepath.Join(dir, "plan.json"), plan, 0o600); err != nil {
		t.Fatal(err)
	}
	p := enterShell(t, dir)
	p.do(`openssl req -new -newkey rsa:2048 -nodes -keyout issuing.key -out issuing.csr -subj "/C=CH/O=Example Ltd/CN=Example Issuing CA 1"`)
	p.do("conclave ceremony runbook plan.json")
	p.once = []oneAnswer{
		{`Ceremony key: type word \d+, as you have written it down: $`, "wrong"},
		{`Time by the watch, such as [^\n]*: $`, "\x1athe same"}, // Ctrl-Z, which must not leave a sheet on the screen
		{`Is Wanda Witness here[^\n]*: $`, "no"},
		{`Who stands in for Wanda Witness\? \(a name, or no one\): $`, "Wolf Witness"},
		{`Is this the serial number[^\n]*: $`, "no"},
		{`Type from the sheet\. Code[^:]*: $`, "exception"},
		{`Carla: What has happened, in your own words: $`, "my sheet says 1234 5678 9012 3456 7890"}, // which is not for the transcript
		{`Carla: What has happened, in your own words: $`, "the printer prints grey"},
		{`Type from the sheet\. Code[^:]*: $`, "stop"},
		{`(?s)Step 6 of 16: Generate.*Press <enter> to begin: $`, "stop"},
	}
	for _, interruption := range []struct{ at, signal string }{
		{`the same command goes on with it[^\n]*\n` + shellPrompt + "$", ""},
		{`the same command goes on with it[^\n]*\n` + shellPrompt + "$", ""},
		{`(?s)Example Root CA.*Is this what the runbook says\? \(yes/no\): $`, "KILL"},
		{`CRL root-crl-1: type word \d+, as you have written it down: $`, "TERM"},
	} {
		p.Enter("conclave ceremony run plan.json")
		p.until(interruption.at)
		if interruption.signal != "" {
			out, err := exec.Command("pkill", "-"+interruption.signal, "-P", fmt.Sprint(p.Command.Process.Pid)).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			p.Expect(shellPrompt + "$")
		}
	}
	p.do("conclave ceremony run plan.json")
	if status := p.do("conclave status || true"); strings.Contains(status, "NOT BACKED UP") || !strings.Contains(status, "plan.ceremony/backup/root.wrap") {
		t.Errorf("the computer that a key was backed up on does not know of it:\n%s", status)
	}
	out := p.do("conclave ceremony verify plan.ceremony/evidence || test $? = 7")
	for _, want := range []string{"Wanda Witness is absent; Wolf Witness stands in", "the printer prints grey", "every sheet made so far is void", "steps: 16 of the plan's 16 are done", "All of it fits together"} {
		if !strings.Contains(out, want) {
			t.Errorf("verify does not show %q:\n%s", want, out)
		}
	}
	transcript, err := os.ReadFile(filepath.Join(dir, "plan.ceremony", "evidence", "transcript.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kind":"stopped"`, `"kind":"resumed"`, `has answered no to: Is this the serial number`, "the step certificate-root was begun"} {
		if !strings.Contains(string(transcript), want) {
			t.Errorf("the transcript does not say %q", want)
		}
	}
	if strings.Contains(string(transcript), "1234 5678") {
		t.Error("a line of a sheet is in the transcript")
	}
	p.Enter("conclave ceremony run plan.json")
	p.Expect("this ceremony is closed; verify its evidence with: conclave ceremony verify plan.ceremony/evidence")
}

// TestCeremonyIsCheckedFirst: what can be seen to fail is told before anyone is asked
// for anything, and nothing is begun.
func TestCeremonyIsCheckedFirst(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/offline-root")); err != nil {
		t.Fatal(err)
	}
	p := enterShell(t, dir)
	p.Enter("conclave ceremony run plan.json") // its request is missing
	shown := p.until(shellPrompt + "$")
	for _, want := range []string{"PROBLEM", "issuing.csr", "ok +device primary", "problems: 1;", "look again: conclave ceremony check plan.json"} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("%q is not told:\n%s", want, shown)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "plan.ceremony")); err == nil || strings.Contains(shown, "Press <enter>") {
		t.Errorf("a ceremony was begun:\n%s", shown)
	}
}

// TestRehearsalAtATerminal: people rehearse themselves, and everything that can
// be made to go wrong does.
func TestRehearsalAtATerminal(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/offline-root")); err != nil {
		t.Fatal(err)
	}
	p := enterShell(t, dir)
	p.do(`openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout issuing.key -out issuing.csr -subj "/C=CH/O=Example Ltd/CN=Example Issuing CA 1"`)
	p.once = []oneAnswer{
		{`(?s)TROUBLE, as rehearsed: this person is absent.*\(yes/no\): $`, "no"},
		{`Who stands in for PRACTICE Carla\? \(a name, or no one\): $`, "Dora"},
	}
	shown := p.do("conclave ceremony rehearse plan.json --trouble all")
	all := string(p.All)
	for _, want := range []string{
		"PRACTICE    : destroy this sheet afterwards", "there is no paper left", "someone pulls the card from the reader",
		"sheet of another ceremony", "the power fails", "the power is back",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the terminal did not show %q", want)
		}
	}
	if !strings.Contains(shown, "This was a rehearsal") {
		t.Errorf("the end is:\n%s", shown)
	}
	out := verifyEvidence(t, filepath.Join(dir, "plan.rehearsal-1", "evidence"))
	if !strings.Contains(out, "PRACTICE Carla is absent; Dora stands in") || !strings.Contains(out, "may have been, and was not kept") {
		t.Errorf("verify shows:\n%s", out)
	}
}
