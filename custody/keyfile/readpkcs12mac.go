package keyfile

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"hash"

	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// id-PBMAC1, RFC 8018, appendix A.5.
var oidPBMAC1 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}

// pkcs12MAC is the MAC of a PFX over its contents.
type pkcs12MAC struct {
	work    int64 // in iterations
	content []byte
	want    []byte
	hash    func() hash.Hash
	key     func(spelling) (secret.Bytes, error)
}

// readMAC reads MacData (RFC 7292, section 4), also with PBMAC1 (RFC 9579).
func readMAC(mac cryptobyte.String, content []byte) (*pkcs12MAC, error) {
	var digest, algorithm, want, salt cryptobyte.String
	var oid asn1.ObjectIdentifier
	m := &pkcs12MAC{content: content, work: 1}
	if !mac.ReadASN1(&digest, tag.SEQUENCE) || !digest.ReadASN1(&algorithm, tag.SEQUENCE) || !digest.ReadASN1(&want, tag.OCTET_STRING) ||
		!mac.ReadASN1(&salt, tag.OCTET_STRING) || !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return nil, errMalformed
	}
	m.want = want
	if oid.Equal(oidPBMAC1) { // salt and iterations are in its parameters
		return m, m.readPBMAC1(algorithm)
	}
	if !mac.Empty() && !readIterations(&mac, &m.work) {
		return nil, errMalformed
	}
	if m.hash = macHash(oid); m.hash == nil {
		return nil, explainEncryption(oid)
	}
	m.key = func(p spelling) (secret.Bytes, error) {
		return pkcs12Derive(m.hash, 3, p, salt, int(m.work), m.hash().Size()), nil
	}
	return m, nil
}

// readPBMAC1 reads the parameters of RFC 8018, appendix A.5.
func (m *pkcs12MAC) readPBMAC1(algorithm cryptobyte.String) error {
	var parameters, kdf, mac cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !algorithm.ReadASN1(&parameters, tag.SEQUENCE) || !parameters.ReadASN1(&kdf, tag.SEQUENCE) ||
		!parameters.ReadASN1(&mac, tag.SEQUENCE) || !mac.ReadASN1ObjectIdentifier(&oid) {
		return errMalformed
	}
	if m.hash = hmacHash(oid); m.hash == nil {
		return explainEncryption(oid)
	}
	d, err := readDerivation(kdf)
	if err != nil {
		return err
	}
	if d.size < 1 || d.size > 1<<10 { // RFC 9579, section 4: it must be there
		return errMalformed
	}
	m.work = d.work
	m.key = func(p spelling) (secret.Bytes, error) { return d.derive(p.text, int(d.size)) }
	return nil
}

// macHash is one that MACs of PKCS#12 are made with; nil for another one.
func macHash(oid asn1.ObjectIdentifier) func() hash.Hash {
	return map[string]func() hash.Hash{
		"1.3.14.3.2.26": sha1.New, "2.16.840.1.101.3.4.2.4": sha256.New224, "2.16.840.1.101.3.4.2.1": sha256.New,
		"2.16.840.1.101.3.4.2.2": sha512.New384, "2.16.840.1.101.3.4.2.3": sha512.New,
	}[oid.String()]
}

func (m *pkcs12MAC) verifies(p spelling) bool {
	key, err := m.key(p)
	if err != nil {
		return false
	}
	defer key.Wipe()
	sum := hmac.New(m.hash, key)
	sum.Write(m.content)
	return hmac.Equal(sum.Sum(nil), m.want)
}
