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
	"hash"
	"math/big"
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
	sealed, err := readSealed(der)
	if err != nil {
		return nil, err
	}
	if sealed.work > maxIterations {
		return nil, errTooMuchWork
	}
	password, err := ask()
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	s := &Source{Form: "PKCS#8, encrypted", Encrypted: true}
	return s, eachSpelling(password, func(p spelling) (err error) {
		s.Key, err = sealed.key(p)
		return err
	})
}

// encryption is how something is encrypted under a password.
type encryption struct {
	work  int64 // what it asks of this computer, in iterations
	start func(spelling) (cipher.Block, []byte, error)
}

// sealed is something encrypted.
type sealed struct {
	encryption
	ciphertext []byte
}

// readSealed reads an EncryptedPrivateKeyInfo, and does no work yet.
func readSealed(der cryptobyte.String) (s sealed, err error) {
	var body, algorithm, ciphertext cryptobyte.String
	if !der.ReadASN1(&body, tag.SEQUENCE) || !der.Empty() || !body.ReadASN1(&algorithm, tag.SEQUENCE) ||
		!body.ReadASN1(&ciphertext, tag.OCTET_STRING) || !body.Empty() {
		return s, errMalformed
	}
	s.ciphertext = ciphertext
	s.encryption, err = readEncryption(algorithm)
	return s, err
}

// readEncryption reads what an AlgorithmIdentifier says of an encryption.
func readEncryption(algorithm cryptobyte.String) (e encryption, err error) {
	var oid asn1.ObjectIdentifier
	var parameters cryptobyte.String
	if !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return e, errMalformed
	}
	read := readPBES2
	if !oid.Equal(oidPBES2) {
		scheme := oldScheme(oid)
		if scheme == nil {
			return e, explainEncryption(oid)
		}
		read = scheme.read
	}
	if !algorithm.ReadASN1(&parameters, tag.SEQUENCE) {
		return e, errMalformed
	}
	return read(parameters)
}

// key decrypts a private key.
func (s sealed) key(p spelling) (any, error) {
	plaintext, err := s.open(p)
	if err != nil {
		return nil, err
	}
	defer plaintext.Wipe()
	key, err := readPKCS8(cryptobyte.String(plaintext))
	if errors.Is(err, errMalformed) { // one wrong password in 256 leaves good padding
		err = ErrPassword
	}
	return key, err
}

