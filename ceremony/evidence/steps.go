package evidence

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/quorum"
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
		v.share(s.ID)
	case step.Import:
		v.imported(s.ID)
	case step.SealPIN:
		v.sealedPIN(s.ID, s.Object)
	case step.Generate:
		v.key(s.ID, s.Object)
	case step.Backup:
		v.backup(s.ID, s.Object)
	case step.Restore:
		facts := Of[step.RestoreFacts](v.facts, s.ID)
		v.restored(s.ID, facts.KCV, facts.Restored, facts.Wrapped, v.inForce)
		v.shown("restore: every key was proved on the device %s", s.Object)
	case step.Certify:
		signatures{v}.certificate(s.ID, v.plan.FindCertificate(s.Object))
	case step.SignCRL:
		signatures{v}.crl(s.ID, v.plan.FindCRL(s.Object))
	case step.Copy:
		v.copies(s.ID)
	case step.Inspect:
		v.inspected(s.ID)
	case step.OpenBackup:
		v.opened(s.ID)
	case step.Compare:
		v.compared(s.ID, s.Object)
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
	v.pins(id, name, facts)
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

// share compares what is said of the sheets with their record.
func (v *verifier) share(id string) {
	facts := Of[step.ShareFacts](v.facts, id)
	v.record(v.plan.Ceremony, v.facts, v.replaced())
	v.openedBefore(id, facts)
	if proof := v.plan.Scheme().Proof().String(); facts.Proof == lostProof && v.facts.Schema < 2 {
		v.unproved("step %s, fact %q: how the sheets were proved (evidence of an earlier version)", id, "proof")
	} else {
		v.agrees(TranscriptFile, id, "proof", facts.Proof, proof)
	}
	shown := ""
	for _, e := range v.said[id].all {
		if note := read[step.NoteFacts]; e.Kind == transcript.Note {
			shown = cmp.Or(note(v, e).Sheets, shown)
		} else if exception := read[step.ExceptionFacts]; e.Kind == transcript.Exception {
			shown = cmp.Or(exception(v, e).Sheets, shown)
		}
	}
	if shown != step.SheetsShown {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s when the sheets are done, and %s was expected", id, "sheets", orNothing(shown), step.SheetsShown)
	}
}

// openedBefore wants the share file of before to have been opened by those who had its
// sheets, where a change makes new ones.
func (v *verifier) openedBefore(id string, facts step.ShareFacts) {
	if v.plan.Change != nil {
		v.given(id, facts.Custodians, *v.plan.Change.Before)
	} else if facts.Custodians != "" {
		v.problem(TranscriptFile, "step %s, fact %q: it is %s, and there were no sheets before", id, "custodians before", facts.Custodians)
	}
}

// What earlier releases said of a proof, and of custodians, where the ceremony was
// interrupted.
const (
	lostProof      = "proved before the ceremony was interrupted"
	LostCustodians = "those before the interruption"
)

// replaced are the sets whose share file a new one takes the place of.
func (v *verifier) replaced() []string {
	if kind := v.plan.Kind(); kind == plan.NewFile || kind == plan.Rekey {
		return v.before.Sets
	}
	return nil
}

// record compares the record of the sheets with the plan, and with the facts of
// the ceremony in which they were made.
func (v *verifier) record(ceremony string, made Facts, replaced []string) {
	r, err := quorum.ParseRecord(v.read(RecordFile))
	if err != nil {
		v.problem(RecordFile, "%v", err)
		return
	}
	id := step.Share.ID()
	facts := Of[step.ShareFacts](made, id)
	v.equal(RecordFile, "the ceremony", r.Ceremony, ceremony)
	v.equal(RecordFile, "the quorum", fmt.Sprintf("%d-of-%d", r.Threshold, r.Total), v.plan.Scheme().String())
	v.equal(RecordFile, "the strength", strconv.Itoa(int(r.Strength)), strconv.Itoa(int(v.plan.Scheme().Strength)))
	v.agrees(RecordFile, id, "set", facts.Set, r.Set)
	v.agrees(RecordFile, id, "key check value", facts.KCV, r.KCV)
	v.agrees(RecordFile, id, "share file sha256", string(facts.ShareFile), r.ShareFile.SHA256)
	if got, want := strings.Join(r.Replaces, ", "), strings.Join(replaced, ", "); got != want {
		v.problem(RecordFile, "it replaces the sets %s, and %s was expected", orNothing(got), orNothing(want))
	}
	for i, name := range v.plan.People.Custodians {
		if i >= len(r.Custodians) {
			break // a problem says that the quorum is another one
		}
		v.equal(RecordFile, fmt.Sprintf("custodian %d", i+1), r.Custodians[i].Name, name)
		if !r.Custodians[i].ReadBack {
			v.problem(RecordFile, "the sheet of %s was not typed back", name)
		}
	}
	v.shown("custody: set %s, %d of %d custodians, key check value %s; %s", r.Set, r.Threshold, r.Total, r.KCV, facts.Proof)
}

