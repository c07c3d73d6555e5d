package token

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"

	"conclave/hsm"
	"conclave/internal/rsapad"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// Paddings are made and taken off here, and the device does what RSA is without
// them: it has them for few hashes, labels and salts. Only where a key's list of
// algorithms forbids that are they left to the device.

// pkcs1 is RSASSA- and RSAES-PKCS1-v1_5.
type pkcs1 struct{ hash crypto.Hash }

func newPKCS1(m *mechanism, p []byte, k *object) (any, error) {
	return pkcs1{m.hash}, none(p)
}

// info is what is padded: the data as it is, or the DigestInfo of its hash.
func (p pkcs1) info(in *input) ([]byte, error) {
	if p.hash == 0 {
		return in.data, nil
	}
	return wire.DigestInfo(p.hash, in.digest())
}

func (p pkcs1) padded(k *object, in *input) (info, block []byte, err error) {
	if info, err = p.info(in); err != nil {
		return nil, nil, err
	}
	if block, err = wire.PadPKCS1(info, k.size()); err != nil {
		return nil, nil, cryptoki.DataLenRange
	}
	return info, block, nil
}

func (p pkcs1) sign(s *Session, k *object, in *input) ([]byte, error) {
	info, block, err := p.padded(k, in)
	if err != nil {
		return nil, err
	}
	tries := []attempt{{wire.RSARaw, block}, {wire.RSAPKCS1, info}}
	return k.signWith(s, append(tries, hashing(wire.RSAPKCS1, p.hash, in)...)...)
}

func (p pkcs1) verify(k *object, in *input, signature []byte) error {
	_, block, err := p.padded(k, in)
	if err != nil {
		return err
	}
	signed, err := k.signedBlock(signature)
	if err != nil {
		return err
	}
	if !bytes.Equal(signed, block) {
		return cryptoki.SignatureInvalid
	}
	return nil
}

// recover gives what was padded, 00 01 FF … FF 00 before it.
func (p pkcs1) recover(k *object, in *input) ([]byte, error) {
	block, err := k.signedBlock(in.data)
	if err != nil {
		return nil, err
	}
	rest := bytes.TrimLeft(block[min(2, len(block)):], "\xFF")
	if len(block) < 11 || block[0] != 0 || block[1] != 1 || len(block)-len(rest) < 10 || len(rest) == 0 || rest[0] != 0 {
		return nil, cryptoki.SignatureInvalid
	}
	return rest[1:], nil
}

func (p pkcs1) encrypt(k *object, in *input) ([]byte, error) {
	public, err := k.rsaPublic()
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 PKCS#11 has it, and whoever decrypts has chosen it
	ciphertext, err := rsa.EncryptPKCS1v15(rand.Reader, public, in.data)
	return ciphertext, encryptError(err)
}

func (p pkcs1) decrypt(s *Session, k *object, in *input) ([]byte, error) {
	return k.decrypt(s, in, wire.RSADecryptPKCS1, rsapad.DecodePKCS1)
}

// rawRSA is RSA without a padding (CKM_RSA_X_509): numbers, with leading zeros.
type rawRSA struct{}

func newRawRSA(m *mechanism, p []byte, k *object) (any, error) { return rawRSA{}, none(p) }

// number is the data as a block, below the modulus.
func (rawRSA) number(k *object, in *input) ([]byte, error) {
	if len(in.data) == 0 || len(in.data) > k.size() {
		return nil, cryptoki.DataLenRange
	}
	block := leftPad(in.data, k.size())
	if !k.below(block) {
		return nil, cryptoki.DataInvalid
	}
	return block, nil
}

func (r rawRSA) sign(s *Session, k *object, in *input) ([]byte, error) {
	block, err := r.number(k, in)
	if err != nil {
		return nil, err
	}
	return k.signWith(s, attempt{wire.RSARaw, block})
}

func (r rawRSA) verify(k *object, in *input, signature []byte) error {
	block, err := r.number(k, in)
	if err != nil {
		return err
	}
	signed, err := k.signedBlock(signature)
	if err == nil && !bytes.Equal(signed, block) {
		err = cryptoki.SignatureInvalid
	}
	return err
}

