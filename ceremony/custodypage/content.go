package custodypage

import (
	"fmt"

	"conclave/ceremony/evidence"
)

// content is what the page says, before it has a form.
type content struct {
	Name, Day, Lead string
	Practice        string // of a rehearsal
	Due             []moment
	Drawing         drawing
	Strip           strip
	Past, Ahead     []moment
	Weak            []weakness
	Unseen          []string // what no evidence can show
	Verdict         string
}

// content says what is in force, and what is due.
func (s Source) content() (content, error) {
	if err := s.check(); err != nil {
		return content{}, fmt.Errorf("custody page: %w", err)
	}
	c := s.follow()
	var err error
	if c.signed, err = read(s.Signed); err != nil {
		return content{}, fmt.Errorf("custody page: %s: %w", s.Register, err)
	}
	past, ahead := c.past(), c.ahead()
	page := content{
		Name: c.plan.Ceremony, Day: day(c.Now), Lead: c.lead(), Drawing: c.drawing(), Strip: newStrip(c.Now, past, ahead),
		Past: listed(past), Ahead: ahead, Weak: c.weaknesses(), Unseen: c.unseen(), Verdict: c.verdict(),
	}
	if c.plan.Practice {
		page.Practice = "A rehearsal. Nothing on this page is in force."
	}
	for _, m := range ahead {
		if m.Mark != "" {
			page.Due = append(page.Due, m)
		}
	}
	return page, nil
}

// lead is the one thing that everyone has to know.
func (c *custody) lead() string {
	return fmt.Sprintf("Any %d of the %d custodians can bring back the keys; fewer cannot.", c.plan.Custody.Threshold, len(c.plan.People.Custodians))
}

// listed leaves out what is a mark on the time line alone.
func listed(all []moment) (list []moment) {
	for _, m := range all {
		if !m.Quiet {
			list = append(list, m)
		}
	}
	return list
}

// unseen is what the page cannot know.
func (c *custody) unseen() []string {
	all := []string{"Keys on devices that the plan does not know, and keys that were made on these devices since: conclave status looks at a device."}
	if c.Register == "" {
		all = append(all, "CRLs and certificates that were signed since: no register was found. Those on this page are of the plan.")
	} else if c.signed.others > 0 {
		all = append(all, fmt.Sprintf("The keys of %s in the register that are not of CAs: whoever holds them looks after them.", counted(c.signed.others, "certificate", "certificates")))
	}
	return all
}

// verdict is what the page was made from, and how far that can be relied on.
func (c *custody) verdict() string {
	last := c.Chain.Last()
	text := fmt.Sprintf("Made by conclave %s from the evidence of %q, closed on %s, SHA-256 of its checkpoint %s", c.Tool, last.Name(), day(last.Time()), last.Closing)
	if c.Register != "" {
		text += ", and from " + c.Register
	}
	switch c.Level {
	case evidence.Proved:
		return text + ". The evidence is proved."
	case evidence.Unproved:
		return text + ". The evidence is proved in part: conclave ceremony verify says what is not."
	}
	return text + ". The evidence fits together, and no one has compared it with the paper of the ceremony for this page: anyone may have made it."
}
