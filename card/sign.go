package card

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"math/big"

	"conclave/apdu"
	"conclave/wire"
)

// sign is SIGN: P1 is the key, P2 the algorithm. ECDSA signatures are DER.
func (c *Card) sign(cmd apdu.Command) ([]byte, error) {
	algorithm := wire.Algorithm(cmd.P2)
	scheme, err := signatureScheme(algorithm)
	if err != nil {
		return nil, err
	}
	data, hash := cmd.Data, algorithm.Hash()
	if hash != 0 {
		data = digest(hash, data)
	}
	k, err := c.use(cmd.P1, func(k *key) (wire.Algorithm, error) { return algorithm, k.checkSign(scheme, hash, data) })
	if err != nil {
		return nil, err
	}
	if k.ec != nil {
		return k.ec.Sign(data)
	}
	return k.signRSA(scheme, hash, data)
}

// checkSign says whether the key can sign the data this way.
func (k *key) checkSign(scheme wire.Algorithm, hash crypto.Hash, data []byte) error {
	switch {
	case (scheme == wire.ECDSA) != (k.ec != nil), scheme != wire.ECDSA && k.private == nil:
		return apdu.WrongData
	case len(data) == 0:
		return apdu.WrongLength
	case scheme == wire.RSARaw:
		return k.checkRaw(data)
	case scheme == wire.RSAPKCS1 && hash == 0 && len(data) > k.private.Size()-11:
		return apdu.WrongLength
	case scheme == wire.RSAPSS && pssHash(hash, data) == 0:
		return apdu.WrongLength
	}
	return nil
}

// checkRaw says whether data is a number below the modulus.
func (k *key) checkRaw(data []byte) error {
	if len(data) > k.private.Size() {
		return apdu.WrongLength
	}
	if new(big.Int).SetBytes(data).Cmp(k.private.N) >= 0 {
		return apdu.WrongData
	}
	return nil
}

// signatureScheme is the algorithm without its hash.
func signatureScheme(a wire.Algorithm) (wire.Algorithm, error) {
	scheme := a & 0xF0
	switch {
	case a == wire.RSARaw:
		return scheme, nil
	case scheme == wire.RSAPKCS1, scheme == wire.RSAPSS, scheme == wire.ECDSA:
		if a&0x0F <= 5 {
			return scheme, nil
		}
	}
	return 0, apdu.WrongP1P2
}

func digest(h crypto.Hash, data []byte) []byte {
	switch h {
	case crypto.SHA1:
		sum := sha1.Sum(data)
		return sum[:]
	case crypto.SHA224:
		sum := sha256.Sum224(data)
		return sum[:]
	case crypto.SHA256:
		sum := sha256.Sum256(data)
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(data)
		return sum[:]
	}
	sum := sha512.Sum512(data)
	return sum[:]
}

func (k *key) signRSA(scheme wire.Algorithm, hash crypto.Hash, data []byte) ([]byte, error) {
	switch scheme {
	case wire.RSARaw:
		return k.rawRSA(data)
	case wire.RSAPSS:
		return k.signPSS(hash, data)
	}
	if hash != 0 {
		info, err := wire.DigestInfo(hash, data)
		if err != nil {
			return nil, err
		}
		data = info
	}
	block, err := wire.PadPKCS1(data, k.private.Size())
	if err != nil {
		return nil, apdu.WrongLength
	}
	return k.rawRSA(block)
}

// rawRSA is the private operation on a number below the modulus.
func (k *key) rawRSA(data []byte) ([]byte, error) {
	block := make([]byte, k.private.Size())
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
func (k *key) signPSS(hash crypto.Hash, digest []byte) ([]byte, error) {
	signature, err := rsa.SignPSS(rand.Reader, k.private, pssHash(hash, digest), digest,
		&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if errors.Is(err, rsa.ErrMessageTooLong) {
		return nil, apdu.WrongData // the modulus is too short for hash and salt
	}
	if err != nil {
		return nil, fault{err}
	}
	return signature, nil
}
