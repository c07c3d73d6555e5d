package keyfile

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/asn1"
	"fmt"

	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
)

// The encryption is written here, since the libraries for it take no PKCS#8
// that is already encoded, and so no key on a curve crypto/x509 does not know.

// Object identifiers: RFC 8018, appendices A.4 and B.2.5; RFC 7914, section 7.
var (
	oidPBES2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidScrypt    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidAES256CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// The cost of scrypt (RFC 7914, section 2). OpenSSL refuses parameters that
// take more than 32 MiB (SCRYPT_MAX_MEM in crypto/evp/pbe_scrypt.c), and twice
// this N takes a little more with r = 8. A larger p takes time and no memory.
const (
	scryptN  = 1 << 14
	scryptR  = 8
	scryptP  = 10
	saltSize = 16
	keySize  = 32 // AES-256
)

// encrypt returns the DER EncryptedPrivateKeyInfo (RFC 5958, section 3) of a
// DER PrivateKeyInfo, with PBES2 (RFC 8018, section 6.2).
func encrypt(plaintext, password secret.Bytes) ([]byte, error) {
	salt, iv := make([]byte, saltSize), make([]byte, aes.BlockSize)
	rand.Read(salt)
	rand.Read(iv)
	ciphertext, err := encryptCBC(plaintext, password, salt, iv)
	if err != nil {
		return nil, fmt.Errorf("encrypting the key: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		addAlgorithm(b, oidPBES2, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				addAlgorithm(b, oidScrypt, func(b *cryptobyte.Builder) { addScryptParams(b, salt) })
				addAlgorithm(b, oidAES256CBC, func(b *cryptobyte.Builder) { b.AddASN1OctetString(iv) })
			})
		})
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

// encryptCBC encrypts with AES-256-CBC and the padding of RFC 8018, section
// 6.1.1, step 4.
func encryptCBC(plaintext, password secret.Bytes, salt, iv []byte) ([]byte, error) {
	derived, err := scrypt.Key(password, salt, scryptN, scryptR, scryptP, keySize)
	if err != nil {
		return nil, err
	}
	defer secret.Bytes(derived).Wipe()
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	n := aes.BlockSize - len(plaintext)%aes.BlockSize
	padded := make(secret.Bytes, 0, len(plaintext)+n)
	padded = append(append(padded, plaintext...), bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return padded, nil
}

// addAlgorithm appends an AlgorithmIdentifier.
func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, params cryptobyte.BuilderContinuation) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		params(b)
	})
}

// addScryptParams appends scrypt-params (RFC 7914, section 7.1) without the
// optional key length, as OpenSSL writes them.
func addScryptParams(b *cryptobyte.Builder, salt []byte) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(salt)
		for _, cost := range []int64{scryptN, scryptR, scryptP} {
			b.AddASN1Int64(cost)
		}
	})
}
