package ceremony

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/hsm"
	"conclave/wire"
)

// generate makes a key in the custody's device, and keeps the device's word
// that it did so; or it brings one there.
func (p *proceedings) generate(ctx context.Context, name string) (done, error) {
	if planned := p.Plan.FindKey(name); planned.Import != "" {
		return importing{p}.importKey(ctx, planned)
	}
	h, err := p.devices.login(ctx, p.Plan.Custody.Device)
	if err != nil {
		return done{}, err
	}
	ref, err := p.keys.generate(h, name)
	if err != nil {
		return done{}, err
	}
	attestation, public, err := attestationOf(h, ref)
	if err != nil {
		return done{}, err
	}
	if err := p.Dir.put(evidence.AttestationFile(name), attestation); err != nil {
		return done{}, err
	}
	return p.present(ctx, name, public, step.GenerateFacts{Reference: int(ref), Attestation: sumOf(sha256.Sum256(attestation))})
}

// present lets the public half of a key be read aloud, which is in the device.
func (p *proceedings) present(ctx context.Context, name string, public *wire.PublicKey, facts step.GenerateFacts) (done, error) {
	spki, err := public.SPKI()
	if err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(spki)
	if err := p.people.writeDown(ctx, "Public key "+name, sum[:step.Spoken], firstWords); err != nil {
		return done{}, err
	}
	facts.Public = sumOf(sum)
	text := fmt.Sprintf("key %s (%s) is at reference %d of the device %s", name, hsm.Key{Public: public}.Size(), facts.Reference, p.Plan.Custody.Device)
	return done{text, facts}, nil
}

// attestationOf gives the authenticated request for a key, verified under the
// device's certificate.
func attestationOf(h *hsm.HSM, ref byte) ([]byte, *wire.PublicKey, error) {
	content, err := h.Certificate(ref)
	if err != nil {
		return nil, nil, err
	}
	request, err := wire.ParseAuthenticatedRequest(content)
	if err != nil {
		return nil, nil, fmt.Errorf("key %d: %w", ref, err)
	}
	device, err := h.Device()
	if err != nil {
		return nil, nil, err
	}
	if err := device.Chain.CheckAttestation(request); err != nil {
		return nil, nil, fmt.Errorf("key %d: the device does not attest it: %w", ref, err)
	}
	return content, &request.Request.Key, nil
}

// backup wraps a key to a file.
func (p *proceedings) backup(ctx context.Context, name string) (done, error) {
	h, err := p.devices.login(ctx, p.Plan.Custody.Device)
	if err != nil {
		return done{}, err
	}
	ref, err := p.log.reference(name)
	if err != nil {
		return done{}, err
	}
	content, err := p.keys.wrap(h, name, ref)
	if err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(content)
	if err := p.people.writeDown(ctx, "Wrapped key "+name, sum[:step.Spoken], firstWords); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("key %s is wrapped to %s under key check value %s", name, filepath.Base(p.backups.wrapped(name)), p.log.kcv()),
		step.BackupFacts{Wrapped: sumOf(sum), KCV: p.log.kcv(), Reference: int(ref)},
	}, nil
}

// restore unwraps every key on the standby device, from the files, and lets it
// sign.
func (p *proceedings) restore(ctx context.Context, name string) (done, error) {
	h, err := p.devices.login(ctx, name)
	if err != nil {
		return done{}, err
	}
	facts, err := p.keys.restoreAll(h)
	return done{"the device " + name + " has every key, and signs with it", facts}, err
}
