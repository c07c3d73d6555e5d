package custodypage

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"conclave/ca"
	"conclave/ca/register"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// soon is how long before its day something is called due.
const soon = 90 * 24 * time.Hour

// lane is where on the time line something stands.
type lane string

// The lanes, in order.
const (
	changes lane = "Ceremony and changes"
	drills  lane = "Drills"
	crls    lane = "CRLs"
	ends    lane = "Ends and deadlines"
)

func lanes() []lane { return []lane{changes, drills, crls, ends} }

// moment is something on the time line.
type moment struct {
	Day     time.Time
	Lane    lane
	What    string
	Details []string
	Mark    string // in words, of what is due or over; empty where nothing is to be done
	Late    bool   // its day has gone by, and it has not been done
	Quiet   bool   // it is a mark on the time line, and not in the list
}

// DateText is its day.
func (m moment) DateText() string { return day(m.Day) }

// Heading is what it is in a list.
func (m moment) Heading() string {
	if m.Mark != "" {
		return m.Mark + ": " + m.What
	}
	return capital(m.What)
}

// past are what has happened, in order.
func (c *custody) past() (all []moment) {
	for _, link := range c.Chain.Links {
		what, details := event(link)
		m := moment{Day: link.Time(), Lane: changes, What: what, Details: details}
		if link.Kind() == plan.Checking {
			m.Lane = drills
		}
		all = append(all, m)
	}
	all = append(all, c.signedCRLs()...)
	slices.SortStableFunc(all, func(a, b moment) int { return a.Day.Compare(b.Day) })
	return all
}

// ahead are the days that must not be missed, in order.
func (c *custody) ahead() (all []moment) {
	last := c.Chain.Last().Plan()
	all = append(all, c.due(moment{Day: last.DrillDue(1), Lane: drills, What: "drill"}))
	all = append(all, c.decisions()...)
	all = append(all, c.nextCRLs()...)
	all = append(all, c.certificateEnds()...)
	all = append(all, c.over(moment{Day: c.plan.KeptUntil(), Lane: ends, What: "end of the retention of the evidence"}))
	slices.SortStableFunc(all, func(a, b moment) int { return a.Day.Compare(b.Day) })
	return all
}

// due marks what someone has to do by its day.
func (c *custody) due(m moment) moment { return c.marked(m, "OVERDUE") }

// over marks what ends on its day.
func (c *custody) over(m moment) moment { return c.marked(m, "OVER") }

// marked says of a day that has gone by what that means, and of one that is near how near
// it is.
func (c *custody) marked(m moment, gone string) moment {
	switch left := m.Day.Sub(c.Now); {
	case left < 0:
		m.Mark, m.Late = gone, true
	case left <= soon:
		m.Mark = "DUE in " + counted(int(left/(24*time.Hour)), "day", "days")
	}
	return m
}

// decisions are the days by which keys must be changed, as was decided in emergencies.
func (c *custody) decisions() (all []moment) {
	for _, decided := range c.state.Decided {
		by, err := time.Parse(time.DateOnly, decided.ChangeBy)
		if err != nil {
			continue // they need not be
		}
		m := moment{Day: by, Lane: ends, What: "keys to be changed", Details: []string{decided.By + " decided it: " + decided.Happened}}
		if c.rekeyedSince(decided) {
			m.Details = append(m.Details, "a new DKEK was made since; whether the keys themselves are others is "+notInEvidence)
		}
		all = append(all, c.due(m))
	}
	return all
}

// rekeyedSince says whether there is a new DKEK since a decision.
func (c *custody) rekeyedSince(decided step.DecideFacts) bool {
	after := false
	for _, link := range c.Chain.Links {
		if link.Kind() == plan.Emergency && evidence.Of[step.DecideFacts](link.Facts, step.Decide.ID()) == decided {
			after = true
		} else if after && link.Kind() == plan.Rekey {
			return true
		}
	}
	return false
}

// issuedCRLs are the CRLs of the register, in order of time.
func (c *custody) issuedCRLs() (all []register.Entry) {
	for _, e := range c.Signed {
		if e.Kind == ca.KindCRL && e.State() == register.Issued {
			all = append(all, e)
		}
	}
	return all
}

// signedCRLs are those that were signed. The list has the newest of each issuer.
func (c *custody) signedCRLs() (all []moment) {
	newest, number := map[string]int{}, map[string]int{}
	for _, e := range c.issuedCRLs() {
		issuer := string(e.Issuer)
		if i, ok := newest[issuer]; ok {
			all[i].Quiet = true
		}
		newest[issuer], number[issuer] = len(all), number[issuer]+1
		m := moment{Day: e.Time, Lane: crls, What: fmt.Sprintf("CRL number %d", e.Number), Details: []string{"of " + nameOf(e.Issuer)}}
		if n := number[issuer] - 1; n > 0 {
			m.Details = append(m.Details, fmt.Sprintf("before it: %d", n))
		}
		all = append(all, m)
	}
	return all
}

// nextCRLs are those that must follow the newest; those of the plan where there is no
// register.
func (c *custody) nextCRLs() (all []moment) {
	if c.Register == "" {
		for _, crl := range c.plan.CRLs {
			all = append(all, c.due(moment{Day: crl.NextUpdate, Lane: crls, What: "next CRL after " + crl.Name, Details: []string{"as planned; there is no register"}}))
		}
		return all
	}
	for _, crl := range c.signed.newest {
		all = append(all, c.due(moment{Day: crl.NextUpdate, Lane: crls, What: fmt.Sprintf("next CRL after number %d", crl.Number), Details: []string{"of " + nameOf(crl.RawIssuer)}}))
	}
	slices.SortFunc(all, func(a, b moment) int { return cmp.Compare(a.Details[0], b.Details[0]) })
	return all
}

// certificateEnds are when certificates of CAs end: those of the register, or of the plan
// where there is none.
func (c *custody) certificateEnds() (all []moment) {
	end := func(name string, until time.Time, details ...string) {
		all = append(all, c.over(moment{Day: until, Lane: ends, What: "end of the certificate " + name, Details: details}))
	}
	if c.Register == "" {
		for _, cert := range c.plan.Certificates {
			if cert.File == "" {
				end(cert.Name, cert.NotAfter)
			}
		}
		return all
	}
	for _, cert := range c.signed.authorities {
		if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
			end(nameOf(cert.RawSubject), cert.NotAfter)
		} else {
			end(nameOf(cert.RawSubject), cert.NotAfter, "issued by "+nameOf(cert.RawIssuer))
		}
	}
	return all
}
