package card

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"golang.org/x/crypto/argon2"

	"conclave/card/store"
	"conclave/internal/secret"
)

// PINCost is what deriving a key from a PIN costs: the parameters of Argon2id
// (RFC 9106).
type PINCost struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultPINCost is the second recommended choice of RFC 9106 section 4: 64 MiB,
// three passes.
func DefaultPINCost() PINCost { return PINCost{Time: 3, Memory: 64 << 10, Threads: 4} }

// sane says whether Argon2id accepts the parameters, and does not take all of
// the memory.
func (c PINCost) sane() bool {
	const maxMemory, maxTime = 4 << 20, 1 << 10
	return c.Time >= 1 && c.Time <= maxTime && c.Threads >= 1 && c.Memory <= maxMemory
}

func (c PINCost) derive(pin, salt []byte) secret.Bytes {
	return argon2.IDKey(pin, salt, c.Time, c.Memory, c.Threads, 32)
}

// vault seals the records of a device: AES-256-GCM under the storage key, with
// kind and id of the record as associated data, so that no record can take
// another's place.
type vault struct {
	key  secret.Bytes
	aead cipher.AEAD
}

// newVault makes a vault with a fresh storage key.
func newVault() (*vault, error) {
	key := make(secret.Bytes, 32)
	rand.Read(key)
	return openVault(key)
}

func openVault(key secret.Bytes) (*vault, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &vault{key, aead}, err
}

// mark tells vaults apart for whoever has the key of one, and tells others
// nothing: whoever has the file can guess the PIN behind a mark just as the PIN
// behind a wrapped key, at the cost of Argon2id.
func (v *vault) mark() []byte { return v.derive("conclave PIN attempt") }

// mac authenticates a message to whoever has the key.
func (v *vault) mac(message []byte) []byte {
	key := v.derive("conclave state")
	defer key.Wipe()
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return m.Sum(nil)
}

func (v *vault) derive(purpose string) secret.Bytes {
	key, err := hkdf.Expand(sha256.New, v.key, purpose, sha256.Size)
	if err != nil {
		panic(err) // for a length that SHA-256 does not give
	}
	return key
}

func (v *vault) close() { v.key.Wipe() }

func label(kind store.Kind, id uint16) []byte {
	return binary.BigEndian.AppendUint16([]byte{byte(kind)}, id)
}

func (v *vault) seal(kind store.Kind, id uint16, plain []byte) []byte {
	return v.aead.Seal(nil, nil, plain, label(kind, id))
}

// sealedOverhead is how much longer a sealed record is than its content.
const sealedOverhead = 12 + 16

var errSealBroken = errors.New("a sealed record does not open: the device's file was changed, or parts of it were swapped")

func (v *vault) open(kind store.Kind, id uint16, sealed []byte) (secret.Bytes, error) {
	plain, err := v.aead.Open(nil, nil, sealed, label(kind, id))
	if err != nil {
		return nil, errSealBroken
	}
	return plain, nil
}

func (v *vault) put(w store.Writer, kind store.Kind, id uint16, plain []byte) error {
	return w.Put(kind, id, v.seal(kind, id, plain))
}

func (v *vault) get(r store.Reader, kind store.Kind, id uint16) (secret.Bytes, error) {
	sealed, err := r.Get(kind, id)
	if err != nil {
		return nil, err
	}
	return v.open(kind, id, sealed)
}

// A box takes secrets from those who cannot open it: HPKE (RFC 9180) to a public
// key whose private half is sealed in a vault.

func boxKEM() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// newBox makes a box, and puts its private half into the vault.
func (v *vault) newBox(w store.Writer, id uint16) (public []byte, err error) {
	key, err := boxKEM().GenerateKey()
	if err != nil {
		return nil, err
	}
	private, err := key.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(private)
	return key.PublicKey().Bytes(), v.put(w, kindDevice, id, private)
}

// sealToBox seals a secret; the purpose binds it to its use.
func sealToBox(public []byte, purpose string, plain []byte) ([]byte, error) {
	key, err := boxKEM().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose), plain)
}

// openFromBox opens what sealToBox sealed to the box whose private half is the
// record id.
func (v *vault) openFromBox(r store.Reader, id uint16, purpose string, sealed []byte) (secret.Bytes, error) {
	private, err := v.get(r, kindDevice, id)
	if err != nil {
		return nil, err
	}
	defer private.Wipe()
	key, err := boxKEM().NewPrivateKey(private)
	if err != nil {
		return nil, err
	}
	plain, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose), sealed)
	if err != nil {
		return nil, errSealBroken
	}
	return plain, nil
}
