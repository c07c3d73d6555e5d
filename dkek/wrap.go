package dkek

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/mldsa"

	"conclave/internal/cmac"
	"conclave/internal/curve"
	"conclave/internal/fips204"
	"conclave/internal/secret"
)

// The plaintext begins with random bytes, because the IV is zero, and the size
// of the key: in bits, for AES in bytes, and for ML-DSA the number of its parameter set.
const (
	randomSize  = 8
	contentFrom = randomSize + 2
)

// Wrap encrypts a key as WRAP KEY does, with 8 bytes from rand. The key is a
// *rsa.PrivateKey, *curve.PrivateKey, *mldsa.PrivateKey or AESKey. RSA keys are written
// without CRT parts (type 5), which all cards take and which keeps RSA-4096 blobs small
// enough for OpenSC's buffers.
func (d *DKEK) Wrap(rand io.Reader, key any, meta Metadata) ([]byte, error) {
	t, size, body, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	defer body.Wipe()
	plaintext := make(secret.Bytes, contentFrom, contentFrom+len(body)+aes.BlockSize)
	defer plaintext.Wipe()
	if _, err := io.ReadFull(rand, plaintext[:randomSize]); err != nil {
		return nil, fmt.Errorf("drawing random bytes for the blob: %w", err)
	}
	binary.BigEndian.PutUint16(plaintext[randomSize:], uint16(size))
	plaintext = pad(append(plaintext, body...))
	blob := d.seal(Blob{Type: t, DefaultAlgorithm: t.defaultAlgorithm(size), Metadata: meta}, plaintext)
	if len(blob) > maxBlob {
		return nil, fmt.Errorf("the metadata makes a blob of %d bytes, at most %d are allowed", len(blob), maxBlob)
	}
	return blob, nil
}

// Unwrap decrypts a blob as UNWRAP KEY does, and checks that the parts of the
// key belong together and that an RSA key is a good one (keycheck.Private). The
// key is one of those that Wrap takes. The error is ErrForeign if the blob belongs to
// another DKEK, ErrDamaged if it is not as it was written; neither is decrypted. It is
// ErrUnsupported for an unknown type, curve or parameter set.
func (d *DKEK) Unwrap(b []byte) (key any, meta Metadata, err error) {
	blob, err := ParseBlob(b)
	if err != nil {
		return nil, Metadata{}, err
	}
	plaintext, err := d.open(blob)
	if err != nil {
		return nil, Metadata{}, err
	}
	defer plaintext.Wipe()
	key, err = decodeKey(blob, plaintext)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("wrapped %v key: %w", blob.Type, err)
	}
	return key, blob.Metadata.clone(), nil
}

// seal encrypts and authenticates a padded plaintext, for a blob with the type,
// default algorithm and metadata of the given one.
func (d *DKEK) seal(blob Blob, plaintext secret.Bytes) []byte {
	kenc, kmac := d.derive(1), d.derive(2)
	defer kenc.Wipe()
	defer kmac.Wipe()
	blob.KCV = d.KCV()
	blob.Ciphertext = make([]byte, len(plaintext))
	cipher.NewCBCEncrypter(newAES(kenc), make([]byte, aes.BlockSize)).CryptBlocks(blob.Ciphertext, plaintext)
	blob.MAC = cmac.Sum(newAES(kmac), blob.authenticated())
	return blob.Bytes()
}

// open checks that the blob is under this DKEK and undamaged, and decrypts it.
func (d *DKEK) open(blob Blob) (secret.Bytes, error) {
	if kcv := d.KCV(); subtle.ConstantTimeCompare(kcv[:], blob.KCV[:]) != 1 {
		return nil, fmt.Errorf("%w: the blob has KCV %v, this DKEK %v", ErrForeign, blob.KCV, kcv)
	}
	kenc, kmac := d.derive(1), d.derive(2)
	defer kenc.Wipe()
	defer kmac.Wipe()
	if mac := cmac.Sum(newAES(kmac), blob.authenticated()); subtle.ConstantTimeCompare(mac[:], blob.MAC[:]) != 1 {
		return nil, fmt.Errorf("%w: its CMAC differs; use another copy", ErrDamaged)
	}
	plaintext := make(secret.Bytes, len(blob.Ciphertext))
	cipher.NewCBCDecrypter(newAES(kenc), make([]byte, aes.BlockSize)).CryptBlocks(plaintext, blob.Ciphertext)
	return plaintext, nil
}

