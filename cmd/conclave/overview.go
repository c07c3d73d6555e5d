package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"conclave/ceremony"
	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/link/pcsc"
)

type overview struct {
	answering
	tracing
	Backups  []string          `arg:"" optional:"" placeholder:"PATH" complete:"files" help:"Backups that were made on another computer: folders of conclave backup, folders of wrapped keys, or files of them."`
	Ceremony []ceremony.Folder `sep:"none" placeholder:"DIR" help:"Folder of a ceremony: its wrapped keys count as backups, and its dates are shown. May be given several times."`
	Readers  bool              `help:"Look also at the cards in readers, which ends the logins that other programs have there. Without it readers are named."`
}

// overviewReport is what status shows.
type overviewReport struct {
	Devices []deviceOverview `json:"devices"`
	Readers []string         `json:"readers"` // that were not looked at, or have no card
	Due     []dueEntry       `json:"due"`
}

// deviceOverview is a device, its keys, and what has become of them. One that cannot be
// read has an error in place of its status.
type deviceOverview struct {
	Name   string        `json:"name"`
	Error  string        `json:"error"`
	Status *deviceStatus `json:"status"`
	Keys   []keyOverview `json:"keys"`
	empty  bool          // a reader without a card
}

// keyOverview is a key and its newest backup, or the last that is known to be lost;
// null if none is known.
type keyOverview struct {
	keyEntry
	BackedUp bool       `json:"backed_up"`
	Backup   *keyBackup `json:"backup"`
}

type keyBackup struct {
	custody.BackupRecord
	State custody.BackupState `json:"state"` // there, away, missing or changed
}

// dueEntry is a date of a ceremony.
type dueEntry struct {
	Day     time.Time `json:"day"`
	What    string    `json:"what"`
	Why     string    `json:"why"`
	Overdue bool      `json:"overdue"`
	Soon    bool      `json:"soon"` // it is time for the first reminder
}

// Run shows everything, and says in its exit status whether all is well.
func (cmd overview) Run(c *console) error {
	report, err := cmd.look(c)
	if err != nil {
		return err
	}
	c.exit = report.exitStatus()
	return c.answer(report, func() error { return report.show(c, cmd.Readers) })
}

func (cmd overview) look(c *console) (report overviewReport, err error) {
	records, err := cmd.records(c)
	if err != nil {
		return report, err
	}
	names, err := c.home.List()
	if err != nil {
		return report, err
	}
	report = overviewReport{Devices: []deviceOverview{}, Readers: []string{}, Due: []dueEntry{}}
	for _, name := range names {
		report.Devices = append(report.Devices, cmd.device(c, name, records))
	}
	cmd.readers(c, &report, records)
	report.Due, err = cmd.due(c)
	return report, err
}

// readers names the readers, and looks at the cards in them if that is wanted. Where
// there is no smart card service that is an error for who wants it alone.
func (cmd overview) readers(c *console, report *overviewReport, records []custody.BackupRecord) {
	found, err := pcsc.Readers()
	if err != nil && cmd.Readers {
		report.Devices = append(report.Devices, deviceOverview{Name: "readers", Error: err.Error(), Keys: []keyOverview{}})
	}
	for _, reader := range found {
		reader = "pcsc:" + reader
		var device deviceOverview
		if cmd.Readers {
			device = cmd.device(c, reader, records)
		}
		if !cmd.Readers || device.empty {
			report.Readers = append(report.Readers, reader)
		} else {
			report.Devices = append(report.Devices, device)
		}
	}
}

// records are those of this computer, and of what the command line names.
func (cmd overview) records(c *console) ([]custody.BackupRecord, error) {
	records, err := custody.NotedBackups(c.home.Backups())
	if err != nil {
		return nil, err
	}
	paths := slices.Clone(cmd.Backups)
	for _, folder := range cmd.Ceremony {
		if safefile.Exists(folder.Backup()) { // one that makes a CRL has none
			paths = append(paths, folder.Backup())
		}
	}
	for _, path := range paths {
		found, err := custody.FoundBackups(path)
		if err != nil {
			return nil, err
		}
		records = append(records, found...)
	}
	return records, nil
}

func (cmd overview) device(c *console, name string, records []custody.BackupRecord) deviceOverview {
	o := deviceOverview{Name: name, Keys: []keyOverview{}}
	err := c.withDevice(name, func(h *hsm.HSM) error {
		status, err := c.deviceStatus(h)
		if err != nil {
			return err
		}
		status.Device, o.Status = name, &status
		keys, err := h.Keys()
		for _, k := range keys {
			o.Keys = append(o.Keys, newKeyOverview(k, records))
		}
		return err
	})
	if err != nil {
		o.Error, o.empty = err.Error(), errors.Is(err, pcsc.ErrNoCard)
	}
	return o
}

