package evidence

import (
	"crypto/x509"
	"fmt"
	"io/fs"
	"slices"
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
	done, planned := v.done, planned(v.plan)
	if !slices.Equal(done, planned) {
		v.problem(TranscriptFile, "the steps done are %s; the plan has %s", strings.Join(done, ", "), strings.Join(planned, ", "))
	}
	for _, s := range v.plan.Steps() {
		if facts := v.facts[s.ID]; facts != nil || slices.Contains(done, s.ID) {
			v.step(s, facts)
		}
	}
	v.shown("steps: %d of the plan's %d are done", len(done), len(planned))
}

// planned are the names of a plan's steps.
func planned(p *plan.Plan) (steps []string) {
	for _, s := range p.Steps() {
		steps = append(steps, s.ID)
	}
	return steps
}

// doneSteps are those that are done, in order; their facts go into facts.
func doneSteps(entries []transcript.Entry, facts map[string]Facts) (steps []string) {
	for _, e := range entries {
		if e.Kind == transcript.Done {
			steps = append(steps, e.Step)
			facts[e.Step] = e.Facts
		}
	}
	return steps
}

func (v *verifier) step(s step.Step, facts Facts) {
	switch s.Action {
	case step.RollCall:
		v.complete(s, facts, FactPresent, v.plan.Everyone())
	case step.Seal:
		v.complete(s, facts, FactBag, v.plan.Bags())
	case step.Prepare:
		v.device(s.Object, facts)
	case step.Share:
		v.record(facts)
	case step.Import, step.Backup:
		v.equal(TranscriptFile, "in the step "+s.ID+" the key check value", facts[FactKCV], v.facts[step.Share.ID()][FactKCV])
	case step.Generate:
		v.attestation(s.Object, facts)
	case step.Restore:
		v.restored(facts)
	case step.Certify:
		v.certificate(v.plan.FindCertificate(s.Object), facts)
	case step.SignCRL:
		v.crl(v.plan.FindCRL(s.Object), facts)
	}
}

// complete wants a fact for each of several things or people.
func (v *verifier) complete(s step.Step, facts Facts, fact string, all []string) {
	for _, one := range all {
		if facts[fact+one] == "" {
			v.problem(TranscriptFile, "the step %s says nothing of %s", s.ID, one)
		}
	}
}

// deviceChain reads a device's certificates.
func (v *verifier) deviceChain(name string) (*wire.DeviceChain, error) {
	chain, err := wire.ParseDeviceChain(v.read(DeviceFile(name)))
	if err != nil {
		return nil, err
	}
	return chain, chain.Verify()
}

func (v *verifier) device(name string, facts Facts) {
	chain, err := v.deviceChain(name)
	if err != nil {
		v.problem(DeviceFile(name), "%v", err)
		return
	}
	device := chain.Device()
	v.equal(DeviceFile(name), "the serial number of the device", device.Holder(), facts[FactSerial])
	if planned := v.plan.FindDevice(name).Serial; planned != "" {
		v.equal(DeviceFile(name), "the serial number of the device", device.Holder(), planned)
	}
	v.shown("device %s: serial number %s, certificate by %s; %s", name, device.Holder(), chain.Issuer(), v.proof(name, chain, facts[FactDeviceProof]))
}

// proof says whether a device has proved that its certificate is its own.
func (v *verifier) proof(name string, chain *wire.DeviceChain, sum string) string {
	file, custody := ProofFile(name), v.plan.Custody
	if sum == "" {
		if _, err := fs.Stat(v.bundle, file); err == nil {
			v.problem(file, "the transcript says nothing of it")
		}
		if custody != nil && (name == custody.Device || name == custody.Standby) {
			return "NOT PROVED to be its own: it may be a copy (evidence of an earlier version has no proof)"
		}
		return "it was not asked to prove that it is its own"
	}
	content := v.read(file)
	v.equal(file, "its SHA-256", hashOf(content), sum)
	if err := chain.CheckProof(content, ProofPurpose(v.report.Key, name)); err != nil {
		v.problem(file, "%v", err)
	}
	return "it proved that it is its own"
}

// record compares the record of the sheets with plan and transcript.
func (v *verifier) record(facts Facts) {
	content := v.read(RecordFile)
	if content == nil {
		return
	}
	r, err := quorum.ParseRecord(content)
	if err != nil {
		v.problem(RecordFile, "%v", err)
		return
	}
	v.equal(RecordFile, "the quorum", fmt.Sprintf("%d-of-%d", r.Threshold, r.Total), v.plan.Scheme().String())
	v.equal(RecordFile, "the set", r.Set, facts[FactSet])
	v.equal(RecordFile, "the key check value", r.KCV, facts[FactKCV])
	v.equal(RecordFile, "the SHA-256 of the share file", r.ShareFile.SHA256, facts[FactShareFile])
	for i, name := range v.plan.People.Custodians {
		if i < len(r.Custodians) {
			v.equal(RecordFile, fmt.Sprintf("custodian %d", i+1), r.Custodians[i].Name, name)
		}
	}
	v.shown("custody: set %s, %d of %d custodians, key check value %s; %s", r.Set, r.Threshold, r.Total, r.KCV, facts[FactProof])
}

// attestation checks that the device says that it made the key.
func (v *verifier) attestation(key string, facts Facts) {
	file := AttestationFile(key)
	request, err := wire.ParseAuthenticatedRequest(v.read(file))
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	chain, err := v.deviceChain(v.plan.Custody.Device)
	if err != nil {
		return // told at the device
	}
	if err := chain.CheckAttestation(request); err != nil {
		v.problem(file, "%v", err)
	}
	spki, err := request.Request.Key.SPKI()
	if err != nil {
		v.problem(file, "%v", err)
		return
	}
	v.equal(file, "the SHA-256 of the public key", hashOf(spki), facts[FactPublic])
	planned, err := wire.ParseKeyType(v.plan.FindKey(key).Type)
	if err != nil || !sameType(planned, request.Request.Key) {
		v.problem(file, "the key is not of the type %s", v.plan.FindKey(key).Type)
	}
	v.shown("key %s: made by the device %s, public key %s", key, v.plan.Custody.Device, hashOf(spki))
}

func sameType(template, key wire.PublicKey) bool {
	return template.Type == key.Type && template.Bits == key.Bits && template.Curve == key.Curve
}

func (v *verifier) restored(facts Facts) {
	for _, k := range v.plan.Keys {
		v.equal(TranscriptFile, "the public key of the restored key "+k.Name, facts[FactRestored+k.Name], v.facts[step.Generate.ID(k.Name)][FactPublic])
	}
	v.shown("restore: every key was proved on the device %s", v.plan.Custody.Standby)
}

// attestedKey is the SubjectPublicKeyInfo of a key of the plan.
func (v *verifier) attestedKey(key string) ([]byte, error) {
	content, err := fs.ReadFile(v.bundle, AttestationFile(key))
	if err != nil {
		return nil, err
	}
	request, err := wire.ParseAuthenticatedRequest(content)
	if err != nil {
		return nil, err
	}
	return request.Request.Key.SPKI()
}

// issuer is the certificate that signs, nil for one that signs itself or where
// it cannot be read.
func (v *verifier) issuer(name string) *x509.Certificate {
	if name == "" {
		return nil
	}
	cert, err := v.readCertificate(name)
	if err != nil {
		return nil // told where it is checked itself
	}
	return cert
}
