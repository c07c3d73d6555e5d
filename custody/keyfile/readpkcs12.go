package keyfile

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"unicode/utf16"

	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// Object identifiers: PKCS#7 data and encryptedData (RFC 2315, section 14), and the
// friendlyName of PKCS#9 (RFC 2985, section 5.5.1).
var (
	oidData         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncrypted    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidFriendlyName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidShroudedKey  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
)

var errBER = errors.New("it is PKCS#12 in BER, or damaged, and DER was expected; let OpenSSL take it apart: " + convertPKCS12)

// isPKCS12 says whether a PFX begins here (RFC 7292, section 4): its version, 3, and
// then what has an object identifier first. The lengths may be those of BER.
func isPKCS12(b []byte) bool {
	skip := func(n int) []byte { return b[min(n, len(b)):] }
	if len(b) < 2 || b[0] != 0x30 {
		return false
	}
	b = skip(2 + lengthOfLength(b[1]))
	if len(b) < 5 || b[0] != 0x02 || b[1] != 1 || b[2] != 3 || b[3] != 0x30 {
		return false
	}
	b = skip(5 + lengthOfLength(b[4]))
	return len(b) > 0 && b[0] == 0x06
}

// lengthOfLength is how many bytes follow the first one of a length.
func lengthOfLength(first byte) int {
	if first > 0x80 {
		return int(first - 0x80)
	}
	return 0
}

// readPKCS12 reads a PFX: the library decrypts it, once it is seen how much work
// that is. What is encrypted twice hides that, so ctx ends the wait. The library
// wants the password as a string, a copy that cannot be wiped.
func readPKCS12(ctx context.Context, der []byte, ask Asking) (*Source, error) {
	look := pkcs12Look{}
	if !look.file(der) {
		return nil, errBER
	}
	if look.iterations > maxIterations {
		return nil, tooMuchWork(fmt.Sprintf("%d iterations", look.iterations))
	}
	password, err := ask()
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	s := &Source{Form: "PKCS#12", Encrypted: true, Label: look.name}
	certificates, err := s.decode(ctx, der, password)
	if err != nil {
		return nil, err
	}
	return s, s.keep(certificates)
}

// decode lets the library decrypt a file, and reads the key that it gives.
func (s *Source) decode(ctx context.Context, der []byte, password secret.Bytes) (certificates [][]byte, err error) {
	var private any
	var cert *x509.Certificate
	var chain []*x509.Certificate
	done := make(chan error, 1)
	text := string(password)
	go func() {
		var err error
		private, cert, chain, err = pkcs12.DecodeChain(der, text)
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, ErrPassword
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w; if there is a private key in it, let OpenSSL take it apart: %s", err, convertPKCS12)
	}
	plaintext, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	if s.Key, err = readPKCS8(cryptobyte.String(plaintext)); err != nil {
		return nil, err
	}
	certificates = append(certificates, cert.Raw)
	for _, c := range chain {
		certificates = append(certificates, c.Raw)
	}
	return certificates, nil
}

// pkcs12Look is what can be seen of a file without its password.
type pkcs12Look struct {
	iterations int64  // of all derivations together
	name       string // of the key
}

// file looks at a PFX; false if it is not one in DER.
func (l *pkcs12Look) file(der []byte) bool {
	var pfx, safe, inner, safes, mac, digest, algorithm, salt cryptobyte.String
	var version int
	var hasMAC bool
	var kind asn1.ObjectIdentifier
	input := cryptobyte.String(der)
	if !input.ReadASN1(&pfx, tag.SEQUENCE) || !input.Empty() || !pfx.ReadASN1Integer(&version) ||
		!pfx.ReadASN1(&safe, tag.SEQUENCE) || !safe.ReadASN1ObjectIdentifier(&kind) ||
		!safe.ReadASN1(&inner, tag.Tag(0).Constructed().ContextSpecific()) || !inner.ReadASN1(&inner, tag.OCTET_STRING) ||
		!inner.ReadASN1(&safes, tag.SEQUENCE) || !pfx.ReadOptionalASN1(&mac, &hasMAC, tag.SEQUENCE) {
		return false
	}
	if hasMAC {
		var n int64 = 1
		if !mac.ReadASN1(&digest, tag.SEQUENCE) || !digest.ReadASN1(&algorithm, tag.SEQUENCE) || !mac.ReadASN1(&salt, tag.OCTET_STRING) ||
			!mac.Empty() && !mac.ReadASN1Integer(&n) {
			return false
		}
		l.count(n)
		l.algorithm(algorithm)
	}
	for !safes.Empty() {
		var info cryptobyte.String
		if !safes.ReadASN1(&info, tag.SEQUENCE) || !l.contents(info) {
			return false
		}
	}
	return true
}

