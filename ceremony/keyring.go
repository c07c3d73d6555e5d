package ceremony

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/wire"
)

// keyring makes the keys of a plan, wraps and restores them.
type keyring struct {
	plan    *plan.Plan
	log     *log
	backups backup
	tell    func(string) // what begins; see Ceremony.Announce
}

// generate generates a key, or takes the one with its name that an interrupted
// step has left: the device held none when it was prepared.
func (k *keyring) generate(h *hsm.HSM, name string) (ref byte, err error) {
	template, err := wire.ParseKeyType(k.plan.FindKey(name).Type)
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
	k.tell("generating the key " + name)
	ref, _, err = h.GenerateKey(hsm.NewKey{Key: template, Label: name})
	return ref, err
}

// wrap writes the wrapped key, unless an interrupted step has done so.
func (k *keyring) wrap(h *hsm.HSM, name string, ref byte) ([]byte, error) {
	path := k.backups.wrapped(name)
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
	f, err := custody.ReadWrapFile(path)
	if err != nil {
		return nil, err
	}
	blob, err := dkek.ParseBlob(f.Blob)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if kcv := dkek.KCV(blob.KCV).String(); kcv != k.log.kcv() {
		return nil, fmt.Errorf("%s is wrapped under key check value %s, and %s was expected", path, kcv, k.log.kcv())
	}
	return f.Content, nil
}

// restoreAll restores every key from the backup, and lets it sign.
func (k *keyring) restoreAll(h *hsm.HSM) (step.RestoreFacts, error) {
	facts := step.RestoreFacts{KCV: k.log.kcv(), Restored: map[string]step.Sum{}, Wrapped: map[string]step.Sum{}}
	for _, key := range k.plan.Keys {
		f, err := custody.ReadWrapFile(k.backups.wrapped(key.Name))
		if err == nil {
			err = k.restore(h, key.Name, f.WrapFile)
		}
		if err != nil {
			return facts, fmt.Errorf("key %s: %w", key.Name, err)
		}
		facts.Restored[key.Name] = of[step.GenerateFacts](k.log, step.Generate.ID(key.Name)).Public
		facts.Wrapped[key.Name] = sumOf(sha256.Sum256(f.Content))
	}
	return facts, nil
}

func (k *keyring) restore(h *hsm.HSM, key string, f wire.WrapFile) error {
	ref, err := k.log.reference(key)
	if err != nil {
		return err
	}
	restored, err := custody.Restore(h, f, custody.Restoring{Ref: ref})
	var present *custody.PresentError
	if errors.Is(err, hsm.ErrOccupied) || errors.As(err, &present) && present.Ref == ref { // an interrupted step has restored it
		restored, err = custody.Prove(h, ref)
	}
	if err == nil {
		err = restored.NotTried
	}
	if err != nil {
		return err
	}
	return k.check(key, restored.Public)
}

// public reads the public half of a key, which must be that of the plan's
// key as it was made.
func (k *keyring) public(h *hsm.HSM, key string, ref byte) (*wire.PublicKey, error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		return nil, err
	}
	return public, k.check(key, public)
}

// check compares a public half with that of the plan's key as it was made.
func (k *keyring) check(key string, public *wire.PublicKey) error {
	spki, err := public.SPKI()
	if err != nil {
		return err
	}
	sum := sumOf(sha256.Sum256(spki))
	if want := of[step.GenerateFacts](k.log, step.Generate.ID(key)).Public; sum != want {
		return fmt.Errorf("its public key has SHA-256 %s, and %s was expected", sum, want)
	}
	return nil
}
