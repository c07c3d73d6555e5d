package custodypage

import (
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/wire"
)

// pinOf is a PIN of a device.
type pinOf struct {
	device string
	ref    wire.PINReference
}

// keptPIN is how a PIN is kept, and by whom. Who administers a drill is not who has set
// the PINs, so that this is of the ceremony, or the change, that has set them.
type keptPIN struct {
	Kept plan.Keeping
	By   []string
}

// setPINs notes the PINs that a ceremony or a change has set.
func (c *custody) setPINs(link *evidence.Origin) {
	p := link.Plan()
	for _, d := range p.Devices {
		prepared := link.Facts.Done(step.Prepare.ID(d.Name))
		if !prepared && !link.Facts.Done(step.ChangePIN.ID(d.Name)) || !p.Initialises(d.Name) {
			continue
		}
		told := evidence.Of[step.PrepareFacts](link.Facts, step.Prepare.ID(d.Name)).PINs
		for _, ref := range plan.PINs() {
			pin := p.PINOf(d.Name, ref)
			if prepared && told[plan.PINName(ref)] == "" { // a transcript of an earlier schema
				continue
			}
			c.pins[pinOf{d.Name, ref}] = keptPIN{pin.Kept, pin.Typists()}
		}
	}
}

// howKept says how a PIN is kept, by whom, and in which bag.
func (c *custody) howKept(device string, ref wire.PINReference) string {
	pin, known := c.pins[pinOf{device, ref}]
	if !known {
		return notInEvidence
	}
	switch pin.Kept {
	case plan.ByQuorum:
		return "sealed in the backup, where " + c.quorum() + " open it; no one knows it"
	case plan.OnSheet:
		return "on a sheet that " + pin.By[0] + " wrote, bag " + c.bagOf(device, ref, 0)
	case plan.InHalves:
		return "in halves: " + pin.By[0] + "'s sheet, bag " + c.bagOf(device, ref, 0) + "; " + pin.By[1] + "'s sheet, bag " + c.bagOf(device, ref, 1)
	}
	return "in " + pin.By[0] + "'s head alone"
}

// bagOf is the bag of a sheet with a PIN.
func (c *custody) bagOf(device string, ref wire.PINReference, typist int) string {
	return c.bag("the " + c.plan.PINOf(device, ref).What(typist, device, ref))
}

// bag is the bag that a thing is in.
func (c *custody) bag(thing string) string {
	for _, bag := range c.state.Bags {
		if bag.Thing == thing {
			return bagText(bag.Number)
		}
	}
	return notInEvidence
}

func bagText(number string) string {
	switch number {
	case plan.NoBag:
		return "none"
	case "":
		return notInEvidence
	}
	return number
}

// notInEvidence is said of what people know, and evidence does not.
const notInEvidence = "not in the evidence"