// kcv compares a key check value with that of the share file.
func (v *verifier) kcv(id, got string, made Facts) {
	v.same(id, "key check value", got, step.Share.ID(), "key check value", Of[step.ShareFacts](made, step.Share.ID()).KCV)
}

func (v *verifier) imported(id string) {
	facts := Of[step.ImportFacts](v.facts, id)
	v.kcv(id, facts.KCV, v.inForce)
	v.given(id, facts.Custodians, v.quorum())
}

// quorum are the custodians of the plan.
func (v *verifier) quorum() plan.Quorum {
	return plan.Quorum{Threshold: v.plan.Custody.Threshold, Custodians: v.plan.People.Custodians}
}

// given checks which custodians have opened the share file: as many as it takes,
// each once, and those who were noted before the DKEK was used.
func (v *verifier) given(id, custodians string, quorum plan.Quorum) {
	const fact = "custodians"
	if v.facts.Schema < 2 && custodians == LostCustodians {
		v.unproved("step %s, fact %q: which custodians have come (evidence of an earlier version)", id, fact)
		return
	}
	seen := map[int]bool{}
	for number := range strings.SplitSeq(custodians, ", ") {
		n, err := strconv.Atoi(number)
		switch {
		case err != nil || n < 1 || n > len(quorum.Custodians) || strconv.Itoa(n) != number:
			v.problem(TranscriptFile, "step %s, fact %q: %q is not the number of a custodian", id, fact, number)
		case seen[n]:
			v.problem(TranscriptFile, "step %s, fact %q: custodian %d has come twice", id, fact, n)
		}
		seen[n] = true
	}
	if len(seen) != quorum.Threshold {
		v.problem(TranscriptFile, "step %s, fact %q: %d custodians; %d were expected", id, fact, len(seen), quorum.Threshold)
	}
	if v.facts.Schema < 2 {
		return
	}
	noted := ""
	for _, e := range v.said[id].all {
		if e.Kind == transcript.Note {
			noted = cmp.Or(read[step.NoteFacts](v, e).Custodians, noted)
		}
	}
	v.agrees(TranscriptFile, id, fact, custodians, noted)
}

// key checks a key that was made, or imported: its type, and whose word it has.
func (v *verifier) key(id, key string) {
	facts, file, planned := Of[step.GenerateFacts](v.facts, id), AttestationFile(key), v.plan.FindKey(key)
	v.sumIs(file, id, "attestation sha256", facts.Attestation)
	request, err := wire.ParseAuthenticatedRequest(v.read(file))
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	spki, err := request.Request.Key.SPKI()
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.agrees(file, id, "public key sha256", string(facts.Public), hashOf(spki))
	v.alone(id, key, facts)
	if err := planned.CheckType(request.Request.Key); err != nil {
		v.problem(file, "%v", err)
	}
	if planned.Import != "" {
		v.importedKey(id, planned, facts, request)
		v.shown("key %s: imported from %s, public key %s; it was made elsewhere, and copies of it may be there", key, planned.Import, hashOf(spki))
		return
	}
	for _, fact := range []struct{ name, value string }{{"key file sha256", string(facts.KeyFile)}, {"custodians", facts.Custodians}} {
		if fact.value != "" {
			v.problem(TranscriptFile, "step %s, fact %q: it is %s, and the plan imports no key there", id, fact.name, fact.value)
		}
	}
	v.attestation(file, request)
	v.shown("key %s: made by the device %s, public key %s", key, v.plan.Custody.Device, hashOf(spki))
}

