package custodypage

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
)

// weakness is something that is not backed up, or hangs by one thread.
type weakness struct{ What, Why string }

// weaknesses are all that evidence and register show, the gravest first.
func (c *custody) weaknesses() []weakness {
	return slices.Concat(c.strangeKeys(), c.imported(), c.weakMedia(), c.weakSheets(), c.oldSheets(), c.lone(), c.lostDevices(), c.lonePINs(), c.openThings())
}

// strangeKeys are keys of certificates that are in no backup.
func (c *custody) strangeKeys() (all []weakness) {
	backed := map[string]bool{}
	for _, k := range c.plan.Keys {
		backed[string(evidence.Of[step.GenerateFacts](c.state.Facts, step.Generate.ID(k.Name)).Public)] = true
	}
	for _, cert := range c.signed.authorities {
		if !backed[keySum(cert)] {
			all = append(all, weakness{"The key of " + nameOf(cert.RawSubject), "It has a certificate in the register, and is in no backup of this ceremony. Whoever holds it has to back it up."})
			backed[keySum(cert)] = true
		}
	}
	if c.Register != "" {
		return all
	}
	for _, cert := range c.plan.Certificates {
		switch {
		case cert.File != "":
			all = append(all, weakness{"The key of the certificate " + cert.Name, "It was in the device " + cert.Device + " before this ceremony, and is in no backup of it."})
		case cert.Key == "" && cert.Request != "":
			all = append(all, weakness{"The key of the certificate " + cert.Name, "It came with a request, and is in no backup of this ceremony. Whoever holds it has to back it up."})
		}
	}
	return all
}

// imported are keys that were files.
func (c *custody) imported() (all []weakness) {
	for _, k := range c.plan.Keys {
		if k.Import != "" {
			all = append(all, weakness{"The key " + k.Name + " was a file", "It was imported, so that copies of it may be where it came from: no device attests it."})
		}
	}
	return all
}

// weakMedia are where the backup hangs by one thing.
func (c *custody) weakMedia() (all []weakness) {
	things := c.plan.MediaBags()
	for _, thing := range things {
		if found, looked := c.media[thing]; looked && !found.Good {
			all = append(all, weakness{capital(thing) + " was " + found.Text + " on " + day(found.Day), "Do not count on it: copy the backup to another one."})
		}
	}
	switch copies := c.copied.Copies; {
	case copies == 0:
		all = append(all, weakness{"The backup is on no medium", "It is in the folder of the ceremony alone. Copy it to two media: conclave ceremony change."})
	case copies == 1:
		all = append(all, weakness{"The backup is on one medium", "If it is lost or cannot be read, so is the backup. Copy it to another one: conclave ceremony change."})
	case len(things) == 1 && c.bag(things[0]) != bagText(plan.NoBag):
		all = append(all, weakness{fmt.Sprintf("All %d copies of the backup are in one bag", copies), "They are in one place, and are lost together."})
	}
	return all
}

// weakSheets are sheets that may not be what they should be, and how many that leaves.
func (c *custody) weakSheets() (all []weakness) {
	custodians, threshold := c.plan.People.Custodians, c.plan.Custody.Threshold
	bad := 0
	for i, name := range custodians {
		found, looked := c.sheets[name]
		switch {
		case looked && !found.Good:
			bad++
			all = append(all, weakness{name + "'s sheet was " + found.Text + " on " + day(found.Day), "Do not count on it until it was seen to be good: conclave dkek check."})
		case !looked && !c.Record.Custodians[i].ReadBack:
			all = append(all, weakness{name + "'s sheet was not read back when it was made", "No one has seen that what is on it is right: conclave dkek check."})
		}
	}
	switch good := len(custodians) - bad; {
	case good < threshold:
		all = append([]weakness{{fmt.Sprintf("%d sheets are left, and it takes %d", good, threshold), "The backup cannot be opened. While a device still has the keys, hold a new ceremony."}}, all...)
	case good == threshold:
		all = append(all, weakness{"Not one sheet may be lost", fmt.Sprintf("%d can be counted on, and it takes %d to open the backup: make new sheets for more custodians: conclave ceremony change.", good, threshold)})
	}
	return all
}

// oldSheets are sheets that were replaced and open something all the same.
func (c *custody) oldSheets() (all []weakness) {
	if n := len(c.state.Sets) - 1; n > 0 {
		all = append(all, weakness{"Sheets that were replaced open the share file, too", "Those of set " + strings.Join(c.state.Sets[:n], ", ") + ", unless they were destroyed, which is " + notInEvidence + "."})
	}
	if old := c.state.Replaced; len(old) > 0 {
		all = append(all, weakness{"Old copies of the backup open with old sheets", "Those of set " + strings.Join(old, ", ") + ", unless one or the other was destroyed, which is " + notInEvidence + "."})
	}
	return all
}

// lone is a single device with the keys.
func (c *custody) lone() []weakness {
	if !c.plan.Custody.EraseStandby {
		return nil
	}
	return []weakness{{"One device alone has the keys", "The standby device " + c.plan.Custody.Standby + " was erased once the backup was proved on it. If " + c.plan.Custody.Device + " fails, custodians have to restore them first."}}
}

// lostDevices are those that a drill, or an emergency, could not look at.
func (c *custody) lostDevices() (all []weakness) {
	for _, name := range c.plan.Kept() {
		if found, ok := c.devices[name]; ok && !found.Good {
			all = append(all, weakness{"The device " + name + " could not be looked at on " + day(found.Day), found.Text})
		}
	}
	for _, found := range []finding{c.inspected, c.opened} {
		if found.Text != "" {
			all = append(all, weakness{"The backup could not be shown to be good on " + day(found.Day), found.Text})
		}
	}
	return all
}

// lonePINs are PINs that one person alone knows.
func (c *custody) lonePINs() (all []weakness) {
	heads := map[string][]string{}
	var keepers []string
	for _, device := range c.plan.Kept() {
		for _, ref := range plan.PINs() {
			if pin, ok := c.pins[pinOf{device, ref}]; ok && pin.Kept == plan.ByKeeper {
				heads[pin.By[0]] = append(heads[pin.By[0]], plan.PINName(ref)+" of "+device)
				if !slices.Contains(keepers, pin.By[0]) {
					keepers = append(keepers, pin.By[0])
				}
			}
		}
	}
	for _, who := range keepers {
		all = append(all, weakness{"In " + who + "'s head alone: " + strings.Join(heads[who], ", "), "Without " + who + " the devices cannot be used, and the keys have to be restored to others."})
	}
	return all
}

// openThings are what no bag shows to have been left alone.
func (c *custody) openThings() []weakness {
	var open []string
	for _, bag := range c.state.Bags {
		if bag.Number == plan.NoBag {
			open = append(open, bag.Thing)
		}
	}
	if open == nil {
		return nil
	}
	return []weakness{{"In no bag: " + strings.Join(open, ", "), "No one would see that someone else has had it."}}
}
