package register

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"

	"conclave/ca"
	"conclave/internal/faultdisk"
	"conclave/internal/testrun"
)

// change is one to a register.
type change func(r *Register) error

// changes are all that change a register, in an order in which they can be made.
func changes(t *testing.T) []change {
	ctx, a := context.Background(), newAuthority(t, "Root")
	begin := func(s signed) change { return func(r *Register) error { return r.Begin(ctx, s.Intent) } }
	finish := func(s signed) change { return func(r *Register) error { return r.Finish(ctx, s.Intent, s.der) } }
	settle := func(s signed) change {
		return func(r *Register) error { return r.Settle(ctx, s.Issuer, s.Kind, s.Number, "it was not signed") }
	}
	take := func(s signed) change {
		return func(r *Register) error { return r.Import(ctx, parse(t, s.der)) }
	}
	revoke := func(s signed, reason int) change {
		return func(r *Register) error {
			return r.Revoke(ctx, s.Issuer, ca.Revocation{Serial: s.Number, Time: day, Reason: reason})
		}
	}
	public := func(r *Register) error { return r.SetProfile(ctx, a.name(), ca.CABFRoot) }
	one, two, three, list := a.certificate(t, 11), a.certificate(t, 12), a.certificate(t, 13), a.crl(t, 1)
	return []change{begin(one), finish(one), begin(two), settle(two), begin(list), finish(list), public, take(three),
		revoke(one, 6), revoke(one, 8), revoke(three, 1), finish(two),
		func(r *Register) error { _, err := r.Adopt(ctx, adoptionOf(t, a)); return err }}
}

// stateOf is all that is in the register.
func stateOf(r *Register) (string, error) {
	var all bytes.Buffer
	err := r.Export(context.Background(), &all)
	return fmt.Sprintf("%.8x", sha256.Sum256(all.Bytes())), err
}

func stateIn(dir string) (string, error) {
	r, err := Open(filepath.Join(dir, "register"))
	if err != nil {
		return "", err
	}
	defer r.Close()
	return stateOf(r)
}

// history makes all changes in a register whose file a disk remembers, each in a
// process of its own. Begun is how much the disk had done before each.
func history(t *testing.T, files *faultdisk.SQLite) (h *faultdisk.History, states []string, begun []int) {
	path := closed(t, newRegister(t))
	h = &faultdisk.History{Disk: faultdisk.NewDisk(t, filepath.Dir(path))}
	files.Remember(h.Disk)
	defer files.Remember(nil)
	reached := func(r *Register) {
		state, err := stateOf(r)
		must(t, err)
		h.Reached(state)
		states = append(states, state)
	}
	for i, change := range changes(t) {
		r := open(t, path)
		if i == 0 {
			reached(r)
		}
		begun = append(begun, h.Done())
		must(t, change(r))
		reached(r)
		closed(t, r)
	}
	return h, states, begun
}

// TestLostPower loses the power at each step of all that changes a register.
func TestLostPower(t *testing.T) {
	h, _, _ := history(t, faultdisk.UnderSQLite(t))
	h.Check(t, testrun.Random(t), stateIn, nil)
}

// TestFailingDisk lets each call that SQLite makes in a change fail, in each way:
// nothing is half done, and with the disk in order the change can be made, or is there.
func TestFailingDisk(t *testing.T) {
	files := faultdisk.UnderSQLite(t)
	h, states, begun := history(t, files)
	random := testrun.Random(t)
	points, refused := 0, 0
	for i, change := range changes(t) {
		one := func(fault *faultdisk.Fault) (counts map[faultdisk.Call]int) {
			h.Image(begun[i]).InDirectory(t, func(dir string) {
				var err error
				counts = files.Fail(fault, func() { err = changeIn(dir, change) })
				state, broken := stateIn(dir)
				if broken != nil || state != states[i+1] && (state != states[i] || err == nil) {
					t.Fatalf("change %d, %v: %v, then %v; the state is %s", i, fault, err, broken, state)
				}
				if err != nil {
					refused++
				}
				if state == states[i] {
					must(t, changeIn(dir, change))
				}
				if state, err := stateIn(dir); err != nil || state != states[i+1] {
					t.Fatalf("change %d, %v: with the disk in order: %v", i, fault, err)
				}
			})
			return counts
		}
		for _, fault := range faultdisk.Faults(random, one(nil)) {
			points++
			one(&fault)
		}
	}
	t.Logf("%d calls failed, %d changes were refused", points, refused)
	if points < 20 || refused < points/2 {
		t.Error("that are too few: this test lets nothing fail")
	}
}

// TestFormat1OutlivesTheDisk loses the power, and lets each call fail, while a register
// of format 1 is brought to the present one: all that it has is there.
func TestFormat1OutlivesTheDisk(t *testing.T) {
	files, random := faultdisk.UnderSQLite(t), testrun.Random(t)
	path := released(t)
	h := &faultdisk.History{Disk: faultdisk.NewDisk(t, filepath.Dir(path))}
	want, err := stateIn(filepath.Dir(released(t)))
	must(t, err)
	files.Remember(h.Disk)
	h.Reached(want)
	closed(t, open(t, path))
	h.Reached(want)
	files.Remember(nil)
	h.Check(t, random, stateIn, nil)

	leave := func(dir string) error { return changeIn(dir, func(*Register) error { return nil }) }
	counts := files.Fail(nil, func() { must(t, leave(filepath.Dir(released(t)))) })
	points, refused := 0, 0
	for _, fault := range faultdisk.Faults(random, counts) {
		points++
		dir := filepath.Dir(released(t))
		files.Fail(&fault, func() {
			if leave(dir) != nil {
				refused++
			}
		})
		if state, err := stateIn(dir); err != nil || state != want {
			t.Errorf("%v: with the disk in order: %v; the state is %s", fault, err, state)
		}
	}
	if points < 5 || refused < points/3 {
		t.Errorf("%d calls failed, and %d attempts were refused: this test lets nothing fail", points, refused)
	}
}

// changeIn opens the register of a directory, and makes a change.
func changeIn(dir string, change change) error {
	r, err := Open(filepath.Join(dir, "register"))
	if err != nil {
		return err
	}
	defer r.Close()
	return change(r)
}
