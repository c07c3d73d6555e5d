package keyfile

import (
	"crypto/subtle"
	"errors"
	"fmt"

	"filippo.io/mldsa"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"

	"conclave/internal/fips204"
	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// An ML-DSA key is a seed, and what is computed of it: the expanded key (FIPS 204,
// algorithms 1 and 6). Devices and blobs have the seed; other software may keep the
// expanded key alone, from which no one can tell the seed.

// schemes compute expanded keys, which the library that signs keeps to itself.
func schemes() map[mldsa.Parameters]sign.Scheme {
	return map[mldsa.Parameters]sign.Scheme{
		mldsa.MLDSA44(): mldsa44.Scheme(), mldsa.MLDSA65(): mldsa65.Scheme(), mldsa.MLDSA87(): mldsa87.Scheme(),
	}
}

// Expanded is an ML-DSA key that is written with the expanded key beside its seed
// (RFC 9881, section 6), for software that does not expand seeds.
type Expanded struct{ *mldsa.PrivateKey }

// pkcs8 returns the DER PrivateKeyInfo with both.
func (key Expanded) pkcs8() (secret.Bytes, error) {
	expanded, err := expand(key.PrivateKey)
	if err != nil {
		return nil, err
	}
	defer expanded.Wipe()
	return marshalMLDSA(key.PrivateKey, func(b *cryptobyte.Builder) {
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(key.Bytes())
			b.AddASN1OctetString(expanded)
		})
	})
}

// seedPKCS8 returns the DER PrivateKeyInfo of an ML-DSA key with its seed alone.
func seedPKCS8(key *mldsa.PrivateKey) (secret.Bytes, error) {
	return marshalMLDSA(key, func(b *cryptobyte.Builder) {
		b.AddASN1(implicit0, func(b *cryptobyte.Builder) { b.AddBytes(key.Bytes()) })
	})
}

func marshalMLDSA(key *mldsa.PrivateKey, form cryptobyte.BuilderContinuation) (secret.Bytes, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addAlgorithm(b, fips204.Of(key.PublicKey().Parameters()).OID, func(*cryptobyte.Builder) {})
		b.AddASN1(tag.OCTET_STRING, form)
	})
	return b.Bytes()
}

// expand computes the expanded key.
func expand(key *mldsa.PrivateKey) (secret.Bytes, error) {
	public, private := schemes()[key.PublicKey().Parameters()].DeriveKey(key.Bytes())
	encoded, err := public.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if again, err := mldsa.NewPublicKey(key.PublicKey().Parameters(), encoded); err != nil || !key.PublicKey().Equal(again) {
		return nil, errors.New("two libraries make different keys of one seed; this is a fault of one of them, or of the computer")
	}
	return private.MarshalBinary()
}

// readMLDSA reads an ML-DSA-PrivateKey (RFC 9881, section 6): the seed, the expanded
// key, or both.
func readMLDSA(p mldsa.Parameters, der cryptobyte.String) (any, error) {
	var seed, expanded, both cryptobyte.String
	whole := false
	switch {
	case der.PeekASN1Tag(implicit0):
		whole = der.ReadASN1(&seed, implicit0)
	case der.PeekASN1Tag(tag.OCTET_STRING):
		return nil, explainExpanded(p)
	case der.ReadASN1(&both, tag.SEQUENCE):
		whole = both.ReadASN1(&seed, tag.OCTET_STRING) && both.ReadASN1(&expanded, tag.OCTET_STRING) && both.Empty()
	}
	if !whole || !der.Empty() || len(seed) != mldsa.PrivateKeySize {
		return nil, errMalformed
	}
	key, err := mldsa.NewPrivateKey(p, seed)
	if err != nil || expanded == nil {
		return key, err
	}
	own, err := expand(key)
	if err != nil {
		return nil, err
	}
	defer own.Wipe()
	if subtle.ConstantTimeCompare(own, expanded) == 0 {
		return nil, fmt.Errorf("%s key: its expanded key is not that of its seed; the file is damaged, or was tampered with: take another copy", p)
	}
	return key, nil
}

// explainExpanded says what to do with a key without a seed.
func explainExpanded(p mldsa.Parameters) error {
	return fmt.Errorf("it is an %s key in expanded form alone, without the seed that devices take, which cannot be computed from that; look for the file that has the seed, or have the software that made the key write it with: %s", p, convertSeed)
}
