// Package step is the vocabulary of a ceremony: its steps, who takes them and, for
// each action, the facts that the transcript has of it, as a struct.
//
// Begin with [Action] and [Step]. The engine hands facts to [Write] for an entry of
// the transcript; whoever reads one hands its facts to [Read], which refuses what is
// missing or not known. Which steps a ceremony has is for package plan, what must
// agree with what for package evidence.
package step

import (
	"fmt"
	"strings"
)

// Action is what a step does. It begins the step's ID.
type Action string

// The actions.
const (
	Open       Action = "open"        // begin the transcript, under a new ceremony key
	RollCall   Action = "roll-call"   // note who is here
	Prepare    Action = "prepare"     // identify a device, and initialise it if it is for custody
	Share      Action = "share"       // make the DKEK share file and the custodians' sheets
	Import     Action = "import"      // give a device the DKEK, with custodians
	SealPIN    Action = "seal-pin"    // give a device an SO-PIN that is sealed under the DKEK
	Generate   Action = "key"         // make a key
	Backup     Action = "backup"      // wrap a key to a file
	Restore    Action = "restore"     // prove the backup on the standby device
	Certify    Action = "certificate" // issue a certificate
	SignCRL    Action = "crl"         // sign a CRL
	Erase      Action = "erase"       // erase the standby device
	Copy       Action = "copy"        // copy the backup to media
	Seal       Action = "seal"        // put everything into numbered bags
	Close      Action = "close"       // assemble the evidence
	LoneSheet  Action = "sheet"       // one custodian, alone, checks their sheet
	Inspect    Action = "inspect"     // compare the backup with what was recorded
	OpenBackup Action = "open-backup" // open all of the backup on a device that is thrown away
	Compare    Action = "compare"     // compare a device with what was recorded
	ChangePIN  Action = "pin"         // change the PINs of a device
	Retire     Action = "retire"      // say what becomes of a device that was replaced
	Decide     Action = "decide"      // say what has happened, and who decides what
	PINs       Action = "pins"        // look at the bags of PINs, which stay closed
)

// ID is that of the step which does this to an object: a device, a key, a
// certificate, a CRL, the number of a custodian. Without one it is that of the
// only such step of a ceremony.
func (a Action) ID(object ...string) string {
	return strings.Join(append([]string{string(a)}, object...), "-")
}

// Role is a part in a ceremony.
type Role string

// The roles.
const (
	Administrator Role = "ceremony administrator"
	Witness       Role = "witness"
	Custodians    Role = "custodians"
)

// Step is a step of a ceremony, as the runbook prints it and the screen shows
// it.
type Step struct {
	ID     string // of this step in the transcript
	Action Action
	Object string // the name of what it is done to; of custodians, the number
	Title  string
	By     Role
	Called []int    // numbers of the custodians who must be in the room, from 1; empty for all in a step of theirs
	Do     []string // what people do, in order
	Expect []string // what must be seen
	Write  []string // what is written down by hand
}

// Spoken is how many bytes are read aloud of the hash of what is made in a step. The
// whole hash is in the transcript, which the closing covers with all its words, so that
// these need only show to those in the room that it tells of what they saw: a program
// that is the one on the paper shows what it writes, and anyone else would need another
// key, certificate or CRL with the same 64 bits while the step lasts.
const Spoken = 8

// Heading is what stands above the step on a screen.
func (s Step) Heading(n, of int) string { return fmt.Sprintf("Step %d of %d: %s", n, of, s.Title) }
