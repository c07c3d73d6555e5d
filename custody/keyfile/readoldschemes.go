package keyfile

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"encoding/asn1"
	"hash"
	"slices"

	"conclave/internal/rc2"
	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// passwordScheme is an encryption from before PBES2, in which the password gives key
// and IV. Files of that age are there, and better read than left lying.
type passwordScheme struct {
	derive func(p spelling, salt []byte, iterations int) (key, iv secret.Bytes)
	cipher func(key []byte) (cipher.Block, error)
}

// oldScheme is one of PBES1 (RFC 8018, appendix A.3), or of PKCS#12 (RFC 7292,
// appendix C); nil for one that is not read.
func oldScheme(oid asn1.ObjectIdentifier) *passwordScheme {
	scheme, known := map[string]passwordScheme{
		"1.2.840.113549.1.5.3":    {pbes1(md5.New), des.NewCipher},
		"1.2.840.113549.1.5.10":   {pbes1(sha1.New), des.NewCipher},
		"1.2.840.113549.1.12.1.3": {pkcs12Keys(24), des.NewTripleDESCipher},
		"1.2.840.113549.1.12.1.4": {pkcs12Keys(16), twoKeyDES},
		"1.2.840.113549.1.12.1.5": {pkcs12Keys(16), newRC2},
		"1.2.840.113549.1.12.1.6": {pkcs12Keys(5), newRC2},
	}[oid.String()]
	if !known {
		return nil
	}
	return &scheme
}

// read reads PBEParameter (RFC 8018, appendix A.3), which PKCS#12 has too.
func (s *passwordScheme) read(parameters cryptobyte.String) (e encryption, err error) {
	var salt cryptobyte.String
	if !parameters.ReadASN1(&salt, tag.OCTET_STRING) || !readIterations(&parameters, &e.work) {
		return e, errMalformed
	}
	e.start = func(p spelling) (cipher.Block, []byte, error) {
		key, iv := s.derive(p, salt, int(e.work))
		defer key.Wipe()
		block, err := s.cipher(key)
		return block, iv, err
	}
	return e, nil
}

// pbes1 is the derivation of RFC 8018, section 6.1.1: PBKDF1 gives a key of DES, and
// the IV.
func pbes1(h func() hash.Hash) func(spelling, []byte, int) (key, iv secret.Bytes) {
	return func(p spelling, salt []byte, iterations int) (key, iv secret.Bytes) {
		t := again(h(), iterations, p.text, salt)
		return t[:8], t[8:16]
	}
}

// pkcs12Keys is the derivation of RFC 7292, appendix C: a key of a size, and the IV.
func pkcs12Keys(size int) func(spelling, []byte, int) (key, iv secret.Bytes) {
	return func(p spelling, salt []byte, iterations int) (key, iv secret.Bytes) {
		return pkcs12Derive(sha1.New, 1, p, salt, iterations, size), pkcs12Derive(sha1.New, 2, p, salt, iterations, 8)
	}
}

func twoKeyDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(slices.Concat(key, key[:8]))
}

func newRC2(key []byte) (cipher.Block, error) { return rc2.New(key), nil }

// again hashes, and what comes out of that, and so on.
func again(h hash.Hash, times int, first ...secret.Bytes) secret.Bytes {
	for _, b := range first {
		h.Write(b)
	}
	sum := h.Sum(nil)
	for range times - 1 {
		h.Reset()
		h.Write(sum)
		sum = h.Sum(sum[:0])
	}
	return sum
}

// pkcs12Derive makes key material: RFC 7292, appendix B.2. The purpose is 1 for a
// key, 2 for an IV and 3 for a MAC (B.3).
func pkcs12Derive(h func() hash.Hash, purpose byte, p spelling, salt []byte, iterations, size int) secret.Bytes {
	v := h().BlockSize()
	diversifier := bytes.Repeat([]byte{purpose}, v)
	input := secret.Bytes(append(filled(salt, v), filled(p.utf16, v)...))
	defer input.Wipe()
	var out secret.Bytes
	for {
		a := again(h(), iterations, diversifier, input)
		if out = append(out, a...); len(out) >= size {
			return out[:size]
		}
		b := filled(a, v)
		for from := 0; from < len(input); from += v {
			addOne(input[from:from+v], b)
		}
	}
}

// filled is repeated until its length is a multiple of v.
func filled(b []byte, v int) []byte {
	size := (len(b) + v - 1) / v * v
	out := make([]byte, 0, size+len(b))
	for len(out) < size {
		out = append(out, b...)
	}
	return out[:size]
}

// addOne adds to a number another one of the same length, and 1; what does not fit in
// is dropped.
func addOne(number, other []byte) {
	carry := 1
	for i := len(number) - 1; i >= 0; i-- {
		carry += int(number[i]) + int(other[i])
		number[i], carry = byte(carry), carry>>8
	}
}
