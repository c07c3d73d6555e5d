// Package runbook is the paper of a key ceremony: what is done, by whom and in
// which order, what must be seen, and the blanks that are filled in by hand. It
// is made from the plan alone, before the ceremony, as HTML and as a PDF that
// say the same.
package runbook

import (
	"errors"
	"fmt"
	"time"

	"conclave/ceremony/plan"
)

// Material is a thing of the bill of materials: a program, a plan, the file of a
// request, a device.
type Material struct {
	Name, Detail string
	SHA256       [32]byte // zero if it has none
	Words        []string // the PGP words of the hash, if they are to be compared aloud
}

// Book is what a runbook is made from. The same Book gives the same bytes.
type Book struct {
	Plan      *plan.Plan
	Materials []Material // the first is the plan, the second the program; both have words
	// Expect are lines that must be seen too, by the identifier of the step: what is
	// known of a certificate before it is signed.
	Expect map[string][]string
	Made   time.Time
	Tool   string // version of the program
}

// hashWords is how many PGP words SHA-256 has: one a byte.
const hashWords = 32

// check finds why a runbook cannot be made.
func (b Book) check() error {
	switch {
	case b.Plan == nil:
		return errors.New("plan: it is missing; the one that the ceremony follows was expected")
	case len(b.Materials) < 2:
		return fmt.Errorf("materials: at least two were expected, the plan and the program, not %d", len(b.Materials))
	case b.Made.IsZero():
		return errors.New("made: the time at which the runbook is made is missing")
	case b.Tool == "":
		return errors.New("tool: the version of the program is missing")
	}
	for i, m := range b.Materials {
		if err := m.check(i < 2); err != nil {
			return fmt.Errorf("materials[%d].%w", i, err)
		}
	}
	if err := b.Plan.Check(); err != nil {
		return fmt.Errorf("plan: correct it first: %w", err)
	}
	return nil
}

// check finds what is wrong with a material; those that are compared aloud have
// a hash and its words.
func (m Material) check(aloud bool) error {
	switch {
	case m.Name == "":
		return errors.New("name: it is missing")
	case m.SHA256 == [32]byte{} && (aloud || len(m.Words) > 0):
		return fmt.Errorf("sha256: it is missing; %s is compared by it", m.Name)
	case len(m.Words) != hashWords && (aloud || len(m.Words) > 0):
		return fmt.Errorf("words: %d instead of the %d PGP words of SHA-256", len(m.Words), hashWords)
	}
	return nil
}
