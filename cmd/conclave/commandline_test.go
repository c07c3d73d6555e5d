package main

import (
	"testing"

	"github.com/alecthomas/kong"
)

func children(t *testing.T, g grammar) (names []string) {
	t.Helper()
	parser, err := kong.New(g, kong.Vars{"vpcd": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range parser.Model.Children {
		names = append(names, c.Name)
	}
	return names
}

// TestGroups: a group's own command line is the whole one's part of that name.
func TestGroups(t *testing.T) {
	groups := children(t, new(all))
	if len(groups) < 7 {
		t.Errorf("groups %q", groups)
	}
	for _, name := range groups {
		for _, args := range [][]string{{name}, {"--device", "hsm", name}, {"--device=x", "--trace", "key", name, "version"}} {
			if got := children(t, grammarOf(args)); len(got) != 1 || got[0] != name {
				t.Errorf("%q is parsed by the groups %q", args, got)
			}
		}
	}
	for _, args := range [][]string{nil, {"--help"}, {"--help", "hsm"}, {"nonsense"}, {"--device"}} {
		if got := children(t, grammarOf(args)); len(got) != len(groups) {
			t.Errorf("%q is parsed by the groups %q alone", args, got)
		}
	}
}
