package token

import (
	"crypto"
	_ "crypto/sha1" // as the next three: hashes of mechanisms
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"slices"

	"conclave/token/cryptoki"
)

// MechanismInfo is what is told of a mechanism (CK_MECHANISM_INFO).
type MechanismInfo struct {
	Type             cryptoki.MechanismType
	MinBits, MaxBits uint64
	Flags            cryptoki.Flags
	KeyType          cryptoki.KeyType // of its keys; Unavailable for none or several
}

// mechanism is one with the way it works.
type mechanism struct {
	MechanismInfo
	hash   crypto.Hash // of what is fed to it; 0 for none
	scheme newScheme   // nil for those that make or move keys
}

// newScheme reads a mechanism's parameter for a key, nil for digests, and gives what
// finishes an operation.
type newScheme func(m *mechanism, parameter []byte, k *object) (any, error)

// digest is the scheme of hashes; the input of the operation makes them.
type digest struct{}

func newDigest(m *mechanism, p []byte, k *object) (any, error) { return digest{}, none(p) }

// Mechanisms are those of every token.
func Mechanisms() []MechanismInfo {
	infos := make([]MechanismInfo, len(mechanisms))
	for i := range mechanisms {
		infos[i] = mechanisms[i].MechanismInfo
	}
	return infos
}

// mechanismOf finds a mechanism that can do something.
func mechanismOf(t cryptoki.MechanismType, does cryptoki.Flags) (*mechanism, error) {
	if m := mechanismsByType[t]; m != nil && m.Flags&does != 0 {
		return m, nil
	}
	return nil, cryptoki.MechanismInvalid
}

// mechanisms are all that there are, in the order in which they are told.
var mechanisms = slices.Concat(rsaMechanisms(), ecMechanisms(), hashMechanisms(), secretMechanisms())

var mechanismsByType = byType(mechanisms)

func byType(all []mechanism) map[cryptoki.MechanismType]*mechanism {
	m := make(map[cryptoki.MechanismType]*mechanism, len(all))
	for i := range all {
		m[all[i].Type] = &all[i]
	}
	return m
}

const (
	onDevice = cryptoki.MechanismHardware // pkcs11-tool --test signs with no other mechanism
	signs    = cryptoki.MechanismSign | cryptoki.MechanismVerify
	recovers = cryptoki.MechanismSignRecover | cryptoki.MechanismVerifyRecover
	encrypts = cryptoki.MechanismEncrypt | cryptoki.MechanismDecrypt
	ofCurves = cryptoki.MechanismECPrime | cryptoki.MechanismECNamed | cryptoki.MechanismECUncompressed | cryptoki.MechanismECCurveName
)

func rsaMechanisms() (rows []mechanism) {
	add := func(t cryptoki.MechanismType, flags cryptoki.Flags, hash crypto.Hash, scheme newScheme) {
		info := MechanismInfo{t, 1024, 4096, flags, cryptoki.KeyRSA} // as wire.RSASizes has them
		rows = append(rows, mechanism{info, hash, scheme})
	}
	add(cryptoki.RSAPKCSKeyPairGen, onDevice|cryptoki.MechanismGenerateKeyPair, 0, nil)
	add(cryptoki.RSAPKCS, onDevice|signs|recovers|encrypts, 0, newPKCS1)
	add(cryptoki.RSAX509, onDevice|signs|recovers|encrypts, 0, newRawRSA)
	add(cryptoki.RSAPKCSOAEP, encrypts, 0, newOAEP)
	add(cryptoki.RSAPKCSPSS, signs, 0, newPSS)
	for _, h := range hashes {
		add(h.pkcs1, signs, h.hash, newPKCS1)
		add(h.pss, signs, h.hash, newPSS)
	}
	return rows
}

func ecMechanisms() (rows []mechanism) {
	add := func(t cryptoki.MechanismType, flags cryptoki.Flags, hash crypto.Hash, scheme newScheme) {
		rows = append(rows, mechanism{MechanismInfo{t, 192, 521, flags | ofCurves, cryptoki.KeyEC}, hash, scheme})
	}
	add(cryptoki.ECKeyPairGen, onDevice|cryptoki.MechanismGenerateKeyPair, 0, nil)
	add(cryptoki.ECDH1Derive, onDevice|cryptoki.MechanismDerive, 0, nil)
	add(cryptoki.ECDH1CofactorDerive, onDevice|cryptoki.MechanismDerive, 0, nil) // the same, since all cofactors are 1
	add(cryptoki.ECDSA, onDevice|signs, 0, newECDSA)
	for _, h := range hashes {
		add(h.ecdsa, signs, h.hash, newECDSA)
	}
	return rows
}

func hashMechanisms() (rows []mechanism) {
	for _, h := range hashes {
		info := MechanismInfo{h.digest, 0, 0, cryptoki.MechanismDigest, cryptoki.KeyType(cryptoki.Unavailable)}
		rows = append(rows, mechanism{info, h.hash, newDigest})
	}
	return rows
}

