package hsm

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for SignMessage, as the next two
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"

	"filippo.io/mldsa/x509"

	"conclave/apdu"
	"conclave/internal/curve"
	"conclave/internal/rsapad"
	"conclave/wire"
)

// ErrNotAllowed is the error for an algorithm that is not in a key's list.
var ErrNotAllowed = errors.New("the key does not allow this algorithm")

// Sign is the card's SIGN with one of its algorithm bytes.
func (h *HSM) Sign(ref byte, algorithm wire.Algorithm, data []byte) ([]byte, error) {
	return h.privateOperation("sign", wire.InsSign, ref, algorithm, data)
}

// Decipher is the card's DECIPHER: RSA decryption or ECDH.
func (h *HSM) Decipher(ref byte, algorithm wire.Algorithm, data []byte) ([]byte, error) {
	return h.privateOperation("decipher", wire.InsDecipher, ref, algorithm, data)
}

func (h *HSM) privateOperation(name string, ins, ref byte, algorithm wire.Algorithm, data []byte) ([]byte, error) {
	doing := fmt.Sprintf("%s with key %d", name, ref)
	out, err := h.exchange(doing, apdu.Command{
		CLA: wire.ClassProprietary, INS: ins, P1: ref, P2: byte(algorithm), Data: data, Ne: expected(algorithm),
	})
	switch {
	case errors.Is(err, apdu.ReferenceNotFound), errors.Is(err, apdu.FileNotFound):
		return nil, fmt.Errorf("%w: there is no such key", err)
	case errors.Is(err, apdu.ReferenceDataUnusable), errors.Is(err, apdu.NotEnoughMemory): // 6A84: pico-hsm
		return nil, fmt.Errorf("%w: its uses are exhausted", err)
	case errors.Is(err, apdu.FunctionNotSupported):
		return nil, fmt.Errorf("%w (%w)", ErrNotAllowed, err)
	case errors.Is(err, apdu.ConditionsNotSatisfied):
		return nil, fmt.Errorf("%w, or its uses are exhausted (%w)", ErrNotAllowed, err)
	}
	return out, err
}

// expected is how long an answer may be, in bytes.
func expected(algorithm wire.Algorithm) int {
	if algorithm == wire.MLDSA {
		return apdu.MaxExtendedNe
	}
	return 512 // what OpenSC asks for
}

// Signer is a key of the device as a crypto.Signer, a crypto.MessageSigner and, if it
// is an RSA key, a crypto.Decrypter. As an [HSM] is, it is for one goroutine at a time.
type Signer struct {
	hsm    *HSM
	ref    byte
	public wire.PublicKey
}

// Signer gives key ref as a crypto.Signer. The user must be logged in when it
// signs.
func (h *HSM) Signer(ref byte) (*Signer, error) {
	public, err := h.PublicKey(ref)
	if err != nil {
		return nil, err
	}
	return &Signer{h, ref, *public}, nil
}

// Ref is the key's reference.
func (s *Signer) Ref() byte { return s.ref }

// Public gives *rsa.PublicKey, *ecdsa.PublicKey or *mldsa.PublicKey, nil for a curve
// that crypto/ecdsa does not have.
func (s *Signer) Public() crypto.PublicKey {
	der, err := s.public.SPKI()
	if err != nil {
		return nil
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	return public
}

// Sign implements crypto.Signer: ECDSA (DER), PKCS#1 v1.5, or PSS, with any hash that
// this program has and any salt. An ML-DSA key signs a message as it is, or its
// representative μ, with the options that mldsa.PrivateKey takes. The card has its own
// randomness; rand is not read. The error is ErrNotAllowed too for a key that signs
// nothing but what the card hashes: see SignMessage.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	pss, isPSS := opts.(*rsa.PSSOptions)
	switch {
	case s.public.Type == wire.KeyMLDSA:
		return s.signMLDSA(digest, opts)
	case s.public.Type == wire.KeyEC:
		return s.hsm.Sign(s.ref, wire.ECDSA, digest)
	case isPSS:
		return s.signPSS(digest, pss)
	}
	return s.signPKCS1(digest, opts.HashFunc())
}

// signPSS leaves the padding to the card, where its salt is the one that is asked for
// and the key's list allows it.
func (s *Signer) signPSS(digest []byte, opts *rsa.PSSOptions) ([]byte, error) {
	if s.cardSalts(digest, opts) {
		signature, err := s.hsm.Sign(s.ref, wire.RSAPSS, digest)
		if opts.Hash == 0 || !errors.Is(err, ErrNotAllowed) {
			return signature, err
		}
	}
	salt, err := s.newSalt(opts)
	if err != nil {
		return nil, fmt.Errorf("sign with key %d: %w", s.ref, err)
	}
	block, err := rsapad.EncodePSS(opts.Hash, opts.Hash, digest, salt, s.modulus().BitLen()-1)
	if err != nil {
		return nil, fmt.Errorf("sign with key %d: %w", s.ref, err)
	}
	return s.hsm.Sign(s.ref, wire.RSARaw, s.fill(block))
}

// cardSalts says whether the card's PSS is what is asked for: its salt is as long as the
// hash, which it tells by its length to be of SHA-1 or SHA-2.
func (s *Signer) cardSalts(digest []byte, opts *rsa.PSSOptions) bool {
	_, err := wire.RSAPSS.OnCard(opts.Hash)
	return (err == nil || opts.Hash == 0) && (opts.SaltLength == rsa.PSSSaltLengthEqualsHash || opts.SaltLength == len(digest))
}

