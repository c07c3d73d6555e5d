//go:build linux

package terminal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/tty"
	"conclave/terminal"
)

func rows() [][]string {
	return [][]string{
		{"", "STEP", "RESULT", "SECONDS"},
		{"1", "make a share file, and sheets for 4 custodians", "all 6 subsets that are large enough give the password", "7.0"},
		{"2", "李小龙\x1b[2J", "", "0.0"},
	}
}

// TestTable: a table fits the window, and is a list that names everything where it
// cannot.
func TestTable(t *testing.T) {
	whole := `   STEP                                            RESULT                                                 SECONDS
1  make a share file, and sheets for 4 custodians  all 6 subsets that are large enough give the password  7.0
2  李小龙?[2J                                                                                             0.0
`
	list := `1
STEP: make a share file, and sheets for 4 custodians
RESULT: all 6 subsets that are large enough give the password
SECONDS: 7.0

2
STEP: 李小龙?[2J
SECONDS: 0.0
`
	for _, c := range []struct {
		columns int
		term    string
		want    string
	}{
		{200, "xterm", whole},
		{0, "xterm", whole},
		{60, "xterm", `   STEP                     RESULT                   SECONDS
1  make a share file, and   all 6 subsets that are   7.0
   sheets for 4 custodians  large enough give the
                            password
2  李小龙?[2J                                        0.0
`},
		{40, "xterm", strings.NewReplacer("for 4 custodians", "for\n4 custodians", "large enough", "large\nenough").Replace(list)},
		{200, "dumb", list},
	} {
		person, file := open(t)
		t.Setenv("TERM", c.term)
		person.Resize(c.columns, 24)
		terminal.Table(tty.NewOutput(file, tty.ColorNever), rows())
		file.WriteString("end")
		person.Expect("end$")
		if got := strings.TrimSuffix(strings.ReplaceAll(string(person.All), "\r", ""), "end"); got != c.want {
			t.Errorf("at %d columns of %s:\n%s\nand not\n%s", c.columns, c.term, got, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "table")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	terminal.Table(tty.NewOutput(file, tty.ColorAuto), rows())
	if got, err := os.ReadFile(path); string(got) != whole || err != nil {
		t.Errorf("a file gets (%v)\n%s", err, got)
	}
}
