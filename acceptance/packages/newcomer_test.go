package packages

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"conclave/terminal/terminaltest"
)

// newcomer has a terminal and a pencil, and does what the screen says.
type newcomer struct {
	*terminaltest.Session
	t      *testing.T
	sheets []string // the codes, as they were copied
	typed  int      // of the sheets, by custodians who came back
}

// meetConclave is the way of a newcomer from the bare command to a key that two of four
// custodians have lost and brought back.
func meetConclave(t *testing.T, root debianRoot) {
	t.Helper()
	first := root.command(visitor, "conclave || test $? = 2")
	s := terminaltest.Start(t, first)
	advice := s.Expect(`First try: (conclave [a-z]+)`)[1]
	s.End(0)
	n := &newcomer{Session: terminaltest.Start(t, root.command(visitor, advice)), t: t}
	n.rehearse()
	if n.typed != 4 || len(n.sheets) != 4 {
		t.Errorf("%d sheets were copied, and %d typed by those who came back", len(n.sheets), n.typed)
	}
	n.End(0)
}

// rehearse answers whatever is asked, by what stands on the screen.
func (n *newcomer) rehearse() {
	n.t.Helper()
	const (
		end    = `All is as it must be`
		enter  = `Press <enter>[^\n]*\. $`
		copied = `Type from the sheet\. Code or [^:\n]*: $`
		asked  = `Code, or [^:\n]*: $`
	)
	for answers := 0; ; answers++ {
		if answers > 40 {
			n.t.Fatalf("it goes on and on:\n%s", n.All)
		}
		from := n.Seen
		n.Expect(strings.Join([]string{end, enter, copied, asked}, "|"))
		shown := string(n.All[from:n.Seen])
		is := func(prompt string) bool { return regexp.MustCompile(prompt).MatchString(shown) }
		switch {
		case is(end):
			return
		case is(copied):
			n.Enter(n.sheets[len(n.sheets)-1])
		case is(asked):
			n.Enter(n.sheets[n.typed])
			n.typed++
		default:
			if code := codeOn(shown); code != "" {
				n.sheets = append(n.sheets, code)
			}
			n.Enter("")
		}
	}
}

// codeOn is the code that a screen shows, if it shows one: three lines of four groups.
func codeOn(screen string) string {
	screen = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]").ReplaceAllString(screen, "")
	var groups []string
	for _, at := range []string{"1-4", "5-8", "9-12"} {
		line := regexp.MustCompile(fmt.Sprintf(`(?m)^ *%s +((?:[0-9A-Z]{4} ?){4})\s*$`, at)).FindStringSubmatch(screen)
		if line == nil {
			return ""
		}
		groups = append(groups, strings.TrimSpace(line[1]))
	}
	return strings.Join(groups, " ")
}
