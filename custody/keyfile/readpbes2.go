package keyfile

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"slices"

	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/pbkdf2"
	"golang.org/x/crypto/scrypt"
)

// What a file may ask of this computer before its password is known to be right:
// some seconds, and 256 MiB. OpenSSL writes 2,048 iterations, Java 10,000 and GnuTLS
// 600,000, and OpenSSL itself takes no scrypt with more than 32 MiB.
const (
	maxIterations   = 5_000_000
	maxScryptMemory = 256 << 20
	maxScryptWork   = 4 * maxScryptMemory // memory times the parallelisation p
)

// oidPBKDF2 and oidTripleDES: RFC 8018, appendices A.2 and B.2.2.
var (
	oidPBKDF2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidTripleDES = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
)

// readEncrypted reads an EncryptedPrivateKeyInfo (RFC 5958, section 3).
func readEncrypted(der cryptobyte.String, ask Asking) (*Source, error) {
	var body, algorithm, parameters, ciphertext cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !der.ReadASN1(&body, tag.SEQUENCE) || !der.Empty() || !body.ReadASN1(&algorithm, tag.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) || !body.ReadASN1(&ciphertext, tag.OCTET_STRING) || !body.Empty() {
		return nil, errMalformed
	}
	if !oid.Equal(oidPBES2) {
		return nil, explainEncryption(oid)
	}
	if !algorithm.ReadASN1(&parameters, tag.SEQUENCE) {
		return nil, errMalformed
	}
	scheme, err := readPBES2(parameters)
	if err != nil {
		return nil, err
	}
	password, err := ask()
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	plaintext, err := scheme.decrypt(ciphertext, password)
	if err != nil {
		return nil, err
	}
	defer plaintext.Wipe()
	key, err := readPKCS8(cryptobyte.String(plaintext))
	if errors.Is(err, errMalformed) { // one wrong password in 256 leaves good padding
		err = ErrPassword
	}
	return &Source{Key: key, Form: "PKCS#8, encrypted", Encrypted: true}, err
}

// pbes2 is how a key is encrypted: PBES2 (RFC 8018, section 6.2).
type pbes2 struct {
	derive func(password secret.Bytes, size int) (secret.Bytes, error)
	cipher blockCipher
	iv     []byte
}

// blockCipher is one in CBC mode.
type blockCipher struct {
	oid  asn1.ObjectIdentifier
	size int // of the key
	new  func(key []byte) (cipher.Block, error)
}

// blockCiphers are those that PBES2 is used with (RFC 8018, appendix B.2).
func blockCiphers() []blockCipher {
	nist := func(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, n} }
	return []blockCipher{{nist(2), 16, aes.NewCipher}, {nist(22), 24, aes.NewCipher}, {nist(42), 32, aes.NewCipher}, {oidTripleDES, 24, des.NewTripleDESCipher}}
}

func readPBES2(parameters cryptobyte.String) (s pbes2, err error) {
	var kdf, kdfParameters, encryption, iv cryptobyte.String
	var kdfOID, cipherOID asn1.ObjectIdentifier
	if !parameters.ReadASN1(&kdf, tag.SEQUENCE) || !kdf.ReadASN1ObjectIdentifier(&kdfOID) || !kdf.ReadASN1(&kdfParameters, tag.SEQUENCE) ||
		!parameters.ReadASN1(&encryption, tag.SEQUENCE) || !encryption.ReadASN1ObjectIdentifier(&cipherOID) {
		return s, errMalformed
	}
	i := slices.IndexFunc(blockCiphers(), func(c blockCipher) bool { return c.oid.Equal(cipherOID) })
	if i < 0 {
		return s, explainEncryption(cipherOID)
	}
	s.cipher = blockCiphers()[i]
	if !encryption.ReadASN1(&iv, tag.OCTET_STRING) {
		return s, errMalformed
	}
	s.iv = iv
	switch {
	case kdfOID.Equal(oidPBKDF2):
		s.derive, err = readPBKDF2(kdfParameters)
	case kdfOID.Equal(oidScrypt):
		s.derive, err = readScrypt(kdfParameters)
	default:
		err = explainEncryption(kdfOID)
	}
	return s, err
}

