package dkek

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"

	"conclave/internal/curve"
	"conclave/internal/fips204"
	"conclave/internal/secret"

	"filippo.io/mldsa"
	"pgregory.net/rapid"
)

// TestWrapThenUnwrap wraps again all keys that others wrapped, and new ones.
func TestWrapThenUnwrap(t *testing.T) {
	d := vectorDKEK(t)
	keys := map[string]any{"one more than a block": AESKey(make([]byte, 32))}
	for path, blob := range readBlobs(t) {
		if key, _, err := d.Unwrap(blob); err == nil {
			keys[path] = key
		}
	}
	for _, c := range curve.All() {
		key, err := c.Generate()
		if err != nil {
			t.Fatal(err)
		}
		keys[c.Name] = key
	}
	for _, size := range []int{44, 65, 87} {
		keys[fmt.Sprint("ML-DSA-", size)] = mldsaKey(t, size)
	}
	meta := Metadata{AllowedAlgorithms: []byte{0x70, 0x80}, AccessConditions: []byte{1}, KeyOID: []byte{2, 3}}
	for name, key := range keys {
		blob, err := d.Wrap(rand.Reader, key, meta)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, gotMeta, err := d.Unwrap(blob)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !equalKeys(got, key) {
			t.Errorf("%s: another key came back", name)
		}
		if fmt.Sprint(gotMeta) != fmt.Sprint(meta) {
			t.Errorf("%s: metadata %v came back", name, gotMeta)
		}
	}
}

// TestWrapLikePicoHSM: what we write differs from pico-hsm's blob in nothing
// that can be seen from outside, and stays below the size OpenSC 0.23 can take.
func TestWrapLikePicoHSM(t *testing.T) {
	d := vectorDKEK(t)
	for _, name := range []string{"rsa-1024", "rsa-4096", "EC-secp256r1"} {
		theirs := readBlobs(t)["testdata/2-of-4/"+name+".wrap"]
		key, meta, err := d.Unwrap(theirs)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := d.Wrap(rand.Reader, key, meta)
		if err != nil {
			t.Fatal(err)
		}
		if header := 27; !bytes.Equal(ours[:header], theirs[:header]) {
			t.Errorf("%s: %x, want %x", name, ours[:header], theirs[:header])
		}
		if len(ours) > 1500 {
			t.Errorf("%s: %d bytes", name, len(ours))
		}
		if again, _ := d.Wrap(rand.Reader, key, meta); bytes.Equal(ours, again) {
			t.Errorf("%s: two blobs are the same; their first block tells that the keys are", name)
		}
	}
}

func TestWrapRefuses(t *testing.T) {
	d := vectorDKEK(t)
	broken := *rsaKey(t)
	broken.D = new(big.Int).Add(broken.D, big.NewInt(2))
	small, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		key  any
		meta Metadata
		want string
	}{
		{"another type of key", small, Metadata{}, "a *ecdsa.PrivateKey cannot be wrapped"},
		{"AES of 17 bytes", AESKey(make([]byte, 17)), Metadata{}, "not 17"},
		{"RSA that is broken", &broken, Metadata{}, "not valid"},
		{"RSA of 512 bits", smallRSA(), Metadata{}, "512 bits cannot be wrapped; 1024 to 4096"},
		{"RSA that is bad", rsaOf(t, 16, 1008), Metadata{}, "not a good one: its primes have 16 and 1008 bits"},
		{"too much metadata", AESKey(make([]byte, 16)), Metadata{KeyOID: make([]byte, 65536+10)}, "at most 4096"},
	} {
		if _, err := d.Wrap(rand.Reader, test.key, test.meta); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	gone := iotest.ErrReader(errors.New("the generator is gone"))
	if _, err := d.Wrap(gone, AESKey(make([]byte, 16)), Metadata{}); err == nil {
		t.Error("wrapped without randomness")
	}
}

func TestUnwrapForeign(t *testing.T) {
	d, err := New(filled(1))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = d.Unwrap(readBlobs(t)["testdata/2-of-4/rsa-1024.wrap"])
	if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "7C7D7EC59505B990") || !strings.Contains(err.Error(), d.KCV().String()) {
		t.Errorf("error %v, want ErrForeign with both KCVs", err)
	}
}

