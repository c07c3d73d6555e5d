package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/wire"
)

// steps checks that every step of the plan was done, in order, and what each
// has left.
func (v *verifier) steps() {
	done, planned := doneSteps(v.transcript.Entries), plannedSteps(v.plan)
	if !slices.Equal(done, planned) {
		v.problem(TranscriptFile, "the steps done are %s; the plan has %s", strings.Join(done, ", "), strings.Join(planned, ", "))
	}
	for _, s := range v.planned {
		switch {
		case v.facts.unshown(s.ID) != "":
			v.notShown(s)
		case v.facts.Done(s.ID):
			v.step(s)
		}
	}
	v.shown("steps: %d of the plan's %d are done", len(done), len(planned))
}

func (v *verifier) step(s step.Step) {
	switch s.Action {
	case step.Open:
		v.inputs(s.ID)
	case step.RollCall:
		v.called(s.ID, v.plan.Everyone(), Of[step.RollCallFacts](v.facts, s.ID).Present, nil)
	case step.Prepare:
		v.device(s.ID, s.Object)
	case step.Share:
		custodyCheck{v}.share(s.ID)
	case step.Import:
		custodyCheck{v}.imported(s.ID)
	case step.SealPIN:
		pinCheck{v}.sealedPIN(s.ID, s.Object)
	case step.Generate:
		keyCheck{v}.key(s.ID, s.Object)
	case step.Backup:
		custodyCheck{v}.backup(s.ID, s.Object)
	case step.Restore:
		facts := Of[step.RestoreFacts](v.facts, s.ID)
		custodyCheck{v}.restored(s.ID, facts.KCV, facts.Restored, facts.Wrapped, v.inForce)
		v.shown("restore: every key was proved on the device %s", s.Object)
	case step.Certify:
		signatures{v}.certificate(s.ID, v.plan.FindCertificate(s.Object))
	case step.SignCRL:
		signatures{v}.crl(s.ID, v.plan.FindCRL(s.Object))
	case step.Copy:
		mediaCheck{v}.copies(s.ID)
	case step.Inspect:
		custodyCheck{v}.inspected(s.ID)
	case step.OpenBackup:
		custodyCheck{v}.opened(s.ID)
	case step.Compare:
		custodyCheck{v}.compared(s.ID, s.Object)
	case step.Decide:
		v.decided(s.ID)
	case step.Seal:
		v.bagsOf(s.ID)
	case step.Close:
		v.closed(s.ID)
	}
}

// family wants a family of facts to have one for each of several things or
// people, and for no other.
func family[T any](v *verifier, id, fact string, facts map[string]T, all []string) {
	planned := map[string]bool{}
	for _, one := range all {
		planned[one] = true
		if _, ok := facts[one]; !ok {
			v.problem(TranscriptFile, "step %s, the fact %q is missing", id, fact+one)
		}
	}
	for _, one := range slices.Sorted(maps.Keys(facts)) {
		if !planned[one] {
			v.problem(TranscriptFile, "step %s, fact %q: nothing in the plan has this name", id, fact+one)
		}
	}
}

// inputs compares the files that came with the plan with what was read aloud.
func (v *verifier) inputs(id string) {
	facts := Of[step.OpenFacts](v.facts, id)
	v.watch(id, facts.Watch, facts.Clock, facts.Ahead)
	v.agrees(KeyFile, id, "ceremony key sha256", string(facts.Key), fmt.Sprintf("%x", v.report.Key))
	family(v, id, "input ", facts.Inputs, v.plan.Inputs())
	for _, path := range v.plan.Inputs() {
		if file := InputFile(path); v.facts.Schema >= 2 || v.bundle.has(file) {
			v.agrees(file, id, "input "+path, string(facts.Inputs[path]), v.sum(file))
		}
	}
	family(v, id, "key file ", facts.KeyFiles, v.plan.KeyFiles())
	if v.plan.Sequel() != nil {
		return
	}
	for _, c := range v.plan.Certificates {
		if c.File == "" {
			continue
		}
		if _, err := (signatures{v}).readCertificate(c.Name); err != nil { // no step issues it, but others are checked with it
			v.problem(InputFile(c.File), "%v", err)
		}
	}
}

