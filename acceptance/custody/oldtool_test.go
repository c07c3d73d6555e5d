package custody

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/dkek/dkektest"
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
// The first pair uses the tool as it is; what is left to be shown is not about its
// KDF, and uses the copy that practises.
func TestOpenSCImportsSetsOf128Bits(t *testing.T) {
	foreign.Need(t, "sc-hsm-tool", "expect")
	pcscdtest.Start(t)
	d := newDesk(t)
	d.Run("our conclave", "hsm", "create", "--device", "first")
	defer d.Serve("first")()
	ctx, practising := practisingOpenSC(d)
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

// practisingOpenSC makes a copy of sc-hsm-tool that derives keys at the cost of
// practice, and gives the context to make share files for it. In the copy another
// number is handed to OpenSSL's EVP_BytesToKey as the count of iterations, which on
// x86-64 is the operand of mov $count, %r9d. Elsewhere it is the tool itself, and
// the cost is the real one.
func practisingOpenSC(d *desk) (ctx context.Context, tool string) {
	d.T.Helper()
	program, err := exec.LookPath("sc-hsm-tool")
	if err != nil {
		d.T.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		d.T.Fatal(err)
	}
	load := func(count uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{0x41, 0xB9}, count) }
	if !bytes.Contains(content, load(10_000_000)) {
		d.T.Logf("%s has its count of iterations elsewhere, and is used as it is", program)
		return d.T.Context(), program
	}
	copied := d.File("practising-sc-hsm-tool")
	if err := os.WriteFile(copied, bytes.ReplaceAll(content, load(10_000_000), load(dkektest.Iterations)), 0o700); err != nil {
		d.T.Fatal(err)
	}
	return dkektest.Practising(d.T.Context()), copied
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
// the ID as the sheet says that it wants it.
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
