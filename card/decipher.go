package card

import (
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
	return c.use(cmd.P1, algorithm, func(k *key) (operation, error) { return k.planDecipher(algorithm, cmd.Data) })
}
