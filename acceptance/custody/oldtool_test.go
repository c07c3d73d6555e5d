//go:build linux

package custody

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/quorum"
)

// TestOpenSCImportsSetsOf128Bits: sc-hsm-tool imports what is shared out over
// GF(2^128+51), by every pair of a 2-of-4, and by a random sample of a 5-of-12 with a
// custodian above 9, whose ID it wants in hexadecimal. A device that gets the KCV of
// the set has the right DKEK.
//
// The first pair uses the tool as it is; the rest is not about its KDF, and uses the
// copy that practises.
func TestOpenSCImportsSetsOf128Bits(t *testing.T) {
	foreign.Need(t, "sc-hsm-tool", "expect")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create", "first")
	defer d.Serve("first")()
	ctx, practising := d.PractisingOpenSC()
	newOldToolSet(d, "unmodified", "sc-hsm-tool", t.Context(), quorum.Scheme{Threshold: 2, Total: 4, Strength: quorum.Strength128}).imports(1, 2)
	pairs := newOldToolSet(d, "pairs", practising, ctx, quorum.Scheme{Threshold: 2, Total: 4, Strength: quorum.Strength128})
	for first := 1; first <= 4; first++ {
		for second := first + 1; second <= 4; second++ {
			pairs.imports(first, second)
		}
	}
	sample := newOldToolSet(d, "sample", practising, ctx, quorum.Scheme{Threshold: 5, Total: 12, Strength: quorum.Strength128})
	random := testrun.Random(t)
	for _, above9 := range []int{10, 12} {
		custodians := []int{above9}
		for _, i := range random.Perm(9)[:4] {
			custodians = append(custodians, i+1)
		}
		sample.imports(custodians...)
	}
}

// oldToolSet is a set for OpenSC's tool.
type oldToolSet struct {
	*desk
	name, tool string
	kcv        dkek.KCV
	set        *quorum.Set
}

func newOldToolSet(d *desk, name, tool string, ctx context.Context, scheme quorum.Scheme) oldToolSet {
	d.T.Helper()
	set, err := quorum.Draw(rand.Reader, scheme)
	if err != nil {
		d.T.Fatal(err)
	}
	share := make(secret.Bytes, dkek.ShareSize)
	rand.Read(share)
	alone, err := dkek.New(share)
	if err != nil {
		d.T.Fatal(err)
	}
	file, err := dkek.EncryptShare(ctx, rand.Reader, share, set.Password, nil)
	if err != nil {
		d.T.Fatal(err)
	}
	if err := os.WriteFile(d.File(name+".pbe"), file.Bytes(), 0o600); err != nil {
		d.T.Fatal(err)
	}
	var lines strings.Builder
	for i, s := range set.Shares {
		sheet := s.Sheet()
		if i == 0 {
			fmt.Fprintf(&lines, "prime %s\n", sheet.Prime)
		}
		fmt.Fprintf(&lines, "share %s %s\n", sheet.ID, sheet.Value)
	}
	d.Write(name+".shares", lines.String())
	return oldToolSet{d, name, tool, alone.KCV(), set}
}

// imports lets OpenSC's tool import the file with these custodians, each typing
// the ID as the sheet says that the tool wants it.
func (s oldToolSet) imports(custodians ...int) {
	s.T.Helper()
	s.Run("sc-hsm-tool", "--initialize", "--so-pin", "env:SOPIN", "--pin", "env:PIN", "--dkek-shares", "1")
	args := []string{s.File(s.name + ".pbe"), s.File(s.name + ".shares"), "", s.tool}
	for _, c := range custodians {
		typed := strconv.Itoa(c)
		if old := s.set.Shares[c-1].Sheet().OldToolID; old != "" {
			typed += "=" + old
		}
		args = append(args, typed)
	}
	if out := s.Custodians("import-share.exp", args...); !strings.Contains(out, "KCV "+s.kcv.String()) {
		s.T.Errorf("%s: custodians %v: %s, key check value %v was expected", s.name, custodians, out, s.kcv)
	}
}
