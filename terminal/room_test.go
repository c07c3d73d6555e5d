//go:build linux

package terminal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/step"
	"conclave/internal/secret"
	"conclave/internal/tty"
	"conclave/quorum/paper"
	"conclave/terminal"
)

// TestStep: people see what is to be done and what must come of it.
func TestStep(t *testing.T) {
	person, tty := open(t)
	room := &terminal.Room{Screen: screenOf(tty, tty)}
	room.ShowStep(3, 16, step.Step{Title: "Look at the device", Do: []string{"Take it out."}, Expect: []string{"Its seal is whole."}})
	person.Expect(`^\r\n-{60}\r\nStep 3 of 16: Look at the device\r\n  \[ \] Take it out\.\r\n   =  Its seal is whole\.\r\nAt a question that begins with a name: exception, [^\n]*\r\n$`)
}

// TestQuestions: each begins with the name of who answers, and a hash is shown
// in words before it is read aloud.
func TestQuestions(t *testing.T) {
	person, tty := open(t)
	room := &terminal.Room{Screen: screenOf(tty, tty)}
	for _, c := range []struct {
		question ceremony.Question
		shown    string
	}{
		{ceremony.Question{Wants: ceremony.Enter, Who: "Ada", Text: "Press <enter>"}, `^Ada: Press <enter>: $`},
		{ceremony.Question{Wants: ceremony.YesNo, Who: "Wim", Text: "Is it whole?"}, `^Wim: Is it whole\? \(yes/no\): $`},
		{ceremony.Question{Wants: ceremony.PaperWord, Who: "Wim", Text: "Word 2", Label: "The plan", Sum: []byte{0, 1, 2, 3, 255}, Word: 2},
			`^\r\nThe plan, the first 5 bytes of SHA-256 in words, to be read aloud:\r\n   1  aardvark ____ [^\n]* 00__0203\r\n   5  \S+ +ff\r\nWim: Word 2: $`},
		{ceremony.Question{Wants: ceremony.WrittenWord, Who: "Wim", Text: "Word 2", Label: "The key", Sum: []byte{0, 1}, Word: 2}, `^Wim: Word 2: $`},
	} {
		var answer string
		end := begin(func() (err error) {
			answer, err = room.Answer(t.Context(), c.question)
			return err
		})
		person.Answer(c.shown, "so be it")
		if err := end(); err != nil || answer != "so be it" {
			t.Errorf("answered %q, %v", answer, err)
		}
		person.Expect("so be it\r\n")
	}
}

// TestSecretInTheRoom: a PIN that is to be set is typed twice, unless someone gives
// a command instead; no PIN is shown.
func TestSecretInTheRoom(t *testing.T) {
	person, tty := open(t)
	room := &terminal.Room{Screen: screenOf(tty, tty)}
	ask := func(q ceremony.PINQuestion) func() (string, error) {
		var typed secret.Bytes
		end := begin(func() (err error) {
			typed, err = room.Secret(t.Context(), q)
			return err
		})
		return func() (string, error) {
			err := end()
			return string(typed), err
		}
	}
	end := ask(ceremony.PINQuestion{Who: "Ada", What: "user PIN", Problem: errors.New("too short")})
	person.Answer(`^Not accepted: too short\r\nAda: user PIN: $`, "648219")
	if typed, err := end(); typed != "648219" || err != nil {
		t.Errorf("typed %q, %v", typed, err)
	}
	fresh := ceremony.PINQuestion{Who: "Ada", What: "new user PIN", Check: func(pin secret.Bytes) error {
		if len(pin) < 6 {
			return errors.New("too short")
		}
		return nil
	}}
	end = ask(fresh)
	person.Answer(`Ada: new user PIN: $`, "12345")
	person.Expect(`^\r\nNot accepted: too short\r\n`)
	for _, again := range []string{"648218", "648219"} {
		person.Answer(`Ada: new user PIN: $`, "648219")
		person.Answer(`Ada: the same again: $`, again)
		if again != "648219" {
			person.Expect(`^\r\nThe two entries differ\.\r\n`)
		}
	}
	if typed, err := end(); typed != "648219" || err != nil {
		t.Errorf("typed %q, %v", typed, err)
	}
	for _, command := range []string{"stop", "Help."} {
		end = ask(fresh)
		person.Answer(`Ada: new user PIN: $`, command)
		if typed, err := end(); typed != command || err != nil {
			t.Errorf("typed %q, %v", typed, err)
		}
	}
	end = ask(fresh)
	person.Answer(`Ada: new user PIN: $`, "648219")
	person.Answer(`Ada: the same again: $`, "stop")
	if typed, err := end(); typed != "stop" || err != nil {
		t.Errorf("typed %q, %v", typed, err)
	}
	if bytes.Contains(person.All, []byte("64821")) {
		t.Errorf("the terminal showed a PIN:\n%s", person.All)
	}
}

// TestShowWords: four words a line with their bytes beside them, fewer in a narrow
// window.
func TestShowWords(t *testing.T) {
	person, file := open(t)
	for columns, last := range map[int]string{
		0:  "  29  aardvark adroitness aardvark adroitness          00000000",
		80: "  29  aardvark adroitness aardvark adroitness          00000000",
		40: "  31  aardvark adroitness      0000",
		20: "32 adroitness   00",
	} {
		person.Resize(columns, 24)
		terminal.ShowWords(tty.NewOutput(file, tty.ColorNever), make([]byte, 32))
		person.Expect(`\n` + last + `\r\n$`)
	}
}

// TestPINSheetsInTheRoom: a PIN that is written by hand is typed again from its sheet; one
// from the printer comes out once more if it did not, and is on no screen.
func TestPINSheetsInTheRoom(t *testing.T) {
	person, tty := open(t)
	printed := filepath.Join(t.TempDir(), "printed")
	room := &terminal.Room{Screen: screenOf(tty, tty)}
	sheet := paper.PINSheet{Title: "The user PIN", Device: "primary", Serial: "DECC0100001", Person: "Ada", Ceremony: "Root CA", Date: theDay(), PIN: "648219"}
	if err := room.PrintPIN(t.Context(), sheet); err == nil || !strings.Contains(err.Error(), "there is no printer") {
		t.Errorf("without a printer: %v", err)
	}
	end := begin(func() error {
		_, err := room.Secret(t.Context(), ceremony.PINQuestion{
			Who: "Ada", What: "new user PIN", Check: func(secret.Bytes) error { return nil }, Again: "write it on its PIN sheet, and type it again from there",
		})
		return err
	})
	person.Answer(`Ada: new user PIN: $`, "648219")
	person.Answer(`Ada: write it on its PIN sheet, and type it again from there: $`, "648219")
	if err := end(); err != nil {
		t.Error(err)
	}
	room.Printer = &terminal.Paper{Screen: room.Screen, Command: []string{"sh", "-c", `cat >> "$0"`, printed}}
	end = begin(func() error { return room.PrintPIN(t.Context(), sheet) })
	person.Answer(`Ada: your PIN sheet was sent to the printer\. Take it, [^\n]*: $`, "again")
	person.Answer(`Ada: your PIN sheet was sent to the printer\. Take it, [^\n]*: $`, "")
	if err := end(); err != nil {
		t.Error(err)
	}
	if content, err := os.ReadFile(printed); bytes.Count(content, []byte("%PDF-")) != 2 {
		t.Errorf("printed %d bytes (%v)", len(content), err)
	}
	if bytes.Contains(person.All, []byte("648219")) {
		t.Error("the terminal showed the PIN")
	}
}
