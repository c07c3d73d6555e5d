//go:build linux

package custody

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"conclave/internal/testrun"
	"conclave/terminal/terminaltest"
)

// ceremonyRoom is a terminal, and everyone who comes to it in a ceremony.
type ceremonyRoom struct {
	terminal  *os.File
	shown     string               // since the last answer
	codes     map[string]string    // of the sheets, by custodian's number
	custodian string               // at the screen
	typed     string               // the last secret, which may be asked for again
	words     terminaltest.Words   // that were written down last
	paper     []terminaltest.Words // the words of each hash in the runbook
}

// holdCeremony holds a ceremony at a terminal, to its end, which must be a success, at the
// cost of practice.
func (d *desk) holdCeremony(plan string) {
	d.T.Helper()
	d.Run("our practice/conclave", "ceremony", "runbook", plan, "--out", "paper")
	cmd := d.Command("our practice/conclave", "ceremony", "run", plan)
	terminal, err := pty.Start(cmd)
	if err != nil {
		d.T.Fatal(err)
	}
	defer context.AfterFunc(testrun.Patience(d.T), func() { cmd.Process.Kill() })()
	room := &ceremonyRoom{terminal: terminal, codes: map[string]string{}, paper: readPaper(d.T, filepath.Join(cmd.Dir, "paper.html"))}
	problem := room.converse()
	terminal.Close() // which ends the program, where it still asks
	if err := errors.Join(problem, cmd.Wait()); err != nil {
		d.T.Fatalf("conclave ceremony run %s: %v; at last it has shown:\n%s", plan, err, room.shown)
	}
}

// converse answers whatever is asked, until the program closes the terminal or
// something goes wrong: the same answer would be given again and again.
func (r *ceremonyRoom) converse() error {
	part := make([]byte, 4096)
	for {
		n, err := r.terminal.Read(part)
		if err != nil {
			return nil // on Linux EIO, when the terminal is closed
		}
		r.shown += strings.ReplaceAll(string(part[:n]), "\r", "")
		if !strings.HasSuffix(r.shown, " ") {
			continue // it is not a question, or not all of it; progress comes by the hundred
		}
		if refusal := refusals.FindString(r.shown); refusal != "" {
			return errors.New(refusal)
		}
		if answer, ok := r.answer(); ok {
			r.shown = ""
			fmt.Fprintf(r.terminal, "%s\r", answer)
		}
	}
}

// refusals are what comes before a question that is asked once more.
var refusals = regexp.MustCompile(`(?m)^(Not accepted|This was not done): .*|^.*once more\.$`)

func (r *ceremonyRoom) answer() (string, bool) {
	for _, reply := range replies {
		if groups := reply.question.FindStringSubmatch(r.shown); groups != nil {
			return reply.answer(r, groups[1]), true
		}
	}
	return "", false
}

// reply is how people answer a question, whose only group is what they need from
// it.
type reply struct {
	question *regexp.Regexp
	answer   func(r *ceremonyRoom, group string) string
}

// replies are in the order in which they are tried.
var replies = []reply{
	{ends(`(?s)SHA-256 in words, to be read aloud:\n(.*\n[^\n]*: Type word \d+), which the screen leaves out, from the paper:`), (*ceremonyRoom).leftOut},
	{ends(`(?s)SHA-256 in words, to be read aloud:\n(.*)\n[^\n]*: Write [^\n]* the screen shows them no more then:`), (*ceremonyRoom).writeWords},
	{ends(`: type word (\d+), as you have written it down:`), func(r *ceremonyRoom, number string) string { return r.words.Number(number) }},
	{ends(`custodian (\d+), comes to the screen alone[^\n]*\s+Press <enter> when you are alone\.`), (*ceremonyRoom).come},
	{ends(`(?s)Write down the code:\s+(.*?)\s+The same for OpenSC.*the screen is cleared\.`), (*ceremonyRoom).writeDown},
	{ends(`Type from the sheet\. (Code)[^:]*:`), (*ceremonyRoom).readSheet},
	{ends(`(SO-PIN) of the device [^:]*:`), typeSecret("3537363231383830")},
	{ends(`(user PIN) of the device [^:]*:`), typeSecret("648219")},
	{ends(`the (same) again:`), func(r *ceremonyRoom, _ string) string { return r.typed }},
	{ends(`\((yes)/no\):`), always("yes")},
	{ends(`[Pp]ress <(enter)>[^\n]*:`), always("")},
	{ends(`(Time) by the watch, such as [^\n]*:`), func(*ceremonyRoom, string) string { return time.Now().UTC().Format("15:04 UTC") }},
	{ends(`(Recording) of the whole: [^\n]*, or none:`), always("none")},
	{ends(`(Folder) of backup medium \d, or done:`), always("done")},
	{ends(`Number of the bag of ([^\n]*), or none:`), func(_ *ceremonyRoom, what string) string { return "bag of " + what }},
}

// ends compiles the pattern of a question, which is what is shown last.
func ends(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern + " $") }

func always(text string) func(*ceremonyRoom, string) string {
	return func(*ceremonyRoom, string) string { return text }
}

func typeSecret(secret string) func(*ceremonyRoom, string) string {
	return func(r *ceremonyRoom, _ string) string {
		r.typed = secret
		return secret
	}
}

// writeWords writes down the words of a hash, which stand between numbers and bytes.
func (r *ceremonyRoom) writeWords(lines string) string {
	r.words = terminaltest.WordsOnScreen(lines)
	return ""
}

// leftOut is the word that the screen leaves out, from the paper on which the others are
// the same. The question follows the words.
func (r *ceremonyRoom) leftOut(shown string) string {
	at := strings.LastIndex(shown, "\n")
	words, number := terminaltest.WordsOnScreen(shown[:at]), shown[strings.LastIndex(shown, " ")+1:]
	return words.Of(r.paper).Number(number)
}

// readPaper reads the words of all hashes of a runbook.
func readPaper(t *testing.T, path string) []terminaltest.Words {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return terminaltest.WordsOnPaper(content)
}

func (r *ceremonyRoom) come(custodian string) string {
	r.custodian = custodian
	return ""
}

// lineNumber is before the groups of a code, as in " 1-4   ".
var lineNumber = regexp.MustCompile(`(?m)^ *\d+-\d+ +`)

func (r *ceremonyRoom) writeDown(lines string) string {
	r.codes[r.custodian] = strings.Join(strings.Fields(lineNumber.ReplaceAllString(lines, "")), " ")
	return ""
}

func (r *ceremonyRoom) readSheet(string) string { return r.codes[r.custodian] }
