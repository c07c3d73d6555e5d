package main

import (
	"fmt"
	"os"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/calendar"
	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
)

type ceremonyDrill struct {
	answering
	tracing
	onWall
	Bundle string          `arg:"" help:"Folder of the newest evidence: of the ceremony, or of the last drill or change."`
	Backup string          `required:"" placeholder:"DIR" help:"Folder of the backup: share file, record and wrapped keys."`
	Dir    ceremony.Folder `placeholder:"DIR" help:"Folder of the drill. Default: beside the evidence of the ceremony."`
	Paper  bool            `help:"Write the drill's plan and runbook to its folder, and hold it another time."`
}

// Run holds the drill, which leaves evidence of its own.
func (cmd ceremonyDrill) Run(c *console) error {
	before, err := ceremony.ReadBefore(cmd.Bundle)
	if err != nil {
		return err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.DrillFolder(cmd.Bundle)
	}
	if !cmd.Paper && !cmd.Dir.Prepared() && !before.Chain.State.Plan.Practice {
		return fmt.Errorf("no drill is prepared in %s, and its witness types words from its runbook; write that first: %s --paper", cmd.Dir, cmd.again())
	}
	f, err := before.PreparedDrill(cmd.Dir, time.Now())
	if err != nil {
		return err
	}
	if cmd.Paper {
		err := writeRunbook(c, f, ceremony.RunbookStem(f))
		if err == nil {
			c.next("print it; and when people are there, hold the drill: %s", cmd.again())
		}
		return err
	}
	return sequel{cmd.onWall, cmd.Dir, ceremony.FolderAround(cmd.Bundle), cmd.Backup, false}.hold(c, f)
}

// again is the command that holds the drill.
func (cmd ceremonyDrill) again() string {
	return fmt.Sprintf("conclave ceremony drill %s --backup %s --dir %s", safefile.Quoted(cmd.Bundle), safefile.Quoted(cmd.Backup), safefile.Quoted(string(cmd.Dir)))
}

// sequel is a drill, or a change of custody, which is held in the folder in which it was
// prepared. What is practised has its devices in the folder of the rehearsal around it.
type sequel struct {
	onWall
	dir, around ceremony.Folder
	backup      string
	qr          bool
}

func (s sequel) hold(c *console, f plan.File) error {
	before, err := s.dir.Sequel(f)
	if err != nil {
		return err
	}
	room, err := c.ceremonyRoom(f.Plan, s.qr)
	if err != nil {
		return err
	}
	home := c.home
	if f.Plan.Practice {
		home = c.home.In(s.around.Practice())
	}
	a, err := c.ceremony(f, s.dir, planDevices{home, c}, room)
	if err != nil {
		return err
	}
	before.Backup, before.Throwaway = s.backup, tracedHome{c.home.In(s.dir.Throwaway()), c}
	a.Before = before
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	return s.shown(c, &a, func() error { return c.hold(ctx, a.Run, f.Plan, s.dir) })
}

type ceremonyCalendar struct {
	answering
	From string `arg:"" name:"plan" complete:"files:json" type:"input" help:"The plan; or the folder of the newest evidence, whose dates are counted from then on."`
	Out  string `arg:"" complete:"files:ics" output:"" help:"File to write, such as root.ics."`
}

// Run writes the dates.
func (cmd ceremonyCalendar) Run(c *console) error {
	dates, made, err := cmd.dates(c)
	if err != nil {
		return err
	}
	var events []calendar.Event
	for _, d := range dates {
		events = append(events, event(d))
	}
	content, err := calendar.Bytes(events, made)
	if err != nil {
		return err
	}
	out, err := c.reserveOutput(cmd.Out, int64(len(content)), false)
	if err != nil {
		return err
	}
	defer out.release()
	if err := c.write(&out, content); err != nil {
		return err
	}
	answer := calendarAnswer{out, []calendarDate{}}
	for _, e := range events {
		answer.Dates = append(answer.Dates, calendarDate{e.Date.UTC(), e.Summary, e.Description})
	}
	return c.answerWritten(out, answer, "Dates written to %s: %d\n", cmd.Out, len(events))
}

// dates are those of a plan, from its start; or those of evidence, from its end.
func (cmd ceremonyCalendar) dates(c *console) ([]plan.Date, time.Time, error) {
	if info, err := os.Stat(cmd.From); err == nil && info.IsDir() {
		return ceremony.ScheduleFrom(c.ctx, cmd.From)
	}
	f, err := readPlan(cmd.From, plan.ReadFile)
	if err != nil {
		return nil, time.Time{}, err
	}
	return f.Plan.Schedule(), f.Plan.Start, nil
}

// calendarAnswer is the dates that were written.
type calendarAnswer struct {
	output
	Dates []calendarDate `json:"dates"`
}

type calendarDate struct {
	Day  time.Time `json:"day"`
	What string    `json:"what"`
	Why  string    `json:"why"`
}

// event is a date as calendars have it.
func event(d plan.Date) calendar.Event {
	return calendar.Event{UID: d.ID + "@conclave", Summary: d.What, Description: d.Why, Date: d.Day, Remind: d.Remind}
}
