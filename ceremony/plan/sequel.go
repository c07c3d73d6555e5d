package plan

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Sequel is what a plan says about the evidence that it goes on from.
type Sequel struct {
	Closing string `json:"closing"` // SHA-256 of the first ceremony's checkpoint, lower-case hexadecimal
	// Last is that of the evidence right before this, of a drill or of a change, whose
	// bags these are; empty if it is the first ceremony's.
	Last string `json:"last,omitempty"`
	Bags []Bag  `json:"bags"` // one for each thing that was sealed
}

// Bag is what a thing was put into.
type Bag struct {
	Thing  string `json:"thing"`
	Number string `json:"number"` // NoBag if it was not put into one
}

// Number is that of the bag of a thing; empty for a thing that is new.
func (s *Sequel) Number(thing string) string {
	if bag := find(s.Bags, thing, func(b *Bag) string { return b.Thing }); bag != nil {
		return bag.Number
	}
	return ""
}

// Before is the closing of the evidence right before.
func (s *Sequel) Before() string {
	if s.Last != "" {
		return s.Last
	}
	return s.Closing
}

// FoldBag gives the same text for numbers that everyone would read as one bag's.
func FoldBag(number string) string {
	return strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(number)), ""))
}

// Kind is what a plan is for.
type Kind string

// The kinds of plans. All but the first go on from earlier evidence.
const (
	First         Kind = "ceremony"
	Checking      Kind = "drill"
	NewSheets     Kind = "reshare"        // other custodians get sheets for the share file that there is
	NewFile       Kind = "new-file"       // a new share file, which the old sheets do not open, holds the same DKEK share
	Rekey         Kind = "rekey"          // a new DKEK, under which all keys are wrapped anew
	ChangePIN     Kind = "change-pin"     // devices get other PINs
	ReplaceDevice Kind = "replace-device" // another device takes the place of one that is lost or worn out
	AddMedium     Kind = "add-medium"     // the backup is copied to more media
	Emergency     Kind = "emergency"      // something is lost: what is left is looked at, and someone decides
)

// Kinds are those of changes of custody.
func Kinds() []Kind {
	return []Kind{NewSheets, NewFile, Rekey, ChangePIN, ReplaceDevice, AddMedium, Emergency}
}

// When says when a change of a kind is the right one.
func (k Kind) When() string {
	return map[Kind]string{
		NewSheets:     "a custodian leaves or comes; the old sheets stay good, and those who leave hand theirs over",
		NewFile:       "a sheet is lost or was seen, or who leaves does not hand it over; the old sheets do not open the new share file",
		Rekey:         "the DKEK may be known, or so many sheets and a share file that they open; the devices are initialised anew",
		ChangePIN:     "a PIN may have been seen, or who knows it leaves",
		ReplaceDevice: "a device is lost, broken or worn out, and another takes its place",
		AddMedium:     "a backup medium is lost or worn out, or there are to be more",
		Emergency:     "something is lost: what is left is looked at, and someone decides",
	}[k]
}

// MakesSheets says whether custodians get new sheets in a change of a kind.
func (k Kind) MakesSheets() bool { return k == NewSheets || k == NewFile || k == Rekey }

// IsOfDevices says whether a change of a kind is about the devices that its plan names.
func (k Kind) IsOfDevices() bool { return k == ChangePIN || k == ReplaceDevice }

// Kind is that of the plan.
func (p *Plan) Kind() Kind {
	switch {
	case p.Change != nil:
		return p.Change.Kind
	case p.Drill != nil:
		return Checking
	}
	return First
}

// Sequel is what the plan says about the evidence before it, nil for a first ceremony.
func (p *Plan) Sequel() *Sequel {
	if p.Change != nil {
		return &p.Change.Sequel
	}
	return p.Drill
}

// sequelField is where a plan says so.
func (p *Plan) sequelField() string {
	if p.Change != nil {
		return "change"
	}
	return "drill"
}

// After is the plan in force once next, which goes on from this one, was carried out.
func (p *Plan) After(next *Plan) *Plan {
	q := *p
	q.People, q.Devices, q.Custody, q.Retention = next.People, next.Devices, next.Custody, next.Retention
	return &q
}

// CheckNext refuses a plan that does not go on from this one, which is in force. What
// its kind does not change is as it was; who administers and who witnesses, when and
// where, is for each occasion.
func (p *Plan) CheckNext(next *Plan) error {
	if next.Sequel() == nil || p.Custody == nil || next.Custody == nil {
		return errors.New("it is not a plan that goes on from earlier evidence of custody")
	}
	if !strings.HasPrefix(next.Ceremony, p.Ceremony+": ") {
		return fmt.Errorf("ceremony: it is %q; a name that begins with %q was expected", next.Ceremony, p.Ceremony+": ")
	}
	if next.Change != nil {
		if err := p.checkBefore(next.Change); err != nil {
			return err
		}
	}
	want, got := reflect.ValueOf(*p), reflect.ValueOf(p.leftAlone(next))
	for i := range want.NumField() {
		field := want.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !same(want.Field(i), got.Field(i)) {
			return fmt.Errorf("%s: it is not as it was before, and a plan of the kind %s leaves it as it is", name, next.Kind())
		}
	}
	return nil
}

// same compares fields as JSON would write them: none is as good as an empty list.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// leftAlone is next with everything as in this plan that its kind may change.
func (p *Plan) leftAlone(next *Plan) Plan {
	q := *next
	q.Ceremony, q.Start, q.Place, q.Recording, q.Comment, q.Register = p.Ceremony, p.Start, p.Place, p.Recording, p.Comment, p.Register
	q.Drill, q.Change, q.Retention = p.Drill, p.Change, p.Retention
	custodians, custody := q.People.Custodians, *next.Custody
	q.People = p.People
	q.People.Custodians = custodians
	custody.Printer, custody.Comment, custody.Contact = p.Custody.Printer, p.Custody.Comment, p.Custody.Contact
	q.Custody = &custody
	switch next.Kind() {
	case NewSheets, NewFile, Rekey:
		q.People.Custodians, custody.Threshold = p.People.Custodians, p.Custody.Threshold
	case AddMedium: // and takes none away
		custody.Media = min(custody.Media, p.Custody.Media)
	case ReplaceDevice:
		q.Devices = slices.Clone(q.Devices)
		for i := range q.Devices {
			if was := p.FindDevice(q.Devices[i].Name); was != nil && was.Name == next.Change.Device {
				q.Devices[i] = *was
			}
		}
	}
	return q
}

// checkBefore compares what a change says of custody before with what it was.
func (p *Plan) checkBefore(c *Change) error {
	if before := c.Before; before != nil && (before.Threshold != p.Custody.Threshold || !slices.Equal(before.Custodians, p.People.Custodians)) {
		return errors.New("change.before: it does not name the custodians before the change, and how many of them open the share file")
	}
	if d := p.FindDevice(c.Device); c.Kind == ReplaceDevice && (d == nil || c.Replaces != "" && d.Serial != "" && c.Replaces != d.Serial) {
		return errors.New("change.replaces: it is not the serial number of the device before the change")
	}
	return nil
}
