package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"hash"

	"conclave/token/cryptoki"
)

// mac is HMAC with a secret key. The key is taken when the operation begins.
type mac struct{ sum hash.Hash }

func newHMAC(m *mechanism, p []byte, k *object) (any, error) {
	return mac{hmac.New(m.hash.New, k.value)}, none(p)
}

// hasher is the hash that the operation's input is fed to.
func (m mac) hasher() hash.Hash { return m.sum }

func (m mac) sign(s *Session, k *object, in *input) ([]byte, error) { return in.digest(), nil }

func (m mac) verify(k *object, in *input, signature []byte) error {
	switch {
	case len(signature) != m.sum.Size():
		return cryptoki.SignatureLenRange
	case !hmac.Equal(in.digest(), signature):
		return cryptoki.SignatureInvalid
	}
	return nil
}

// stream is a cipher with a key, in one direction.
type stream interface {
	update(data []byte) ([]byte, error)
	final() ([]byte, error)
	all(data []byte) ([]byte, error)
}

// cipherMode is AES in one of its modes.
type cipherMode struct {
	pad bool
	// stream mode, or mode of blocks for each direction
	keyStream        cipher.Stream
	encrypt, decrypt cipher.BlockMode
}

// stream begins an operation.
func (c cipherMode) stream(op Operation) stream {
	if c.keyStream != nil {
		return xorStream{c.keyStream}
	}
	if op == Encrypt {
		return &blockStream{mode: c.encrypt, pad: c.pad, wrongLength: cryptoki.DataLenRange}
	}
	return &blockStream{mode: c.decrypt, unpad: c.pad, wrongLength: cryptoki.EncryptedDataLenRange}
}

func newAES(k *object) (cipher.Block, error) {
	block, err := aes.NewCipher(k.value)
	if err != nil {
		return nil, cryptoki.KeySizeRange
	}
	return block, nil
}

func newECB(m *mechanism, p []byte, k *object) (any, error) {
	block, err := newAES(k)
	if err != nil {
		return nil, err
	}
	return cipherMode{encrypt: ecb{block.Encrypt}, decrypt: ecb{block.Decrypt}}, none(p)
}

// newCBC reads an initialisation vector.
func newCBC(m *mechanism, p []byte, k *object) (any, error) {
	block, err := newAES(k)
	if err != nil {
		return nil, err
	}
	if len(p) != aes.BlockSize {
		return nil, cryptoki.MechanismParamInvalid
	}
	return cipherMode{
		pad: m.Type == cryptoki.AESCBCPad, encrypt: cipher.NewCBCEncrypter(block, p), decrypt: cipher.NewCBCDecrypter(block, p),
	}, nil
}

// newCTR reads CK_AES_CTR_PARAMS: how many bits are counted, and the first block. All
// of them are, here.
func newCTR(m *mechanism, b []byte, k *object) (any, error) {
	block, err := newAES(k)
	if err != nil {
		return nil, err
	}
	p := parameter{rest: b}
	bits, first := p.number(), p.take(aes.BlockSize)
	if p.end() != nil || bits != 8*aes.BlockSize {
		return nil, cryptoki.MechanismParamInvalid
	}
	return cipherMode{keyStream: cipher.NewCTR(block, first)}, nil
}

// ecb is each block by itself, which the standard library does not offer.
type ecb struct{ block func(dst, src []byte) }

func (e ecb) BlockSize() int { return aes.BlockSize }

func (e ecb) CryptBlocks(dst, src []byte) {
	for len(src) > 0 {
		e.block(dst[:aes.BlockSize], src[:aes.BlockSize])
		dst, src = dst[aes.BlockSize:], src[aes.BlockSize:]
	}
}

// xorStream is a mode that makes a stream of a block cipher.
type xorStream struct{ cipher.Stream }

func (x xorStream) update(data []byte) ([]byte, error) {
	out := make([]byte, len(data))
	x.XORKeyStream(out, data)
	return out, nil
}

func (x xorStream) final() ([]byte, error)          { return nil, nil }
func (x xorStream) all(data []byte) ([]byte, error) { return x.update(data) }

// blockStream is a mode of whole blocks. What does not fill one waits.
type blockStream struct {
	mode        cipher.BlockMode
	pad, unpad  bool // PKCS #7
	waiting     []byte
	wrongLength error
}

func (b *blockStream) update(data []byte) ([]byte, error) {
	b.waiting = append(b.waiting, data...)
	n := len(b.waiting) / aes.BlockSize * aes.BlockSize
	if b.unpad && n == len(b.waiting) { // the last block may be padding
		n = max(0, n-aes.BlockSize)
	}
	out := make([]byte, n)
	b.mode.CryptBlocks(out, b.waiting[:n])
	b.waiting = b.waiting[:copy(b.waiting, b.waiting[n:])]
	return out, nil
}

func (b *blockStream) final() ([]byte, error) {
	defer clear(b.waiting[:cap(b.waiting)])
	if b.pad {
		n := aes.BlockSize - len(b.waiting)
		for range n {
			b.waiting = append(b.waiting, byte(n))
		}
	}
	if len(b.waiting)%aes.BlockSize != 0 || b.unpad && len(b.waiting) == 0 {
		return nil, b.wrongLength
	}
	out := make([]byte, len(b.waiting))
	b.mode.CryptBlocks(out, b.waiting)
	if b.unpad {
		return unpadded(out)
	}
	return out, nil
}

func (b *blockStream) all(data []byte) ([]byte, error) {
	out, err := b.update(data)
	if err != nil {
		return nil, err
	}
	last, err := b.final()
	if err != nil {
		clear(out)
		return nil, err
	}
	return append(out, last...), nil
}

// unpadded takes the padding off a block, in one time for all.
func unpadded(block []byte) ([]byte, error) {
	n := int(block[len(block)-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, len(block))
	for i, b := range block {
		inside := subtle.ConstantTimeLessOrEq(len(block)-n, i)
		good &= subtle.ConstantTimeByteEq(b, byte(n)) | (1 - inside)
	}
	if good != 1 {
		return nil, cryptoki.EncryptedDataInvalid
	}
	return block[:len(block)-n], nil
}