// attestation checks that the device says that it made the key.
func (v *verifier) attestation(file string, request *wire.AuthenticatedRequest) {
	chain, err := v.deviceChain(v.plan.Custody.Device)
	if err != nil {
		return // told at the device
	}
	if err := chain.CheckAttestation(request); err != nil {
		v.problem(file, "%v", err)
	}
}

// importedKey checks a key that no device has made: that it is of the file that was
// read aloud, by the request that it has signed itself, and that custodians have come.
func (v *verifier) importedKey(id string, planned *plan.Key, facts step.GenerateFacts, request *wire.AuthenticatedRequest) {
	if err := request.Verify(request.Request.Key); err != nil {
		v.problem(AttestationFile(planned.Name), "%v", err)
	}
	opened := Of[step.OpenFacts](v.facts, step.Open.ID()).KeyFiles[planned.Import]
	v.same(id, "key file sha256", string(facts.KeyFile), step.Open.ID(), "key file "+planned.Import, string(opened))
	v.given(id, facts.Custodians, v.quorum())
}

// alone wants a key to be at a reference where a key can be, and no other key to
// be there, or to be the same.
func (v *verifier) alone(id, key string, facts step.GenerateFacts) {
	if facts.Reference < 1 || facts.Reference > 255 {
		v.problem(TranscriptFile, "step %s, fact %q: it is %d; 1 to 255 was expected", id, "key reference", facts.Reference)
	}
	for _, k := range v.plan.Keys {
		if k.Name == key {
			return
		}
		other := Of[step.GenerateFacts](v.facts, step.Generate.ID(k.Name))
		if other.Reference == facts.Reference {
			v.problem(TranscriptFile, "step %s, fact %q: the key %s is at the reference %d too", id, "key reference", k.Name, other.Reference)
		}
		if other.Public == facts.Public {
			v.problem(TranscriptFile, "step %s, fact %q: the key %s is the same one", id, "public key sha256", k.Name)
		}
	}
}

// backup compares what was wrapped with the key that was made. That what was
// wrapped is what was restored is compared there.
func (v *verifier) backup(id, key string) {
	facts := Of[step.BackupFacts](v.facts, id)
	v.kcv(id, facts.KCV, v.inForce)
	if v.facts.Schema >= 2 {
		made := step.Generate.ID(key)
		v.same(id, "key reference", strconv.Itoa(facts.Reference), made, "key reference", strconv.Itoa(Of[step.GenerateFacts](v.facts, made).Reference))
	}
}

// restored compares what was restored with what was made and wrapped.
func (v *verifier) restored(id, kcv string, restored, wrapped map[string]step.Sum, made Facts) {
	v.kcv(id, kcv, made)
	var keys []string
	for _, k := range v.plan.Keys {
		keys = append(keys, k.Name)
		key := step.Generate.ID(k.Name)
		v.same(id, "restored: "+k.Name, string(restored[k.Name]), key, "public key sha256", string(Of[step.GenerateFacts](made, key).Public))
	}
	family(v, id, "restored: ", restored, keys)
	if v.facts.Schema >= 2 {
		v.wrapped(id, wrapped, made)
	}
}

// wrapped compares the files that keys were read from with those that were
// written.
func (v *verifier) wrapped(id string, wrapped map[string]step.Sum, made Facts) {
	var keys []string
	for _, k := range v.plan.Keys {
		keys = append(keys, k.Name)
		backup := step.Backup.ID(k.Name)
		v.same(id, "wrapped key sha256 "+k.Name, string(wrapped[k.Name]), backup, "wrapped key sha256", string(Of[step.BackupFacts](made, backup).Wrapped))
	}
	family(v, id, "wrapped key sha256 ", wrapped, keys)
}

// bagsOf wants each thing to be in a bag of its own, or in none.
func (v *verifier) bagsOf(id string) {
	bags := Of[step.SealFacts](v.facts, id).Bags
	family(v, id, "bag: ", bags, v.plan.Bags())
	v.unwritten(id, bags)
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
