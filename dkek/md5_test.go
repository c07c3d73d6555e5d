package dkek

import (
	"crypto/md5"
	"testing"

	"pgregory.net/rapid"
)

func TestMD5Repeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digest := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "digest"))
		n := rapid.IntRange(0, 50).Draw(t, "n")
		want := digest
		for range n {
			want = md5.Sum(want[:])
		}
		if got := md5Repeat(digest, n); got != want {
			t.Fatalf("%d times: %x, want %x", n, got, want)
		}
	})
}

func BenchmarkMD5Step(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		md5Repeat([16]byte{}, b.N)
	})
	b.Run("crypto-md5", func(b *testing.B) {
		var digest [16]byte
		for range b.N {
			digest = md5.Sum(digest[:])
		}
	})
}
