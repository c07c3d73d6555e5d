// Package preflight checks everything about a key ceremony that can be known
// before anyone enters the room. Begin with [Check]: Run looks at the plan, at the
// files that come with it and at the devices that are there, and issues everything
// with keys that are thrown away; Lines are what the ceremony will show of it, for
// the runbook. It changes no device, and asks for no PIN.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/apdu"
	"conclave/ca/lint"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/quorum"
	"conclave/wire"
)

// Check is a plan to be checked where it will be carried out.
type Check struct {
	Plan *plan.Plan
	Sum  [32]byte // SHA-256 of the plan's file
	Base string   // the folder that paths in the plan begin at
	Dir  string   // the folder of the ceremony, which need not exist yet
	// Begun is the fingerprint of the key of the ceremony that was begun in Dir, in
	// hexadecimal; empty if none was.
	Begun string
	// Connect connects to a device; the error wraps fs.ErrNotExist if it does not
	// exist.
	Connect func(plan.Device) (apdu.Conn, error)
	Linter  lint.Linter
	Now     time.Time
	Built   time.Time // when the program was built; zero if it is not known
}

// Finding is what a check has found: a problem, or something that is as it must be.
type Finding struct {
	What    string
	Detail  string
	Problem bool
}

// findings collects them.
type findings struct{ all []Finding }

func (f *findings) good(what, format string, args ...any) {
	f.all = append(f.all, Finding{What: what, Detail: fmt.Sprintf(format, args...)})
}

