package ceremony

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/wire"
)

// generate makes a key in the custody's device, and keeps the device's word
// that it did so.
func (p *performance) generate(ctx context.Context, name string) (done, error) {
	h, err := p.devices.login(ctx, p.Plan.Custody.Device)
	if err != nil {
		return done{}, err
	}
	ref, err := p.makeKey(h, name)
	if err != nil {
		return done{}, err
	}
	attestation, public, err := attested(h, ref)
	if err != nil {
		return done{}, err
	}
	if err := p.work.put(evidence.AttestationFile(name), attestation); err != nil {
		return done{}, err
	}
	spki, err := public.SPKI()
	if err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(spki)
	if err := p.heard(ctx, "Public key "+name, sum[:]); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("key %s (%s) is at reference %d of the device %s", name, hsm.Key{Public: public}.Size(), ref, p.Plan.Custody.Device),
		step.GenerateFacts{Reference: int(ref), Public: sumOf(sum), Attestation: sumOf(sha256.Sum256(attestation))},
	}, nil
}

// makeKey generates a key, or takes the one with its name that an interrupted
// step has left: the device held none when it was prepared.
func (p *performance) makeKey(h *hsm.HSM, name string) (ref byte, err error) {
	template, err := wire.ParseKeyType(p.Plan.FindKey(name).Type)
	if err != nil {
		return 0, err
	}
	keys, err := h.Keys()
	if err != nil {
		return 0, err
	}
	for _, k := range keys {
		if k.Description != nil && k.Description.Label == name && k.Public != nil {
			return k.Ref, nil
		}
	}
	p.announce("generating the key " + name)
	ref, _, err = h.GenerateKey(hsm.NewKey{Key: template, Label: name})
	return ref, err
}

// attested gives the authenticated request for a key, verified under the
// device's certificate.
func attested(h *hsm.HSM, ref byte) ([]byte, *wire.PublicKey, error) {
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
func (p *performance) backup(ctx context.Context, name string) (done, error) {
	h, err := p.devices.login(ctx, p.Plan.Custody.Device)
	if err != nil {
		return done{}, err
	}
	ref, err := p.reference(name)
	if err != nil {
		return done{}, err
	}
	content, err := p.wrap(h, name, ref)
	if err != nil {
		return done{}, err
	}
	sum := sha256.Sum256(content)
	if err := p.heard(ctx, "Wrapped key "+name, sum[:]); err != nil {
		return done{}, err
	}
	return done{
		fmt.Sprintf("key %s is wrapped to %s under key check value %s", name, filepath.Base(p.wrapped(name)), p.kcv()),
		step.BackupFacts{Wrapped: sumOf(sum), KCV: p.kcv(), Reference: int(ref)},
	}, nil
}

// wrap writes the wrapped key, unless an interrupted step has done so.
func (p *performance) wrap(h *hsm.HSM, name string, ref byte) ([]byte, error) {
	path := p.wrapped(name)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		f, err := h.WrapKey(ref)
		if err != nil {
			return nil, err
		}
		content, err := f.Bytes()
		if err != nil {
			return nil, err
		}
		if err := putFile(path, content); err != nil {
			return nil, err
		}
	}
	f, content, err := custody.ReadWrapFile(path)
	if err != nil {
		return nil, err
	}
	blob, err := dkek.ParseBlob(f.Blob)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if kcv := dkek.KCV(blob.KCV).String(); kcv != p.kcv() {
		return nil, fmt.Errorf("%s is wrapped under key check value %s, and %s was expected", path, kcv, p.kcv())
	}
	return content, nil
}

// reference is that of a key of this plan.
func (p *performance) reference(key string) (byte, error) {
	ref := of[step.GenerateFacts](p, step.Generate.ID(key)).Reference
	if ref < 1 || ref > 255 {
		return 0, fmt.Errorf("the transcript does not say at which reference the key %s is", key)
	}
	return byte(ref), nil
}

// restore unwraps every key on the standby device, from the files, and lets it
// sign.
func (p *performance) restore(ctx context.Context, name string) (done, error) {
	h, err := p.devices.login(ctx, name)
	if err != nil {
		return done{}, err
	}
	facts, err := p.restoreAll(h)
	return done{"the device " + name + " has every key, and signs with it", facts}, err
}

func (p *performance) restoreAll(h *hsm.HSM) (step.RestoreFacts, error) {
	facts := step.RestoreFacts{KCV: p.kcv(), Restored: map[string]step.Sum{}, Wrapped: map[string]step.Sum{}}
	for _, k := range p.Plan.Keys {
		f, content, err := custody.ReadWrapFile(p.wrapped(k.Name))
		if err == nil {
			err = p.restoreKey(h, k.Name, f)
		}
		if err != nil {
			return facts, fmt.Errorf("key %s: %w", k.Name, err)
		}
		facts.Restored[k.Name] = of[step.GenerateFacts](p, step.Generate.ID(k.Name)).Public
		facts.Wrapped[k.Name] = sumOf(sha256.Sum256(content))
	}
	return facts, nil
}

func (p *performance) restoreKey(h *hsm.HSM, key string, f wire.WrapFile) error {
	ref, err := p.reference(key)
	if err != nil {
		return err
	}
	restored, err := custody.Restore(h, ref, f, false)
	if errors.Is(err, hsm.ErrOccupied) { // an interrupted step has restored it
		restored, err = custody.Prove(h, ref)
	}
	if err == nil {
		err = restored.NotTried
	}
	if err != nil {
		return err
	}
	return p.checkPublic(key, restored.Public)
}

// publicKey reads the public half of a key, which must be that of the plan's
// key as it was made.
func (p *performance) publicKey(h *hsm.HSM, key string, ref byte) (*wire.PublicKey, error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		return nil, err
	}
	return public, p.checkPublic(key, public)
}

// checkPublic compares a public half with that of the plan's key as it was made.
func (p *performance) checkPublic(key string, public *wire.PublicKey) error {
	spki, err := public.SPKI()
	if err != nil {
		return err
	}
	sum := sumOf(sha256.Sum256(spki))
	if want := of[step.GenerateFacts](p, step.Generate.ID(key)).Public; sum != want {
		return fmt.Errorf("its public key has SHA-256 %s, and %s was expected", sum, want)
	}
	return nil
}
