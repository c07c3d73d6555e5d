package token

import (
	"crypto"
	"errors"

	"conclave/hsm"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// attempt is one way to have the device do something with a private key.
type attempt struct {
	algorithm wire.Algorithm
	data      []byte
}

// hashing is the attempt for keys that sign nothing but what the device hashes, if it
// can and the message was kept.
func hashing(scheme wire.Algorithm, hash crypto.Hash, in *input) (tries []attempt) {
	if hash == 0 || !in.whole() {
		return nil
	}
	if algorithm, err := scheme.OnCard(hash); err == nil {
		tries = append(tries, attempt{algorithm, in.data})
	}
	return tries
}

// use lets the device use a key in the first way that the key's list of algorithms
// allows, and says which it was.
func (k *object) use(s *Session, command func(*hsm.HSM, byte, wire.Algorithm, []byte) ([]byte, error), tries ...attempt) (out []byte, used int, err error) {
	if k.software != nil {
		out, err = k.software.use(tries[0])
		return out, 0, err
	}
	err = s.asUser(func(h *hsm.HSM) error {
		for used = range tries {
			out, err = command(h, k.ref, tries[used].algorithm, tries[used].data)
			if !errors.Is(err, hsm.ErrNotAllowed) {
				break
			}
		}
		return err
	})
	if _, counted := k.attributes.Find(cryptoki.AttrUseCounter); counted && err == nil {
		s.slot.listing(false) // so that programs know that what they were told has changed
	}
	return out, used, err
}

func (k *object) signWith(s *Session, tries ...attempt) ([]byte, error) {
	signature, _, err := k.use(s, (*hsm.HSM).Sign, tries...)
	return signature, err
}
