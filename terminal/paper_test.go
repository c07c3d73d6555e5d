//go:build linux

package terminal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/quorum"
	"conclave/terminal"
)

// TestSheetAsFile: the same sheet may come again, and another one does not take its
// place.
func TestSheetAsFile(t *testing.T) {
	person, tty := open(t)
	paper := &terminal.Paper{Screen: screenOf(tty, tty), Dir: t.TempDir()}
	h := handout()
	for range 2 {
		end := begin(func() error { return paper.Show(t.Context(), h) })
		person.Answer(`Sheet written to \S+/sheet-QPZR-011\.pdf\. Take it, and press <enter>\. $`, "")
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Contains(person.All, []byte(h.Sheet.Value)) {
		t.Error("the terminal showed the sheet too")
	}
	h.Name = "Bob"
	if err := paper.Show(t.Context(), h); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another sheet of the same number gives %v", err)
	}
}

// TestSheetPrintedAgain: a sheet that did not come out is printed again.
func TestSheetPrintedAgain(t *testing.T) {
	person, tty := open(t)
	printed := filepath.Join(t.TempDir(), "printed")
	paper := &terminal.Paper{Screen: screenOf(tty, tty), Command: []string{"sh", "-c", `test -e "$0" && echo sheet >> "$0" || { touch "$0"; echo out of paper >&2; exit 3; }`, printed}}
	end := begin(func() error { return paper.Show(t.Context(), handout()) })
	person.Answer(`exit status 3: out of paper\r\nPut the printer right, and press <enter> to print it again; [^\n]*: $`, "")
	person.Answer(`Sheet 11 was sent to the printer\. [^\n]*: $`, "undo")
	person.Expect(`There is nothing to take back or to leave here\. [^\n]*quit stops here, which makes all sheets of this set void\.`)
	person.Answer(`Sheet 11 was sent to the printer\. [^\n]*: $`, "Again")
	person.Answer(`Sheet 11 was sent to the printer\. [^\n]*: $`, "")
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(printed); string(content) != "sheet\nsheet\n" {
		t.Errorf("printed %q, %v", content, err)
	}
}

// TestCheck finds the name that cannot be printed.
func TestCheck(t *testing.T) {
	creation := custody.Creation{Scheme: quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128}, ShareFile: "share.pbe", Now: theDay(), Names: []string{"Alice", "Žofia", "Боб"}}
	if err := (&terminal.Paper{Dir: t.TempDir()}).Check(creation); err != nil {
		t.Error(err)
	}
	for command, problem := range map[string]string{"cat > /dev/null": "", "lq -d hall": "printed with lq, and there is no such program", "if true; then lp; fi": "", "(lq)": "", ":": ""} {
		err := (&terminal.Paper{Command: []string{"sh", "-c", command}}).Check(creation)
		if problem == "" && err != nil || problem != "" && (err == nil || !strings.Contains(err.Error(), problem)) {
			t.Errorf("printing with %q: %v; %q was expected", command, err, problem)
		}
	}
	creation.Names[1] = "李"
	if err := (&terminal.Paper{Dir: t.TempDir()}).Check(creation); err == nil || !strings.Contains(err.Error(), "custodian 2") {
		t.Errorf("a name without letters that a printer has gives %v", err)
	}
}
