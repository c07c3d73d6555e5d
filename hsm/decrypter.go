package hsm

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"conclave/apdu"
	"conclave/internal/rsapad"
	"conclave/wire"
)

var _ crypto.Decrypter = (*Signer)(nil)

// Decrypt implements crypto.Decrypter for an RSA key, with the options of crypto/rsa:
// nil or *rsa.PKCS1v15DecryptOptions for PKCS#1 v1.5, *rsa.OAEPOptions for OAEP with any
// hashes that this program has and any label. Whatever is wrong with a ciphertext, the
// error is rsa.ErrDecryption, and with a SessionKeyLen there is none, but a random key.
// rand is not read.
//
// The card gives out the padded block, and the padding is taken off here, in constant
// time, but for OAEP with SHA-256 and without a label, and where the key's list leaves no
// other way: that the card does itself.
func (s *Signer) Decrypt(_ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) (plain []byte, err error) {
	if s.public.Type != wire.KeyRSA {
		return nil, fmt.Errorf("decrypt with key %d: an RSA key was expected", s.ref)
	}
	if len(ciphertext) <= s.size() {
		plain, err = s.decrypt(s.fill(ciphertext), opts)
	} else {
		err = rsapad.ErrPadding
	}
	if errors.Is(err, rsapad.ErrPadding) || errors.Is(err, apdu.WrongData) {
		return nil, fmt.Errorf("decrypt with key %d: %w", s.ref, rsa.ErrDecryption)
	}
	return plain, err
}

func (s *Signer) decrypt(ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	switch o := opts.(type) {
	case nil:
		return s.decryptPKCS1(ciphertext)
	//lint:ignore SA1019 old protocols still encrypt so, and their keys are in devices
	case *rsa.PKCS1v15DecryptOptions:
		if o.SessionKeyLen > 0 {
			return s.decryptSession(ciphertext, o.SessionKeyLen)
		}
		return s.decryptPKCS1(ciphertext)
	case *rsa.OAEPOptions:
		return s.decryptOAEP(ciphertext, o)
	}
	return nil, fmt.Errorf("decrypt with key %d: options of type %T; those of crypto/rsa were expected", s.ref, opts)
}

func (s *Signer) decryptPKCS1(ciphertext []byte) ([]byte, error) {
	block, err := s.decryptRaw(ciphertext)
	if errors.Is(err, ErrNotAllowed) {
		return s.hsm.Decipher(s.ref, wire.RSADecryptPKCS1, ciphertext)
	}
	if err != nil {
		return nil, err
	}
	defer clear(block)
	return rsapad.DecodePKCS1(block)
}

// decryptSession needs the block: a card that takes the padding off tells whether it
// was good.
func (s *Signer) decryptSession(ciphertext []byte, length int) ([]byte, error) {
	key := make([]byte, length)
	rand.Read(key)
	block, err := s.decryptRaw(ciphertext)
	if err != nil {
		return nil, err
	}
	defer clear(block)
	return key, rsapad.DecodePKCS1Session(block, key)
}

func (s *Signer) decryptOAEP(ciphertext []byte, opts *rsa.OAEPOptions) ([]byte, error) {
	mgf := cmp.Or(opts.MGFHash, opts.Hash)
	if opts.Hash == crypto.SHA256 && mgf == crypto.SHA256 && len(opts.Label) == 0 {
		plain, err := s.hsm.Decipher(s.ref, wire.RSADecryptOAEP, ciphertext)
		if !errors.Is(err, ErrNotAllowed) {
			return plain, err
		}
	}
	block, err := s.decryptRaw(ciphertext)
	if err != nil {
		return nil, err
	}
	defer clear(block)
	return rsapad.DecodeOAEP(opts.Hash, mgf, block, opts.Label)
}

// decryptRaw gives the padded block. The card refuses a number that is not below the
// modulus, which anyone can see.
func (s *Signer) decryptRaw(ciphertext []byte) ([]byte, error) {
	block, err := s.hsm.Decipher(s.ref, wire.RSADecryptRaw, ciphertext)
	if err != nil {
		return nil, err
	}
	if len(block) > len(ciphertext) {
		return nil, fmt.Errorf("decrypt with key %d: the device gave %d bytes for a modulus of %d", s.ref, len(block), len(ciphertext))
	}
	return s.fill(block), nil
}
