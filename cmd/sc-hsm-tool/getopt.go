package main

import (
	"fmt"
	"strings"
)

// flag is an option of the command line.
type flag struct {
	name  string
	short byte // 0 for none
	// argument says that the option takes one.
	argument bool
	help     string
	set      func(o *options, argument string) error
}

// usageError is what is wrong with a command line; it is answered with the
// usage.
type usageError string

func (e usageError) Error() string { return string(e) }

// getopt reads a command line as glibc's getopt_long does and calls use for
// every option: long ones may be cut short if that is unambiguous, short ones
// may be joined, and both may be among arguments that are not options, which
// this program ignores. The messages are glibc's.
func getopt(table []flag, args []string, use func(f flag, argument string) error) error {
	for len(args) > 0 && args[0] != "--" {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case strings.HasPrefix(word, "--"):
			args, err = takeLong(table, word[2:], args, use)
		case strings.HasPrefix(word, "-"):
			args, err = takeShort(table, word[1:], args, use)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeLong uses a long option, and the next of the arguments if it needs one;
// it returns the rest of them.
func takeLong(table []flag, word string, args []string, use func(flag, string) error) ([]string, error) {
	name, argument, given := strings.Cut(word, "=")
	f, err := findLong(table, name)
	switch {
	case err != nil:
		return nil, err
	case !f.argument && given:
		return nil, usageError(fmt.Sprintf("option '--%s' doesn't allow an argument", f.name))
	case !f.argument || given:
		return args, use(f, argument)
	case len(args) == 0:
		return nil, usageError(fmt.Sprintf("option '--%s' requires an argument", f.name))
	}
	return args[1:], use(f, args[0])
}

// findLong looks up a name that may be cut short, unless OpenSC's tool has no
// such option.
func findLong(table []flag, name string) (flag, error) {
	var found []flag
	possible := ""
	for _, f := range table {
		if f.name == name {
			return f, nil
		}
		if strings.HasPrefix(f.name, name) && f.help != "" {
			found = append(found, f)
			possible += fmt.Sprintf(" '--%s'", f.name)
		}
	}
	switch len(found) {
	case 0:
		return flag{}, usageError(fmt.Sprintf("unrecognized option '--%s'", name))
	case 1:
		return found[0], nil
	}
	return flag{}, usageError(fmt.Sprintf("option '--%s' is ambiguous; possibilities:%s", name, possible))
}

// takeShort uses the short options of one word. The first that takes an
// argument takes the rest of the word, or the next of the arguments.
func takeShort(table []flag, word string, args []string, use func(flag, string) error) ([]string, error) {
	for ; word != ""; word = word[1:] {
		f, ok := findShort(table, word[0])
		switch {
		case !ok:
			return nil, usageError(fmt.Sprintf("invalid option -- '%s'", word[:1]))
		case f.argument && word[1:] != "":
			return args, use(f, word[1:])
		case f.argument && len(args) == 0:
			return nil, usageError(fmt.Sprintf("option requires an argument -- '%s'", word[:1]))
		case f.argument:
			return args[1:], use(f, args[0])
		}
		if err := use(f, ""); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func findShort(table []flag, letter byte) (flag, bool) {
	for _, f := range table {
		if f.short == letter {
			return f, true
		}
	}
	return flag{}, false
}
