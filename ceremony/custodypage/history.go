package custodypage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// made notes what a ceremony or a change has made.
func (c *custody) made(link *evidence.Origin) {
	if link.Facts.Done(step.Share.ID()) {
		c.sheetsMade, c.sheets = link.Time(), map[string]finding{}
		c.inspected, c.opened = finding{}, finding{}
	}
	if link.Facts.Done(step.Copy.ID()) && link.Kind() != plan.AddMedium {
		c.media = map[string]finding{}
	}
	if change := link.Plan().Change; change != nil && change.Kind == plan.ReplaceDevice {
		delete(c.devices, change.Device)
	}
}

// found notes what a drill or an emergency has looked at, and what a change has shown on
// its way.
func (c *custody) found(link *evidence.Origin) {
	facts, p := link.Facts, link.Plan()
	for i, name := range p.People.Custodians {
		if sheet := evidence.Of[step.LoneSheetFacts](facts, step.LoneSheet.ID(strconv.Itoa(i+1))).Sheet; sheet != "" {
			c.sheets[name] = finding{link.Time(), sheet == step.SheetGood, sheet}
		}
	}
	if f, ok := shown(link, step.Inspect.ID()); ok {
		c.inspected = f
	}
	media := evidence.Of[step.InspectFacts](facts, step.Inspect.ID()).Media
	for i, thing := range p.MediaBags() {
		switch found := media[strconv.Itoa(i+1)]; found {
		case "":
		case step.SheetBad, step.SheetAbsent:
			c.media[thing] = finding{link.Time(), false, found}
		default: // what it is
			c.media[thing] = finding{link.Time(), true, found}
		}
	}
	if f, ok := shown(link, step.OpenBackup.ID()); ok {
		c.opened = f
	}
	for _, name := range p.Kept() {
		if f, ok := shown(link, step.Compare.ID(name)); ok {
			c.devices[name] = f
		}
	}
}

// shown is whether a step has shown what it was to show, if it was taken.
func shown(link *evidence.Origin, id string) (finding, bool) {
	why := evidence.Of[step.UnshownFacts](link.Facts, id).Why
	return finding{link.Time(), why == "", why}, link.Facts.Done(id)
}

// event says in words what a link of the chain was.
func event(link *evidence.Origin) (what string, details []string) {
	p := link.Plan()
	switch link.Kind() {
	case plan.First:
		return "Ceremony", []string{held(p)}
	case plan.Checking:
		return "Drill", []string{looked(link)}
	}
	change := p.Change
	switch change.Kind {
	case plan.NewSheets:
		what, details = "New sheets for the share file", newSheets(p)
	case plan.NewFile:
		what, details = "New share file, which the old sheets do not open", newSheets(p)
	case plan.Rekey:
		what, details = "New DKEK, under which all keys were wrapped anew", newSheets(p)
	case plan.ChangePIN:
		what = "New PINs of " + ofDevices(change.Device)
	case plan.ReplaceDevice:
		what, details = "The device "+change.Device+" is replaced", replaced(link)
	case plan.AddMedium:
		what = counted(evidence.Of[step.CopyFacts](link.Facts, step.Copy.ID()).Copies, "more copy", "more copies") + " of the backup"
	case plan.Emergency:
		what, details = "Emergency", emergency(link)
	}
	if change.Reason != "" && change.Kind != plan.Emergency {
		details = append(details, "Why: "+change.Reason)
	}
	return what, details
}

// held is what a first ceremony has made.
func held(p *plan.Plan) string {
	return fmt.Sprintf("%s made and backed up; any %d of %d custodians", counted(len(p.Keys), "key", "keys"), p.Custody.Threshold, len(p.People.Custodians))
}

// looked is what a drill or an emergency has found.
func looked(link *evidence.Origin) string {
	good, all := 0, len(link.Plan().People.Custodians)
	for i := range all {
		if evidence.Of[step.LoneSheetFacts](link.Facts, step.LoneSheet.ID(strconv.Itoa(i+1))).Sheet == step.SheetGood {
			good++
		}
	}
	found := []string{fmt.Sprintf("%d of %d sheets good", good, all)}
	for _, s := range link.Plan().Steps() {
		if why := evidence.Of[step.UnshownFacts](link.Facts, s.ID).Why; why != "" {
			found = append(found, s.Title+": not shown")
		} else if s.Action == step.OpenBackup {
			found = append(found, "the backup opened")
		}
	}
	return strings.Join(found, "; ")
}

// newSheets is whose sheets have taken whose place.
func newSheets(p *plan.Plan) (details []string) {
	before, now := p.Change.Before.Custodians, p.People.Custodians
	without := func(all, others []string) (rest []string) {
		for _, name := range all {
			if !slices.Contains(others, name) {
				rest = append(rest, name)
			}
		}
		return rest
	}
	left, came := without(before, now), without(now, before)
	for len(left) > 0 && len(came) > 0 {
		details = append(details, left[0]+"'s sheet is replaced by "+came[0]+"'s")
		left, came = left[1:], came[1:]
	}
	for _, name := range left {
		details = append(details, name+" has no sheet any more")
	}
	for _, name := range came {
		details = append(details, name+" has a sheet now")
	}
	if details == nil {
		details = []string{"the same custodians"}
	}
	return append(details, fmt.Sprintf("any %d of %d", p.Custody.Threshold, len(now)))
}

// replaced is which device has come, and what has become of the other one.
func replaced(link *evidence.Origin) []string {
	change := link.Plan().Change
	serial := evidence.Of[step.PrepareFacts](link.Facts, step.Prepare.ID(change.Device)).Serial
	return []string{
		"serial number " + serial + " in place of " + change.Replaces,
		"the old one: " + evidence.Of[step.RetireFacts](link.Facts, step.Retire.ID(change.Device)).Became,
	}
}

// emergency is what has happened, and who has decided what.
func emergency(link *evidence.Origin) []string {
	decided := evidence.Of[step.DecideFacts](link.Facts, step.Decide.ID())
	return []string{decided.Happened, decided.By + " decided: " + decided.Left, looked(link)}
}

func ofDevices(name string) string {
	if name == "" {
		return "all devices"
	}
	return "the device " + name
}

// counted is a number with the word for what is counted.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + more
}
