package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"conclave/apdu"
	"conclave/ca/lint"
	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/device"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/tty"
	"conclave/terminal"
)

type ceremonyCommands struct {
	New      ceremonyNew      `cmd:"" help:"Ask what is to be done, and write a plan."`
	Check    ceremonyCheck    `cmd:"" help:"Check everything that can be known before anyone enters the room."`
	Runbook  ceremonyRunbook  `cmd:"" help:"Write the paper of a ceremony, HTML and PDF."`
	Rehearse ceremonyRehearse `cmd:"" help:"Hold the ceremony on practice devices."`
	Run      ceremonyRun      `cmd:"" help:"Hold the ceremony, or go on with it."`
	Verify   ceremonyVerify   `cmd:"" help:"Verify the evidence of a ceremony: exit status 0 where all is proved, 7 where it fits together and not all is."`
	Report   ceremonyReport   `cmd:"" help:"Write the report of a ceremony for its auditor, HTML and PDF; or custody on one page."`
	Change   ceremonyChange   `cmd:"" help:"Write the plan of a change of custody, which goes on from evidence: new sheets, a new share file or DKEK, PINs, a device, media, an emergency."`
	Drill    ceremonyDrill    `cmd:"" help:"Check, years later, that custody still holds: sheets, backup, devices."`
	Calendar ceremonyCalendar `cmd:"" help:"Write the dates that must not be missed, as an .ics file."`
	Attach   ceremonyAttach   `cmd:"" help:"Add a time stamp or a signature to the evidence."`
}

// planDevices are the devices of a plan, wherever they are.
type planDevices struct {
	home    device.Home
	console *console
}

// Create implements ceremony.Devices.
func (d planDevices) Create(name string) (string, error) { return d.home.Create(name) }

// Connect implements ceremony.Devices.
func (d planDevices) Connect(planned plan.Device) (conn apdu.Conn, err error) {
	if planned.Embedded {
		conn, err = d.home.Open(planned.Name)
	} else {
		conn, err = device.OpenSerial(planned.Serial)
	}
	if err != nil {
		return nil, err
	}
	return d.console.withTrace(conn), nil
}

type ceremonyRun struct {
	answering
	tracing
	onWall
	Plan   string          `arg:"" complete:"files:json" help:"The plan."`
	Backup string          `placeholder:"DIR" help:"Folder of the backup, with share file and wrapped keys, where the plan is one of a drill or a change."`
	Dir    ceremony.Folder `placeholder:"DIR" help:"Folder of the ceremony. Default: PLAN.ceremony; of a drill or a change, that of the plan."`
	QR     bool            `name:"qr" help:"Show the code of each sheet as a QR code too."`
}

// Run holds the ceremony.
func (cmd ceremonyRun) Run(c *console) error {
	f, err := readPlan(cmd.Plan, plan.ReadFile)
	if err != nil {
		return err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.FolderOf(f)
	}
	if f.Plan.Sequel() != nil {
		return sequel{cmd.onWall, cmd.Dir, ceremony.FolderAround(cmd.Dir.Evidence()), cmd.Backup, cmd.QR}.hold(c, f)
	}
	room, err := c.ceremonyRoom(f.Plan, cmd.QR)
	if err != nil {
		return err
	}
	if err := c.checkFirst(f, cmd.Dir); err != nil {
		return err
	}
	a, err := c.ceremony(f, cmd.Dir, planDevices{c.home, c}, room)
	if err != nil {
		return err
	}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	return cmd.shown(c, &a, func() error { return c.hold(ctx, a.Run, f.Plan, cmd.Dir) })
}

