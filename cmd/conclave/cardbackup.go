package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/terminal"
	"conclave/wire"
)

type backupCard struct {
	answering
	userLogin
	optionalDKEK
	Dir         string `arg:"" complete:"folders" help:"Folder of the backup. It is made where there is none, and brought up to date where there is."`
	PrivateData bool   `help:"Save also the data objects that the device shows after a login only. They lie in the folder in the clear."`
}

// Run backs up the whole device. What is saved already and unchanged is left alone.
func (cmd backupCard) Run(c *console) error {
	if err := ceremony.CheckForeign(cmd.Dir); err != nil {
		return err
	}
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
		files, err := cmd.optionalDKEK.read(c)
		if err != nil {
			return err
		}
		if err := c.login(h, cmd.PIN); err != nil {
			return err
		}
		err = backup.Run(h)
		c.noteBackups(backup.Manifest.Records(cmd.Dir))
		if err != nil {
			return err
		}
		if len(cmd.DKEK) > 0 {
			if err := cmd.prove(c, backup, files); err != nil {
				return err
			}
		}
		if err := cmd.warnOfRandomDKEK(c, h); err != nil {
			return err
		}
		answer := newBackupAnswer(cmd.Dir, backup.Manifest)
		if len(answer.NotBackedUp) > 0 {
			c.exit = exitIncomplete
		}
		return c.answer(answer, func() error { return answer.show(c) })
	})
}

// warnOfRandomDKEK says of a DKEK that never leaves the device what its backups are worth.
func (cmd backupCard) warnOfRandomDKEK(c *console, h *hsm.HSM) error {
	status, err := h.DKEK()
	if err == nil && status != nil && status.Shares == 0 && status.Outstanding == 0 {
		c.warn("the DKEK of this device is random, and in no one's hands: the backup can be restored to this device alone, and to none once it is initialised again")
	}
	return err
}

// tell shows what happens to the keys and files of a device, which may be anyone's.
func (c *console) tell(text string) {
	text = strings.ReplaceAll(terminal.Sentence(text), "\n", "; ")
	if c.json {
		c.note("%s", text)
	}
	c.say("%s\n", text)
}

