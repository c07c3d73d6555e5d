package curve

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"testing"

	"conclave/internal/testrun"
)

// TestKnownSignaturesOfP256: the numbers per message of RFC 6979, appendix A.2.5, which
// Sign does not take, lead to its signatures.
func TestKnownSignaturesOfP256(t *testing.T) {
	key, err := p256Key(integerOf("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721").Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s := key.signer.(*p256Signer)
	sample256, test512 := sha256.Sum256([]byte("sample")), sha512.Sum512([]byte("test"))
	for _, v := range []struct {
		digest  []byte
		k, r, s string
	}{
		{sample256[:], "A6E3C57DD01ABE90086538398355DD4C3B17AA873382B0F24D6129493D8AAD60",
			"EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716", "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
		{test512[:], "6915D11632ACA3C40D5D51C08DAF9C555933819548784480E93499000D9F0B7F",
			"461D93F31B6540894788FD206C07CFA0CC35F46FA3C91816FFF1040AD1581A04", "39AF9F15DE0DB8D97E72719C74820D304CE5226E32DEDAE67519E840D1194E55"},
	} {
		k := s.order.residue(integerOf(v.k).Bytes())
		r, second, err := s.signWith(k, s.order.residue(leftmost(v.digest, 32)))
		plain := append(s.order.bytes(r), s.order.bytes(second)...)
		want := append(integerOf(v.r).FillBytes(make([]byte, 32)), integerOf(v.s).FillBytes(make([]byte, 32))...)
		if err != nil || !bytes.Equal(plain, want) {
			t.Errorf("k %s: %x, %v; expected %x", v.k, plain, err, want)
		}
	}
}

func integerOf(hex string) *big.Int {
	n, _ := new(big.Int).SetString(hex, 16)
	return n
}

// TestNumberIsReduced: a hash of 512 bits modulo the order, as math/big has it.
func TestNumberIsReduced(t *testing.T) {
	key, err := p256Key([]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	s, random, n := key.signer.(*p256Signer), testrun.Random(t), integer(key.Curve.N)
	for range 200 {
		hash := make([]byte, 64)
		for i := range hash {
			hash[i] = byte(random.Uint32()) | byte(-(random.Uint32() & 1)) // half of them are FF
		}
		want := new(big.Int).Mod(new(big.Int).SetBytes(hash), n)
		if got := integer(s.order.bytes(s.reduced(hash))); got.Cmp(want) != 0 {
			t.Errorf("%x: %x, expected %x", hash, got, want)
		}
	}
}

// TestNumberZeroIsRefused: the number 0, which is as good as never drawn, is refused.
func TestNumberZeroIsRefused(t *testing.T) {
	key, err := p256Key([]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	s := key.signer.(*p256Signer)
	if r, second, err := s.signWith(residue{}, s.order.one); err == nil {
		t.Errorf("signature %v, %v", r, second)
	}
}