// ceremony is the ceremony of a plan.
func (c *console) ceremony(f plan.File, dir ceremony.Folder, devices ceremony.Devices, room ceremony.Room) (ceremony.Ceremony, error) {
	p, err := ceremony.ThisProgram(shortVersion())
	report, end := c.percent("deriving the key from the password")
	progress := func(done float64) { // what is shown after it stands on a line of its own
		if report != nil && done < 1 {
			report(done)
		} else {
			end()
		}
	}
	return ceremony.Ceremony{
		Plan: f.Plan, Source: f.Content, Path: f.Path, Base: f.Base(), Dir: dir, Devices: devices, Room: room, Program: p,
		Linter: lint.Program{}, Now: time.Now, Progress: progress, Announce: func(what string) { end(); c.note("* %s", what) }, Search: c.searchProgress(),
	}, err
}

// hold runs a ceremony, and says what it has left behind.
func (c *console) hold(ctx context.Context, run func(context.Context) error, p *plan.Plan, dir ceremony.Folder) error {
	err := run(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, tty.ErrAborted) {
		err = fmt.Errorf("%w; the same command goes on with the ceremony", err)
	}
	if err != nil {
		return err
	}
	if !p.Practice && safefile.Exists(dir.Backup()) {
		c.noteBackupsIn(dir.Backup())
	}
	if p.Kind() != plan.First {
		return c.holdsNow(p, dir)
	}
	return c.answerf(newCeremonyAnswer(dir), `The ceremony is closed. Its evidence is %s; verify it on another machine with:
  conclave ceremony verify %s --key FINGERPRINT --closing CLOSING
The backup is %s, the register %s, what is to be published %s.
`, dir.Evidence(), dir.Evidence(), dir.Backup(), dir.Register(), dir.Publish())
}

// holdsNow says where the evidence of a drill or a change is kept, which the next one
// goes on from, and where the backup is that is in force.
func (c *console) holdsNow(p *plan.Plan, dir ceremony.Folder) error {
	what := "change"
	if p.LeavesBackup() {
		what = string(p.Kind())
	}
	format, told := `The %s is closed. Keep its evidence with that before it; the next drill or change goes on from it: %s
Verify it on another machine with:
  conclave ceremony verify %s --key FINGERPRINT --closing CLOSING
`, []any{what, dir.Evidence(), dir.Evidence()}
	if p.NeedsBackup() && !p.LeavesBackup() {
		format, told = format+"The backup in force is %s", append(told, dir.Backup())
		if p.RewritesBackup() {
			format += "; destroy the copies of the one before it"
		}
		format += ".\n"
	}
	return c.answerf(newCeremonyAnswer(dir), format, told...)
}

// ceremonyAnswer is what a ceremony that is closed has left behind. A drill, and a
// ceremony without custodians or without a CA, does not leave all of it.
type ceremonyAnswer struct {
	Folder   string `json:"folder"`
	Evidence string `json:"evidence"`
	Backup   string `json:"backup"`
	Register string `json:"register"`
	Publish  string `json:"publish"`
}

func newCeremonyAnswer(dir ceremony.Folder) ceremonyAnswer {
	a := ceremonyAnswer{Folder: string(dir), Evidence: dir.Evidence()}
	for path, member := range map[string]*string{dir.Backup(): &a.Backup, dir.Register(): &a.Register, dir.Publish(): &a.Publish} {
		if safefile.Exists(path) {
			*member = path
		}
	}
	return a
}

// ceremonyRoom is this terminal, which everyone comes to.
func (c *console) ceremonyRoom(p *plan.Plan, qr bool) (*terminal.Room, error) {
	s := terminal.NewScreen(c.in, c.out)
	if !s.Attended() {
		return nil, errors.New("people come to a terminal, and standard input or output is not one; do not redirect them")
	}
	s.QR = qr
	if p.Practice {
		s.Heading = "PRACTICE    : destroy this sheet afterwards\n"
	}
	room := &terminal.Room{Custodians: s, Screen: s}
	if p.Custody != nil && p.Custody.Printer != "" {
		room.Printer = &terminal.Paper{Screen: s, Command: []string{"lp", "-d", p.Custody.Printer}}
		room.Custodians = room.Printer
	}
	return room, nil
}
