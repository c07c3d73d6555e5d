package card

import (
	"crypto/rsa"
	"crypto/sha256"

	"conclave/apdu"
	"conclave/wire"
)

// decipher is DECIPHER: P1 is the key, P2 the algorithm. For ECDH the data is
// the other side's point, the answer the shared one, both uncompressed.
func (c *Card) decipher(cmd apdu.Command) ([]byte, error) {
	algorithm := wire.Algorithm(cmd.P2)
	switch algorithm {
	case wire.RSADecryptRaw, wire.RSADecryptPKCS1, wire.RSADecryptOAEP, wire.ECDH:
	default:
		return nil, apdu.WrongP1P2
	}
	k, err := c.use(cmd.P1, algorithm)
	if err != nil {
		return nil, err
	}
	switch {
	case algorithm == wire.ECDH && k.ec != nil:
		return agree(k, cmd.Data)
	case algorithm == wire.RSADecryptRaw && k.private != nil:
		return k.rawRSA(cmd.Data)
	case algorithm != wire.ECDH && k.private != nil:
		return k.decrypt(algorithm, cmd.Data)
	}
	return nil, apdu.WrongData
}

func agree(k *key, point []byte) ([]byte, error) {
	shared, err := k.ec.ECDH(point)
	if err != nil {
		return nil, apdu.WrongData
	}
	return shared, nil
}

// decrypt takes off the padding. All its failures are one status word: what
// was wrong with the padding must not be told.
func (k *key) decrypt(algorithm wire.Algorithm, ciphertext []byte) (plain []byte, err error) {
	if len(ciphertext) != k.private.Size() {
		return nil, apdu.WrongLength
	}
	if algorithm == wire.RSADecryptOAEP {
		plain, err = rsa.DecryptOAEP(sha256.New(), nil, k.private, ciphertext, nil)
	} else {
		plain, err = rsa.DecryptPKCS1v15(nil, k.private, ciphertext)
	}
	if err != nil {
		return nil, apdu.WrongData
	}
	return plain, nil
}