// contents looks at a ContentInfo (RFC 2315, section 7).
func (l *pkcs12Look) contents(info cryptobyte.String) bool {
	var content, bags, bag, encrypted, algorithm cryptobyte.String
	var kind, inner asn1.ObjectIdentifier
	var version int
	if !info.ReadASN1ObjectIdentifier(&kind) || !info.ReadASN1(&content, tag.Tag(0).Constructed().ContextSpecific()) {
		return false
	}
	if kind.Equal(oidEncrypted) {
		ok := content.ReadASN1(&content, tag.SEQUENCE) && content.ReadASN1Integer(&version) && content.ReadASN1(&encrypted, tag.SEQUENCE) &&
			encrypted.ReadASN1ObjectIdentifier(&inner) && encrypted.ReadASN1(&algorithm, tag.SEQUENCE)
		l.algorithm(algorithm)
		return ok
	}
	if !kind.Equal(oidData) {
		return true // the library refuses it in words
	}
	if !content.ReadASN1(&content, tag.OCTET_STRING) || !content.ReadASN1(&bags, tag.SEQUENCE) {
		return false
	}
	for !bags.Empty() {
		if !bags.ReadASN1(&bag, tag.SEQUENCE) || !l.bag(bag) {
			return false
		}
	}
	return true
}

// bag looks at a SafeBag (RFC 7292, section 4.2).
func (l *pkcs12Look) bag(bag cryptobyte.String) bool {
	var value, key, algorithm, attributes cryptobyte.String
	var kind asn1.ObjectIdentifier
	var hasAttributes bool
	if !bag.ReadASN1ObjectIdentifier(&kind) || !bag.ReadASN1(&value, tag.Tag(0).Constructed().ContextSpecific()) ||
		!bag.ReadOptionalASN1(&attributes, &hasAttributes, tag.SET) {
		return false
	}
	if !kind.Equal(oidShroudedKey) {
		return true
	}
	if !value.ReadASN1(&key, tag.SEQUENCE) || !key.ReadASN1(&algorithm, tag.SEQUENCE) {
		return false
	}
	l.algorithm(algorithm)
	for !attributes.Empty() {
		var attribute, set, name cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, tag.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) {
			return false
		}
		if oid.Equal(oidFriendlyName) && attribute.ReadASN1(&set, tag.SET) && set.ReadASN1(&name, tag.Tag(30)) { // BMPString
			l.name = bmpString(name)
		}
	}
	return true
}

// algorithm counts the iterations in an AlgorithmIdentifier of PKCS#12 (RFC 7292,
// appendix C), of PBES2 or of PBMAC1 (RFC 8018, appendix A).
func (l *pkcs12Look) algorithm(algorithm cryptobyte.String) {
	var oid asn1.ObjectIdentifier
	var parameters, kdf, salt cryptobyte.String
	var n int64
	if !algorithm.ReadASN1ObjectIdentifier(&oid) || !algorithm.ReadASN1(&parameters, tag.SEQUENCE) {
		return
	}
	if parameters.PeekASN1Tag(tag.SEQUENCE) && parameters.ReadASN1(&kdf, tag.SEQUENCE) {
		l.algorithm(kdf)
		return
	}
	if parameters.ReadASN1(&salt, tag.OCTET_STRING) && parameters.ReadASN1Integer(&n) {
		l.count(n)
	}
}

// count adds what stays far below where numbers end.
func (l *pkcs12Look) count(n int64) {
	if l.iterations += n; n > maxIterations || n < 0 {
		l.iterations = maxIterations + 1<<20
	}
}

// bmpString is text in UTF-16 with the high byte first.
func bmpString(b []byte) string {
	var units []uint16
	for ; len(b) > 1; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return string(utf16.Decode(units))
}
