package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/terminal"
)

type backupCard struct {
	userLogin
	optionalDKEK
	Dir         string `arg:"" complete:"folders" help:"Folder of the backup. It is made where there is none, and brought up to date where there is."`
	PrivateData bool   `help:"Save also the data objects that the device shows after a login only. They lie in the folder in the clear."`
}

// Run backs up the whole device. What is saved already and unchanged is left alone.
func (cmd backupCard) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		serial, err := h.Serial()
		if err != nil {
			return err
		}
		backup, err := custody.OpenCardBackup(cmd.Dir, serial)
		if err != nil {
			return err
		}
		defer backup.Close()
		backup.PrivateData, backup.Tell = cmd.PrivateData, c.tell
		if err := c.login(h, cmd.PIN); err != nil {
			return err
		}
		err = backup.Run(h)
		c.noteBackups(backup.Manifest.Records(cmd.Dir))
		if err != nil {
			return err
		}
		if len(cmd.DKEK) > 0 {
			if err := cmd.prove(c, backup); err != nil {
				return err
			}
		}
		if err := cmd.warnOfRandomDKEK(c, h); err != nil {
			return err
		}
		cmd.conclude(c, backup.Manifest)
		return nil
	})
}

// warnOfRandomDKEK says of a DKEK that never leaves the device what its backups are worth.
func (cmd backupCard) warnOfRandomDKEK(c *console, h *hsm.HSM) error {
	status, err := h.DKEK()
	if err == nil && status != nil && status.Shares == 0 && status.Outstanding == 0 {
		c.note("conclave: warning: the DKEK of this device is random, and in no one's hands: the backup can be restored to this device alone, and to none once it is initialised again")
	}
	return err
}

// tell shows what happens to the keys and files of a device, which may be anyone's.
func (c *console) tell(text string) {
	fmt.Fprintln(c.out, terminal.Printable(strings.ReplaceAll(terminal.Sentence(text), "\n", "; ")))
}

// prove opens the backup on a practice device, in a folder that is gone afterwards, also
// where that is interrupted. What goes before may be cut off at any moment.
func (cmd backupCard) prove(c *console, backup *custody.CardBackup) (err error) {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	all, err := cmd.optionalDKEK.open(ctx, c)
	if err != nil {
		return err
	}
	defer all.Wipe()
	if err := backup.Manifest.CheckDKEK(all); err != nil {
		return fmt.Errorf("%w; the backup is up to date, and was not opened", err)
	}
	dir, err := os.MkdirTemp("", "conclave-proof-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return backup.Prove(ctx, tracedHome{c.home.In(dir), c}, dir, all)
}

// conclude says how much of the device is in the folder. What is missing is the exit
// status.
func (cmd backupCard) conclude(c *console, m *custody.Manifest) {
	keys, unproved, objects := 0, 0, 0
	for _, k := range m.Keys {
		if k.Current() {
			keys++
		}
		if k.Current() && k.Proved.IsZero() {
			unproved++
		}
	}
	for _, o := range m.Objects {
		if o.Current() {
			objects++
		}
	}
	fmt.Fprintf(c.out, "%s has %d keys and %d other files of device %s.\n", cmd.Dir, keys, objects, terminal.Printable(m.Serial))
	if unproved > 0 {
		fmt.Fprintf(c.out, "Of these keys %d were not opened yet: form and key check value are right. With custodians, --dkek FILE opens them on a practice device.\n", unproved)
	}
	if n := len(m.NotBackedUp); n > 0 {
		c.exit = exitIncomplete
		c.note("conclave: the backup is not whole: %d of the device's keys and files are not in it, as told above", n)
	}
}

type restoreCard struct {
	userLogin
	optionalDKEK
	Dir string `arg:"" complete:"folders" help:"Folder of the backup."`
}

// Run brings a backup back to a device that has its DKEK, or waits for it.
func (cmd restoreCard) Run(c *console) error {
	manifest, err := custody.ReadManifest(cmd.Dir)
	if err != nil {
		return err
	}
	return c.withHSM(func(h *hsm.HSM) error {
		if err := cmd.giveDKEK(c, h, manifest); err != nil {
			return err
		}
		if err := c.login(h, cmd.PIN); err != nil {
			return err
		}
		err := (&custody.CardRestore{Dir: cmd.Dir, Manifest: manifest, Tell: c.tell}).Run(h)
		return errors.Join(err, cmd.noteSharedIDs(c, h))
	})
}

// noteSharedIDs warns of each ID that several keys of a device have.
func (cmd restoreCard) noteSharedIDs(c *console, h *hsm.HSM) error {
	keys, err := h.Keys()
	if err != nil {
		return err
	}
	byID := map[string][]hsm.Key{}
	for _, k := range keys {
		if k.Description != nil {
			byID[string(k.Description.ID)] = append(byID[string(k.Description.ID)], k)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		if len(byID[id]) > 1 {
			c.note("conclave: warning: these keys have one ID, and PKCS#11 programs pick one of them: %s", introduce(byID[id]))
		}
	}
	return nil
}

// giveDKEK gives a device that waits for its DKEK what it waits for. Custodians come
// for nothing else. A DKEK that no key of the backup is under is not given: the device
// could not forget it again.
func (cmd restoreCard) giveDKEK(c *console, h *hsm.HSM, m *custody.Manifest) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	status, err := h.DKEK()
	if err != nil || status == nil || status.Outstanding == 0 && len(cmd.DKEK) == 0 {
		return err
	}
	if len(cmd.DKEK) == 0 {
		return fmt.Errorf("the device waits for %d of %d DKEK shares; name the share file of each with --dkek", status.Outstanding, status.Shares)
	}
	if status.Outstanding == 0 && !status.Hidden() {
		c.note("conclave: the device has its DKEK, and no share file was opened")
		return nil
	}
	all, err := cmd.optionalDKEK.open(ctx, c)
	if err != nil {
		return err
	}
	defer all.Wipe()
	if err := m.CheckDKEK(all); err != nil {
		return fmt.Errorf("%w; the device was given nothing", err)
	}
	return all.Give(h, func() (*custody.Journal, error) { return c.journal(h, 0) })
}

// noteBackups remembers on this computer where keys are backed up, for the status. A
// backup does not fail for that.
func (c *console) noteBackups(made []custody.BackupRecord) {
	path := c.home.Backups()
	noted, err := custody.NotedBackups(path)
	for _, r := range made {
		same := func(n custody.BackupRecord) bool { return n.Path == r.Path && n.SHA256 == r.SHA256 }
		if err == nil && !slices.ContainsFunc(noted, same) {
			err = custody.NoteBackup(path, r)
		}
	}
	if err != nil {
		c.note("conclave: warning: the backup is made, but not noted for conclave status: %v", err)
	}
}
