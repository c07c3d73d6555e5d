package card

import (
	"crypto/rand"
	"errors"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/wire"
)

// wrapKey is WRAP KEY: P1 is the key, the answer its blob under the DKEK. A
// key whose uses are counted is not wrapped: once restored, it could be used as
// often again.
func (c *Card) wrapKey(cmd apdu.Command) ([]byte, error) {
	if cmd.P2 != wire.WrapMode {
		return nil, apdu.WrongP1P2
	}
	kek, err := c.openDKEK()
	if err != nil {
		return nil, err
	}
	defer kek.Wipe()
	if cmd.P1 == 0 {
		return nil, apdu.ReferenceNotFound // the device key never leaves
	}
	k, err := c.openKey(cmd.P1)
	if err != nil {
		return nil, err
	}
	if k.record.UseCounter != nil || !k.record.permits(wire.AlgorithmWrap) {
		return nil, apdu.ConditionsNotSatisfied
	}
	return kek.Wrap(rand.Reader, k.material(), dkek.Metadata{AllowedAlgorithms: k.record.Algorithms})
}

// unwrapKey is UNWRAP KEY: P1 is the new key, the blob is the data field or,
// if that is empty, the content of EF 2F10. The key's description and
// certificate are the host's to restore.
func (c *Card) unwrapKey(cmd apdu.Command) ([]byte, error) {
	if cmd.P2 != wire.UnwrapMode || cmd.P1 == 0 {
		return nil, apdu.WrongP1P2
	}
	kek, err := c.openDKEK()
	if err != nil {
		return nil, err
	}
	defer kek.Wipe()
	blob := cmd.Data
	if len(blob) == 0 {
		if blob, err = c.readFile(wire.EFStaging); err != nil {
			return nil, err
		}
	}
	material, meta, err := kek.Unwrap(blob)
	if err != nil {
		return nil, unwrapStatus(err)
	}
	record, err := recordOf(material)
	if err != nil {
		return nil, err
	}
	defer record.wipe()
	record.Algorithms = meta.AllowedAlgorithms
	return nil, c.update(func(t *transaction) error {
		if err := c.addKey(t, cmd.P1, record); err != nil {
			return err
		}
		return t.Delete(kindFile, uint16(wire.EFStaging))
	})
}

// unwrapStatus tells a blob of another DKEK from a damaged one: OpenSC's tool
// says "Wrapped key does not match DKEK" for 6A80 alone.
func unwrapStatus(err error) error {
	switch {
	case errors.Is(err, dkek.ErrForeign):
		return apdu.WrongData
	case errors.Is(err, dkek.ErrUnsupported):
		return apdu.FunctionNotSupported
	}
	return apdu.ReferenceDataUnusable
}