// secretMechanisms are those of secret keys, which are in sessions alone. There are as
// many as the standard library makes cheap: a program that has agreed on a key can go on
// with it here.
func secretMechanisms() (rows []mechanism) {
	add := func(t cryptoki.MechanismType, least, most uint64, flags cryptoki.Flags, k cryptoki.KeyType, hash crypto.Hash, scheme newScheme) {
		rows = append(rows, mechanism{MechanismInfo{t, least, most, flags, k}, hash, scheme})
	}
	add(cryptoki.GenericSecretKeyGen, 8, 8*mostSecret, cryptoki.MechanismGenerate, cryptoki.KeyGenericSecret, 0, nil)
	for _, h := range hashes {
		add(h.hmac, 8, 8*mostSecret, signs, cryptoki.KeyGenericSecret, h.hash, newHMAC)
	}
	add(cryptoki.AESKeyGen, 16, 32, cryptoki.MechanismGenerate, cryptoki.KeyAES, 0, nil) // in bytes, as the next four
	add(cryptoki.AESECB, 16, 32, encrypts, cryptoki.KeyAES, 0, newECB)
	add(cryptoki.AESCBC, 16, 32, encrypts, cryptoki.KeyAES, 0, newCBC)
	add(cryptoki.AESCBCPad, 16, 32, encrypts, cryptoki.KeyAES, 0, newCBC)
	add(cryptoki.AESCTR, 16, 32, encrypts, cryptoki.KeyAES, 0, newCTR)
	add(cryptoki.ConclaveDKEKWrap, 256, 256, cryptoki.MechanismWrap|cryptoki.MechanismUnwrap, cryptoki.KeyAES, 0, nil)
	return rows
}

// hashNames are the numbers that PKCS#11 has for what is done with a hash.
type hashNames struct {
	hash                            crypto.Hash
	digest, hmac, pkcs1, pss, ecdsa cryptoki.MechanismType
	mgf                             cryptoki.MGF
	kdf                             cryptoki.KDF
}

var hashes = []hashNames{
	{crypto.SHA1, cryptoki.SHA1, cryptoki.SHA1HMAC, cryptoki.SHA1RSAPKCS, cryptoki.SHA1RSAPSS, cryptoki.ECDSASHA1, cryptoki.MGF1SHA1, cryptoki.KDFSHA1},
	{crypto.SHA224, cryptoki.SHA224, cryptoki.SHA224HMAC, cryptoki.SHA224RSAPKCS, cryptoki.SHA224RSAPSS, cryptoki.ECDSASHA224, cryptoki.MGF1SHA224, cryptoki.KDFSHA224},
	{crypto.SHA256, cryptoki.SHA256, cryptoki.SHA256HMAC, cryptoki.SHA256RSAPKCS, cryptoki.SHA256RSAPSS, cryptoki.ECDSASHA256, cryptoki.MGF1SHA256, cryptoki.KDFSHA256},
	{crypto.SHA384, cryptoki.SHA384, cryptoki.SHA384HMAC, cryptoki.SHA384RSAPKCS, cryptoki.SHA384RSAPSS, cryptoki.ECDSASHA384, cryptoki.MGF1SHA384, cryptoki.KDFSHA384},
	{crypto.SHA512, cryptoki.SHA512, cryptoki.SHA512HMAC, cryptoki.SHA512RSAPKCS, cryptoki.SHA512RSAPSS, cryptoki.ECDSASHA512, cryptoki.MGF1SHA512, cryptoki.KDFSHA512},
	{crypto.SHA3_224, cryptoki.SHA3224, cryptoki.SHA3224HMAC, cryptoki.SHA3224RSAPKCS, cryptoki.SHA3224RSAPSS, cryptoki.ECDSASHA3224, cryptoki.MGF1SHA3224, cryptoki.KDFSHA3224},
	{crypto.SHA3_256, cryptoki.SHA3256, cryptoki.SHA3256HMAC, cryptoki.SHA3256RSAPKCS, cryptoki.SHA3256RSAPSS, cryptoki.ECDSASHA3256, cryptoki.MGF1SHA3256, cryptoki.KDFSHA3256},
	{crypto.SHA3_384, cryptoki.SHA3384, cryptoki.SHA3384HMAC, cryptoki.SHA3384RSAPKCS, cryptoki.SHA3384RSAPSS, cryptoki.ECDSASHA3384, cryptoki.MGF1SHA3384, cryptoki.KDFSHA3384},
	{crypto.SHA3_512, cryptoki.SHA3512, cryptoki.SHA3512HMAC, cryptoki.SHA3512RSAPKCS, cryptoki.SHA3512RSAPSS, cryptoki.ECDSASHA3512, cryptoki.MGF1SHA3512, cryptoki.KDFSHA3512},
}

// hashWhere gives the hash of the first row that fits, 0 if none does.
func hashWhere(fits func(hashNames) bool) crypto.Hash {
	if i := slices.IndexFunc(hashes, fits); i >= 0 {
		return hashes[i].hash
	}
	return 0
}

func hashOfDigest(t cryptoki.MechanismType) crypto.Hash {
	return hashWhere(func(h hashNames) bool { return h.digest == t })
}

func hashOfKDF(k cryptoki.KDF) crypto.Hash {
	return hashWhere(func(h hashNames) bool { return h.kdf == k })
}

func hashOfMGF(g cryptoki.MGF) crypto.Hash {
	return hashWhere(func(h hashNames) bool { return h.mgf == g })
}
