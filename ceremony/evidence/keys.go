package evidence

import (
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/wire"
)

// keyCheck checks the keys that were made, or imported.
type keyCheck struct{ *verifier }

// key checks a key that was made, or imported: its type, and whose word it has.
func (v keyCheck) key(id, key string) {
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
func (v keyCheck) attestation(file string, request *wire.AuthenticatedRequest) {
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
func (v keyCheck) importedKey(id string, planned *plan.Key, facts step.GenerateFacts, request *wire.AuthenticatedRequest) {
	if err := request.Verify(request.Request.Key); err != nil {
		v.problem(AttestationFile(planned.Name), "%v", err)
	}
	opened := Of[step.OpenFacts](v.facts, step.Open.ID()).KeyFiles[planned.Import]
	v.same(id, "key file sha256", string(facts.KeyFile), step.Open.ID(), "key file "+planned.Import, string(opened))
	custodyCheck(v).given(id, "custodians", facts.Custodians, custodyCheck(v).quorum())
}

// alone wants a key to be at a reference where a key can be, and no other key to
// be there, or to be the same.
func (v keyCheck) alone(id, key string, facts step.GenerateFacts) {
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