// defaultAlgorithm returns the object identifier that blobs of the type have.
// It is not checked in Unwrap: the type says the same, and cards of version 3.0
// to 3.2 encoded it wrongly for AES (according to CardContact's DKEK.js). For ML-DSA
// alone it is, since nothing else tells one seed's parameter set from another's.
func (t KeyType) defaultAlgorithm(size int) []byte {
	const (
		rsaSHA256   = "\x04\x00\x7F\x00\x07\x02\x02\x02\x01\x02" // id-TA-RSA-v1-5-SHA-256, TR-03110-3 section A.7.3
		ecdsaSHA256 = "\x04\x00\x7F\x00\x07\x02\x02\x02\x02\x03" // id-TA-ECDSA-SHA-256
		nistAES     = "\x60\x86\x48\x01\x65\x03\x04\x01"         // 2.16.840.1.101.3.4.1
	)
	switch t {
	case EC:
		return []byte(ecdsaSHA256)
	case AES:
		return []byte(nistAES)
	case MLDSA:
		set, _ := fips204.ByNumber(size)
		return set.Contents()
	}
	return []byte(rsaSHA256)
}

// clone returns a copy that does not alias the blob.
func (m Metadata) clone() Metadata {
	return Metadata{
		AllowedAlgorithms: append([]byte(nil), m.AllowedAlgorithms...),
		AccessConditions:  append([]byte(nil), m.AccessConditions...),
		KeyOID:            append([]byte(nil), m.KeyOID...),
	}
}

// encodeKey writes the content of a blob, with the size that stands before it.
func encodeKey(key any) (t KeyType, size int, body secret.Bytes, err error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		body, err = encodeRSA(key)
		return RSA, 8 * key.Size(), body, err
	case *curve.PrivateKey:
		return EC, 8 * key.Curve.FieldLen(), encodeEC(key), nil
	case AESKey:
		body, err = encodeAES(key)
		return AES, len(key), body, err
	case *mldsa.PrivateKey:
		size, body = encodeMLDSA(key)
		return MLDSA, size, body, nil
	}
	return 0, 0, nil, fmt.Errorf("a %T cannot be wrapped; RSA, EC, AES and ML-DSA keys can", key)
}

// decodeKey reads the decrypted content of a blob, at least one block long.
func decodeKey(blob Blob, plaintext secret.Bytes) (any, error) {
	size := int(binary.BigEndian.Uint16(plaintext[randomSize:]))
	content := fields(plaintext[contentFrom:])
	switch blob.Type {
	case RSA:
		return decodeRSA(size, content)
	case RSACRT:
		return decodeRSACRT(size, content)
	case EC:
		return decodeEC(size, content)
	case AES:
		return decodeAES(size, content)
	case MLDSA:
		return decodeMLDSA(blob.DefaultAlgorithm, size, content)
	}
	return nil, fmt.Errorf("%w: only types %d, %d, %d, %d and %d are known", ErrUnsupported, RSA, RSACRT, EC, AES, MLDSA)
}

// all takes the named values, which must be followed by padding alone.
func (f fields) all(names ...string) ([][]byte, error) {
	var values [][]byte
	for _, name := range names {
		value, err := f.next(name)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, checkPadding(f)
}

// pad appends the padding as pico-hsm does: 80 00 … up to the next multiple of
// the block size, nothing if the plaintext is such a multiple already.
func pad(plaintext secret.Bytes) secret.Bytes {
	if len(plaintext)%aes.BlockSize == 0 {
		return plaintext
	}
	plaintext = append(plaintext, 0x80)
	for len(plaintext)%aes.BlockSize != 0 {
		plaintext = append(plaintext, 0)
	}
	return plaintext
}

// checkPadding accepts what pad writes, and also the whole block of padding
// that CardContact's scripts write where pad writes none (ISO/IEC 9797-1,
// padding method 2).
func checkPadding(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	want := make([]byte, min(len(rest), aes.BlockSize))
	want[0] = 0x80
	if subtle.ConstantTimeCompare(rest, want) != 1 {
		return errors.New("padding of 80 and zeros expected after the last part, something else found")
	}
	return nil
}
