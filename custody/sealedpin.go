package custody

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/strictjson"
)

// SealedPIN is the SO-PIN of a device under a DKEK, so that the custodians who open the
// share file have it too. docs/pin-forgotten.md describes it, and opens one by hand.
type SealedPIN struct {
	Format string `json:"format"`
	Device string `json:"device"` // its serial number
	KCV    string `json:"kcv"`    // of the DKEK
	Salt   []byte `json:"salt"`
	Sealed []byte `json:"sealed"` // with the tag
}

// sealedFormat names the format, and its version.
const sealedFormat = "conclave sealed SO-PIN 1"

// MaxSealedPIN is how many bytes a sealed SO-PIN may have.
const MaxSealedPIN = 4 << 10

// Sizes in bytes.
const (
	soPINSize    = 8
	sealSalt     = 32
	sealKey      = 32
	sealNonce    = 12
	sealOverhead = 16
)

// SealPIN seals the SO-PIN of a device under a DKEK.
func SealPIN(rand io.Reader, d *dkek.DKEK, device string, pin secret.Bytes) (*SealedPIN, error) {
	if len(pin) != soPINSize {
		return nil, fmt.Errorf("an SO-PIN of %d bytes; %d were expected", len(pin), soPINSize)
	}
	s := &SealedPIN{Format: sealedFormat, Device: device, KCV: d.KCV().String(), Salt: make([]byte, sealSalt)}
	if _, err := io.ReadFull(rand, s.Salt); err != nil {
		return nil, err
	}
	aead, nonce, err := s.cipher(d)
	if err != nil {
		return nil, err
	}
	s.Sealed = aead.Seal(nil, nonce, pin, nil)
	return s, nil
}

// Open gives the SO-PIN. The error says if the DKEK is another one.
func (s *SealedPIN) Open(d *dkek.DKEK) (secret.Bytes, error) {
	if kcv := d.KCV().String(); kcv != s.KCV {
		return nil, fmt.Errorf("the SO-PIN is sealed under the DKEK with key check value %s, and this one has %s; take the share file of that DKEK", s.KCV, kcv)
	}
	aead, nonce, err := s.cipher(d)
	if err != nil {
		return nil, err
	}
	pin, err := aead.Open(nil, nonce, s.Sealed, nil)
	if err != nil {
		return nil, errors.New("the sealed SO-PIN is damaged; take another copy of the file")
	}
	return pin, nil
}

// cipher is that of this file alone: what a key is derived for is all that the file says
// in the clear, and a salt that no other has.
func (s *SealedPIN) cipher(d *dkek.DKEK) (cipher.AEAD, []byte, error) {
	share := d.Bytes()
	defer share.Wipe()
	derived, err := hkdf.Key(sha256.New, share, s.Salt, s.Format+"\n"+s.Device+"\n"+s.KCV, sealKey+sealNonce)
	if err != nil {
		return nil, nil, err
	}
	defer clear(derived[:sealKey])
	block, err := aes.NewCipher(derived[:sealKey])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, derived[sealKey:], err
}

// Bytes is the file.
func (s *SealedPIN) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// parseSealedPIN reads the content of a file.
func parseSealedPIN(content []byte) (*SealedPIN, error) {
	var s SealedPIN
	if err := strictjson.Unmarshal(content, &s); err != nil {
		return nil, err
	}
	switch {
	case s.Format != sealedFormat:
		return nil, fmt.Errorf("format %q; %q was expected: is it for a later version?", s.Format, sealedFormat)
	case len(s.Salt) != sealSalt || len(s.Sealed) != soPINSize+sealOverhead:
		return nil, fmt.Errorf("salt and sealed have %d and %d bytes; %d and %d were expected", len(s.Salt), len(s.Sealed), sealSalt, soPINSize+sealOverhead)
	}
	return &s, nil
}

// ReadSealedPIN reads the file of a sealed SO-PIN, and gives its content too.
func ReadSealedPIN(path string) (*SealedPIN, []byte, error) {
	content, err := safefile.Read(path, MaxSealedPIN)
	if err != nil {
		return nil, nil, err
	}
	s, err := parseSealedPIN(content)
	if err != nil {
		return nil, content, ExplainKind(path, content, sealedKind, err)
	}
	return s, content, nil
}

// sealedKind is what such a file is called.
const sealedKind = "a sealed SO-PIN"
