package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/foreign"
	"conclave/internal/safefile"
	"conclave/terminal/terminaltest"
)

// completed are lines as they are typed, with Tab where the shell completes, and the
// arguments that the command gets. SERIAL is most of the second device's.
func completed() map[string]string {
	return map[string]string{
		"key wr\t":                               "<key><wrap>",
		"--device spare key li\t":                "<--device><spare><key><list>",
		"key wrap iss\t":                         "<key><wrap><issuing>",
		"key wrap Old\t":                         "<key><wrap><Old root>",
		"key wrap label:Old\t":                   "<key><wrap><label:Old root>",
		"key wrap \"Old\t":                       "<key><wrap><Old root>",
		"key wrap xx\t":                          "<key><wrap><xx$(touch pwned);`touch pwned`'\">",
		"key wrap yy\t x":                        "<key><wrap><yy><x>",
		"key delete id:4\t":                      "<key><delete><id:4711>",
		"key wrap --device spare no\t x":         "<key><wrap><--device><spare><no><x>",
		"key list --dev\tsp\t":                   "<key><list><--device><spare>",
		"key list --device=sp\t":                 "<key><list><--device=spare>",
		"key list --device SERIAL\t":             "<key><list><--device><SERIAL>",
		"hsm delete sp\t":                        "<hsm><delete><spare>",
		"key generate --pin env:SOP\t":           "<key><generate><--pin><env:SOPIN>",
		"key generate --pin=env:SOP\t":           "<key><generate><--pin=env:SOPIN>",
		"key generate --pin file:se\t":           "<key><generate><--pin><file:secret>",
		"key generate --type rsa:3\t":            "<key><generate><--type><rsa:3072>",
		"dkek import sh\t":                       "<dkek><import><share.pbe>",
		"dkek check --record sh\tt\t":            "<dkek><check><--record><share.txt>",
		"key sign 1 --in my\t":                   "<key><sign><1><--in><my file>",
		"ca crl --issuer=ro\t":                   "<ca><crl><--issuer=root.pem>",
		"backup ca\t":                            "<backup><card>",
		"ca revoke --reason keyC\t":              "<ca><revoke><--reason><keyCompromise>",
		"help dkek resh\t":                       "<help><dkek><reshare>",
		"help offl\t":                            "<help><offline-root>",
		"pkcs11 info --device sp\tss\t":          "<pkcs11><info><--device><spare><ssh>",
		"pkcs11 test --module p11\t --dev\tsp\t": "<pkcs11><test><--module><p11.so><--device><spare>",
		"agent --so\tsock\t":                     "<agent><--socket><socket>",
		"key sign iss\t --algorithm ml\t":        "<key><sign><issuing><--algorithm><ml-dsa>",
		"key generate --type ml-dsa-6\t":         "<key><generate><--type><ml-dsa-65>",
		"dkek create x --strength=6\t":           "<dkek><create><x><--strength=64>",
		"key recover a.wrap --into sp\t --pl\t":  "<key><recover><a.wrap><--into><spare><--plain>",
	}
}

// TestCompletion: in real shells, commands, options, devices, keys and files come as the
// first characters and Tab ask for them.
func TestCompletion(t *testing.T) {
	home(t)
	serial := strings.TrimSpace(conclave(t, "--quiet", "hsm", "create", "spare"))
	conclave(t, "key", "generate", "--type", "ec:P-256", "--label", "Old root", "--id", "4711", "--pin", "env:PIN")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--label", "issuing", "--pin", "env:PIN")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--label", "xx$(touch pwned);`touch pwned`'\"", "--pin", "env:PIN")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--label", "yy\x1b]0;z\a\u202e", "--pin", "env:PIN")
	dir := t.TempDir()
	for _, name := range []string{"share.pbe", "share.txt", "secret", "my file", "root.pem", "card/key.wrap", "p11.so", "p11.txt", "socket"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	echoing(t)
	for shell, with := range map[string]struct{ start, setUp string }{
		"bash": {"bash --norc --noprofile -i", "source <(conclave completion bash); PS1='READY''> '"},
		"zsh":  {"zsh -f -i", "autoload -Uz compinit; compinit -u -D; source <(conclave completion zsh); PROMPT='READY''> '"},
		"fish": {"fish --no-config -i", "conclave completion fish | source; function fish_prompt; echo -n 'READY''> '; end"},
	} {
		t.Run(shell, func(t *testing.T) {
			foreign.Need(t, shell)
			s := completing(t, strings.Fields(with.start), with.setUp, dir)
			for line, want := range completed() {
				line = strings.ReplaceAll(line, "SERIAL", serial[:len(serial)-1])
				s.Enter("conclave " + line)
				got := strings.ReplaceAll(s.Expect(`GOT:(.*)\r\n`)[1], "/>", ">") // zsh takes it off again
				if want = strings.ReplaceAll(want, "SERIAL", serial); got != want {
					t.Errorf("%q: %s; %s was expected", line, got, want)
				}
				s.Expect("READY> ")
			}
			if safefile.Exists(filepath.Join(dir, "pwned")) {
				t.Error("a label was carried out as a command")
			}
			if bytes.Contains(s.All, []byte("\x1b]0;z")) {
				t.Error("a label commands the terminal")
			}
		})
	}
}

// echoing puts a conclave before the real one that shows what it is called with, and
// only completes as that does.
func echoing(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("conclave")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
case $1 in complet*) exec %s "$@" ;; esac
printf GOT:
printf '<%%s>' "$@"
echo
`, program)
	if err := os.WriteFile(filepath.Join(dir, "conclave"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// completing starts a shell that completes conclave.
func completing(t *testing.T, start []string, setUp, dir string) *terminaltest.Session {
	t.Helper()
	command := exec.Command(start[0], start[1:]...)
	command.Dir = dir
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	s := terminaltest.Start(t, command)
	s.Enter(setUp)
	s.Expect("READY> ")
	return s
}

// TestCompletionScripts: shellcheck has nothing to say about the script for bash, and
// the others' shells can read theirs.
func TestCompletionScripts(t *testing.T) {
	for shell, check := range map[string]string{"bash": "shellcheck -", "zsh": "zsh -n", "fish": "fish --no-execute"} {
		args := strings.Fields(check)
		foreign.Need(t, args[0])
		command := exec.Command(args[0], args[1:]...)
		command.Stdin = bytes.NewReader([]byte(conclave(t, "completion", shell)))
		if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", check, err, out)
		}
	}
}

func TestSplitLine(t *testing.T) {
	for line, want := range map[string]struct {
		words  string // the last of them is begun
		behind int
	}{
		"conclave ":                        {"", 0},
		"conclave key  wr":                 {"key|wr", 0},
		`c wrap Old\ ro`:                   {"wrap|Old ro", 0},
		`c wrap "Old ro`:                   {"wrap|Old ro", 0},
		`c wrap 'Old root' x\"y`:           {`wrap|Old root|x"y`, 0},
		"c wrap label:Ol":                  {"wrap|label:Ol", 6},
		"c --device=pcsc:Ni":               {"--device=pcsc:Ni", 14},
		`c --device="pcsc:Ni`:              {"--device=pcsc:Ni", 9},
		"c --device= ":                     {"--device=|", 0},
		"./bin/conclave --pin file:/a/b:c": {"--pin|file:/a/b:c", 10},
	} {
		words, behind, _ := splitLine(line)
		if got := strings.Join(words, "|"); got != want.words || behind != want.behind {
			t.Errorf("%q: %s, %d; %s, %d was expected", line, got, behind, want.words, want.behind)
		}
	}
}
