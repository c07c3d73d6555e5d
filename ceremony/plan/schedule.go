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
func (p *Plan) Schedule() (dates []Date) {
	id := func(format string, args ...any) string {
		return fmt.Sprintf("%s-%s", p.Start.UTC().Format("20060102T150405Z"), fmt.Sprintf(format, args...))
	}
	end := p.Start.AddDate(p.Retention.Years, 0, 0)
	if p.Custody != nil {
		for n := 1; ; n++ {
			day := p.Start.AddDate(0, n*p.Retention.DrillMonths, 0)
			if day.After(end) {
				break
			}
			dates = append(dates, Date{id("drill-%d", n), p.Ceremony + ": drill", "Each custodian's sheet, the backup and the devices are checked: conclave ceremony drill", day, []int{30}})
		}
	}
	for _, c := range p.CRLs {
		dates = append(dates, Date{id("crl-%s", c.Name), p.Ceremony + ": next CRL", "The CRL " + c.Name + " ends; without the next one nothing under " + c.Issuer + " is trusted.", c.NextUpdate, []int{60, 14}})
	}
	for _, c := range p.Certificates {
		if c.File == "" {
			dates = append(dates, Date{id("certificate-%s", c.Name), p.Ceremony + ": end of the certificate " + c.Name, "What is under it must have moved to another by then.", c.NotAfter, []int{365, 90}})
		}
	}
	return append(dates, Date{id("retention"), p.Ceremony + ": end of retention", "The evidence has been kept for as long as was planned.", end, []int{30}})
}

// earliest is how long before its planned start a ceremony may be held.
const earliest = 366 * 24 * time.Hour

// CheckTime refuses a time that cannot be one of the ceremony: long before its
// planned start, or after the evidence need not be kept any more. A rehearsal may
// be held at any time.
func (p *Plan) CheckTime(t time.Time) error {
	end := p.Start.AddDate(p.Retention.Years, 0, 0)
	if !p.Practice && (t.Before(p.Start.Add(-earliest)) || t.After(end)) {
		return fmt.Errorf("%s is not a time of this ceremony, which is to begin at %s and whose evidence is kept until %s", date(t), date(p.Start), date(end))
	}
	return nil
}
