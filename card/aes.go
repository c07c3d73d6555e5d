package card

import (
	"conclave/apdu"
	"conclave/dkek"
	"conclave/wire"
)

// aesKey is a key that can be stored and wrapped, and used for nothing yet.
type aesKey struct{ dkek.AESKey }

func (k aesKey) material() any { return k.AESKey }

func (k aesKey) public() wire.PublicKey { return wire.PublicKey{} }

func (k aesKey) planSign(wire.Algorithm, []byte) (operation, error) { return nil, apdu.WrongData }

func (k aesKey) planDecipher(wire.Algorithm, []byte) (operation, error) { return nil, apdu.WrongData }

func (k aesKey) cvcAlgorithm() (wire.Algorithm, error) { return 0, apdu.ConditionsNotSatisfied }

func (k aesKey) signCVC([]byte) ([]byte, error) { return nil, apdu.ConditionsNotSatisfied }

func (k aesKey) wipe() { clear(k.AESKey) }
