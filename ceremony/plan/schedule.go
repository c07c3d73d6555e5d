package plan

import (
	"fmt"
	"time"
)

// Date is a day that must not be missed.
type Date struct {
	ID        string // the same in each calendar of the plan
	What, Why string
	Day       time.Time
	Remind    []int // days before
}

// Schedule are the days that the plan leaves to people: drills, next CRLs, ends
// of certificates and of the retention.
func (p *Plan) Schedule() []Date { return p.ScheduleAfter(p) }

// ScheduleAfter are the days that are left once the plan last was carried out, which is
// this one, or goes on from it: drills are counted from there, and come first.
func (p *Plan) ScheduleAfter(last *Plan) []Date {
	dates := drillDates(last)
	for _, c := range p.CRLs {
		dates = append(dates, newDate(p, "crl-"+c.Name, "next CRL of "+c.Issuer, "The CRL "+c.Name+" ends; without the next one nothing under "+c.Issuer+" is trusted.", c.NextUpdate, 60, 14))
	}
	for _, c := range p.Certificates {
		if c.File == "" {
			dates = append(dates, newDate(p, "certificate-"+c.Name, "end of the certificate "+c.Name, "What is under it must have moved to another by then.", c.NotAfter, 365, 90))
		}
	}
	return append(dates, newDate(p, "retention", "end of retention", "The evidence has been kept for as long as was planned.", p.KeptUntil(), 30))
}

// drillDates are the days of drills, for as long as evidence is kept.
func drillDates(p *Plan) (dates []Date) {
	for n := 1; p.Custody != nil && !p.DrillDue(n).After(p.KeptUntil()); n++ {
		dates = append(dates, newDate(p, fmt.Sprintf("drill-%d", n), "drill", "Each custodian's sheet, the backup and the devices are checked: conclave ceremony drill", p.DrillDue(n), 30))
	}
	return dates
}

func newDate(p *Plan, id, what, why string, day time.Time, remind ...int) Date {
	return Date{p.Start.UTC().Format("20060102T150405Z") + "-" + id, p.Ceremony + ": " + what, why, day, remind}
}

// KeptUntil is when the evidence need not be kept any more.
func (p *Plan) KeptUntil() time.Time { return monthsAfter(p.Start, 12*p.Retention.Years) }

// DrillDue is when a drill is due at the latest, the first being number 1.
func (p *Plan) DrillDue(n int) time.Time { return monthsAfter(p.Start, n*p.Retention.DrillMonths) }

// monthsAfter is the same day and time so many months later; the last day of a
// month that has no such day, where time.AddDate would go on into the next one.
func monthsAfter(t time.Time, months int) time.Time {
	later := t.AddDate(0, months, 0)
	if later.Day() != t.Day() {
		later = later.AddDate(0, 0, -later.Day()) // the days by which it went on
	}
	return later
}

// earliest is how long before its planned start a ceremony may be held.
const earliest = 366 * 24 * time.Hour

// CheckTime refuses a time that cannot be one of the ceremony: long before its
// planned start, or after the evidence need not be kept any more. A rehearsal may
// be held at any time.
func (p *Plan) CheckTime(t time.Time) error {
	end := p.KeptUntil()
	if !p.Practice && (t.Before(p.Start.Add(-earliest)) || t.After(end)) {
		return fmt.Errorf("%s is not a time of this ceremony, which is to begin at %s and whose evidence is kept until %s", date(t), date(p.Start), date(end))
	}
	return nil
}
