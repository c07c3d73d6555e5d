package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/internal/foreign"
	"conclave/terminal/terminaltest"
)

// TestAnswers runs the commands for real, and lets a foreign judge compare what they
// answer with docs/json.schema.json. Each command has its definition there, a sample in
// testdata/json, and the same in docs/json.md.
func TestAnswers(t *testing.T) {
	python := foreign.NeedPython(t, "jsonschema")
	samples, schema, page := absolute(t, "testdata/json"), absolute(t, "../../docs/json.schema.json"), absolute(t, "../../docs/json.md")
	script, err := os.ReadFile("testdata/json/commands.txt")
	if err != nil {
		t.Fatal(err)
	}
	vectorDesk(t)
	d := &answerDesk{t: t, names: commandsThatAnswer(t), answers: map[string][]string{}}
	d.prepare()
	for line := range strings.Lines(string(script)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			d.play(line)
		}
	}
	for _, name := range d.names {
		if d.answers[name] == nil && !slices.Contains(peopleNeeded, name) {
			t.Errorf("%s was not run", name)
		}
		if example := exampleIn(t, page, name); !sameJSON(readSample(t, samples, name), example) {
			t.Errorf("%s: the example for %s is not that of testdata/json:\n%s", page, name, example)
		}
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil || len(files) < len(d.names) {
		t.Fatalf("samples: %q, %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		d.took(strings.Split(name, "-"), readSample(t, samples, name))
	}
	d.answers["error"] = append(d.answers["error"], string(exampleIn(t, page, "error")))
	texts, err := json.Marshal(d.answers)
	if err != nil {
		t.Fatal(err)
	}
	judge := exec.Command(python, filepath.Join(samples, "judge.py"), schema)
	judge.Stdin = bytes.NewReader(texts)
	if out, err := judge.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestAnswerOnAFullDisk: an answer that cannot be written is an error of its own.
func TestAnswerOnAFullDisk(t *testing.T) {
	home(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	command := exec.Command("conclave", "hsm", "list", "--json")
	var notes bytes.Buffer
	command.Stdout, command.Stderr = full, &notes
	err = command.Run()
	var failed struct{ Error errorEntry }
	if undecoded := json.Unmarshal(notes.Bytes(), &failed); err == nil || undecoded != nil || failed.Error.Kind != "no_space" || failed.Error.Exit != command.ProcessState.ExitCode() {
		t.Errorf("%v, %v: %s", err, undecoded, notes.Bytes())
	}
}

// peopleNeeded are the commands that wait for people at a terminal, and answer as
// ceremony rehearse does.
var peopleNeeded = []string{"ceremony-run", "ceremony-drill"}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// withoutAnswer are the commands that write a document, or talk as long as they run.
var withoutAnswer = []string{"agent", "hsm-serve", "ca-export", "completion", "help"}

// commandsThatAnswer are all others, with hyphens in their names, as manual pages have
// them.
func commandsThatAnswer(t *testing.T) (names []string) {
	t.Helper()
	parser, err := newParser(new(all))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		name := strings.ReplaceAll(leaf.Path(), " ", "-")
		_, answers := leaf.Target.Interface().(interface{ asJSON() bool })
		if answers == slices.Contains(withoutAnswer, name) {
			t.Errorf("%s answers in JSON: %v", name, answers)
		}
		if answers {
			names = append(names, name)
		}
	}
	return names
}

// answerDesk is where the commands are run, and what they answered, by their names.
type answerDesk struct {
	t       *testing.T
	names   []string // of the commands that answer
	answers map[string][]string
	revoked string
}

// prepare makes what people make at a terminal, and what a power cut leaves.
func (d *answerDesk) prepare() {
	d.t.Setenv("PASSWORD", "correct horse")
	d.t.Setenv("WRONG", "00000000")
	d.file("answers", strings.Join([]string{
		"Acme Ltd", "CH", "", "Vault 3", "", "Ada", "Wim", "Carla, Chen, Cem", "2", "", "", "", "", "", "", "", "Acme Ltd Root CA", "", "", "none", "12", "", "", "",
	}, "\n"))
	codes := d.attended(3, "dkek", "reshare", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--threshold", "2", "--custodians", "3")
	d.file("code.txt", codes[0])
	d.file("pin", pin+"\n")
	d.file("sheets.txt", strings.Join(codes[:2], "\n"))
	if err := os.Mkdir("out", 0o700); err != nil {
		d.t.Fatal(err)
	}
	d.attended(3, "dkek", "rekey", "new.pbe", "rsa-2048.wrap", "--dkek", "dkek.pbe", "--sheets-file", "2-of-4.txt", "--no-record", "--dir", "out", "--threshold", "2", "--custodians", "3")
}

func (d *answerDesk) file(name, content string) {
	d.t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// attended runs a command with custodians at the terminal, who are met on standard
// error.
func (d *answerDesk) attended(n int, args ...string) (codes []string) {
	d.t.Helper()
	command := exec.Command("conclave", append(args, "--json")...)
	var out bytes.Buffer
	command.Stdout = &out
	s := &session{terminaltest.Start(d.t, command), d.t}
	codes = s.attend(n)
	s.End(0)
	d.took(args, out.Bytes())
	return codes
}

// play runs a line of the script.
func (d *answerDesk) play(line string) {
	d.t.Helper()
	line, input, _ := strings.Cut(line, " < ")
	words := strings.Fields(line)
	status, kind, _ := strings.Cut(words[0], ":")
	args := words[1:]
	switch {
	case slices.Contains(args, "REVOKED"):
		args[slices.Index(args, "REVOKED")] = d.revoked
	case slices.Contains(args, "NEXT"):
		args[slices.Index(args, "NEXT")] = time.Now().AddDate(0, 6, 0).UTC().Format(time.DateOnly)
	case strings.HasPrefix(line, words[0]+" ca settle "):
		d.cutOff()
	}
	command := exec.Command("conclave", append(args, "--json", "--quiet")...)
	if input != "" {
		file, err := os.Open(strings.TrimSpace(input))
		if err != nil {
			d.t.Fatal(err)
		}
		defer file.Close()
		command.Stdin = file
	}
	var out, notes bytes.Buffer
	command.Stdout, command.Stderr = &out, &notes
	err := command.Run()
	if command.ProcessState == nil {
		d.t.Fatal(err)
	}
	if got := strconv.Itoa(command.ProcessState.ExitCode()); got != status {
		d.t.Fatalf("%s: exit status %s:\n%s\n%s", line, got, out.Bytes(), notes.Bytes())
	}
	if out.Len() > 0 {
		d.took(args, out.Bytes())
	} else if kind == "" {
		d.t.Errorf("%s: no answer", line)
	}
	if kind != "" {
		d.failed(line, kind, status, notes.Bytes())
	} else if notes.Len() > 0 && input != "answers" { // who is asked, sees the questions
		d.t.Errorf("%s: it was to be quiet:\n%s", line, notes.Bytes())
	}
}

// took keeps an answer.
func (d *answerDesk) took(args []string, answer []byte) {
	d.t.Helper()
	named := strings.Join(args, "-")
	name := d.names[slices.IndexFunc(d.names, func(name string) bool { return strings.HasPrefix(named+"-", name+"-") })]
	d.answers[name] = append(d.answers[name], string(answer))
	if name == "ca-issue" {
		var issued certificateAnswer
		if err := json.Unmarshal(answer, &issued); err != nil {
			d.t.Fatal(err)
		}
		d.revoked = issued.Serial
	}
}

// failed keeps the error, which standard error has alone.
func (d *answerDesk) failed(line, kind, status string, notes []byte) {
	d.t.Helper()
	last, more, _ := bytes.Cut(notes, []byte("\n"))
	if len(more) > 0 {
		d.t.Errorf("%s: it was to be quiet:\n%s", line, notes)
	}
	var got struct{ Error errorEntry }
	if err := json.Unmarshal(last, &got); err != nil || got.Error.Kind != kind || strconv.Itoa(got.Error.Exit) != status || got.Error.Text == "" {
		d.t.Errorf("%s: %v: %s", line, err, last)
	}
	d.answers["error"] = append(d.answers["error"], string(last))
}

// cutOff leaves what a power cut leaves in the register.
func (d *answerDesk) cutOff() {
	d.t.Helper()
	issuer, err := ca.ReadCertificate("root.pem")
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := register.Open("register.sqlite")
	if err != nil {
		d.t.Fatal(err)
	}
	intent := ca.Intent{Kind: ca.KindCertificate, Issuer: issuer.RawSubject, Number: big.NewInt(0xc0ffee), Subject: "CN=Lost", TBS: sha256.Sum256(nil), Time: time.Now()}
	if err := errors.Join(r.Begin(d.t.Context(), intent), r.Close()); err != nil {
		d.t.Fatal(err)
	}
}

// exampleIn is the JSON below the heading of a command on a page.
func exampleIn(t *testing.T, page, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, below, _ := strings.Cut(string(text), "\n#### "+strings.ReplaceAll(name, "-", " ")+"\n")
	below, _, _ = strings.Cut(below, "\n#### ")
	_, example, _ := strings.Cut(below, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	return []byte(example)
}

func readSample(t *testing.T, samples, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(samples, name+".json"))
	if err != nil {
		t.Error(err)
	}
	return content
}

// sameJSON says whether two texts are one value, however they are laid out.
func sameJSON(a, b []byte) bool {
	var one, other any
	return json.Unmarshal(a, &one) == nil && json.Unmarshal(b, &other) == nil && reflect.DeepEqual(one, other)
}
