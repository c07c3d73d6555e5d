package wire

import (
	"errors"

	"filippo.io/mldsa"
	"filippo.io/mldsa/x509"

	"conclave/internal/fips204"
	"conclave/tlv"
)

// ML-DSA (FIPS 204) is an extension: no SmartCard-HSM has such keys. Its object identifiers
// are the NIST's, and stand in a public key data object where BSI's stand for other keys.

// MLDSATemplate asks for an ML-DSA key.
func MLDSATemplate(p mldsa.Parameters) PublicKey { return PublicKey{Type: KeyMLDSA, Parameters: p} }

// MLDSAPublicKey is the data object for an ML-DSA key.
func MLDSAPublicKey(k *mldsa.PublicKey) PublicKey {
	return PublicKey{Type: KeyMLDSA, Parameters: k.Parameters(), Encoded: k.Bytes()}
}

// MLDSA gives an ML-DSA key as its library has it.
func (k PublicKey) MLDSA() (*mldsa.PublicKey, error) {
	if k.Type != KeyMLDSA {
		return nil, errors.New("not a key for ML-DSA")
	}
	return mldsa.NewPublicKey(k.Parameters, k.Encoded)
}

func (k PublicKey) buildMLDSA(b *tlv.Builder) {
	b.Add(tagOID, fips204.Of(k.Parameters).Contents())
	if k.Encoded != nil {
		b.Add(tagPoint, k.Encoded)
	}
}

func parseMLDSA(p mldsa.Parameters, b []byte) (PublicKey, error) {
	encoded, err := tlv.Find(b, tagPoint)
	if errors.Is(err, tlv.ErrAbsent) {
		return MLDSATemplate(p), nil
	}
	if err != nil {
		return PublicKey{}, err
	}
	public, err := mldsa.NewPublicKey(p, encoded)
	if err != nil {
		return PublicKey{}, err
	}
	return MLDSAPublicKey(public), nil
}

func (k PublicKey) verifyMLDSA(message, signature []byte) error {
	public, err := k.MLDSA()
	if err != nil {
		return err
	}
	return mldsa.Verify(public, message, signature, nil)
}

func (k PublicKey) mldsaSPKI() ([]byte, error) {
	public, err := k.MLDSA()
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(public)
}