// prove opens the backup on a practice device, in a folder that is gone afterwards, also
// where that is interrupted. What goes before may be cut off at any moment.
func (cmd backupCard) prove(c *console, backup *custody.CardBackup, files []custody.Unopened) (err error) {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if err := backup.Manifest.CheckShareFiles(files); err != nil {
		return fmt.Errorf("%w; the backup is up to date, and was not opened", err)
	}
	all, err := cmd.optionalDKEK.open(ctx, c, files)
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

// backupAnswer is what the folder has of the device now.
type backupAnswer struct {
	Folder      string             `json:"folder"`
	Serial      string             `json:"serial"`
	Keys        []savedKey         `json:"keys"`
	Objects     []savedFile        `json:"objects"`
	NotBackedUp []notBackedUpEntry `json:"not_backed_up"`
}

type savedFile struct {
	File   string    `json:"file"`
	SHA256 string    `json:"sha256"`
	Made   time.Time `json:"made"`
}

type savedKey struct {
	keyEntry
	savedFile
	KCV    string    `json:"kcv"`
	Proved time.Time `json:"proved"` // null as long as no one came with the DKEK
}

type notBackedUpEntry struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func newSavedFile(s custody.Saved) savedFile { return savedFile{s.File, s.SHA256, s.Made.UTC()} }

func newBackupAnswer(folder string, m *custody.Manifest) backupAnswer {
	b := backupAnswer{folder, m.Serial, []savedKey{}, []savedFile{}, []notBackedUpEntry{}}
	for _, k := range m.Keys {
		if k.Current() {
			b.Keys = append(b.Keys, savedKey{keyEntry{k.Reference, k.Type, k.Label, k.ID, k.PublicKey}, newSavedFile(k.Saved), k.KCV, k.Proved})
		}
	}
	for _, o := range m.Objects {
		if o.Current() {
			b.Objects = append(b.Objects, newSavedFile(o.Saved))
		}
	}
	for _, n := range m.NotBackedUp {
		b.NotBackedUp = append(b.NotBackedUp, notBackedUpEntry{n.What, n.Why})
	}
	return b
}

// show says how much of the device is in the folder.
func (b backupAnswer) show(c *console) error {
	c.out.Printf("%s has %s and %s of device %s.\n", b.Folder, count(len(b.Keys), "key"), count(len(b.Objects), "other file"), b.Serial)
	unproved := 0
	for _, k := range b.Keys {
		if k.Proved.IsZero() {
			unproved++
		}
	}
	if unproved > 0 {
		c.out.Printf("Of these keys %d were not opened yet: form and key check value are right. With custodians, --dkek FILE opens them on a practice device.\n", unproved)
	}
	if n := len(b.NotBackedUp); n > 0 {
		c.note("conclave: the backup is not whole: %d of the device's keys and files are not in it, as told above", n)
	}
	return c.out.Err()
}

type restoreCard struct {
	answering
	userLogin
	optionalDKEK
	Dir string `arg:"" complete:"folders" help:"Folder of the backup."`
}

// Run brings a backup back to a device that has its DKEK, or waits for it.
func (cmd restoreCard) Run(c *console) error {
	manifest, err := custody.ReadManifest(cmd.Dir)
	if err != nil {
		if safefile.Exists(filepath.Join(cmd.Dir, custody.ManifestFile)) {
			return err // it is the right one, with something wrong in it
		}
		return wrongFolder(cmd.Dir, err)
	}
	return c.withHSM(func(h *hsm.HSM) error {
		files, err := cmd.optionalDKEK.read(c)
		if err != nil {
			return err
		}
		pin, err := c.verifiedBeforehand(h, cmd.PIN)
		if err != nil {
			return err
		}
		defer pin.Wipe()
		if err := cmd.giveDKEK(c, h, manifest, files); err != nil {
			return err
		}
		if err := h.Login(wire.UserPIN, pin); err != nil {
			return err
		}
		err = (&custody.CardRestore{Dir: cmd.Dir, Manifest: manifest, Tell: c.tell}).Run(h)
		keys, unread := h.Keys()
		noteSharedIDs(c, keys)
		return errors.Join(err, unread, c.answerf(restoreAnswer{cmd.Dir, manifest.Serial, newKeyListing(keys)}, ""))
	})
}

// restoreAnswer is a backup, and what the device has now.
type restoreAnswer struct {
	Folder string `json:"folder"`
	Serial string `json:"serial"` // of the device that was backed up
	keyListing
}

// noteSharedIDs warns of each ID that several keys of a device have.
func noteSharedIDs(c *console, keys []hsm.Key) {
	byID := map[string][]hsm.Key{}
	for _, k := range keys {
		if k.Description != nil {
			byID[string(k.Description.ID)] = append(byID[string(k.Description.ID)], k)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		if len(byID[id]) > 1 {
			c.warn("these keys have one ID, and PKCS#11 programs pick one of them: %s", introduce(byID[id]))
		}
	}
}

// giveDKEK gives a device that waits for its DKEK what it waits for. Custodians come
// for nothing else. A DKEK that no key of the backup is under is not given: the device
// could not forget it again.
func (cmd restoreCard) giveDKEK(c *console, h *hsm.HSM, m *custody.Manifest, files []custody.Unopened) error {
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
	if err := errors.Join(m.CheckShareFiles(files), custody.CheckReceiver(h, files)); err != nil {
		return fmt.Errorf("%w; the device was given nothing", err)
	}
	all, err := cmd.optionalDKEK.open(ctx, c, files)
	if err != nil {
		return err
	}
	defer all.Wipe()
	if err := m.CheckDKEK(all); err != nil {
		return fmt.Errorf("%w; the device was given nothing", err)
	}
	return all.Give(h, func() (*custody.Journal, error) { return c.journal(h, 0) })
}

// noteBackupsIn remembers the backups that are in a folder.
func (c *console) noteBackupsIn(dir string) {
	found, err := custody.FoundBackups(dir)
	if err != nil {
		c.warn("the backup is made, but not noted for conclave status: %v", err)
	}
	c.noteBackups(found)
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
		c.warn("the backup is made, but not noted for conclave status: %v", err)
	}
}
