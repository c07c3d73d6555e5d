package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/calendar"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
)

type ceremonyDrill struct {
	Bundle string          `arg:"" type:"existingdir" help:"Folder of the ceremony's evidence."`
	Backup string          `required:"" type:"existingdir" placeholder:"DIR" help:"Folder of the backup: share file, record and wrapped keys."`
	Last   string          `type:"existingdir" placeholder:"DIR" help:"Folder of the evidence of the drill before this one, whose bags are looked for; without it, the ceremony's."`
	Dir    ceremony.Folder `placeholder:"DIR" help:"Folder of the drill; EVIDENCE.drill-N where it is not named."`
	Paper  bool            `help:"Write the drill's plan and runbook to its folder, and hold it another time."`
}

// Run holds the drill, which leaves evidence of its own.
func (cmd ceremonyDrill) Run(c *console) error {
	if _, err := evidence.VerifyFolder(cmd.Bundle, evidence.Options{}); err != nil {
		return fmt.Errorf("%s: %w", cmd.Bundle, err)
	}
	origin, err := evidence.ReadOrigin(cmd.Bundle)
	if err != nil {
		return err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.DrillFolder(cmd.Bundle)
	}
	last, err := cmd.readLast(origin)
	if err != nil {
		return err
	}
	drill := plan.Drill{Closing: origin.Closing, Bags: origin.Bags()}
	if last != nil {
		drill.Last, drill.Bags = last.Closing, last.Bags()
	}
	f, err := cmd.plan(drill)
	if err != nil {
		return err
	}
	if cmd.Paper {
		return writeRunbook(c, f, ceremony.RunbookStem(f))
	}
	room, err := c.ceremonyRoom(f.Plan, false)
	if err != nil {
		return err
	}
	home := c.home
	if f.Plan.Practice { // its devices are where it was rehearsed
		home = c.home.In(ceremony.FolderAround(cmd.Bundle).Practice())
	}
	a, err := c.act(f, cmd.Dir, planDevices{home, c}, room)
	if err != nil {
		return err
	}
	a.Drill = &ceremony.Drill{Origin: origin, Last: last, Backup: cmd.Backup, Throwaway: tracedHome{c.home.In(cmd.Dir.Throwaway()), c}}
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if err := a.Run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The drill is closed. Keep its evidence with the ceremony's: %s\n", cmd.Dir.Evidence())
	return nil
}

// readLast reads the evidence of the drill before; nil where none is named.
func (cmd ceremonyDrill) readLast(ceremony *evidence.Origin) (*evidence.Origin, error) {
	if cmd.Last == "" {
		return nil, nil
	}
	_, err := evidence.VerifyFolder(cmd.Last, evidence.Options{})
	if err != nil {
		return nil, fmt.Errorf("--last %s: %w", cmd.Last, err)
	}
	last, err := evidence.ReadOrigin(cmd.Last)
	if err == nil {
		err = last.CheckLast(ceremony)
	}
	if err != nil {
		return nil, fmt.Errorf("--last %s: %w", cmd.Last, err)
	}
	return last, nil
}

// plan is the plan of the drill: made from the ceremony's, or the one that there
// is.
func (cmd ceremonyDrill) plan(drill plan.Drill) (f plan.File, err error) {
	path := filepath.Join(string(cmd.Dir), evidence.PlanFile)
	if _, err := os.Stat(path); err == nil {
		return cmd.planThatIs(path, drill)
	}
	if f, err = plan.ReadFile(filepath.Join(cmd.Bundle, evidence.PlanFile)); err != nil {
		return f, err
	}
	if f.Plan.Custody == nil || f.Plan.Drill != nil {
		return f, errors.New("a drill is of a ceremony that has made keys; name the evidence of that")
	}
	f.Path, f.Plan = path, f.Plan.DrillOf(drill, time.Now())
	if err := f.Plan.Check(); err != nil {
		return f, err
	}
	if f.Content, err = f.Plan.Bytes(); err != nil {
		return f, err
	}
	if err := os.MkdirAll(string(cmd.Dir), 0o700); err != nil {
		return f, err
	}
	return f, safefile.Create(path, f.Content)
}

// planThatIs reads the plan of a drill that was prepared or begun. It must be
// what the ceremony's plan leads to, and the drill before.
func (cmd ceremonyDrill) planThatIs(path string, drill plan.Drill) (plan.File, error) {
	f, err := plan.ReadFile(path)
	if err != nil {
		return f, err
	}
	ceremony, err := plan.ReadFile(filepath.Join(cmd.Bundle, evidence.PlanFile))
	if err != nil {
		return f, err
	}
	if d := f.Plan.Drill; d != nil && d.Last != "" && cmd.Last == "" {
		return f, fmt.Errorf("%s goes on from a drill before it; name its evidence again: --last DIR", path)
	}
	want, err := ceremony.Plan.DrillOf(drill, f.Plan.Start).Bytes()
	if err == nil && !bytes.Equal(want, f.Content) {
		err = fmt.Errorf("%s is not the plan of a drill of this ceremony, or was prepared with another --last; choose another folder", path)
	}
	return f, err
}

type ceremonyCalendar struct {
	Plan string `arg:"" help:"The plan."`
	Out  string `arg:"" help:"File to write, such as root.ics."`
}

// Run writes the dates.
func (cmd ceremonyCalendar) Run(c *console) error {
	f, err := plan.ReadFile(cmd.Plan)
	if err != nil {
		return err
	}
	var events []calendar.Event
	for _, d := range f.Plan.Schedule() {
		events = append(events, event(d))
	}
	content, err := calendar.Bytes(events, f.Plan.Start)
	if err != nil {
		return err
	}
	if err := safefile.Create(cmd.Out, content); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Dates written to %s: %d\n", cmd.Out, len(events))
	return nil
}

// event is a date as calendars have it.
func event(d plan.Date) calendar.Event {
	return calendar.Event{UID: d.ID + "@conclave", Summary: d.What, Description: d.Why, Date: d.Day, Remind: d.Remind}
}
