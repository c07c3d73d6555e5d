package main

import (
	"errors"
	"fmt"

	"conclave/custody"
	"conclave/internal/safefile"
)

// check rejects all that can be wrong with the options, before a card is touched or a
// custodian asked.
func (o *options) check() error {
	for _, check := range []func() error{o.checkCombination, o.checkInitialize, o.checkShares, o.checkKeyReference} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkCombination refuses what OpenSC's tool refuses, in its order.
func (o *options) checkCombination() error {
	const (
		export   = "Option -e (--export-for-pub-key-auth)"
		register = "Option -g (--register-public-key)"
		status   = "Option -S (--public-key-auth-status)"
	)
	if o.severalFiles { // OpenSC's tool takes the last for all
		return errors.New("one call takes one file; call it once for each. Nothing was changed")
	}
	return firstOf([]mistake{
		{!o.initialize && o.publicKeys != unset, "Option -K (--public-key-auth) requires option -X"},
		{!o.initialize && o.requiredKeys != 1, "Option -n (--required-pub-keys) requires option -X"},
		{o.initialize && o.exportKey, export + " excludes option -X"},
		{o.wrapKey && o.exportKey, export + " excludes option -W"},
		{o.unwrapKey && o.exportKey, export + " excludes option -U"},
		{o.exportKey && o.keyReference == unset, export + " requires option -i"},
		{o.initialize && o.registerKey, register + " excludes option -X"},
		{o.wrapKey && o.registerKey, register + " excludes option -W"},
		{o.unwrapKey && o.registerKey, register + " excludes option -U"},
		{o.exportKey && o.registerKey, register + " excludes option -e"},
		{o.initialize && o.pkaStatus, status + " excludes option -X"},
		{o.wrapKey && o.pkaStatus, status + " excludes option -W"},
		{o.unwrapKey && o.pkaStatus, status + " excludes option -U"},
		{o.exportKey && o.pkaStatus, status + " excludes option -e"},
		{o.registerKey && o.pkaStatus, status + " excludes option -g"},
	})
}

// mistake is a condition that must not hold, and the line for it.
type mistake struct {
	made bool
	line string
}

func firstOf(mistakes []mistake) error {
	for _, m := range mistakes {
		if m.made {
			return newFailure(nil, "%s", m.line)
		}
	}
	return nil
}

// Bounds of numbers that OpenSC's tool has, or that fit its byte.
const (
	maxPublicKeys = 90
	maxByte       = 255
)

func (o *options) checkInitialize() error {
	if !o.initialize {
		return nil
	}
	authentication := o.publicKeys != unset
	err := firstOf([]mistake{
		{authentication && (o.publicKeys < 1 || o.publicKeys > maxPublicKeys), "Total number of public keys for authentication must be between 1 and 90"},
		{o.requiredKeys < 1 || o.requiredKeys > maxPublicKeys, "Number of public keys required for authentication must be between 1 and 90"},
		{authentication && o.requiredKeys > o.publicKeys, "Required public keys must be <= total number of public keys"},
	})
	switch {
	case err != nil:
		return err
	case o.dkekShares < unset || o.dkekShares > maxByte:
		return fmt.Errorf("--dkek-shares %d: 0 to 255 was expected; nothing was changed", o.dkekShares)
	}
	return nil
}

// checkShares looks at the numbers of password shares. With a password on the
// command line they have no meaning.
func (o *options) checkShares() error {
	if o.password != nil {
		return nil
	}
	if o.createShare && o.sharesPassword() {
		if err := o.checkScheme(); err != nil {
			return err
		}
	}
	if o.importShare && o.total != unset && o.total < 2 {
		return newFailure(nil, "--pwd-shares-total must 2 or larger")
	}
	return nil
}

// sharesPassword says whether the password of a new share file is shared out.
func (o *options) sharesPassword() bool { return o.threshold != unset || o.total != unset }

// holdsCeremony says whether custodians come to copy their shares of it.
func (o *options) holdsCeremony() bool { return o.password == nil && o.sharesPassword() }

func (o *options) checkScheme() error {
	const after = "\nCreating DKEK share failed"
	return firstOf([]mistake{
		{o.threshold == unset || o.total == unset, "Must specify both, --pwd-shares-total and --pwd-shares-threshold" + after},
		{o.total < 3, "--pwd-shares-total must be 3 or larger" + after},
		{o.threshold < 2, "--pwd-shares-threshold must 2 or larger" + after},
		{o.threshold > o.total, "--pwd-shares-threshold must be smaller or equal to --pwd-shares-total" + after},
		{o.total > maxByte, "--pwd-shares-total must be 255 or smaller" + after},
		{o.strength != 64 && o.strength != 128, "--strength must be 64 or 128" + after},
	})
}

func (o *options) checkKeyReference() error {
	asked := o.wrapKey || o.unwrapKey || o.exportKey
	if asked && (o.keyReference < 1 || o.keyReference > maxByte) {
		return newFailure(nil, "Invalid key reference (must be 0 < keyid <= 255)")
	}
	return nil
}

// reserve takes the place of the output file: a ceremony must not be held for a file
// that cannot be written after it.
func (t *tool) reserve() (err error) {
	switch {
	case t.createShare && t.holdsCeremony():
		t.meeting, err = custody.Reserve(t.file, t.total)
	case t.createShare || t.wrapKey || t.exportKey:
		const room = 64 << 10 // for a wrapped key with a certificate
		t.place, err = safefile.Reserve(t.file, room)
	}
	if err != nil {
		return outputError(t.file, err)
	}
	if t.place != nil && t.place.Left != nil {
		t.note("an earlier run was cut off before %s was written (%v); what it left is cleared away", t.file, *t.place.Left)
	}
	return nil
}

// release gives up the place of an output file that was not written.
func (t *tool) release() error { return errors.Join(t.place.Release(), t.meeting.Release()) }
