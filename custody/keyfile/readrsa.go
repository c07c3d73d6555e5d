package keyfile

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"conclave/dkek"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// rsaNumbers are those of an RSAPrivateKey (RFC 8017, appendix A.1.2). The last
// five are 0 in keys that are kept without them.
type rsaNumbers struct{ n, e, d, p, q, dp, dq, qInv big.Int }

// readPKCS1 reads an RSAPrivateKey.
func readPKCS1(der cryptobyte.String) (any, error) {
	var body cryptobyte.String
	var version int
	if !der.ReadASN1(&body, tag.SEQUENCE) || !der.Empty() || !body.ReadASN1Integer(&version) {
		return nil, errMalformed
	}
	if version == 1 {
		return nil, errMultiPrime
	}
	var r rsaNumbers
	for i, number := range []*big.Int{&r.n, &r.e, &r.d, &r.p, &r.q, &r.dp, &r.dq, &r.qInv} {
		if !body.ReadASN1Integer(number) {
			if i == 5 && version == 0 && body.Empty() { // DSA has five numbers: p, q, g, y and x
				return nil, explainPrivate("DSA PRIVATE KEY")
			}
			return nil, errMalformed
		}
	}
	if version != 0 || !body.Empty() {
		return nil, errMalformed
	}
	return r.key()
}

var errMultiPrime = errors.New("its RSA modulus has more than two primes, which no SmartCard-HSM takes; the key has to be replaced by another one")

// key makes the key of its numbers, all of which must belong together: one that is
// out of place would mean that the file is damaged, or was tampered with.
func (r *rsaNumbers) key() (*rsa.PrivateKey, error) {
	key, err := dkek.NewRSA(&r.n, &r.e, &r.d)
	if err != nil {
		return nil, fmt.Errorf("RSA key: %w", err)
	}
	if !r.fits() {
		wipe(key)
		return nil, errors.New("RSA key: its primes or the numbers made of them do not belong to n, e and d; the file is damaged, or was tampered with: take another copy")
	}
	return key, nil
}

// fits says whether what the file has beside n, e and d belongs to them.
func (r *rsaNumbers) fits() bool {
	if r.p.Sign() == 0 && r.q.Sign() == 0 {
		return r.dp.Sign() == 0 && r.dq.Sign() == 0 && r.qInv.Sign() == 0
	}
	one := big.NewInt(1)
	if r.p.Cmp(one) <= 0 || r.q.Cmp(one) <= 0 || new(big.Int).Mul(&r.p, &r.q).Cmp(&r.n) != 0 {
		return false
	}
	if r.dp.Sign() == 0 && r.dq.Sign() == 0 && r.qInv.Sign() == 0 {
		return true
	}
	p1, q1 := new(big.Int).Sub(&r.p, one), new(big.Int).Sub(&r.q, one)
	product := new(big.Int).Mul(&r.q, &r.qInv)
	return new(big.Int).Mod(&r.d, p1).Cmp(&r.dp) == 0 && new(big.Int).Mod(&r.d, q1).Cmp(&r.dq) == 0 &&
		r.qInv.Cmp(&r.p) < 0 && product.Mod(product, &r.p).Cmp(one) == 0
}
