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
	k, err := c.use(cmd.P1, func(k *key) (wire.Algorithm, error) { return algorithm, k.checkDecipher(algorithm, cmd.Data) })
	if err != nil {
		return nil, err
	}
	switch algorithm {
	case wire.ECDH:
		return k.ec.ECDH(cmd.Data)
	case wire.RSADecryptRaw:
		return k.rawRSA(cmd.Data)
	}
	return k.decrypt(algorithm, cmd.Data)
}

// checkDecipher says whether the key can decipher the data this way.
func (k *key) checkDecipher(algorithm wire.Algorithm, data []byte) error {
	switch {
	case (algorithm == wire.ECDH) != (k.ec != nil), algorithm != wire.ECDH && k.private == nil:
		return apdu.WrongData
	case algorithm == wire.ECDH && k.ec.Curve.CheckPoint(data) != nil:
		return apdu.WrongData
	case algorithm == wire.ECDH:
		return nil
	case algorithm != wire.RSADecryptRaw && len(data) != k.private.Size():
		return apdu.WrongLength
	}
	return k.checkRaw(data)
}

// decrypt takes off the padding. All its failures are one status word: what was
// wrong with the padding must not be revealed.
func (k *key) decrypt(algorithm wire.Algorithm, ciphertext []byte) (plain []byte, err error) {
	if algorithm == wire.RSADecryptOAEP {
		plain, err = rsa.DecryptOAEP(sha256.New(), nil, k.private, ciphertext, nil)
	} else {
		//lint:ignore SA1019 hosts ask for it; whoever could try many ciphertexts is logged in
		plain, err = rsa.DecryptPKCS1v15(nil, k.private, ciphertext)
	}
	if err != nil {
		return nil, apdu.WrongData
	}
	return plain, nil
}