// bad notes a problem. What several joined errors say is one line.
func (f *findings) bad(what, format string, args ...any) {
	f.all = append(f.all, Finding{what, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; "), true})
}

// judge notes an error, or each of joined ones, or else what is good.
func (f *findings) judge(what string, err error, good string) {
	if err == nil {
		f.good(what, "%s", good)
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			f.judge(what, e, good)
		}
		return
	}
	f.bad(what, "%v", err)
}

// Run gives all findings, in order. A plan that is wrong in itself is not
// looked at further.
func (c Check) Run(ctx context.Context) []Finding {
	f := &findings{}
	if err := c.Plan.Check(); err != nil {
		f.judge("plan", err, "")
		return f.all
	}
	f.good("plan", "%d steps, SHA-256 %x", len(c.Plan.Steps()), c.Sum)
	c.names(f)
	if c.Plan.Sequel() == nil { // a drill or a change issues nothing
		c.keyFiles(f)
		c.certificates(ctx, f)
	}
	c.around(f)
	return f.all
}

// Again gives the findings that matter where a ceremony goes on: what came with the
// plan is in its evidence by then, and the files beside the plan may be gone.
func (c Check) Again() []Finding {
	f := &findings{}
	c.around(f)
	return f.all
}

// around checks what must be there whenever people come.
func (c Check) around(f *findings) {
	c.devices(f)
	c.printer(f)
	c.clock(f)
	c.space(f)
}

// names checks whether a new set can have the names of the custodians: a plan takes
// longer ones.
func (c Check) names(f *findings) {
	if err := quorum.CheckNames(c.Plan.People.Custodians); err != nil {
		f.bad("people", "%v", err)
	}
}

// devices checks whether each device can be reached, and is the right one; in a drill or a
// change each that a step is about.
func (c Check) devices(f *findings) {
	steps := c.Plan.Steps()
	for _, d := range c.Plan.Devices {
		about := func(s step.Step) bool { return s.Object == d.Name }
		if c.Plan.Sequel() != nil && !slices.ContainsFunc(steps, about) {
			continue
		}
		detail, err := c.device(d)
		f.judge("device "+d.Name, err, detail)
	}
}

// isNew says whether a device is to hold no key when people come, and none is lost where
// it does not exist.
func (c Check) isNew(d plan.Device) bool {
	if c.Plan.Sequel() != nil {
		return c.Plan.Kind() == plan.ReplaceDevice && d.Name == c.Plan.Change.Device
	}
	custody := c.Plan.Custody
	return custody != nil && (d.Name == custody.Device || d.Name == custody.Standby)
}

func (c Check) device(d plan.Device) (detail string, err error) {
	conn, err := c.Connect(d)
	if d.Embedded && errors.Is(err, fs.ErrNotExist) {
		switch {
		case c.Plan.Sequel() == nil, c.isNew(d):
			return "the ceremony makes it", nil
		case c.Plan.LeavesBackup():
			return "it is not here, which becomes an exception", nil
		}
	}
	if err != nil {
		return "", err
	}
	h, err := hsm.Open(conn)
	if err != nil {
		return "", errors.Join(err, conn.Close())
	}
	defer h.Close()
	identity, err := h.Device()
	if err != nil {
		return "", err
	}
	if d.Serial != "" && identity.Serial != d.Serial {
		return "", fmt.Errorf("it has serial number %s, and the plan says %s", identity.Serial, d.Serial)
	}
	status, err := h.Status()
	if err == nil {
		err = errors.Join(d.CheckFirmware(status.Version.String()), c.hasTypes(d, identity.Chain))
	}
	if err != nil {
		return "", err
	}
	keys, err := h.Keys()
	if err != nil {
		return "", err
	}
	if len(keys) > 0 && c.Begun == "" && c.isNew(d) {
		return "", fmt.Errorf("serial number %s: keys in it: %d, which the ceremony would erase; use another device, or delete them", identity.Serial, len(keys))
	}
	return fmt.Sprintf("serial number %s, keys: %d", identity.Serial, len(keys)), nil
}

// hasTypes refuses a card of a known maker where the plan has keys that none of them makes:
// in the room that would be seen when all sheets are made.
func (c Check) hasTypes(d plan.Device, chain *wire.DeviceChain) error {
	if chain.Root == nil || !c.isNew(d) {
		return nil
	}
	for _, k := range c.Plan.Keys {
		if template, err := wire.ParseKeyType(k.Type); err == nil && template.Type == wire.KeyMLDSA {
			return fmt.Errorf("it is by %s, and no such card has keys of the type %s; use embedded devices, or make the key %s in a ceremony of its own with such devices", chain.Root.Owner, k.Type, k.Name)
		}
	}
	return nil
}

// printer asks CUPS for the queue (lpstat(1)).
func (c Check) printer(f *findings) {
	if c.Plan.Custody == nil || c.Plan.Custody.Printer == "" {
		f.good("printer", "none is planned; sheets are copied by hand")
		return
	}
	queue := c.Plan.Custody.Printer
	if _, err := exec.LookPath("lp"); err != nil {
		f.bad("printer", "there is no lp to print with; install CUPS's client (Debian: cups-client), or take the printer out of the plan")
		return
	}
	out, err := exec.Command("lpstat", "-p", queue).CombinedOutput()
	if err != nil {
		f.bad("printer", "lpstat -p %s: %s", queue, firstLine(out, err))
		return
	}
	f.good("printer", "%s", firstLine(out, nil))
}

func firstLine(out []byte, err error) string {
	for i, b := range out {
		if b == '\n' {
			out = out[:i]
			break
		}
	}
	if len(out) == 0 && err != nil {
		return err.Error()
	}
	return string(out)
}

// clock finds a clock that cannot be right: with an empty battery it is years
// behind.
func (c Check) clock(f *findings) {
	now := c.Now.UTC().Format(time.RFC3339)
	switch {
	case c.Now.Before(c.Built):
		f.bad("clock", "it shows %s, before this program was built; set it", now)
	case c.Plan.CheckTime(c.Now) != nil:
		f.bad("clock", "%v; set the clock, or the plan", c.Plan.CheckTime(c.Now))
	default:
		f.good("clock", "%s; compare it with a watch", now)
	}
}

// needed is how much disk a ceremony needs at most, photographs apart.
const needed = 64 << 20

// space checks the disk under the folder of the ceremony.
func (c Check) space(f *findings) {
	dir := c.Dir
	for !safefile.Exists(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	free, err := freeSpace(dir)
	if err == nil && free < needed {
		err = fmt.Errorf("%s has %d MB free; %d were expected", dir, free>>20, needed>>20)
	}
	f.judge("disk", err, fmt.Sprintf("%d MB free in %s", free>>20, dir))
}