func newKeyOverview(k hsm.Key, records []custody.BackupRecord) keyOverview {
	o := keyOverview{keyEntry: newKeyEntry(k)}
	if r, state := custody.LatestBackup(records, o.PublicKey); state != "" {
		o.BackedUp, o.Backup = state.Holds(), &keyBackup{r, state}
	}
	return o
}

// due are the dates of the ceremonies.
func (cmd overview) due(c *console) ([]dueEntry, error) {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	entries := []dueEntry{}
	now := time.Now()
	for _, folder := range cmd.Ceremony {
		dates, err := folder.Due(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range dates {
			soon := d.Day.AddDate(0, 0, -slices.Max(d.Remind))
			entries = append(entries, dueEntry{d.Day.UTC(), d.What, d.Why, now.After(d.Day), now.After(soon)})
		}
	}
	return entries, nil
}

// exitStatus is for who watches: what is not backed up, or cannot be looked at, comes
// first; then what is overdue.
func (r overviewReport) exitStatus() int {
	for _, d := range r.Devices {
		if d.Error != "" || slices.ContainsFunc(d.Keys, func(k keyOverview) bool { return !k.BackedUp }) {
			return exitIncomplete
		}
	}
	if slices.ContainsFunc(r.Due, func(d dueEntry) bool { return d.Overdue }) {
		return exitOverdue
	}
	return 0
}

func (r overviewReport) show(c *console, looked bool) error {
	for _, d := range r.Devices {
		if err := d.show(c); err != nil {
			return err
		}
	}
	for _, reader := range r.Readers {
		why := "was not looked at; --readers does"
		if looked {
			why = "has no card in it"
		}
		c.out.Printf("%s %s\n", reader, why)
	}
	if len(r.Devices)+len(r.Readers) == 0 {
		c.out.Printf("There is no device; make one with: conclave hsm create\n")
	}
	if len(r.Due) == 0 {
		return nil
	}
	rows := [][]string{{"DATE", "DUE", "WHAT"}}
	for _, d := range r.Due {
		rows = append(rows, []string{d.Day.Format(time.DateOnly), d.state(), d.What})
	}
	return c.showTable(rows)
}

// state says in a word how near the day is.
func (d dueEntry) state() string {
	switch {
	case d.Overdue:
		return "OVERDUE"
	case d.Soon:
		return "soon"
	}
	return ""
}

func (d deviceOverview) show(c *console) error {
	if d.Status == nil || !d.Status.Initialised {
		c.out.Printf("%s: %s\n\n", d.Name, d.state())
		return c.out.Err()
	}
	s := d.Status
	c.out.Printf("%s, device %s: user PIN %s; SO-PIN %s\nDKEK: %s\n", d.Name, s.Serial, warned(s.UserPIN), warned(s.SOPIN), s.DKEK)
	if d.Error != "" {
		c.out.Printf("%v\n", d.Error)
	}
	rows := [][]string{{"REF", "TYPE", "LABEL", "BACKUP"}}
	for _, k := range d.Keys {
		rows = append(rows, []string{strconv.Itoa(int(k.Ref)), k.Type, k.Label, k.backup()})
	}
	if len(d.Keys) == 0 {
		rows = [][]string{{"No keys"}}
	}
	if err := c.showTable(rows); err != nil {
		return err
	}
	c.out.Printf("\n")
	return c.out.Err()
}

// state is that of a device without keys to speak of.
func (d deviceOverview) state() string {
	if d.Error != "" {
		return d.Error
	}
	return "not initialised"
}

// warned says how many tries a PIN has, and whether that is little.
func warned(p *pinStatus) string {
	if p.Tries == 1 {
		return p.String() + " (LOW: the next wrong one blocks it)"
	}
	return p.String()
}

// backup says in words when and where a key was last backed up.
func (k keyOverview) backup() string {
	switch {
	case k.Backup == nil && k.PublicKey == "":
		return "NOT BACKED UP, as far as can be told: the device does not show its public half"
	case k.Backup == nil:
		return "NOT BACKED UP"
	}
	b := k.Backup
	text := fmt.Sprintf("%s, %s, under DKEK %s", b.Time.Local().Format("2006-01-02 15:04"), b.Path, b.KCV)
	switch b.State {
	case custody.BackupAway:
		return text + "; its folder is not here now"
	case custody.BackupMissing:
		return "NOT BACKED UP: " + text + ", is no longer there"
	case custody.BackupChanged:
		return "NOT BACKED UP: " + text + ", is not what was written"
	}
	return text
}
