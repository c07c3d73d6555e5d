package curve_test

import (
	"bytes"
	"testing"

	"conclave/internal/curve"
)

func benchmarkEachCurve(b *testing.B, operation func(k *curve.PrivateKey) error) {
	for _, c := range curve.All() {
		b.Run(c.Name, func(b *testing.B) {
			k := generate(b, c)
			for b.Loop() {
				if err := operation(k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	digest := bytes.Repeat([]byte{0x5A}, 32)
	benchmarkEachCurve(b, func(k *curve.PrivateKey) error {
		_, err := k.Sign(digest)
		return err
	})
}

func BenchmarkECDH(b *testing.B) {
	benchmarkEachCurve(b, func(k *curve.PrivateKey) error {
		_, err := k.ECDH(k.Q)
		return err
	})
}

// BenchmarkLoadAndSign is a signature with a key that was not kept: what
// keeping a PrivateKey saves.
func BenchmarkLoadAndSign(b *testing.B) {
	digest := bytes.Repeat([]byte{0x5A}, 32)
	benchmarkEachCurve(b, func(k *curve.PrivateKey) error {
		fresh, err := k.Curve.NewPrivateKey(k.D)
		if err != nil {
			return err
		}
		_, err = fresh.Sign(digest)
		return err
	})
}
