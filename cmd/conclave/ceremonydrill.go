package main

import (
	"time"

	"conclave/ceremony"
	"conclave/ceremony/calendar"
	"conclave/ceremony/plan"
	"conclave/internal/interrupt"
)

type ceremonyDrill struct {
	answering
	tracing
	Bundle string          `arg:"" help:"Folder of the ceremony's evidence."`
	Backup string          `required:"" placeholder:"DIR" help:"Folder of the backup: share file, record and wrapped keys."`
	Last   string          `placeholder:"DIR" help:"Folder of the evidence of the drill before this one, whose bags are looked for. Absent: the ceremony's bags."`
	Dir    ceremony.Folder `placeholder:"DIR" help:"Folder of the drill. Default: EVIDENCE.drill-N."`
	Paper  bool            `help:"Write the drill's plan and runbook to its folder, and hold it another time."`
}

// Run holds the drill, which leaves evidence of its own.
func (cmd ceremonyDrill) Run(c *console) error {
	drill, err := ceremony.ReadDrill(cmd.Bundle, cmd.Last)
	if err != nil {
		return err
	}
	if cmd.Dir == "" {
		cmd.Dir = ceremony.DrillFolder(cmd.Bundle)
	}
	f, err := drill.PlanIn(cmd.Dir, time.Now())
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
	a, err := c.ceremony(f, cmd.Dir, planDevices{home, c}, room)
	if err != nil {
		return err
	}
	drill.Backup, drill.Throwaway = cmd.Backup, tracedHome{c.home.In(cmd.Dir.Throwaway()), c}
	a.Drill = drill
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if err := a.Run(ctx); err != nil {
		return err
	}
	return c.answerf(newCeremonyAnswer(cmd.Dir), "The drill is closed. Keep its evidence with the ceremony's: %s\n", cmd.Dir.Evidence())
}

type ceremonyCalendar struct {
	answering
	Plan string `arg:"" complete:"files:json" type:"input" help:"The plan."`
	Out  string `arg:"" complete:"files:ics" output:"" help:"File to write, such as root.ics."`
}

// Run writes the dates.
func (cmd ceremonyCalendar) Run(c *console) error {
	f, err := readPlan(cmd.Plan, plan.ReadFile)
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
