package main

import (
	"fmt"
	"strings"
	"testing"

	"conclave/internal/tty"
)

func children(t *testing.T, g grammar) (names []string) {
	t.Helper()
	parser, err := newParser(g)
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
		for _, args := range [][]string{{name}, {"--device", "hsm", name}, {"--device=x", "--trace", "key", name, "version"}, {"--quiet", name}, {"--help", name}} {
			if got := children(t, grammarOf(wordsFirst(args))); len(got) != 1 || got[0] != name {
				t.Errorf("%q is parsed by the groups %q", args, got)
			}
		}
	}
	for _, args := range [][]string{nil, {"--help"}, {"--version"}, {"nonsense"}, {"--device"}} {
		if got := children(t, grammarOf(wordsFirst(args))); len(got) != len(groups) {
			t.Errorf("%q is parsed by the groups %q alone", args, got)
		}
	}
}

// TestDeviceOptions: they may come before the command, in it and behind it, and are
// refused where they would be passed over.
func TestDeviceOptions(t *testing.T) {
	t.Setenv("CONCLAVE_DEVICE", "environment")
	for _, tc := range []struct {
		args []string
		want string // "" for good
	}{
		{[]string{"ca", "list"}, ""},
		{[]string{"ca", "list", "--device", "a"}, "--device: conclave ca list makes no use of it; leave it out"},
		{[]string{"--trace=a", "dkek", "check", "b"}, "--trace: conclave dkek check makes no use of it"},
		{[]string{"ceremony", "run", "plan", "--trace", "a"}, ""},
		{[]string{"ceremony", "run", "plan", "--device", "a"}, "--device: conclave ceremony run makes no use of it"},
		{[]string{"--device", "a", "status"}, "--device: conclave status makes no use of it"},
		{[]string{"--device", "a", "key", "list", "--trace", "b"}, ""},
		{[]string{"key", "--device=a", "list", "--trace=b"}, ""},
		{[]string{"--trace=b", "key", "--device", "a", "public", "--", "7"}, ""},
		{[]string{"hsm", "create", "--device", "a"}, "--device: here the name is an argument: conclave hsm create NAME"},
	} {
		command, _, err := parse(tc.args)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%q: %v; %q was expected", tc.args, err, tc.want)
		}
		if err != nil || command.Selected().Parent.Name != "key" {
			continue
		}
		options := command.Selected().Target.Interface().(interface {
			chosen() string
			traceFile() string
		})
		if options.chosen() != "a" || options.traceFile() != "b" {
			t.Errorf("%q: device %q, trace %q", tc.args, options.chosen(), options.traceFile())
		}
	}
}

// TestColorOfMistakes: what is wrong with a command line is shown as it asks.
func TestColorOfMistakes(t *testing.T) {
	for _, args := range []string{"key unwrap 1 x --color=never", "--color never kee", "hsm --color=never create a b"} {
		if _, options, err := parse(strings.Fields(args)); err == nil || options.Color != tty.ColorNever {
			t.Errorf("%s: color %q, %v", args, options.Color, err)
		}
	}
}

// TestGivenOnce: an option that takes one value comes once, however it is written, and
// whatever the environment says; those that take several, and those that are counted,
// come again.
func TestGivenOnce(t *testing.T) {
	t.Setenv("CONCLAVE_DEVICE", "environment")
	for _, tc := range []struct {
		args []string
		want string // "" for good
	}{
		{[]string{"hsm", "status", "--device", "a"}, ""},
		{[]string{"--device", "a", "hsm", "status", "--device=b"}, "--device is given twice; it was expected once"},
		{[]string{"hsm", "init", "--label=a", "--label", "a"}, "--label is given twice"},
		{[]string{"hsm", "init", "--yes", "--yes"}, "--yes is given twice"},
		{[]string{"key", "generate", "--type", "rsa:2048", "--id", "01", "--id", "02"}, "--id is given twice"},
		{[]string{"ca", "list", "--register", "a", "--register", "a"}, "--register is given twice"},
		{[]string{"ca", "cross", "a", "b", "--issuer", "c", "--until", "2030-01-01", "--crl-url", "http://a,b", "--crl-url", "http://c"}, ""},
		{[]string{"key", "recover", "a", "--dkek", "b", "--dkek", "c", "--out", "d", "--plain", "--plain"}, ""},
	} {
		command, _, err := parse(tc.args)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
			t.Errorf("%q: %v; %q was expected", tc.args, err, tc.want)
		}
		if err == nil && command.Selected().Name == "cross" {
			if cross := command.Selected().Target.Interface().(caCross); len(cross.CRLURL) != 2 || cross.CRLURL[0] != "http://a,b" {
				t.Errorf("--crl-url: %q", cross.CRLURL)
			}
		}
	}
}

// TestUsageErrors: what is wrong with a command line is said in words for people, with
// where to read on.
func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--json":                                 "a command was expected; see: conclave --help",
		"--json key":                             "a command was expected; see: conclave key --help",
		"--json key list":                        "",
		"key lst":                                `unexpected argument lst, did you mean "list"?; see: conclave key --help`,
		"key wrap id:x a":                        `<key>: "x" is not hexadecimal; if it is a label: label:id:x; see: conclave key wrap --help`,
		"key wrap a":                             "missing: <file>; see: conclave key wrap --help",
		"key sign":                               "missing flags: --algorithm=NAME; see: conclave key sign --help",
		"key sign a --algorithm ecdsa-sha256":    "--pin: the PIN cannot be asked for where standard input is signed; use --pin or --in; see: conclave key sign --help",
		"key list --color":                       "--color: a value was expected after it; see: conclave key list --help",
		"key generate --type --pin x":            `--type: a value was expected before --pin; if that is the value: --type="--pin"; see: conclave key generate --help`,
		"key generate --type rsa:2048 --ref 256": `--ref: "256" is not a number that it can have; see: conclave key generate --help`,
		"agent --idle soon":                      `--idle: "soon" is not a time like 5m; see: conclave agent --help`,
		"hsm serve --vpcd nowhere":               `--vpcd: "nowhere" is no address; HOST:PORT was expected; see: conclave hsm serve --help`,
		"ca revoke xyz --issuer root.pem":        `<serial>: number "xyz"; one such as 1003, 0x1003 or 10:03 was expected, or decimal:4099; see: conclave ca revoke --help`,
		"ceremony drill a --backup that-does-not-exist": "",
	} {
		_, _, err := parse(strings.Fields(args))
		if got := fmt.Sprint(err); got != want && (err != nil || want != "") {
			t.Errorf("%s: %s; %s was expected", args, got, want)
		}
	}
}
