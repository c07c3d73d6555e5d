package card

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"

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
	k, err := c.use(cmd.P1, algorithm)
	if err != nil {
		return nil, err
	}
	data, hash := cmd.Data, hashOf(algorithm)
	if hash != 0 {
		data = digest(hash, data)
	}
	switch {
	case scheme == wire.ECDSA && k.ec != nil && len(data) > 0:
		return k.ec.Sign(data)
	case scheme != wire.ECDSA && k.private != nil:
		return k.signRSA(scheme, hash, data)
	}
	return nil, apdu.WrongData
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

// hashOf is the hash that the card makes, 0 for none.
func hashOf(a wire.Algorithm) crypto.Hash {
	return []crypto.Hash{0, crypto.SHA1, crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512}[a&0x0F]
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
	padded, err := padPKCS1(data, k.private.Size())
	if err != nil {
		return nil, err
	}
	return k.rawRSA(padded)
}

// rawRSA is the private operation on a block that the host has padded. A
// shorter one is a smaller number.
func (k *key) rawRSA(data []byte) ([]byte, error) {
	size := k.private.Size()
	if len(data) == 0 || len(data) > size {
		return nil, apdu.WrongLength
	}
	block := append(make([]byte, size-len(data), size), data...)
	out, err := k.raw.Private(block)
	if err != nil {
		return nil, apdu.WrongData // not below the modulus
	}
	return out, nil
}

// padPKCS1 is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) from step 3 on.
func padPKCS1(info []byte, size int) ([]byte, error) {
	if len(info) == 0 || len(info) > size-11 {
		return nil, apdu.WrongLength
	}
	block := make([]byte, size-len(info), size)
	for i := range block {
		block[i] = 0xFF
	}
	block[0], block[1], block[len(block)-1] = 0, 1, 0
	return append(block, info...), nil
}

// signPSS is RSASSA-PSS with a salt as long as the hash. A hash made by the
// host is known by its length.
func (k *key) signPSS(hash crypto.Hash, digest []byte) ([]byte, error) {
	if hash == 0 {
		hash = map[int]crypto.Hash{20: crypto.SHA1, 28: crypto.SHA224, 32: crypto.SHA256,
			48: crypto.SHA384, 64: crypto.SHA512}[len(digest)]
	}
	if hash == 0 {
		return nil, apdu.WrongLength
	}
	signature, err := rsa.SignPSS(rand.Reader, k.private, hash, digest,
		&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		return nil, apdu.WrongData // the modulus is too short for hash and salt
	}
	return signature, nil
}