func (rawRSA) recover(k *object, in *input) ([]byte, error) { return k.signedBlock(in.data) }

func (r rawRSA) encrypt(k *object, in *input) ([]byte, error) {
	block, err := r.number(k, in)
	if err != nil {
		return nil, err
	}
	defer clear(block)
	return k.publicOperation(block), nil
}

func (rawRSA) decrypt(s *Session, k *object, in *input) ([]byte, error) {
	return k.decrypt(s, in, 0, func(block []byte) ([]byte, error) { return bytes.Clone(block), nil })
}

// pss is RSASSA-PSS.
type pss struct {
	hash, mgf crypto.Hash
	salt      int
	fed       bool // the hash is made here
}

// newPSS reads CK_RSA_PKCS_PSS_PARAMS: hashAlg, mgf, sLen.
func newPSS(m *mechanism, b []byte, k *object) (any, error) {
	p := parameter{rest: b}
	hash := hashOfDigest(cryptoki.MechanismType(p.number()))
	mgf := hashOfMGF(cryptoki.MGF(p.number()))
	salt := p.number()
	if err := p.end(); err != nil {
		return nil, err
	}
	if hash == 0 || mgf == 0 || m.hash != 0 && m.hash != hash {
		return nil, cryptoki.MechanismParamInvalid
	}
	if room := (k.public.Bits-1+7)/8 - hash.Size() - 2; room < 0 || salt > uint64(room) {
		return nil, cryptoki.MechanismParamInvalid
	}
	return pss{hash, mgf, int(salt), m.hash != 0}, nil
}

func (p pss) digest(in *input) ([]byte, error) {
	if p.fed {
		return in.digest(), nil
	}
	if len(in.data) != p.hash.Size() {
		return nil, cryptoki.DataLenRange
	}
	return in.data, nil
}

func (p pss) sign(s *Session, k *object, in *input) ([]byte, error) {
	digest, err := p.digest(in)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, p.salt)
	rand.Read(salt)
	block, err := rsapad.EncodePSS(p.hash, p.mgf, digest, salt, k.public.Bits-1)
	if err != nil {
		return nil, err
	}
	tries := []attempt{{wire.RSARaw, leftPad(block, k.size())}}
	if p.mgf == p.hash && p.salt == p.hash.Size() { // as the device has it
		tries = append(tries, attempt{wire.RSAPSS, digest})
		if p.fed {
			tries = append(tries, hashing(wire.RSAPSS, p.hash, in)...)
		}
	}
	return k.signWith(s, tries...)
}

func (p pss) verify(k *object, in *input, signature []byte) error {
	digest, err := p.digest(in)
	if err != nil {
		return err
	}
	block, err := k.signedBlock(signature)
	if err != nil {
		return err
	}
	emBits := k.public.Bits - 1
	spare := len(block) - (emBits+7)/8 // a byte, if the modulus has one bit more than whole bytes
	if spare > 0 && block[0] != 0 || rsapad.VerifyPSS(p.hash, p.mgf, digest, block[spare:], p.salt, emBits) != nil {
		return cryptoki.SignatureInvalid
	}
	return nil
}

// oaep is RSAES-OAEP.
type oaep struct {
	hash, mgf crypto.Hash
	label     []byte
}

// newOAEP reads CK_RSA_PKCS_OAEP_PARAMS: hashAlg, mgf, source, source data.
func newOAEP(m *mechanism, b []byte, k *object) (any, error) {
	p := parameter{rest: b}
	hash := hashOfDigest(cryptoki.MechanismType(p.number()))
	mgf := hashOfMGF(cryptoki.MGF(p.number()))
	source, label := p.number(), p.string()
	if err := p.end(); err != nil {
		return nil, err
	}
	// Programs that have no label often leave its source out, too.
	if hash == 0 || mgf == 0 || source != cryptoki.OAEPDataSpecified && (source != 0 || len(label) > 0) {
		return nil, cryptoki.MechanismParamInvalid
	}
	if k.size() < 2*hash.Size()+2 {
		return nil, cryptoki.KeySizeRange
	}
	return oaep{hash, mgf, bytes.Clone(label)}, nil
}

