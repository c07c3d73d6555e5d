package keyfile

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"errors"

	"filippo.io/mldsa"

	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/internal/transfer"
	"conclave/wire"
)

// MaxFile is how many bytes are read of a key file of others: a PKCS#12 with a
// long chain has a tenth of that.
const MaxFile = 256 << 10

// Source is a private key that others have made, and what its file says of it.
type Source struct {
	// Key is a *rsa.PrivateKey, *curve.PrivateKey or *mldsa.PrivateKey, whose parts were
	// found to belong together.
	Key         any
	Form        string   // of the file, in words
	Encrypted   bool     // under a password
	Label       string   // the name that the file gives the key; empty for none
	Certificate []byte   // of the key: X.509, DER; nil if the file has none
	Chain       [][]byte // the file's other certificates
}

// Asking gives the password of a file. It is asked for once, when the file turns
// out to be encrypted, and what it has given is wiped.
type Asking func() (secret.Bytes, error)

// ErrPassword is the error for a file that its password does not open.
var ErrPassword = errors.New("the password does not open it; try another one, with the keyboard's layout in mind")

// Read reads a key file of others: PEM, DER, also in base64, or JSON. It takes
//
//   - PKCS#8 (RFC 5958), in the clear or encrypted, with PBES2 (RFC 8018) or as before that;
//   - PKCS#1 (RFC 8017) and SEC 1 (RFC 5915), also as OpenSSL once encrypted them (RFC 1421);
//   - PKCS#12 (RFC 7292) of a key and its certificates;
//   - JWK (RFC 7517).
//
// Certificates beside the key are taken along. Text around PEM is passed over, and what
// mail programs and editors have done to it.
// Whatever else it finds, it names, with what to do. The work that a file can ask
// for is bounded: some seconds.
func Read(content []byte, ask Asking) (*Source, error) {
	if json := bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\xEF\xBB\xBF"))); bytes.HasPrefix(json, []byte("{")) {
		return readJWK(json)
	}
	text := transfer.PlainLines(content)
	defer clear(text)
	switch {
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return readPEM(text, ask)
	case len(content) > 0 && content[0] == 0x30:
		return readDER(content, ask)
	}
	if der, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(der) > 0 && der[0] == 0x30 {
		defer clear(der)
		return readDER(der, ask)
	}
	return nil, explainOther(content)
}

// Wipe overwrites the private key, best effort: the libraries that have read it
// may have copied it.
func (s *Source) Wipe() { wipe(s.Key) }

func wipe(key any) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		clear(key.D.Bits())
		for _, prime := range key.Primes {
			clear(prime.Bits())
		}
		*key = rsa.PrivateKey{PublicKey: key.PublicKey}
	case *curve.PrivateKey:
		key.Wipe()
	case *mldsa.PrivateKey:
		*key = mldsa.PrivateKey{}
	}
}

// keep takes certificates along: the one of the key by its public half, since
// files have them in any order.
func (s *Source) keep(certificates [][]byte) error {
	own, err := publicDER(s.Key)
	if err != nil {
		return err
	}
	for _, der := range certificates {
		if spki, err := certifiedKey(der); err == nil && s.Certificate == nil && bytes.Equal(spki, own) {
			s.Certificate = der
			continue
		}
		s.Chain = append(s.Chain, der)
	}
	return nil
}

// certifiedKey is the SubjectPublicKeyInfo of a certificate's key.
func certifiedKey(certificate []byte) ([]byte, error) {
	public, err := wire.ParseCertified(certificate)
	if err != nil {
		return nil, err
	}
	return public.SPKI()
}
