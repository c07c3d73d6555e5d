package card

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"

	"filippo.io/mldsa"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/wire"
)

// private is a private or secret key that is ready to use. Each family of keys has a
// type of its own, in the file of its name.
type private interface {
	// material is the key as package dkek takes it.
	material() any
	// public is the key's other half; empty for a secret key.
	public() wire.PublicKey
	// planSign and planDecipher prepare an operation, or refuse what the key cannot do.
	planSign(wire.Algorithm, []byte) (operation, error)
	planDecipher(wire.Algorithm, []byte) (operation, error)
	// cvcAlgorithm is what signing a CVC means to the key's list and counter.
	cvcAlgorithm() (wire.Algorithm, error)
	// signCVC signs as the key's OID in a CVC says.
	signCVC(message []byte) ([]byte, error)
	wipe()
}

// operation is what a key was asked for, checked and not done yet.
type operation func() ([]byte, error)

// openPrivate makes the key of a record ready to use.
func openPrivate(r keyRecord, engine keyop.Engine) (private, error) {
	switch {
	case r.RSA != nil:
		return openRSA(r, engine)
	case r.EC != nil:
		return openEC(r, engine)
	case r.AES != nil:
		return aesKey{r.AES}, nil
	case r.MLDSA != nil:
		return openMLDSA(r)
	}
	return nil, apdu.FunctionNotSupported // a later version has written it
}

// planGenerate prepares the making of a key, or refuses what no key can be made from.
func planGenerate(template wire.PublicKey, engine keyop.Engine) (func() (keyRecord, error), error) {
	switch template.Type {
	case wire.KeyRSA:
		return planRSA(template, engine)
	case wire.KeyEC:
		return func() (keyRecord, error) { return generateEC(template.Curve) }, nil
	case wire.KeyMLDSA:
		return func() (keyRecord, error) { return generateMLDSA(template.Parameters) }, nil
	}
	return nil, apdu.WrongData
}

// recordOf is the record of a key as package dkek gives it, of which no other use is made.
func recordOf(material any) (keyRecord, error) {
	switch k := material.(type) {
	case *rsa.PrivateKey:
		return rsaRecord(k), nil
	case *curve.PrivateKey:
		return ecRecord(k), nil
	case dkek.AESKey:
		return keyRecord{AES: k}, nil
	case *mldsa.PrivateKey:
		defer mldsaKey{k}.wipe()
		return mldsaRecord(k), nil
	}
	return keyRecord{}, apdu.FunctionNotSupported
}

// hashed is what is signed: the data, or its hash where the card makes that.
func hashed(a wire.Algorithm, data []byte) []byte {
	switch a.Hash() {
	case 0:
		return data
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

// scheme is the algorithm without its hash.
func scheme(a wire.Algorithm) wire.Algorithm { return a & 0xF0 }