// TestUnwrapDamaged flips each bit and cuts at each length.
func TestUnwrapDamaged(t *testing.T) {
	d := vectorDKEK(t)
	blob := readBlobs(t)["testdata/2-of-4/EC-secp256r1.wrap"]
	for i := range 8 * len(blob) {
		damaged := bytes.Clone(blob)
		damaged[i/8] ^= 1 << (i % 8)
		want := ErrDamaged
		if i/8 < len(KCV{}) {
			want = ErrForeign
		}
		if _, _, err := d.Unwrap(damaged); !errors.Is(err, want) {
			t.Errorf("bit %d of byte %d: error %v, want %v", i%8, i/8, err, want)
		}
	}
	for n := range blob {
		if _, _, err := d.Unwrap(blob[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut after %d bytes: error %v", n, err)
		}
	}
	if _, _, err := d.Unwrap(append(bytes.Clone(blob), make([]byte, 16)...)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a block appended: error %v", err)
	}
}

// TestUnwrapInconsistent seals contents with one fault each under the right
// keys, so that nothing but the fault is in the way.
func TestUnwrapInconsistent(t *testing.T) {
	d := vectorDKEK(t)
	rsa5 := rsaParts(rsaKey(t))
	rsa6 := rsaCRTParts(rsaKey(t))
	ec := ecParts(t)
	bad, odd := rsaOf(t, 16, 1008), rsaOf(t, 514, 513)
	aligned := content(1024, replace(rsa5, 2, append(make([]byte, 13), rsa5[2]...))...)
	p256, _ := curve.ByName("secp256r1")
	seed := filled(7)
	for _, test := range []struct {
		name      string
		t         KeyType
		plaintext []byte
		want      string
	}{
		{"no fault, 5", RSA, content(1024, rsa5...), ""},
		{"no fault, 6", RSACRT, content(1024, rsa6...), ""},
		{"no fault, 12", EC, content(256, ec...), ""},
		{"no padding", RSA, aligned, ""},
		{"a block of padding", RSA, append(bytes.Clone(aligned), "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...), ""},

		{"unknown type", 7, content(1024, rsa5...), "unknown type 7"},
		{"padding", EC, append(content(256, ec...)[:320-1], 1), "padding"},
		{"too much padding", EC, append(content(256, ec...), make([]byte, 16)...), "padding"},
		{"part too many", EC, content(256, append(ec, []byte{1})...), "padding"},
		{"part too few", EC, content(256, ec[:6]...), "public point Q: "},
		{"length past the end", RSA, withByte(content(1024, rsa5...), 10, 0xFF), "private exponent d: length 65408 runs past the end"},
		{"second length past the end", RSA, withByte(content(1024, rsa5...), 12+128, 0xFF), "modulus n: length 65408 runs past the end"},
		{"last length past the end", RSA, withByte(content(1024, rsa5...), 14+256, 0x7F), "public exponent e: length 32515 runs past the end"},

		{"AES, size", AES, content(17), "not 17"},
		{"AES, past the end", AES, content(32), "32 runs past the end, 6"},
		{"AES, padding", AES, append(content(16)[:contentFrom], "0123456789abcdef\x80\x00\x01\x00\x00\x00"...), "padding"},

		{"no fault, 204", MLDSA, content(65, seed), ""},
		{"ML-DSA, size", MLDSA, content(66, seed), "parameter set 66; 44, 65 and 87 are known"},
		{"ML-DSA, a seed of 31 bytes", MLDSA, content(65, seed[:31]), "a seed of 31 bytes, 32 expected"},
		{"ML-DSA, no seed", MLDSA, content(65), "seed: length 32768 runs past the end"},
		{"ML-DSA, two seeds", MLDSA, content(65, seed, seed), "padding"},

		{"EC, size", EC, content(384, ec...), "key size 384 bits does not fit secp256r1"},
		{"EC, b", EC, content(256, replace(ec, 1, filled(1))...), "no known curve has these domain parameters, over a field of 256 bits; known are"},
		{"EC, a not empty and wrong", EC, content(256, replace(ec, 0, []byte{1})...), "no known curve"},
		{"EC, compressed G", EC, content(256, replace(ec, 4, ec[4][:33])...), "no known curve"},
		{"EC, d = 0", EC, content(256, replace(ec, 5, nil)...), "not between 1 and the order"},
		{"EC, d = n", EC, content(256, replace(ec, 5, p256.N)...), "not between 1 and the order"},
		{"EC, d too long", EC, content(256, replace(ec, 5, append([]byte{1}, ec[5]...))...), "longer than the order"},
		{"EC, d of another key", EC, content(256, replace(ec, 5, []byte{5})...), "d does not belong to the public point Q"},
		{"EC, Q is G", EC, content(256, replace(ec, 6, p256.G)...), "d does not belong to the public point Q"},

		{"RSA, size", RSA, content(2048, rsa5...), "key size 2048 bits does not fit"},
		{"RSA, d = 0", RSA, content(1024, replace(rsa5, 0, nil)...), "d is not between"},
		{"RSA, d = n", RSA, content(1024, replace(rsa5, 0, rsa5[1])...), "d is not between"},
		{"RSA, d", RSA, content(1024, replace(rsa5, 0, plus(rsa5[0], 2))...), "d does not belong"},
		{"RSA, n", RSA, content(1024, replace(rsa5, 1, plus(rsa5[1], 2))...), "d does not belong"},
		{"RSA, n even", RSA, content(1024, replace(rsa5, 1, plus(rsa5[1], 1))...), "d does not belong"},
		{"RSA, n of 512 bits", RSA, content(512, replace(rsa5, 1, rsa5[1][:64])...), "modulus n of 512 bits, 1024 to 4096"},
		{"RSA, e", RSA, content(1024, replace(rsa5, 2, []byte{3})...), "d does not belong"},
		{"RSA, e even", RSA, content(1024, replace(rsa5, 2, []byte{4})...), "e is not odd"},
		{"RSA, e = 1", RSA, content(1024, replace(rsa5, 2, []byte{1})...), "e is not odd and between"},
		{"RSA, e too large", RSA, content(1024, replace(rsa5, 2, []byte{1, 0, 0, 0, 1})...), "e is not odd and between"},

		{"RSA, a prime of 16 bits", RSA, content(1024, rsaParts(bad)...), "bits; 512 each were expected"},
		{"RSA, 1027 bits", RSA, content(1027, rsaParts(odd)...), "its modulus has 1027 bits; a multiple of 8 was expected"},
		{"CRT, a prime of 16 bits", RSACRT, content(1024, rsaCRTParts(bad)...), "bits; 512 each were expected"},
		{"CRT, 1027 bits", RSACRT, content(1027, rsaCRTParts(odd)...), "its modulus has 1027 bits; a multiple of 8 was expected"},

		{"CRT, dp", RSACRT, content(1024, replace(rsa6, 0, plus(rsa6[0], 1))...), "dp, dq or 1/q"},
		{"CRT, dq", RSACRT, content(1024, replace(rsa6, 1, plus(rsa6[1], 1))...), "dp, dq or 1/q"},
		{"CRT, p", RSACRT, content(1024, replace(rsa6, 2, plus(rsa6[2], 2))...), "n is not the product of p and q"},
		{"CRT, 1/q", RSACRT, content(1024, replace(rsa6, 3, plus(rsa6[3], 1))...), "dp, dq or 1/q"},
		{"CRT, n", RSACRT, content(1024, replace(rsa6, 5, plus(rsa6[5], 2))...), "n is not the product of p and q"},
		{"CRT, p = 1", RSACRT, content(1024, replace(replace(rsa6, 2, []byte{1}), 4, rsa6[5])...), "e does not belong"},
		{"CRT, e", RSACRT, content(1024, replace(rsa6, 6, []byte{5})...), "does not belong to p"},
	} {
		key, _, err := d.Unwrap(d.seal(blobOf(test.t, test.plaintext), test.plaintext))
		switch {
		case test.want == "":
			if err != nil || key == nil {
				t.Errorf("%s: %v", test.name, err)
			}
		case err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, ErrDamaged):
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// TestMLDSAOfAnotherSet: a seed makes a key of each parameter set, so that the two fields
// that name it must say the same.
func TestMLDSAOfAnotherSet(t *testing.T) {
	d := vectorDKEK(t)
	blob := blobOf(MLDSA, content(65, filled(7)))
	_, _, err := d.Unwrap(d.seal(blob, content(44, filled(7))))
	if err == nil || !strings.Contains(err.Error(), "03 12 is not ML-DSA-44") {
		t.Errorf("error %v", err)
	}
}

// TestTypesAreNotMistaken changes the type byte of blobs, as who has no DKEK can, and
// then seals the contents of each type as each other one, as nobody does. A device that
// does not know ML-DSA refuses it as every type that it does not know.
func TestTypesAreNotMistaken(t *testing.T) {
	d := vectorDKEK(t)
	for path, b := range readBlobs(t) {
		blob, err := ParseBlob(b)
		if err != nil {
			t.Fatal(err)
		}
		for other := range 256 {
			if KeyType(other) == blob.Type {
				continue
			}
			if _, _, err := d.Unwrap(withByte(b, 8, byte(other))); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s as type %d: error %v; its MAC does not fit", path, other, err)
			}
			resealed := blob
			resealed.Type = KeyType(other)
			if key, _, err := d.Unwrap(d.seal(resealed, opened(t, d, b))); err == nil {
				t.Errorf("%s sealed as type %d is a %T", path, other, key)
			}
		}
	}
}

// TestMLDSABlobIsSmall: below what one short APDU answers with.
func TestMLDSABlobIsSmall(t *testing.T) {
	for _, size := range []int{44, 65, 87} {
		blob, err := vectorDKEK(t).Wrap(rand.Reader, mldsaKey(t, size), Metadata{AllowedAlgorithms: []byte{0x60, 0x92}})
		if err != nil || len(blob) >= 128 {
			t.Errorf("ML-DSA-%d: %d bytes, %v", size, len(blob), err)
		}
	}
}

// TestFactor: every d that inverts e must do, and no other number.
func TestFactor(t *testing.T) {
	key := rsaKey(t)
	p, q, e := key.Primes[0], key.Primes[1], big.NewInt(int64(key.E))
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	phi := new(big.Int).Mul(p1, q1)
	lambda := new(big.Int).Div(phi, new(big.Int).GCD(nil, nil, p1, q1))
	rapid.Check(t, func(t *rapid.T) {
		d := new(big.Int).ModInverse(e, lambda)
		d.Add(d, new(big.Int).Mul(lambda, big.NewInt(rapid.Int64Range(0, 1000).Draw(t, "multiples"))))
		d.Add(d, big.NewInt(rapid.Int64Range(0, 3).Draw(t, "off by")))
		wrong := new(big.Int).Mul(d, e)
		wrong.Sub(wrong, one).Mod(wrong, lambda)
		factor, err := factor(key.N, d, e)
		if (err == nil) != (wrong.Sign() == 0) {
			t.Fatalf("error %v", err)
		}
		if err == nil && factor.Cmp(p) != 0 && factor.Cmp(q) != 0 {
			t.Fatal("not a prime factor")
		}
	})
}

// FuzzUnwrap gives any content, sealed under the right keys, to the inner
// parser. What it accepts must survive being wrapped again.
func FuzzUnwrap(f *testing.F) {
	d := vectorDKEK(f)
	f.Fuzz(func(t *testing.T, keyType byte, plaintext []byte) {
		blocks := max(1, (len(plaintext)+15)/16)
		plaintext = append(bytes.Clone(plaintext), make([]byte, 16*blocks-len(plaintext))...)
		key, meta, err := d.Unwrap(d.seal(blobOf(KeyType(keyType), plaintext), plaintext))
		if err != nil {
			return
		}
		blob, err := d.Wrap(rand.Reader, key, meta)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := d.Unwrap(blob)
		if err != nil {
			t.Fatal(err)
		}
		if !equalKeys(key, again) {
			t.Error("another key came back")
		}
	})
}

func equalKeys(a, b any) bool {
	switch a := a.(type) {
	case *rsa.PrivateKey:
		b, ok := b.(*rsa.PrivateKey)
		return ok && a.PublicKey.Equal(&b.PublicKey) && a.D.Cmp(b.D) == 0
	case *curve.PrivateKey:
		b, ok := b.(*curve.PrivateKey)
		return ok && a.Curve == b.Curve && a.D.Equal(b.D) && bytes.Equal(a.Q, b.Q)
	case *mldsa.PrivateKey:
		b, ok := b.(*mldsa.PrivateKey)
		return ok && a.Equal(b)
	case AESKey:
		b, ok := b.(AESKey)
		return ok && secret.Bytes(a).Equal(secret.Bytes(b))
	}
	return false
}

// content is a plaintext: random bytes, here zero, the size, the parts and padding.
func content(size int, parts ...[]byte) []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, randomSize), uint16(size))
	for _, part := range parts {
		b = appendField(b, part)
	}
	return pad(b)
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	key, _, err := vectorDKEK(t).Unwrap(readBlobs(t)["testdata/2-of-4/rsa-1024.wrap"])
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

// rsaOf makes a key of primes of two lengths.
func rsaOf(t testing.TB, pBits, qBits int) *rsa.PrivateKey {
	e, one := big.NewInt(65537), big.NewInt(1)
	for {
		p, errP := rand.Prime(rand.Reader, pBits)
		q, errQ := rand.Prime(rand.Reader, qBits)
		if err := errors.Join(errP, errQ); err != nil {
			t.Fatal(err)
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		if d := new(big.Int).ModInverse(e, phi); d != nil {
			return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
		}
	}
}

func mldsaKey(t testing.TB, size int) *mldsa.PrivateKey {
	set, known := fips204.ByNumber(size)
	key, err := mldsa.GenerateKey(set.Parameters)
	if err != nil || !known {
		t.Fatal(size, err)
	}
	return key
}

func smallRSA() *rsa.PrivateKey {
	return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 511, 1), E: 3}, D: big.NewInt(3)}
}