// readPBKDF2 reads PBKDF2-params (RFC 8018, appendix A.2).
func readPBKDF2(parameters cryptobyte.String) (func(secret.Bytes, int) (secret.Bytes, error), error) {
	var salt, algorithm cryptobyte.String
	var iterations int
	var length int64
	var hasAlgorithm bool
	oid := asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7} // the default, HMAC with SHA-1
	if !parameters.ReadASN1(&salt, tag.OCTET_STRING) || !parameters.ReadASN1Integer(&iterations) ||
		parameters.PeekASN1Tag(tag.INTEGER) && !parameters.ReadASN1Integer(&length) ||
		!parameters.ReadOptionalASN1(&algorithm, &hasAlgorithm, tag.SEQUENCE) ||
		hasAlgorithm && !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return nil, errMalformed
	}
	if iterations < 1 || iterations > maxIterations {
		return nil, tooMuchWork(fmt.Sprintf("%d iterations of PBKDF2", iterations))
	}
	prf := pbkdf2Hash(oid)
	if prf == nil {
		return nil, explainEncryption(oid)
	}
	return func(password secret.Bytes, size int) (secret.Bytes, error) {
		return pbkdf2.Key(password, salt, iterations, size, prf), nil
	}, nil
}

// pbkdf2Hash is that of an HMAC (RFC 8018, appendix B.1.2); nil for an unknown one.
func pbkdf2Hash(oid asn1.ObjectIdentifier) func() hash.Hash {
	hmac := asn1.ObjectIdentifier{1, 2, 840, 113549, 2}
	if len(oid) != len(hmac)+1 || !oid[:len(hmac)].Equal(hmac) {
		return nil
	}
	return map[int]func() hash.Hash{7: sha1.New, 8: sha256.New224, 9: sha256.New, 10: sha512.New384, 11: sha512.New}[oid[len(hmac)]]
}

// readScrypt reads scrypt-params (RFC 7914, section 7.1).
func readScrypt(parameters cryptobyte.String) (func(secret.Bytes, int) (secret.Bytes, error), error) {
	var salt cryptobyte.String
	var n, r, p int64
	if !parameters.ReadASN1(&salt, tag.OCTET_STRING) || !parameters.ReadASN1Integer(&n) ||
		!parameters.ReadASN1Integer(&r) || !parameters.ReadASN1Integer(&p) {
		return nil, errMalformed
	}
	const limit = 1 << 20 // so that the products below stay in 64 bits
	if n < 2 || r < 1 || p < 1 || n > limit*16 || r > limit || p > limit ||
		128*n*r > maxScryptMemory || 128*n*r*p > maxScryptWork {
		return nil, tooMuchWork(fmt.Sprintf("scrypt with N = %d, r = %d, p = %d", n, r, p))
	}
	return func(password secret.Bytes, size int) (secret.Bytes, error) {
		return scrypt.Key(password, salt, int(n), int(r), int(p), size)
	}, nil
}

func tooMuchWork(what string) error {
	return fmt.Errorf("its password protection asks for more work than is done here for a file that may be anyone's (%s); if you trust it, let OpenSSL write it anew: %s", what, convertPKey)
}

// decrypt is the decryption of RFC 8018, section 6.2.2.
func (s pbes2) decrypt(ciphertext []byte, password secret.Bytes) (secret.Bytes, error) {
	derived, err := s.derive(password, s.cipher.size)
	if err != nil {
		return nil, err
	}
	defer derived.Wipe()
	block, err := s.cipher.new(derived)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(s.iv) != size || len(ciphertext) == 0 || len(ciphertext)%size != 0 {
		return nil, errMalformed
	}
	plaintext := make(secret.Bytes, len(ciphertext))
	cipher.NewCBCDecrypter(block, s.iv).CryptBlocks(plaintext, ciphertext)
	n := int(plaintext[len(plaintext)-1])
	if n == 0 || n > size || !bytes.HasSuffix(plaintext, bytes.Repeat([]byte{byte(n)}, n)) {
		plaintext.Wipe()
		return nil, ErrPassword
	}
	return plaintext[:len(plaintext)-n], nil
}
