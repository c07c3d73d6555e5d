package dkek

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"conclave/internal/practice"
	"conclave/internal/secret"
)

// ShareSize is the length in bytes of a DKEK share, and of the DKEK.
const ShareSize = 32

// A share file is the magic, a salt and the encrypted share with its padding.
const (
	magic          = "Salted__" // as openssl enc writes it
	ciphertextSize = ShareSize + aes.BlockSize
	shareFileSize  = len(magic) + 8 + ciphertextSize
)

// MaxShareFile is how many bytes are read of a share file: far more than it has, so
// that of another file that was named by mistake ParseShareFile can say what it is.
const MaxShareFile = 64 << 10

// padding is the PKCS#7 padding of a whole block, the last block of plaintext.
var padding = [aes.BlockSize]byte(bytes.Repeat([]byte{aes.BlockSize}, aes.BlockSize))

// ErrPassword is the error when none of the given passwords opens a share file.
var ErrPassword = errors.New("wrong password for this DKEK share file")

// ShareFile is a DKEK share encrypted under a password, as sc-hsm-tool
// --create-dkek-share writes it (*.pbe). The format is that of openssl enc:
// "Salted__", a salt, and AES-256-CBC of the padded share, with key and IV of
// EVP_BytesToKey with MD5 and 10,000,000 iterations. Share files are comparable.
type ShareFile struct {
	salt       [8]byte
	ciphertext [ciphertextSize]byte
}

// ParseShareFile reads the 64 bytes of a share file, or the base64 text that
// "openssl base64 -in FILE" prints for a paper copy, with any white
// space and with or without the = at its end.
func ParseShareFile(b []byte) (ShareFile, error) {
	raw := b
	if !bytes.HasPrefix(b, []byte(magic)) {
		var err error
		if raw, err = decodePaperCopy(b); err != nil {
			return ShareFile{}, err
		}
	}
	switch n := len(raw); {
	case n < shareFileSize:
		return ShareFile{}, fmt.Errorf("DKEK share file is truncated: %d bytes, %d expected; use another copy", n, shareFileSize)
	case n > shareFileSize:
		return ShareFile{}, fmt.Errorf("DKEK share file is too long: %d bytes, %d expected; was something appended?", n, shareFileSize)
	}
	var f ShareFile
	copy(f.salt[:], raw[len(magic):])
	copy(f.ciphertext[:], raw[len(magic)+len(f.salt):])
	return f, nil
}

// decodePaperCopy turns base64 text into the bytes of a share file that begin
// with the magic; their number is not checked.
func decodePaperCopy(text []byte) ([]byte, error) {
	if len(text) > 16*shareFileSize {
		return nil, fmt.Errorf("not a DKEK share file: %d bytes; %d bytes expected, or somewhat more as base64 text", len(text), shareFileSize)
	}
	letters := bytes.TrimRight(bytes.Join(bytes.Fields(text), nil), "=")
	if !bytes.HasPrefix(letters, []byte("U2FsdGVkX1")) { // the magic in base64
		return nil, errors.New(`not a DKEK share file: "Salted__" expected at its start (or "U2FsdGVkX1" in a base64 copy); is it a key backup or a certificate?`)
	}
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(letters)))
	n, err := base64.RawStdEncoding.Strict().Decode(raw, letters)
	var position base64.CorruptInputError
	if errors.As(err, &position) {
		return nil, fmt.Errorf("base64 copy of a DKEK share file: wrong or missing character near number %d of %d; compare it with the paper", int64(position)+1, len(letters))
	}
	return raw[:n], err
}

// SHA256 returns the SHA-256 of the file in hexadecimal, by which records name it.
func (f ShareFile) SHA256() string {
	sum := sha256.Sum256(f.Bytes())
	return hex.EncodeToString(sum[:])
}

// Bytes returns the 64 bytes of the file.
func (f ShareFile) Bytes() []byte {
	b := append([]byte(magic), f.salt[:]...)
	return append(b, f.ciphertext[:]...)
}

// EncryptShare makes a share file of a share of 32 bytes, with a salt from
// rand. It takes seconds; progress may be nil, and ctx ends it early.
func EncryptShare(ctx context.Context, rand io.Reader, share, password secret.Bytes, progress Progress) (ShareFile, error) {
	return encryptShare(ctx, rand, share, password, progress, practice.Iterations(ctx, iterations))
}

func encryptShare(ctx context.Context, rand io.Reader, share, password secret.Bytes, progress Progress, count int) (ShareFile, error) {
	if len(share) != ShareSize {
		return ShareFile{}, fmt.Errorf("DKEK share of %d bytes, %d expected", len(share), ShareSize)
	}
	if len(password) == 0 {
		return ShareFile{}, errors.New("the password of the DKEK share file is empty")
	}
	var f ShareFile
	if _, err := io.ReadFull(rand, f.salt[:]); err != nil {
		return ShareFile{}, fmt.Errorf("drawing a salt: %w", err)
	}
	m := newMeter(progress, 3, count)
	keys, err := f.keys(ctx, []secret.Bytes{password}, count, m)
	if err != nil {
		return ShareFile{}, err
	}
	key := keys[0]
	defer key.Wipe()
	iv, err := f.iv(ctx, key, password, count, m)
	if err != nil {
		return ShareFile{}, err
	}
	plaintext := append(share.Clone(), padding[:]...)
	defer plaintext.Wipe()
	cipher.NewCBCEncrypter(newAES(key), iv).CryptBlocks(f.ciphertext[:], plaintext)
	m.finish()
	return f, nil
}

// keys derives the AES-256 key of each password, D1 ‖ D2 of EVP_BytesToKey.
func (f ShareFile) keys(ctx context.Context, passwords []secret.Bytes, count int, m *meter) ([]secret.Bytes, error) {
	d1, err := chains(ctx, nil, passwords, f.salt, count, m)
	if err != nil {
		return nil, err
	}
	defer clear(d1)
	d2, err := chains(ctx, d1, passwords, f.salt, count, m)
	if err != nil {
		return nil, err
	}
	defer clear(d2)
	keys := make([]secret.Bytes, len(passwords))
	for i := range keys {
		keys[i] = append(append(keys[i], d1[i][:]...), d2[i][:]...)
	}
	return keys, nil
}

// iv derives the initialisation vector, D3 of EVP_BytesToKey. Only the first
// block of plaintext depends on it.
func (f ShareFile) iv(ctx context.Context, key, password secret.Bytes, count int, m *meter) (secret.Bytes, error) {
	d2 := [md5.Size]byte(key[md5.Size:])
	d3, err := chains(ctx, [][md5.Size]byte{d2}, []secret.Bytes{password}, f.salt, count, m)
	if err != nil {
		return nil, err
	}
	return d3[0][:], nil
}

// isKey reports, in constant time, whether the key decrypts the last block to
// padding and nothing else. All 16 bytes count: looking at the last of them
// only, as PKCS#7 unpadding does, accepts one wrong password in 256.
func (f ShareFile) isKey(key secret.Bytes) bool {
	before, last := f.ciphertext[ShareSize-aes.BlockSize:ShareSize], f.ciphertext[ShareSize:]
	var block [aes.BlockSize]byte
	cipher.NewCBCDecrypter(newAES(key), before).CryptBlocks(block[:], last)
	return subtle.ConstantTimeCompare(block[:], padding[:]) == 1
}

// newAES returns AES-256 under a key of 32 bytes.
func newAES(key secret.Bytes) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // only the key's length can be wrong, and it is ours
	}
	return block
}
