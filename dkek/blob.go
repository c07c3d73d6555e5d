package dkek

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"conclave/internal/curve"
	"conclave/internal/fips204"
)

var (
	// ErrForeign is the error for a blob that was wrapped under another DKEK.
	ErrForeign = errors.New("the key was wrapped under another DKEK")
	// ErrDamaged is the error for a blob that is not as it was written.
	ErrDamaged = errors.New("the wrapped key is damaged")
	// ErrUnsupported is the error for an undamaged blob of a key of a type or on
	// a curve that is not known here.
	ErrUnsupported = errors.New("unsupported key")
)

// KeyType says what a blob holds.
type KeyType byte

// The key types of blobs.
const (
	RSA    KeyType = 5  // d, n, e
	RSACRT KeyType = 6  // dp, dq, p, 1/q mod p, q, n, e
	EC     KeyType = 12 // a, b, p, n, G, d, Q
	AES    KeyType = 15 // the key

	// MLDSA is a type of ours, named for FIPS 204: the seed. No number but those above is
	// written or read by CardContact's DKEK.js or by pico-hsm (src/hsm/kek.c,
	// dkek_type_key), which refuse what they do not know; OpenSC's sc-hsm-tool does not
	// look into blobs.
	MLDSA KeyType = 204
)

// String names the type.
func (t KeyType) String() string {
	switch t {
	case RSA:
		return "RSA"
	case RSACRT:
		return "RSA with CRT parts"
	case EC:
		return "EC"
	case AES:
		return "AES"
	case MLDSA:
		return "ML-DSA"
	}
	return fmt.Sprintf("unknown type %d", byte(t))
}

// Metadata is what a blob says about its key without encryption. Its fields are
// copied as they are; a card fills in at most the first.
type Metadata struct {
	AllowedAlgorithms []byte // algorithm bytes of the commands that the key may be used with; empty for all
	AccessConditions  []byte // never seen other than empty
	KeyOID            []byte // never seen other than empty
}

// Blob is a wrapped key, the output of WRAP KEY: the parts that can be read
// without the DKEK.
type Blob struct {
	KCV              KCV // of the DKEK that it was wrapped under
	Type             KeyType
	DefaultAlgorithm []byte // object identifier of the default algorithm, without tag and length
	Metadata
	Ciphertext []byte // AES-256-CBC under Kenc, a multiple of 16 bytes
	MAC        [aes.BlockSize]byte
}

// maxBlob bounds what is parsed; an RSA-4096 key with CRT parts takes 1,900 bytes.
const maxBlob = 4096

// ParseBlob splits a blob into its parts, which alias b. It knows no key, so it
// checks that the lengths fit, no more. Its errors are ErrDamaged.
func ParseBlob(b []byte) (Blob, error) {
	blob, err := parseBlob(b)
	if err != nil {
		return Blob{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return blob, nil
}

func parseBlob(b []byte) (blob Blob, err error) {
	if len(b) > maxBlob {
		return blob, fmt.Errorf("%d bytes, at most %d expected", len(b), maxBlob)
	}
	const header = len(blob.KCV) + 1
	if len(b) < header+len(blob.MAC) {
		return blob, fmt.Errorf("%d bytes are too few", len(b))
	}
	body := b[:len(b)-len(blob.MAC)]
	blob.MAC = [aes.BlockSize]byte(b[len(body):])
	blob.KCV = KCV(body)
	blob.Type = KeyType(body[len(blob.KCV)])
	rest := fields(body[header:])
	for _, field := range []struct {
		name  string
		value *[]byte
	}{
		{"default algorithm", &blob.DefaultAlgorithm},
		{"allowed algorithms", &blob.AllowedAlgorithms},
		{"access conditions", &blob.AccessConditions},
		{"key OID", &blob.KeyOID},
	} {
		if *field.value, err = rest.next(field.name); err != nil {
			return blob, err
		}
	}
	if len(rest) == 0 || len(rest)%aes.BlockSize != 0 {
		return blob, fmt.Errorf("ciphertext of %d bytes, a multiple of %d expected; was the end cut off?", len(rest), aes.BlockSize)
	}
	blob.Ciphertext = rest
	return blob, nil
}

// Bytes puts the parts together again. Each must be shorter than 65,536 bytes.
func (b Blob) Bytes() []byte { return append(b.authenticated(), b.MAC[:]...) }

// authenticated returns what the MAC is computed over.
func (b Blob) authenticated() []byte {
	out := append(b.KCV[:len(b.KCV):len(b.KCV)], byte(b.Type))
	out = appendField(out, b.DefaultAlgorithm)
	out = appendField(out, b.AllowedAlgorithms)
	out = appendField(out, b.AccessConditions)
	out = appendField(out, b.KeyOID)
	return append(out, b.Ciphertext...)
}

// fields is the rest of a sequence of values with a 2-byte length before each.
type fields []byte

// next takes a value off the sequence.
func (f *fields) next(name string) ([]byte, error) {
	b := *f
	if len(b) < 2 {
		return nil, fmt.Errorf("%s: a length was expected, %d bytes are left", name, len(b))
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > len(b)-2 {
		return nil, fmt.Errorf("%s: length %d runs past the end, %d bytes are left", name, n, len(b)-2)
	}
	*f = b[2+n:]
	return b[2 : 2+n], nil
}

func appendField(b, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// Sizes gives what the length of the ciphertext tells of the key's size in bits: of
// the modulus or the field, the likeliest first. There are several where writers may
// leave out zeros or a parameter, and none for AES and for unknown types. For ML-DSA
// it is the number of the parameter set, which the default algorithm names.
func (b Blob) Sizes() (sizes []int) {
	if b.Type == MLDSA {
		if set, known := fips204.Find(func(s fips204.Set) bool { return bytes.Equal(s.Contents(), b.DefaultAlgorithm) }); known {
			sizes = []int{set.Number}
		}
		return sizes
	}
	for _, bits := range b.Type.sizes() {
		full := b.Type.plaintextSize(bits)
		if most := (full + aes.BlockSize - 1) / aes.BlockSize * aes.BlockSize; len(b.Ciphertext) == most {
			sizes = append([]int{bits}, sizes...)
		} else if least := full - b.Type.omitted(bits); least <= len(b.Ciphertext) && len(b.Ciphertext) <= most+aes.BlockSize {
			sizes = append(sizes, bits)
		}
	}
	return sizes
}

// sizes are those of the keys that cards know.
func (t KeyType) sizes() (bits []int) {
	switch t {
	case RSA, RSACRT:
		return []int{1024, 1536, 2048, 3072, 4096}
	case EC:
		for _, c := range curve.All() {
			bits = append(bits, c.Bits)
		}
		slices.Sort(bits)
	}
	return slices.Compact(bits)
}

// plaintextSize is how many bytes are encrypted, with the public exponent 65537 and
// every other number at its full length.
func (t KeyType) plaintextSize(bits int) int {
	const length, exponent = 2, 3
	size := (bits + 7) / 8
	switch t {
	case RSA: // d, n, e
		return contentFrom + 3*length + 2*size + exponent
	case RSACRT: // dp, dq, p, 1/q mod p, q, n, e
		return contentFrom + 7*length + 5*size/2 + size + exponent
	}
	return contentFrom + 7*length + 9*size + 2 // a, b, p, n, d, and the points G and Q
}

// omitted is how many bytes of that may be left out: leading zeros of some numbers,
// and most of the coefficients a and b (see findCurve; secp256k1 has 0 and 7).
func (t KeyType) omitted(bits int) int {
	const zeros = 8
	if t == EC {
		return zeros + 2*(bits+7)/8
	}
	return zeros
}