// newSalt is as long as the options say, as crypto/rsa reads them.
func (s *Signer) newSalt(opts *rsa.PSSOptions) ([]byte, error) {
	length := opts.SaltLength
	switch {
	case !opts.Hash.Available():
		return nil, fmt.Errorf("hash %v; one was expected that this program has", opts.Hash)
	case length == rsa.PSSSaltLengthEqualsHash:
		length = opts.Hash.Size()
	case length == rsa.PSSSaltLengthAuto: // the longest
		length = max(0, (s.modulus().BitLen()+6)/8-opts.Hash.Size()-2)
	case length < 0:
		return nil, fmt.Errorf("PSS with a salt of %d bytes; none or more were expected", length)
	}
	if length > s.size() {
		return nil, rsapad.ErrTooLong
	}
	salt := make([]byte, length)
	rand.Read(salt)
	return salt, nil
}

func (s *Signer) modulus() *big.Int { return new(big.Int).SetBytes(s.public.Modulus) }

// size is that of the modulus, in bytes.
func (s *Signer) size() int { return len(bytes.TrimLeft(s.public.Modulus, "\x00")) }

// fill gives a number as many bytes as the modulus has.
func (s *Signer) fill(number []byte) []byte {
	return append(make([]byte, max(0, s.size()-len(number))), number...)
}

// signPKCS1 pads here and lets the card sign what results, as OpenSC
// (src/libopensc/card-sc-hsm.c) and sc-hsm-embedded (src/pkcs11/token-sc-hsm.c) do:
// some cards get a DigestInfo wrong. pico-hsm 6.6 takes its length for that of the
// digest (src/hsm/cmd_signature.c), and answers 6400. A key's list may allow nothing
// else, though.
func (s *Signer) signPKCS1(digest []byte, hash crypto.Hash) ([]byte, error) {
	info, err := wire.DigestInfo(hash, digest)
	if err != nil {
		return nil, err
	}
	block, err := wire.PadPKCS1(info, s.size())
	if err != nil {
		return nil, fmt.Errorf("sign with key %d: %w", s.ref, err)
	}
	signature, err := s.hsm.Sign(s.ref, wire.RSARaw, block)
	if errors.Is(err, ErrNotAllowed) {
		return s.hsm.Sign(s.ref, wire.RSAPKCS1, info)
	}
	return signature, err
}

// SignMessage implements crypto.MessageSigner. The message is hashed here, and by the
// card where the list of the key allows nothing else; then it must fit into a command.
// For an ML-DSA key it is Sign.
func (s *Signer) SignMessage(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.public.Type == wire.KeyMLDSA {
		return s.signMLDSA(message, opts)
	}
	hash := opts.HashFunc()
	if !hash.Available() {
		return nil, fmt.Errorf("sign with key %d: hash %v; one was expected that this program has", s.ref, hash)
	}
	sum := hash.New()
	sum.Write(message)
	digest := sum.Sum(nil)
	signature, err := s.Sign(nil, digest, opts)
	if !errors.Is(err, ErrNotAllowed) {
		return signature, err
	}
	onCard, err := s.hashing(digest, opts)
	if err != nil {
		return nil, err
	}
	if len(message) > MaxMessage {
		return nil, fmt.Errorf("sign with key %d: %w, but for what the device hashes, which is %d bytes at most; this has %d", s.ref, ErrNotAllowed, MaxMessage, len(message))
	}
	signature, err = s.hsm.Sign(s.ref, onCard, message)
	if errors.Is(err, apdu.WrongLength) {
		return nil, fmt.Errorf("%w: the device must hash this itself, and takes no %d bytes at once", err, len(message))
	}
	return signature, err
}

// hashing is the algorithm with which the card hashes as well.
func (s *Signer) hashing(digest []byte, opts crypto.SignerOpts) (wire.Algorithm, error) {
	scheme := wire.RSAPKCS1
	pss, isPSS := opts.(*rsa.PSSOptions)
	switch {
	case s.public.Type == wire.KeyEC:
		scheme = wire.ECDSA
	case isPSS && !s.cardSalts(digest, pss):
		return 0, fmt.Errorf("sign with key %d: %w, but for PSS with a salt as long as the hash (rsa.PSSSaltLengthEqualsHash)", s.ref, ErrNotAllowed)
	case isPSS:
		scheme = wire.RSAPSS
	}
	return scheme.OnCard(opts.HashFunc())
}

// MaxMessage is how long a message may be that the card hashes, in bytes; devices in
// hardware take about a thousand.
const MaxMessage = apdu.MaxExtendedData

// signCVC signs as card verifiable certificates have it: SHA-256, and r‖s for EC;
// ML-DSA without either.
func (s *Signer) signCVC(message []byte) ([]byte, error) {
	signature, err := s.SignMessage(nil, message, s.Options())
	if err != nil || s.public.Type != wire.KeyEC {
		return signature, err
	}
	return curve.PlainSignature(s.public.Curve, signature)
}

// Options are those with which any key can sign, and with which wire.PublicKey's
// VerifyDER verifies: SHA-256, with PKCS#1 v1.5 for RSA, and no hash for ML-DSA.
func (s *Signer) Options() crypto.SignerOpts {
	if s.public.Type == wire.KeyMLDSA {
		return crypto.Hash(0)
	}
	return crypto.SHA256
}
