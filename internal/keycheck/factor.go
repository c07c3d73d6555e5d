package keycheck

import "math/big"

// closePrimes factors a modulus as Fermat did, in as many rounds as BR section
// 6.1.1.3 wants: n = a² - b² for an a that is hardly above the root of n.
func closePrimes(n *big.Int) bool {
	const rounds = 100
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, big.NewInt(1))
	}
	for range rounds {
		b2 := new(big.Int).Mul(a, a)
		b2.Sub(b2, n)
		if b := new(big.Int).Sqrt(b2); b.Mul(b, b).Cmp(b2) == 0 {
			return true
		}
		a.Add(a, big.NewInt(1))
	}
	return false
}

// fromInfineon recognises the moduli of CVE-2017-15361, each prime of which is a
// power of 65537 modulo the product of many small ones; so is the modulus itself
// (Nemec and others, The Return of Coppersmith's Attack, section 2.1). Only those
// small ones are used for which most other moduli are not such a power.
func fromInfineon(n *big.Int) bool {
	for _, prime := range []uint64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		rest := new(big.Int).Mod(n, new(big.Int).SetUint64(prime)).Uint64()
		power := uint64(65537) % prime
		for power != rest {
			if power == 1 {
				return false // all powers were seen
			}
			power = power * 65537 % prime
		}
	}
	return true
}
