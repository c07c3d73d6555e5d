package dkek

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"conclave/internal/curve"
	"conclave/internal/secret"
)

// encodeEC writes every number at its full width, as CardContact's scripts do.
func encodeEC(key *curve.PrivateKey) secret.Bytes {
	c := key.Curve
	parts := [][]byte{c.A, c.B, c.P, c.N, c.G, key.D, key.Q}
	size := 0
	for _, part := range parts {
		size += 2 + len(part)
	}
	b := make(secret.Bytes, 0, size) // growing it would leave copies behind
	for _, part := range parts {
		b = appendField(b, part)
	}
	return b
}

// decodeEC finds the curve by its parameters and checks the key pair.
func decodeEC(size int, content fields) (*curve.PrivateKey, error) {
	parts, err := content.all("a", "b", "prime p", "order n", "generator G", "private key d", "public point Q")
	if err != nil {
		return nil, err
	}
	a, b, p, n, g, d, q := parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]
	c, err := findCurve(p, a, b, n, g)
	if err != nil {
		return nil, err
	}
	if (size+7)/8 != c.FieldLen() {
		return nil, fmt.Errorf("key size %d bits does not fit %s", size, c.Name)
	}
	key, err := c.NewPrivateKey(d)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(key.Q, q) {
		key.Wipe()
		return nil, errors.New("the private key d does not belong to the public point Q")
	}
	return key, nil
}

// findCurve is curve.ByParams, but an empty a may also stand for p-3: pico-hsm
// leaves it empty for the NIST curves, because mbed TLS keeps no a for them
// (observed on version 6.6).
func findCurve(p, a, b, n, g []byte) (*curve.Curve, error) {
	if len(a) == 0 {
		minus3 := new(big.Int).Sub(new(big.Int).SetBytes(p), big.NewInt(3))
		if c, err := curve.ByParams(p, minus3.Bytes(), b, n, g); err == nil {
			return c, nil
		}
	}
	c, err := curve.ByParams(p, a, b, n, g)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return c, nil
}
