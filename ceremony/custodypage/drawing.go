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

// drawing is who and what has the keys, from the sheets to the devices.
type drawing struct {
	Quorum  string
	Sheets  group
	Backup  group // the media, each of which has share file and wrapped keys
	File    box
	DKEK    box
	Wrapped box
	Devices group
}

// group are boxes with a heading.
type group struct {
	Title, Note string
	Boxes       []box
}

// box is a thing, with what is known of it.
type box struct {
	Title, Kind string
	Facts       []fact
	Mark        string // in words, what is wrong with it
	Gone        bool   // it has no keys any more
}

// fact is a name, and what is known by it.
type fact struct{ Name, Text string }

// placesUnknown is said of each group: where a bag is kept, no evidence has.
const placesUnknown = "Places: " + notInEvidence

// quorum is how many custodians it takes.
func (c *custody) quorum() string {
	return fmt.Sprintf("any %d of %d", c.plan.Custody.Threshold, len(c.plan.People.Custodians))
}

func (c *custody) drawing() drawing {
	share := evidence.Of[step.ShareFacts](c.state.Facts, step.Share.ID())
	d := drawing{
		Quorum: c.quorum(), Sheets: c.sheetBoxes(share.Set), Backup: c.mediaBoxes(), File: c.shareFile(),
		DKEK:    box{Title: "DKEK", Kind: "device key encryption key", Facts: []fact{{"KCV", share.KCV}, {"Kept", "nowhere; it is there while it is used"}}},
		Devices: c.deviceBoxes(),
	}
	d.Wrapped = box{Title: counted(len(c.plan.Keys), "wrapped key", "wrapped keys"), Facts: []fact{{"Keys", strings.Join(c.keys(), ", ")}}}
	if sealed := c.plan.SealedPINs(); len(sealed) > 0 {
		d.Wrapped.Facts = append(d.Wrapped.Facts, fact{"Sealed SO-PIN", "of " + strings.Join(sealed, ", ")})
	}
	return d
}

// keys are the names of the keys in the backup.
func (c *custody) keys() (names []string) {
	for _, k := range c.plan.Keys {
		names = append(names, k.Name)
	}
	return names
}

func (c *custody) sheetBoxes(set string) group {
	custodians := c.plan.People.Custodians
	g := group{Title: counted(len(custodians), "sheet", "sheets") + " of set " + set, Note: "Made " + day(c.sheetsMade) + ". " + placesUnknown + "."}
	for i, name := range custodians {
		b := box{Title: name, Kind: fmt.Sprintf("sheet\u00a0%d", i+1), Facts: []fact{{"Bag", c.bag(plan.Sheet(name))}}}
		switch found, looked := c.sheets[name]; {
		case looked:
			b.looked(found)
		case c.Record.Custodians[i].ReadBack:
			b.Facts = append(b.Facts, fact{"Read back", "when it was made"})
		default:
			b.Mark = "NOT READ BACK"
		}
		g.Boxes = append(g.Boxes, b)
	}
	return g
}

// looked says what a drill has found last.
func (b *box) looked(found finding) {
	if found.Good {
		b.Facts = append(b.Facts, fact{"Good on", day(found.Day)})
		return
	}
	b.Mark = strings.ToUpper(found.Text)
	b.Facts = append(b.Facts, fact{"Looked for", day(found.Day)})
}

func (c *custody) mediaBoxes() group {
	g := group{Title: "Backup: " + counted(c.copied.Copies, "copy", "copies"), Note: placesUnknown + "."}
	for i, thing := range c.plan.MediaBags() {
		b := box{Title: capital(strings.TrimPrefix(thing, "the ")), Facts: []fact{{"Bag", c.bag(thing)}}}
		if identity := c.copied.Media[strconv.Itoa(i+1)]; identity != "" && c.plan.Custody.Media > 0 { // else all are in this bag
			b.Facts = append(b.Facts, fact{"Written as", identity})
		}
		if found, looked := c.media[thing]; looked {
			b.looked(found)
		}
		g.Boxes = append(g.Boxes, b)
	}
	return g
}

func (c *custody) shareFile() box {
	b := box{Title: "Share file", Kind: c.Record.ShareFile.Name}
	switch {
	case c.opened.Text != "":
		b.Mark = "NOT OPENED"
		b.Facts = []fact{{"Tried on", day(c.opened.Day)}}
	case c.opened.Good:
		b.Facts = []fact{{"Opened on", day(c.opened.Day)}}
	}
	return b
}

func (c *custody) deviceBoxes() group {
	g := group{Title: counted(len(c.plan.Devices), "device", "devices"), Note: placesUnknown + "."}
	for _, d := range c.plan.Devices {
		g.Boxes = append(g.Boxes, c.device(d))
	}
	return g
}

func (c *custody) device(d plan.Device) box {
	b := box{Title: d.Name, Kind: "card or token"}
	if d.Embedded {
		b.Kind = "in software"
	}
	if product := strings.TrimSpace(d.Make + " " + d.Model); product != "" {
		b.Kind = product
	}
	b.Facts = append(b.Facts, fact{"Serial", c.serial(d)})
	if !slices.Contains(c.plan.Kept(), d.Name) {
		return c.notKept(b, d.Name)
	}
	b.Facts = append(b.Facts, fact{"Keys", strings.Join(append(c.keys(), c.otherKeys(d.Name)...), ", ")}, fact{"Bag", c.bag(plan.TheDevice(d.Name))})
	for _, ref := range plan.PINs() {
		b.Facts = append(b.Facts, fact{capital(plan.PINName(ref)), c.howKept(d.Name, ref)})
	}
	switch found, looked := c.devices[d.Name]; {
	case looked && found.Good:
		b.Facts = append(b.Facts, fact{"As it was", "on " + day(found.Day)})
	case looked:
		b.Mark = "NOT SHOWN"
		b.Facts = append(b.Facts, fact{"Looked for", day(found.Day)})
	}
	return b
}

// notKept is a device that does not have the keys of the ceremony.
func (c *custody) notKept(b box, name string) box {
	if name == c.plan.Custody.Standby {
		b.Gone, b.Mark = true, "ERASED in the ceremony"
		b.Facts = append(b.Facts, fact{"Keys", "none"})
		return b
	}
	if keys := c.otherKeys(name); keys != nil {
		b.Facts = append(b.Facts, fact{"Keys", strings.Join(keys, ", ")})
	}
	return b
}

// otherKeys are those that a device had before the ceremony.
func (c *custody) otherKeys(device string) (keys []string) {
	for _, cert := range c.plan.Certificates {
		if cert.File != "" && cert.Device == device {
			keys = append(keys, "that of the certificate "+cert.Name+", which is not in this backup")
		}
	}
	return keys
}

// serial is what a device has shown, or else what the plan says.
func (c *custody) serial(d plan.Device) string {
	if shown := c.state.Serial(d.Name); shown != "" {
		return shown
	}
	if d.Serial != "" {
		return d.Serial
	}
	return notInEvidence
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
