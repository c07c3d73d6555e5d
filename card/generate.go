package card

import (
	"cmp"
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/tlv"
	"conclave/wire"
)

// generateKeyPair is GENERATE ASYMMETRIC KEY PAIR: P1 is the new key, P2 the
// key that signs the request from outside, 0 for the device's. The answer, a
// request for a certificate, is kept as EF CExx too.
func (c *Card) generateKeyPair(cmd apdu.Command) ([]byte, error) {
	id, signer := cmd.P1, cmd.P2
	request, generate, err := c.parseKeyRequest(cmd.Data)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return nil, apdu.WrongP1P2
	}
	if err := c.checkFree(id); err != nil { // before the work; addKey looks again
		return nil, err
	}
	made, err := c.newPair(request, generate)
	if err != nil {
		return nil, err
	}
	defer made.close()
	answer, err := c.authenticate(request, made, signer)
	if err != nil {
		return nil, err
	}
	return answer, c.update(func(t *transaction) error {
		if err := c.addKey(t, id, made.record); err != nil {
			return err
		}
		return t.Put(kindFile, uint16(wire.PrefixEECert.File(id)), answer)
	})
}

// parseKeyRequest reads what is asked for, and prepares the making of it.
func (c *Card) parseKeyRequest(b []byte) (request wire.KeyRequest, generate func() (keyRecord, error), err error) {
	request, err = wire.ParseKeyRequest(b)
	switch {
	case errors.Is(err, wire.ErrUnknownField):
		return request, nil, apdu.FunctionNotSupported
	case err != nil:
		return request, nil, apdu.WrongData
	case request.Domain != nil && (*request.Domain != 0 || !c.state.DKEK.Enabled):
		return request, nil, apdu.ReferenceNotFound
	}
	generate, err = planGenerate(request.Key, c.config.Keys)
	return request, generate, err
}

func (c *Card) checkFree(id byte) error {
	return c.view(func(r store.Reader) error {
		_, err := r.Get(kindKey, uint16(id))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = apdu.FileExists
		}
		return err
	})
}

func (c *Card) newPair(request wire.KeyRequest, generate func() (keyRecord, error)) (*key, error) {
	record, err := generate()
	if err != nil {
		return nil, err
	}
	record.UseCounter, record.Algorithms = request.UseCounter, request.Algorithms
	return c.newKey(record)
}

// authenticate makes the request for the new key's certificate, signed with
// the key itself and with the signer.
func (c *Card) authenticate(request wire.KeyRequest, made *key, signer byte) ([]byte, error) {
	outer, outerCAR, err := c.signerOf(signer)
	if err != nil {
		return nil, err
	}
	cvc := wire.CVC{CAR: cmp.Or(request.CAR, outerCAR), CHR: request.CHR, Key: made.public()}
	inner, err := cvc.Sign(made.signCVC)
	if err != nil {
		return nil, err
	}
	if err := made.checkPair(inner); err != nil {
		return nil, err
	}
	return wire.Authenticate(inner, cmp.Or(request.OuterCAR, outerCAR), outer.signCVC)
}

// checkPair holds what a new key has signed against its public half, before the key
// is stored: one that does not fit would be found when it is needed.
func (k *key) checkPair(request []byte) error {
	cursor := tlv.Cursor(request)
	cvc, err := wire.ParseCVC(&cursor)
	if err == nil {
		err = cvc.Verify(k.public())
	}
	if err != nil {
		return fault{fmt.Errorf("the halves of a new key do not fit, and it was thrown away; the computer is faulty: %w", err)}
	}
	return nil
}

// signerOf gives a key that signs requests, and the reference it signs as: the
// holder's of the device certificate, or of the key's own request.
func (c *Card) signerOf(id byte) (k *key, chr string, err error) {
	fid := wire.PrefixEECert.File(id)
	if id == 0 {
		fid = wire.EFDevAut
	}
	content, err := c.readFile(fid)
	if errors.Is(err, apdu.FileNotFound) {
		return nil, "", apdu.ReferenceNotFound
	}
	if err != nil {
		return nil, "", err
	}
	if chr, err = holder(content, id == 0); err != nil {
		return nil, "", apdu.ConditionsNotSatisfied
	}
	if id == 0 {
		k, err = c.openKey(0)
		return k, chr, err
	}
	if k, err = c.openUsersKey(id); err != nil {
		return nil, "", err
	}
	algorithm, err := k.cvcAlgorithm()
	if err != nil {
		return nil, "", err
	}
	return k, chr, c.spend(id, k, algorithm)
}

func holder(content []byte, certificate bool) (string, error) {
	if !certificate {
		request, err := wire.ParseAuthenticatedRequest(content)
		if err != nil {
			return "", err
		}
		return request.Request.CHR, nil
	}
	cursor := tlv.Cursor(content)
	cvc, err := wire.ParseCVC(&cursor)
	if err != nil {
		return "", err
	}
	return cvc.CHR, nil
}