// rsaParts are the parts of type 5.
func rsaParts(key *rsa.PrivateKey) [][]byte {
	return [][]byte{key.D.Bytes(), key.N.Bytes(), big.NewInt(int64(key.E)).Bytes()}
}

// rsaCRTParts are the parts of type 6, computed here from p, q and e.
func rsaCRTParts(key *rsa.PrivateKey) [][]byte {
	p, q, e := key.Primes[0], key.Primes[1], big.NewInt(int64(key.E))
	less := func(x *big.Int) *big.Int { return new(big.Int).Sub(x, big.NewInt(1)) }
	dp := new(big.Int).ModInverse(e, less(p))
	dq := new(big.Int).ModInverse(e, less(q))
	qInv := new(big.Int).ModInverse(q, p)
	return [][]byte{dp.Bytes(), dq.Bytes(), p.Bytes(), qInv.Bytes(), q.Bytes(), key.N.Bytes(), e.Bytes()}
}

func ecParts(t testing.TB) [][]byte {
	key, _, err := vectorDKEK(t).Unwrap(readBlobs(t)["testdata/2-of-4/EC-secp256r1.wrap"])
	if err != nil {
		t.Fatal(err)
	}
	ec := key.(*curve.PrivateKey)
	c := ec.Curve
	return [][]byte{c.A, c.B, c.P, c.N, c.G, ec.D, ec.Q}
}

// replace returns the parts with another value for one of them.
func replace(parts [][]byte, i int, value []byte) [][]byte {
	out := append([][]byte(nil), parts...)
	out[i] = value
	return out
}

func withByte(b []byte, i int, value byte) []byte {
	out := bytes.Clone(b)
	out[i] = value
	return out
}

// plus adds to a big-endian number.
func plus(b []byte, n int64) []byte {
	return new(big.Int).Add(new(big.Int).SetBytes(b), big.NewInt(n)).Bytes()
}

// blobOf is a blob of a type for a content, without it.
func blobOf(t KeyType, content []byte) Blob {
	size := int(binary.BigEndian.Uint16(content[randomSize:]))
	return Blob{Type: t, DefaultAlgorithm: t.defaultAlgorithm(size)}
}
