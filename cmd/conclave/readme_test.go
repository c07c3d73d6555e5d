//go:build linux

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestReadmeDemo pastes the demo of README.md block by block, at a terminal, and lets
// people answer: at its end the key is on a second device.
func TestReadmeDemo(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	p := enterShell(t, t.TempDir())
	var shown string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)\n```").FindAllStringSubmatch(string(readme), -1) {
		if strings.Contains(block[1], "dkek import") {
			p.twoCome()
		}
		shown += p.paste(block[1])
	}
	same := regexp.MustCompile(`(?m)^(\d+ +RSA-2048 +root .*)\r$`).FindAllStringSubmatch(shown, -1)
	if len(same) != 2 || same[0][1] != same[1][1] {
		t.Errorf("the two devices have the keys %q:\n%s", same, shown)
	}
}

// paste types lines at once, as a terminal does what is pasted, and lets people answer
// until all have run. The last must succeed.
func (p *people) paste(block string) string {
	p.t.Helper()
	lines := strings.Split(block, "\n")
	from := p.Seen
	p.Enter(strings.Join(lines, "\r"))
	for range lines[1:] {
		p.Expect(shellPrompt)
	}
	p.until(shellPrompt + "$")
	shown := string(p.All[from:p.Seen])
	p.Enter("echo status $?")
	if status := p.Expect(`status (\d+)[\r\n]+` + shellPrompt + "$")[1]; status != "0" {
		p.t.Fatalf("%s ended with %s:\n%s", lines[len(lines)-1], status, shown)
	}
	return shown
}

// TestReadmeSession: the session in README.md is what the program shows, but for what
// differs each time. With CONCLAVE_UPDATE=1 it is written anew, at the real cost.
func TestReadmeSession(t *testing.T) {
	const page = "../../README.md"
	readme, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	update := os.Getenv("CONCLAVE_UPDATE") != ""
	if update {
		t.Setenv(costVariable, "real")
	}
	p := enterShell(t, t.TempDir())
	if err := pty.Setsize(p.Terminal, &pty.Winsize{Rows: 40, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	shown := p.do("conclave rehearse --auto")
	shown = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]").ReplaceAllString(strings.ReplaceAll(shown, "\r", ""), "")
	_, table, found := strings.Cut(shown, "\n* sign with the restored key\n")
	if !found {
		t.Fatalf("the rehearsal shows:\n%s", shown)
	}
	session := "$ conclave rehearse --auto\n" + strings.TrimSpace(strings.TrimSuffix(table, shellPrompt))
	block := regexp.MustCompile("(?s)(<!-- session -->\n```text\n)(.*?)\n?(```)")
	if update {
		updated := block.ReplaceAllString(string(readme), "${1}"+strings.ReplaceAll(session, "$", "$$")+"\n${3}")
		if err := os.WriteFile(page, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	is := block.FindStringSubmatch(string(readme))
	if is == nil || withoutChance(is[2]) != withoutChance(session) {
		t.Errorf("README.md does not have what is shown now; CONCLAVE_UPDATE=1 go test -run %s ./cmd/conclave writes it there:\n%s", t.Name(), session)
	}
}

// withoutChance is a session without what differs each time.
func withoutChance(session string) string {
	session = regexp.MustCompile(`ZZCL\w{7}|[0-9a-f]{64}|[0-9A-F]{16}|\d+\.\d| {2,}`).ReplaceAllString(session, " ")
	return regexp.MustCompile(`\d+ bytes`).ReplaceAllString(session, "bytes")
}

// TestFirstTryPage does what docs/first-try.md says, but for the rehearsal by hand, which
// the test of the packages plays.
func TestFirstTryPage(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	p := enterShell(t, t.TempDir())
	var shown string
	for _, command := range commands(t, "../../docs/first-try.md") {
		if command == "conclave rehearse" {
			continue
		}
		if strings.Contains(command, "dkek import") {
			p.twoCome()
		}
		shown = p.do(command)
	}
	if !regexp.MustCompile(`(?m)^\d+ +RSA-2048 +root `).MatchString(shown) {
		t.Errorf("at the end the spare device has:\n%s", shown)
	}
}
