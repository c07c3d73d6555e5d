package card

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"

	"conclave/apdu"
	"conclave/internal/keyop"
	"conclave/wire"
)

// rsaKey is an RSA key, as Go has it and as the engine has it.
type rsaKey struct {
	key *rsa.PrivateKey
	raw keyop.Key
}

// rsaSizes are the moduli that a SmartCard-HSM makes, in bits.
func rsaSizes() []int { return []int{1024, 1536, 2048, 3072, 4096} }

func rsaRecord(k *rsa.PrivateKey) keyRecord { return keyRecord{RSA: x509.MarshalPKCS1PrivateKey(k)} }

func planRSA(template wire.PublicKey, engine keyop.Engine) (func() (keyRecord, error), error) {
	if !slices.Contains(rsaSizes(), template.Bits) || !slices.Equal(template.Exponent, []byte{1, 0, 1}) {
		return nil, apdu.WrongData
	}
	return func() (keyRecord, error) {
		k, err := engine.GenerateKey(template.Bits)
		if err != nil {
			return keyRecord{}, err
		}
		return rsaRecord(k), nil
	}, nil
}

func openRSA(r keyRecord, engine keyop.Engine) (private, error) {
	k, err := x509.ParsePKCS1PrivateKey(r.RSA)
	if err != nil {
		return nil, err
	}
	raw, err := engine.NewKey(k)
	return &rsaKey{k, raw}, err
}

func (k *rsaKey) material() any { return k.key }

func (k *rsaKey) public() wire.PublicKey { return wire.RSAPublicKey(&k.key.PublicKey) }

func (k *rsaKey) wipe() {
	if k.raw != nil {
		k.raw.Close()
	}
	p := k.key.Precomputed
	for _, n := range append([]*big.Int{k.key.D, p.Dp, p.Dq, p.Qinv}, k.key.Primes...) {
		clear(n.Bits())
	}
}

func (k *rsaKey) planSign(a wire.Algorithm, data []byte) (operation, error) {
	data = hashed(a, data)
	if err := k.checkSign(a, data); err != nil {
		return nil, err
	}
	return func() ([]byte, error) { return k.sign(a, data) }, nil
}

// checkSign says whether the key can sign the data, hashed, this way.
func (k *rsaKey) checkSign(a wire.Algorithm, data []byte) error {
	switch s := scheme(a); {
	case s != wire.RSARaw && s != wire.RSAPKCS1 && s != wire.RSAPSS:
		return apdu.WrongData
	case len(data) == 0:
		return apdu.WrongLength
	case s == wire.RSARaw:
		return k.checkRaw(data)
	case s == wire.RSAPKCS1 && a.Hash() == 0 && len(data) > k.key.Size()-11:
		return apdu.WrongLength
	case s == wire.RSAPSS && pssHash(a.Hash(), data) == 0:
		return apdu.WrongLength
	}
	return nil
}

// checkRaw says whether data is a number below the modulus.
func (k *rsaKey) checkRaw(data []byte) error {
	if len(data) > k.key.Size() {
		return apdu.WrongLength
	}
	if new(big.Int).SetBytes(data).Cmp(k.key.N) >= 0 {
		return apdu.WrongData
	}
	return nil
}

func (k *rsaKey) sign(a wire.Algorithm, data []byte) ([]byte, error) {
	switch scheme(a) {
	case wire.RSARaw:
		return k.rawPrivate(data)
	case wire.RSAPSS:
		return k.signPSS(a.Hash(), data)
	}
	if hash := a.Hash(); hash != 0 {
		info, err := wire.DigestInfo(hash, data)
		if err != nil {
			return nil, err
		}
		data = info
	}
	block, err := wire.PadPKCS1(data, k.key.Size())
	if err != nil {
		return nil, apdu.WrongLength
	}
	return k.rawPrivate(block)
}

// rawPrivate is the private operation on a number below the modulus.
func (k *rsaKey) rawPrivate(data []byte) ([]byte, error) {
	block := make([]byte, k.key.Size())
	copy(block[len(block)-len(data):], data)
	out, err := k.raw.Private(block)
	if err != nil {
		return nil, fault{err}
	}
	return out, nil
}

// pssHash is the hash of RSASSA-PSS. One made by the host is recognised by its
// length.
func pssHash(onCard crypto.Hash, digest []byte) crypto.Hash {
	if onCard != 0 {
		return onCard
	}
	return map[int]crypto.Hash{20: crypto.SHA1, 28: crypto.SHA224, 32: crypto.SHA256,
		48: crypto.SHA384, 64: crypto.SHA512}[len(digest)]
}

// signPSS is RSASSA-PSS with a salt as long as the hash.
func (k *rsaKey) signPSS(hash crypto.Hash, digest []byte) ([]byte, error) {
	signature, err := rsa.SignPSS(rand.Reader, k.key, pssHash(hash, digest), digest,
		&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if errors.Is(err, rsa.ErrMessageTooLong) {
		return nil, apdu.WrongData // the modulus is too short for hash and salt
	}
	if err != nil {
		return nil, fault{err}
	}
	return signature, nil
}

func (k *rsaKey) cvcAlgorithm() (wire.Algorithm, error) { return wire.RSAPKCS1 | wire.HashSHA256, nil }

// signCVC is PKCS#1 v1.5 with SHA-256.
func (k *rsaKey) signCVC(message []byte) ([]byte, error) {
	a := wire.RSAPKCS1 | wire.HashSHA256
	return k.sign(a, hashed(a, message))
}

func (k *rsaKey) planDecipher(a wire.Algorithm, data []byte) (operation, error) {
	switch {
	case a == wire.ECDH:
		return nil, apdu.WrongData
	case a != wire.RSADecryptRaw && len(data) != k.key.Size():
		return nil, apdu.WrongLength
	}
	if err := k.checkRaw(data); err != nil {
		return nil, err
	}
	if a == wire.RSADecryptRaw {
		return func() ([]byte, error) { return k.rawPrivate(data) }, nil
	}
	return func() ([]byte, error) { return k.decrypt(a, data) }, nil
}

// decrypt takes off the padding. All its failures are one status word: what was
// wrong with the padding must not be revealed.
func (k *rsaKey) decrypt(a wire.Algorithm, ciphertext []byte) (plain []byte, err error) {
	if a == wire.RSADecryptOAEP {
		plain, err = rsa.DecryptOAEP(sha256.New(), nil, k.key, ciphertext, nil)
	} else {
		//lint:ignore SA1019 hosts ask for it; whoever could try many ciphertexts is logged in
		plain, err = rsa.DecryptPKCS1v15(nil, k.key, ciphertext)
	}
	if err != nil {
		return nil, apdu.WrongData
	}
	return plain, nil
}