// sumIs compares the hash of a file that is a fact.
func (v *verifier) sumIs(file, id, fact string, got step.Sum) {
	v.agrees(file, id, fact, string(got), v.sum(file))
}

// deviceChain reads a device's certificates.
func (v *verifier) deviceChain(name string) (*wire.DeviceChain, error) {
	chain, err := wire.ParseDeviceChain(v.read(DeviceFile(name)))
	if err != nil {
		return nil, err
	}
	return chain, chain.Verify()
}

func (v *verifier) device(id, name string) {
	facts, file := Of[step.PrepareFacts](v.facts, id), DeviceFile(name)
	v.sumIs(file, id, "device certificates sha256", facts.Certificates)
	chain, err := v.deviceChain(name)
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	serial := chain.Device().Holder()
	v.agrees(file, id, "device serial", facts.Serial, serial)
	if planned := v.plan.FindDevice(name).Serial; planned != "" {
		v.equal(file, "the serial number of the device", serial, planned)
	}
	if err := v.plan.FindDevice(name).CheckFirmware(facts.Version); err != nil && v.facts.Schema >= 3 {
		v.problem(TranscriptFile, "step %s, fact %q: %v", id, "device version", err)
	}
	for _, other := range v.plan.Devices {
		if other.Name != name && Of[step.PrepareFacts](v.facts, step.Prepare.ID(other.Name)).Serial == facts.Serial {
			v.problem(TranscriptFile, "step %s, fact %q: the devices %s and %s are the same one, %s", id, "device serial", name, other.Name, facts.Serial)
		}
	}
	v.shown("device %s: serial number %s, certificate by %s", name, serial, chain.Issuer())
	v.proof(id, name, chain, facts.Proof)
	pinCheck{v}.pins(id, name, facts)
}

// proof checks whether a device has proved that its certificate is its own.
func (v *verifier) proof(id, name string, chain *wire.DeviceChain, sum step.Sum) {
	const fact = "device proof sha256"
	file := ProofFile(name)
	switch {
	case sum == "" && v.bundle.has(file):
		v.problem(file, "step %s, the fact %q is missing", id, fact)
	case sum == "" && v.plan.Initialises(name) && v.facts.Schema >= 2:
		v.problem(TranscriptFile, "step %s, the fact %q is missing: the device %s proves that its certificate is its own, as one of the custody", id, fact, name)
	case sum == "" && v.plan.Initialises(name):
		v.unproved("device %s: that its certificate is its own; it may be a copy (evidence of an earlier version)", name)
	case sum == "":
		v.shown("device %s: it was not asked to prove that its certificate is its own, for no key is made in it", name)
	default:
		v.sumIs(file, id, fact, sum)
		if err := chain.CheckProof(v.read(file), ProofPurpose(v.report.Key, name)); err != nil {
			v.problem(file, "%v", err)
			return
		}
		v.shown("device %s: it proved that its certificate is its own", name)
	}
}

// bagsOf wants each thing to be in a bag of its own, or in none.
func (v *verifier) bagsOf(id string) {
	bags := Of[step.SealFacts](v.facts, id).Bags
	family(v, id, "bag: ", bags, v.plan.Bags())
	mediaCheck{v}.unwritten(id, bags)
	seen := map[string]string{}
	for _, thing := range v.plan.Bags() {
		number := plan.FoldBag(bags[thing])
		if other, twice := seen[number]; twice {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, as for %s", id, "bag: "+thing, bags[thing], other)
		}
		if bags[thing] != plan.NoBag {
			seen[number] = thing
		}
	}
}
