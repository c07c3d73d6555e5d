package card

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/dkek"
	"conclave/internal/curve"
	"conclave/internal/rsaop"
	"conclave/internal/secret"
	"conclave/wire"
)

// keyRecord is a key as the store holds it, sealed: exactly one of the first
// three is there.
type keyRecord struct {
	RSA []byte `json:",omitempty"` // PKCS#1
	EC  []byte `json:",omitempty"` // the scalar d
	AES []byte `json:",omitempty"`

	Curve      string  `json:",omitempty"`
	UseCounter *uint32 `json:",omitempty"` // uses left; nil for no limit
	Algorithms []byte  `json:",omitempty"` // allowed; none for all
}

func rsaRecord(k *rsa.PrivateKey) keyRecord { return keyRecord{RSA: x509.MarshalPKCS1PrivateKey(k)} }

func ecRecord(k *curve.PrivateKey) keyRecord { return keyRecord{EC: k.D, Curve: k.Curve.Name} }

// bytes encodes the record. What is secret does not pass through encoding/json, which
// keeps its buffers.
func (r keyRecord) bytes() (secret.Bytes, error) {
	var b secret.Bytes
	for name, field := range map[string]*[]byte{"RSA": &r.RSA, "EC": &r.EC, "AES": &r.AES} {
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
}

// key is a key that is ready to use.
type key struct {
	record  keyRecord
	private *rsa.PrivateKey   // RSA
	raw     rsaop.Key         // RSA
	ec      *curve.PrivateKey // EC
}

func (k *key) close() {
	k.record.wipe()
	if k.raw != nil {
		k.raw.Close()
	}
	if k.private != nil {
		p := k.private.Precomputed
		for _, n := range append([]*big.Int{k.private.D, p.Dp, p.Dq, p.Qinv}, k.private.Primes...) {
			clear(n.Bits())
		}
	}
	if k.ec != nil {
		k.ec.Wipe()
	}
}

// material is the key as package dkek takes it.
func (k *key) material() any {
	switch {
	case k.private != nil:
		return k.private
	case k.ec != nil:
		return k.ec
	}
	return dkek.AESKey(k.record.AES)
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

func (c *Card) newKey(record keyRecord) (k *key, err error) {
	k = &key{record: record}
	switch {
	case record.RSA != nil:
		if k.private, err = x509.ParsePKCS1PrivateKey(record.RSA); err == nil {
			k.raw, err = c.config.RSA.NewKey(k.private)
		}
	case record.EC != nil:
		var on *curve.Curve
		if on, err = curve.ByName(record.Curve); err == nil {
			k.ec, err = on.NewPrivateKey(record.EC)
		}
	}
	return k, err
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

// use opens a key for one operation. Plan says which algorithm that is, or
// refuses what the key cannot do: a mistake costs no use. Then the algorithm
// must be allowed, and one use is taken off the counter, durably, before the
// operation is done. The refusals are those that sc-hsm-embedded knows.
func (c *Card) use(id byte, plan func(*key) (wire.Algorithm, error)) (*key, error) {
	if id == 0 {
		return nil, apdu.ReferenceNotFound // the device key signs only certificate requests
	}
	k, err := c.openKey(id)
	if err != nil {
		return nil, err
	}
	algorithm, err := plan(k)
	if err != nil {
		return nil, err
	}
	if !k.record.permits(algorithm) {
		return nil, apdu.FunctionNotSupported
	}
	if k.record.UseCounter == nil {
		return k, nil
	}
	return k, c.countUse(id)
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