// open decrypts in CBC mode, and takes the padding of RFC 8018, section 6.1.1, away.
func (s sealed) open(p spelling) (secret.Bytes, error) {
	block, iv, err := s.start(p)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(s.ciphertext) == 0 || len(s.ciphertext)%size != 0 {
		return nil, errMalformed
	}
	plaintext := make(secret.Bytes, len(s.ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plaintext, s.ciphertext)
	n := int(plaintext[len(plaintext)-1])
	if n == 0 || n > size || !bytes.HasSuffix(plaintext, bytes.Repeat([]byte{byte(n)}, n)) {
		plaintext.Wipe()
		return nil, ErrPassword
	}
	return plaintext[:len(plaintext)-n], nil
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

// derivation makes key material of a size from a password: RFC 8018, section 5.2.
type derivation struct {
	work   int64
	size   int64 // that is asked for; 0 for none
	derive func(password secret.Bytes, size int) (secret.Bytes, error)
}

// readPBES2 reads PBES2-params (RFC 8018, appendix A.4).
func readPBES2(parameters cryptobyte.String) (e encryption, err error) {
	var kdf, encryption, iv cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !parameters.ReadASN1(&kdf, tag.SEQUENCE) ||
		!parameters.ReadASN1(&encryption, tag.SEQUENCE) || !encryption.ReadASN1ObjectIdentifier(&oid) {
		return e, errMalformed
	}
	i := slices.IndexFunc(blockCiphers(), func(c blockCipher) bool { return c.oid.Equal(oid) })
	if i < 0 {
		return e, explainEncryption(oid)
	}
	c := blockCiphers()[i]
	if !encryption.ReadASN1(&iv, tag.OCTET_STRING) {
		return e, errMalformed
	}
	d, err := readDerivation(kdf)
	e.work = d.work
	e.start = func(p spelling) (cipher.Block, []byte, error) {
		key, err := d.derive(p.text, c.size)
		if err != nil {
			return nil, nil, err
		}
		defer key.Wipe()
		block, err := c.new(key)
		return block, iv, err
	}
	return e, err
}

// readDerivation reads the AlgorithmIdentifier of a key derivation.
func readDerivation(kdf cryptobyte.String) (d derivation, err error) {
	var oid asn1.ObjectIdentifier
	var parameters cryptobyte.String
	if !kdf.ReadASN1ObjectIdentifier(&oid) || !kdf.ReadASN1(&parameters, tag.SEQUENCE) {
		return d, errMalformed
	}
	switch {
	case oid.Equal(oidPBKDF2):
		return readPBKDF2(parameters)
	case oid.Equal(oidScrypt):
		return readScrypt(parameters)
	}
	return d, explainEncryption(oid)
}

// readPBKDF2 reads PBKDF2-params (RFC 8018, appendix A.2).
func readPBKDF2(parameters cryptobyte.String) (d derivation, err error) {
	var salt, algorithm cryptobyte.String
	var hasAlgorithm bool
	oid := asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7} // the default, HMAC with SHA-1
	if !parameters.ReadASN1(&salt, tag.OCTET_STRING) || !readIterations(&parameters, &d.work) ||
		parameters.PeekASN1Tag(tag.INTEGER) && !parameters.ReadASN1Integer(&d.size) ||
		!parameters.ReadOptionalASN1(&algorithm, &hasAlgorithm, tag.SEQUENCE) ||
		hasAlgorithm && !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return d, errMalformed
	}
	prf := hmacHash(oid)
	if prf == nil {
		return d, explainEncryption(oid)
	}
	d.derive = func(password secret.Bytes, size int) (secret.Bytes, error) {
		return pbkdf2.Key(password, salt, int(d.work), size, prf), nil
	}
	return d, nil
}

// readIterations reads a number of iterations; one that is no int64 is too much work,
// and not a malformed file.
func readIterations(s *cryptobyte.String, n *int64) bool {
	var number big.Int
	if !s.ReadASN1Integer(&number) || number.Sign() <= 0 {
		return false
	}
	*n = maxIterations + 1
	if number.IsInt64() {
		*n = min(*n, number.Int64())
	}
	return true
}

// hmacHash is that of an HMAC (RFC 8018, appendix B.1.2); nil for an unknown one.
func hmacHash(oid asn1.ObjectIdentifier) func() hash.Hash {
	hmac := asn1.ObjectIdentifier{1, 2, 840, 113549, 2}
	if len(oid) != len(hmac)+1 || !oid[:len(hmac)].Equal(hmac) {
		return nil
	}
	return map[int]func() hash.Hash{7: sha1.New, 8: sha256.New224, 9: sha256.New, 10: sha512.New384, 11: sha512.New}[oid[len(hmac)]]
}

// readScrypt reads scrypt-params (RFC 7914, section 7.1).
func readScrypt(parameters cryptobyte.String) (d derivation, err error) {
	var salt cryptobyte.String
	var n, r, p int64
	if !parameters.ReadASN1(&salt, tag.OCTET_STRING) || !parameters.ReadASN1Integer(&n) ||
		!parameters.ReadASN1Integer(&r) || !parameters.ReadASN1Integer(&p) {
		return d, errMalformed
	}
	const limit = 1 << 20 // so that the products below stay in 64 bits
	if n < 2 || r < 1 || p < 1 || n > limit*16 || r > limit || p > limit ||
		128*n*r > maxScryptMemory || 128*n*r*p > maxScryptWork {
		return d, errTooMuchWork
	}
	d.work = 128 * n * r * p / (maxScryptWork / maxIterations)
	d.derive = func(password secret.Bytes, size int) (secret.Bytes, error) {
		return scrypt.Key(password, salt, int(n), int(r), int(p), size)
	}
	return d, nil
}

var errTooMuchWork = errors.New("its password protection asks for more work than is done here for a file that may be anyone's; if you trust it, let OpenSSL write it anew: PKCS#8 with " + convertPKey + "; PKCS#12 with " + convertPKCS12)
