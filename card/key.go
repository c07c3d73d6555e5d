package card

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/internal/secret"
	"conclave/wire"
)

// keyRecord is a key as the store holds it, sealed: exactly one of the first
// four is there.
type keyRecord struct {
	RSA   []byte `json:",omitempty"` // PKCS#1
	EC    []byte `json:",omitempty"` // the scalar d
	AES   []byte `json:",omitempty"`
	MLDSA []byte `json:",omitempty"` // the seed ξ

	Curve      string  `json:",omitempty"` // of an EC key
	Parameters string  `json:",omitempty"` // the set of an ML-DSA key
	UseCounter *uint32 `json:",omitempty"` // uses left; nil for no limit
	Algorithms []byte  `json:",omitempty"` // allowed; none for all
}

// bytes encodes the record. What is secret does not pass through encoding/json, which
// keeps its buffers.
func (r keyRecord) bytes() (secret.Bytes, error) {
	var b secret.Bytes
	for name, field := range map[string]*[]byte{"RSA": &r.RSA, "EC": &r.EC, "AES": &r.AES, "MLDSA": &r.MLDSA} {
		if *field != nil {
			b = append(make(secret.Bytes, 0, 2*len(*field)+128), fmt.Sprintf(`{"%s":"`, name)...)
			b = append(base64.StdEncoding.AppendEncode(b, *field), '"', ',')
			*field = nil
		}
	}
	rest, err := json.Marshal(r)
	if string(rest) == "{}" {
		b[len(b)-1] = '}'
		return b, err
	}
	return append(b, rest[1:]...), err
}

func (r *keyRecord) wipe() {
	clear(r.RSA)
	clear(r.EC)
	clear(r.AES)
	clear(r.MLDSA)
}

// key is a key that is ready to use, and what its record says of its use.
type key struct {
	private
	record keyRecord
}

func (k *key) close() {
	k.record.wipe()
	k.wipe()
}

// permits says whether the key's algorithm list allows the algorithm.
func (r *keyRecord) permits(algorithm wire.Algorithm) bool {
	if len(r.Algorithms) == 0 {
		return true
	}
	for _, allowed := range r.Algorithms {
		if wire.Algorithm(allowed) == algorithm {
			return true
		}
	}
	return false
}

// openKey reads a key out of the vault, or takes it from the session.
func (c *Card) openKey(id byte) (*key, error) {
	if k := c.session.keys[id]; k != nil {
		return k, nil
	}
	var k *key
	err := c.view(func(r store.Reader) error {
		record, err := c.session.vault().readKey(r, id)
		if err != nil {
			return err
		}
		k, err = c.newKey(record)
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.session.keys == nil {
		c.session.keys = map[byte]*key{}
	}
	c.session.keys[id] = k
	return k, nil
}

// readKey reads the record of a key.
func (v *vault) readKey(r store.Reader, id byte) (keyRecord, error) {
	plain, err := v.get(r, kindKey, uint16(id))
	if errors.Is(err, store.ErrNotFound) {
		return keyRecord{}, apdu.ReferenceNotFound
	}
	if err != nil {
		return keyRecord{}, err
	}
	defer plain.Wipe()
	var record keyRecord
	if err := json.Unmarshal(plain, &record); err != nil {
		return keyRecord{}, fmt.Errorf("the record of key %d is damaged: %w", id, err)
	}
	return record, nil
}

func (c *Card) newKey(record keyRecord) (*key, error) {
	k, err := openPrivate(record, c.config.Keys)
	if err != nil {
		return nil, err
	}
	return &key{k, record}, nil
}

// addKey stores a key under an id that is free. Nothing is overwritten.
func (c *Card) addKey(t *transaction, id byte, record keyRecord) error {
	_, err := t.Get(kindKey, uint16(id))
	if err == nil {
		return apdu.FileExists
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return c.putKey(t, id, record)
}

func (c *Card) putKey(t *transaction, id byte, record keyRecord) error {
	plain, err := record.bytes()
	if err != nil {
		return err
	}
	defer plain.Wipe()
	return c.session.vault().put(t, kindKey, uint16(id), plain)
}

// use carries out one operation. Plan refuses what the key cannot do: a mistake
// costs no use.
func (c *Card) use(id byte, algorithm wire.Algorithm, plan func(*key) (operation, error)) ([]byte, error) {
	k, err := c.openUsersKey(id)
	if err != nil {
		return nil, err
	}
	do, err := plan(k)
	if err != nil {
		return nil, err
	}
	if err := c.spend(id, k, algorithm); err != nil {
		return nil, err
	}
	return do()
}

// openUsersKey opens a key that hosts may use. The device key signs only
// certificate requests.
func (c *Card) openUsersKey(id byte) (*key, error) {
	if id == 0 {
		return nil, apdu.ReferenceNotFound
	}
	return c.openKey(id)
}

// spend takes one use off a key's counter, durably, before the operation is done,
// for which the algorithm must be allowed. The refusals are those that
// sc-hsm-embedded knows.
func (c *Card) spend(id byte, k *key, algorithm wire.Algorithm) error {
	if !k.record.permits(algorithm) {
		return apdu.FunctionNotSupported
	}
	if k.record.UseCounter == nil {
		return nil
	}
	return c.countUse(id)
}

func (c *Card) countUse(id byte) error {
	return c.amend(func(t *transaction) error {
		record, err := c.session.vault().readKey(t, id)
		if err != nil {
			return err
		}
		defer record.wipe()
		if record.UseCounter == nil || *record.UseCounter == 0 {
			return apdu.ReferenceDataUnusable
		}
		*record.UseCounter--
		return c.putKey(t, id, record)
	})
}