func (o oaep) encrypt(k *object, in *input) ([]byte, error) {
	public, err := k.rsaPublic()
	if err != nil {
		return nil, err
	}
	options := &rsa.OAEPOptions{Hash: o.hash, MGFHash: o.mgf, Label: o.label}
	ciphertext, err := rsa.EncryptOAEPWithOptions(rand.Reader, public, in.data, options)
	return ciphertext, encryptError(err)
}

func (o oaep) decrypt(s *Session, k *object, in *input) ([]byte, error) {
	var onCard wire.Algorithm
	if o.hash == crypto.SHA256 && o.mgf == crypto.SHA256 && len(o.label) == 0 {
		onCard = wire.RSADecryptOAEP
	}
	return k.decrypt(s, in, onCard, func(block []byte) ([]byte, error) {
		return rsapad.DecodeOAEP(o.hash, o.mgf, block, o.label)
	})
}

// decrypt lets the device decrypt, and takes the padding off; or lets the device do
// both by onCard, if that is not 0 and the key allows nothing else. There is one error for
// all that can be wrong with a padding.
func (k *object) decrypt(s *Session, in *input, onCard wire.Algorithm, decode func([]byte) ([]byte, error)) ([]byte, error) {
	if len(in.data) != k.size() {
		return nil, cryptoki.EncryptedDataLenRange
	}
	if !k.below(in.data) {
		return nil, cryptoki.EncryptedDataInvalid
	}
	tries := []attempt{{wire.RSADecryptRaw, in.data}}
	if onCard != 0 {
		tries = append(tries, attempt{onCard, in.data})
	}
	block, used, err := k.use(s, (*hsm.HSM).Decipher, tries...)
	switch {
	case errors.Is(err, cryptoki.DataInvalid):
		return nil, cryptoki.EncryptedDataInvalid
	case err != nil || used > 0:
		return block, err
	}
	padded := leftPad(block, k.size())
	message, err := decode(padded)
	clear(block)
	clear(padded)
	if err != nil {
		return nil, cryptoki.EncryptedDataInvalid
	}
	return message, nil
}

// size is the length of the modulus in bytes.
func (k *object) size() int { return (k.public.Bits + 7) / 8 }

// below says whether a block is a number below the modulus.
func (k *object) below(block []byte) bool {
	return bytes.Compare(block, leftPad(bytes.TrimLeft(k.public.Modulus, "\x00"), len(block))) < 0
}

// signedBlock is what was signed.
func (k *object) signedBlock(signature []byte) ([]byte, error) {
	if len(signature) != k.size() {
		return nil, cryptoki.SignatureLenRange
	}
	if !k.below(signature) {
		return nil, cryptoki.SignatureInvalid
	}
	return k.publicOperation(signature), nil
}

// publicOperation is RSA with the public exponent.
func (k *object) publicOperation(block []byte) []byte {
	n, e := new(big.Int).SetBytes(k.public.Modulus), new(big.Int).SetBytes(k.public.Exponent)
	return new(big.Int).Exp(new(big.Int).SetBytes(block), e, n).FillBytes(make([]byte, k.size()))
}

func (k *object) rsaPublic() (*rsa.PublicKey, error) {
	e := new(big.Int).SetBytes(k.public.Exponent)
	if e.BitLen() > 31 {
		return nil, cryptoki.KeySizeRange
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(k.public.Modulus), E: int(e.Int64())}, nil
}

func encryptError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rsa.ErrMessageTooLong):
		return cryptoki.DataLenRange
	}
	return cryptoki.KeySizeRange // crypto/rsa refuses the key
}

// leftPad puts zeros before a number; one that is long enough is not copied.
func leftPad(number []byte, size int) []byte {
	if len(number) >= size {
		return number
	}
	block := make([]byte, size)
	copy(block[size-len(number):], number)
	return block
}
