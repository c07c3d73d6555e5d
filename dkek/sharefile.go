package dkek

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
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
// that another file, which was named by mistake, can be called what it is.
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

// ParseShareFile reads the 64 bytes of a share file. Paper copies, and files that
// were changed on their way, are for package custody to read.
func ParseShareFile(raw []byte) (ShareFile, error) {
	switch n := len(raw); {
	case !bytes.HasPrefix(raw, []byte(magic)):
		return ShareFile{}, errors.New(`not a DKEK share file: "Salted__" was expected at its start`)
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
