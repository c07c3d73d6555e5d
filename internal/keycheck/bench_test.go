package keycheck

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"testing"
)

// BenchmarkForCertificate is the whole judgement of a good key.
func BenchmarkForCertificate(b *testing.B) {
	for _, key := range goodKeys(b) {
		name := fmt.Sprintf("%T", key)
		if key, ok := key.Public().(*rsa.PublicKey); ok {
			name = fmt.Sprint("RSA-", key.N.BitLen())
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ForCertificate(key.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSound is that of the longest modulus, of a key that was made long ago.
func BenchmarkSound(b *testing.B) {
	n := new(big.Int).Lsh(one(), maxLength)
	n.Div(n, big.NewInt(3))
	for b.Loop() {
		_ = Sound(&rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537})
	}
}

func BenchmarkPrivate(b *testing.B) {
	for _, key := range goodKeys(b) {
		if key, ok := key.(*rsa.PrivateKey); ok {
			b.Run(fmt.Sprint("RSA-", key.N.BitLen()), func(b *testing.B) {
				for b.Loop() {
					if err := Private(key); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
