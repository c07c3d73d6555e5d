package card

import (
	"conclave/apdu"
	"conclave/wire"
)

// sign is SIGN: P1 is the key, P2 the algorithm. ECDSA signatures are DER, those
// of ML-DSA as FIPS 204 encodes them.
func (c *Card) sign(cmd apdu.Command) ([]byte, error) {
	algorithm := wire.Algorithm(cmd.P2)
	if !signs(algorithm) {
		return nil, apdu.WrongP1P2
	}
	return c.use(cmd.P1, algorithm, func(k *key) (operation, error) { return k.planSign(algorithm, cmd.Data) })
}

// signs says whether the algorithm is one of SIGN.
func signs(a wire.Algorithm) bool {
	switch scheme(a) {
	case wire.RSARaw, wire.MLDSA:
		return a == scheme(a)
	case wire.RSAPKCS1, wire.RSAPSS, wire.ECDSA:
		return a&0x0F <= 5
	}
	return false
}
