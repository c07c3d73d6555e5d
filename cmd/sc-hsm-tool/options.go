package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"conclave/internal/secret"
)

// unset is the value of a number that was not given. As in OpenSC's tool, -1
// on the command line is the same.
const unset = -1

// options is the command line. There is one file name, that of the last option
// that has one.
type options struct {
	initialize, createShare, importShare, wrapKey, unwrapKey bool
	exportKey, registerKey, pkaStatus                        bool
	file                                                     string

	soPIN, pin, password secret.Bytes // nil if not given
	exposed              []string     // the options that gave a secret itself

	pinRetry, dkekShares     int
	publicKeys, requiredKeys int
	biometric                [2]string
	severalFiles             bool // where one call takes one
	threshold, total         int  // of the password shares
	strength                 int  // of the password, in bits
	keyReference             int

	label, reader        string
	force, wait, verbose bool
}

// optionTable lists the options in the order of OpenSC's usage. There -l is
// shown and then not accepted; here it is. Its -P, which shows a DKEK share and
// is left out of the usage, is left out here. An option that OpenSC's tool
// lacks has no help and is left out of the usage: --strength, the bits of a
// shared password, is 64 as OpenSC has it, or 128, which its tool imports too.
func optionTable() []flag {
	return []flag{
		{"initialize", 'X', false, "Initialize token", yes(func(o *options) *bool { return &o.initialize })},
		{"create-dkek-share", 'C', true, "Create DKEK key share and save to <filename>", withFile(func(o *options) *bool { return &o.createShare })},
		{"import-dkek-share", 'I', true, "Import DKEK key share <filename>", withFile(func(o *options) *bool { return &o.importShare })},
		{"wrap-key", 'W', true, "Wrap key and save to <filename>", withFile(func(o *options) *bool { return &o.wrapKey })},
		{"unwrap-key", 'U', true, "Unwrap key read from <filename>", withFile(func(o *options) *bool { return &o.unwrapKey })},
		{"public-key-auth", 'K', true, "Use public key authentication, set total number of public keys", number("public-key-auth", func(o *options) *int { return &o.publicKeys })},
		{"required-pub-keys", 'n', true, "Number of public keys required for authentication [1]", number("required-pub-keys", func(o *options) *int { return &o.requiredKeys })},
		{"export-for-pub-key-auth", 'e', true, "Export key for public key authentication", withFile(func(o *options) *bool { return &o.exportKey })},
		{"register-public-key", 'g', true, "Register public key for public key authentication (PKA file)", withFile(func(o *options) *bool { return &o.registerKey })},
		{"public-key-auth-status", 'S', false, "Show status of public key authentication", yes(func(o *options) *bool { return &o.pkaStatus })},
		{"dkek-shares", 's', true, "Number of DKEK shares [No DKEK]", number("dkek-shares", func(o *options) *int { return &o.dkekShares })},
		{"so-pin", 0, true, "Define security officer PIN (SO-PIN)", secretValue("so-pin", func(o *options) *secret.Bytes { return &o.soPIN })},
		{"pin", 0, true, "Define user PIN", secretValue("pin", func(o *options) *secret.Bytes { return &o.pin })},
		{"pin-retry", 0, true, "Define user PIN retry counter", number("pin-retry", func(o *options) *int { return &o.pinRetry })},
		{"bio-server1", 0, true, "AID of biometric server for template 1 (hex)", text(func(o *options) *string { return &o.biometric[0] })},
		{"bio-server2", 0, true, "AID of biometric server for template 2 (hex)", text(func(o *options) *string { return &o.biometric[1] })},
		{"password", 0, true, "Define password for DKEK share", secretValue("password", func(o *options) *secret.Bytes { return &o.password })},
		{"pwd-shares-threshold", 0, true, "Define threshold for number of password shares required for reconstruction", number("pwd-shares-threshold", func(o *options) *int { return &o.threshold })},
		{"pwd-shares-total", 0, true, "Define number of password shares", number("pwd-shares-total", func(o *options) *int { return &o.total })},
		{"strength", 0, true, "", number("strength", func(o *options) *int { return &o.strength })},
		{"key-reference", 'i', true, "Key reference for key wrap/unwrap/export", number("key-reference", func(o *options) *int { return &o.keyReference })},
		{"label", 'l', true, "Token label for --initialize", text(func(o *options) *string { return &o.label })},
		{"force", 'f', false, "Force replacement of key and certificate", yes(func(o *options) *bool { return &o.force })},
		{"reader", 'r', true, "Uses reader number <arg> [0]", text(func(o *options) *string { return &o.reader })},
		{"wait", 'w', false, "Wait for a card to be inserted", yes(func(o *options) *bool { return &o.wait })},
		{"verbose", 'v', false, "Verbose operation, may be used several times", yes(func(o *options) *bool { return &o.verbose })},
	}
}

// setter takes an option's argument.
type setter = func(o *options, argument string) error

// yes notes that the option was given.
func yes(field func(*options) *bool) setter {
	return func(o *options, _ string) error {
		*field(o) = true
		return nil
	}
}

// withFile notes an action and the file that it is about.
func withFile(field func(*options) *bool) setter {
	return func(o *options, argument string) error {
		o.severalFiles = o.severalFiles || o.file != "" && o.file != argument
		*field(o), o.file = true, argument
		return nil
	}
}

func text(field func(*options) *string) setter {
	return func(o *options, argument string) error {
		*field(o) = argument
		return nil
	}
}

// number takes a decimal number. OpenSC's tool takes any other word for 0: for
// the number of DKEK shares that would be a DKEK without a backup.
func number(name string, field func(*options) *int) setter {
	return func(o *options, argument string) error {
		n, err := strconv.Atoi(strings.TrimSpace(argument))
		if err != nil {
			return usageError(fmt.Sprintf("option '--%s' takes a number, not '%s'", name, argument))
		}
		*field(o) = n
		return nil
	}
}

// secretValue takes a secret: env:NAME in upper or lower case as in OpenSC's
// tool, and file:PATH.
func secretValue(name string, field func(*options) *secret.Bytes) setter {
	const variable = "env:"
	return func(o *options, argument string) error {
		if len(argument) > len(variable) && strings.EqualFold(argument[:len(variable)], variable) {
			argument = variable + argument[len(variable):]
		}
		value, exposed, err := secret.FromArgument(argument)
		if err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
		if exposed {
			o.exposed = append(o.exposed, "--"+name)
		}
		*field(o) = value
		return nil
	}
}

func parseOptions(args []string) (options, error) {
	o := options{
		pinRetry: 3, dkekShares: unset, publicKeys: unset, requiredKeys: 1,
		threshold: unset, total: unset, strength: 64, keyReference: unset,
	}
	err := getopt(optionTable(), args, func(f flag, argument string) error { return f.set(&o, argument) })
	return o, err
}

func (o *options) wipe() {
	o.soPIN.Wipe()
	o.pin.Wipe()
	o.password.Wipe()
}

// showUsage prints the usage as OpenSC's tools do.
func showUsage(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [OPTIONS]\nOptions:\n", program)
	for _, f := range optionTable() {
		if f.help == "" {
			continue
		}
		left := "    --" + f.name
		if f.short != 0 {
			left = fmt.Sprintf("-%c, --%s", f.short, f.name)
		}
		if f.argument {
			left += " <arg>"
		}
		if len(left) > 28 {
			fmt.Fprintf(w, "  %s\n", left)
			left = ""
		}
		fmt.Fprintf(w, "  %-28s  %s\n", left, f.help)
	}
}
