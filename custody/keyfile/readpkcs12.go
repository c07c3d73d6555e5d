package keyfile

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"conclave/internal/secret"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// Read here, and not by the library that writes it, since that takes a key with its
// certificate alone, and only those that crypto/x509 knows.

// Object identifiers: PKCS#7 (RFC 2315, section 14), the bags of PKCS#12 (RFC 7292,
// appendix D), and the friendlyName and x509Certificate of PKCS#9 (RFC 2985, section
// 5.5.1; RFC 7292, section 4.2.3).
var (
	oidData         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSigned       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEnveloped    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	oidEncrypted    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedKey  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidSafeContents = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 6}
	oidFriendlyName = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 20}
	oidX509         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
)

// What is in brackets in the syntax of PKCS#7 and PKCS#12.
const (
	explicit0 = tag.Tag(0x80 | 0x20)
	implicit0 = tag.Tag(0x80)
)

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

// readPKCS12 reads a PFX with one key. Before the password is asked for it is seen
// how much work the file asks for; what is encrypted may add to that.
func readPKCS12(der []byte, ask Asking) (*Source, error) {
	var f pkcs12File
	if err := f.read(der); err != nil {
		return nil, err
	}
	if !f.locked() {
		return f.source(spelling{})
	}
	password, err := ask()
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	var s *Source
	err = eachSpelling(password, func(p spelling) (err error) {
		s, err = f.source(p)
		return err
	})
	return s, err
}

// pkcs12File is what can be seen of a PFX without its password.
type pkcs12File struct {
	pkcs12Bags
	mac   *pkcs12MAC // nil for none
	safes []sealed   // SafeContents that are encrypted
}

// pkcs12Bags are the bags of a file that matter here, and the work that it takes to
// open what was seen of the file so far.
type pkcs12Bags struct {
	work         int64 // in iterations
	keys         []pkcs12Key
	certificates []pkcs12Certificate
}

// pkcs12Key is a private key: sealed, or a PrivateKeyInfo.
type pkcs12Key struct {
	name   string
	sealed *sealed
	plain  secret.Bytes
}

type pkcs12Certificate struct {
	name string
	der  []byte
}

// add adds to the work that a file asks for.
func (b *pkcs12Bags) add(work int64) error {
	if b.work += work; b.work > maxIterations {
		return errTooMuchWork
	}
	return nil
}

// read takes a PFX apart (RFC 7292, section 4).
func (f *pkcs12File) read(der []byte) error {
	var pfx, authSafe, content, safes, mac cryptobyte.String
	var version int
	var kind asn1.ObjectIdentifier
	var hasMAC bool
	input, err := definite(der)
	if err != nil {
		return err
	}
	if !input.ReadASN1(&pfx, tag.SEQUENCE) || !input.Empty() || !pfx.ReadASN1Integer(&version) ||
		!pfx.ReadASN1(&authSafe, tag.SEQUENCE) || !authSafe.ReadASN1ObjectIdentifier(&kind) || !authSafe.ReadASN1(&content, explicit0) ||
		!pfx.ReadOptionalASN1(&mac, &hasMAC, tag.SEQUENCE) {
		return errMalformed
	}
	if !kind.Equal(oidData) {
		return explainContent(kind)
	}
	if !content.ReadASN1(&content, tag.OCTET_STRING) {
		return errMalformed
	}
	if hasMAC {
		if f.mac, err = readMAC(mac, content); err != nil {
			return err
		}
		if err := f.add(f.mac.work); err != nil {
			return err
		}
	}
	if content, err = definite(content); err != nil || !content.ReadASN1(&safes, tag.SEQUENCE) {
		return errMalformed
	}
	for !safes.Empty() {
		var info cryptobyte.String
		if !safes.ReadASN1(&info, tag.SEQUENCE) {
			return errMalformed
		}
		if err := f.safe(info); err != nil {
			return err
		}
	}
	return nil
}

// safe reads a ContentInfo of the file.
func (f *pkcs12File) safe(info cryptobyte.String) error {
	var content, encrypted, algorithm, ciphertext cryptobyte.String
	var kind, inner asn1.ObjectIdentifier
	var version int
	if !info.ReadASN1ObjectIdentifier(&kind) || !info.ReadASN1(&content, explicit0) {
		return errMalformed
	}
	if kind.Equal(oidData) {
		if !content.ReadASN1(&content, tag.OCTET_STRING) {
			return errMalformed
		}
		return f.safeContents(content)
	}
	if !kind.Equal(oidEncrypted) {
		return explainContent(kind)
	}
	if !content.ReadASN1(&encrypted, tag.SEQUENCE) || !encrypted.ReadASN1Integer(&version) || !encrypted.ReadASN1(&encrypted, tag.SEQUENCE) ||
		!encrypted.ReadASN1ObjectIdentifier(&inner) || !encrypted.ReadASN1(&algorithm, tag.SEQUENCE) || !readImplicit(&encrypted, &ciphertext) {
		return errMalformed
	}
	e, err := readEncryption(algorithm)
	if err != nil {
		return err
	}
	f.safes = append(f.safes, sealed{e, ciphertext})
	return f.add(e.work)
}

// readImplicit reads the encrypted content, in one piece or, in BER, in several.
func readImplicit(s, content *cryptobyte.String) bool {
	if !s.PeekASN1Tag(explicit0) {
		return s.ReadASN1(content, implicit0)
	}
	ok := s.ReadASN1(content, explicit0)
	if ok {
		*content, ok = joined(*content)
	}
	return ok
}

// maxNesting is how deep SafeContents may lie in one another; nobody nests them.
const maxNesting = 4

// safeContents reads the SafeContents of a ContentInfo.
func (b *pkcs12Bags) safeContents(ber []byte) error {
	der, err := definite(ber)
	if err != nil {
		return err
	}
	defer clear(der)
	return b.contents(der, 0)
}

// contents reads SafeContents (RFC 7292, section 4.2).
func (b *pkcs12Bags) contents(contents cryptobyte.String, depth int) error {
	var bags, bag, value, attributes cryptobyte.String
	var kind asn1.ObjectIdentifier
	var hasAttributes bool
	if depth > maxNesting || !contents.ReadASN1(&bags, tag.SEQUENCE) || !contents.Empty() {
		return errMalformed
	}
	for !bags.Empty() {
		if !bags.ReadASN1(&bag, tag.SEQUENCE) || !bag.ReadASN1ObjectIdentifier(&kind) || !bag.ReadASN1(&value, explicit0) ||
			!bag.ReadOptionalASN1(&attributes, &hasAttributes, tag.SET) {
			return errMalformed
		}
		if err := b.bag(kind, value, friendlyName(attributes), depth); err != nil {
			return err
		}
	}
	return nil
}

// bag takes what is in a bag; bags of other kinds, such as CRLs, are passed over.
func (b *pkcs12Bags) bag(kind asn1.ObjectIdentifier, value cryptobyte.String, name string, depth int) error {
	switch {
	case kind.Equal(oidKeyBag):
		b.keys = append(b.keys, pkcs12Key{name: name, plain: secret.Bytes(slices.Clone(value))})
	case kind.Equal(oidShroudedKey):
		s, err := readSealed(slices.Clone(value))
		if err != nil {
			return err
		}
		b.keys = append(b.keys, pkcs12Key{name: name, sealed: &s})
		return b.add(s.work)
	case kind.Equal(oidCertBag):
		var body, der cryptobyte.String
		var form asn1.ObjectIdentifier
		if !value.ReadASN1(&body, tag.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&form) || !body.ReadASN1(&der, explicit0) || !der.ReadASN1(&der, tag.OCTET_STRING) {
			return errMalformed
		}
		if form.Equal(oidX509) {
			b.certificates = append(b.certificates, pkcs12Certificate{name, slices.Clone(der)})
		}
	case kind.Equal(oidSafeContents):
		return b.contents(value, depth+1)
	}
	return nil
}

// friendlyName is the name that attributes give; empty for none.
func friendlyName(attributes cryptobyte.String) string {
	for !attributes.Empty() {
		var attribute, values, name cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, tag.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) {
			return ""
		}
		if oid.Equal(oidFriendlyName) && attribute.ReadASN1(&values, tag.SET) && values.ReadASN1(&name, tag.Tag(30)) { // BMPString
			return bmpString(name)
		}
	}
	return ""
}

// locked says whether anything needs the password.
func (f *pkcs12File) locked() bool {
	return f.mac != nil || len(f.safes) > 0 || slices.ContainsFunc(f.keys, func(k pkcs12Key) bool { return k.sealed != nil })
}

// source opens the file, which must have one key.
func (f *pkcs12File) source(p spelling) (*Source, error) {
	if f.mac != nil && !f.mac.verifies(p) {
		return nil, ErrPassword
	}
	b := pkcs12Bags{f.work, slices.Clone(f.keys), slices.Clone(f.certificates)}
	for _, safe := range f.safes {
		plaintext, err := safe.open(p)
		if err != nil {
			return nil, err
		}
		err = b.safeContents(plaintext)
		plaintext.Wipe()
		if errors.Is(err, errMalformed) && f.mac == nil { // as good padding is left by one wrong password in 256
			err = ErrPassword
		}
		if err != nil {
			return nil, err
		}
	}
	if err := b.checkOne(); err != nil {
		return nil, err
	}
	s := &Source{Form: "PKCS#12", Label: b.keys[0].name, Encrypted: b.keys[0].sealed != nil || len(f.keys) == 0}
	var err error
	if s.Key, err = b.keys[0].open(p); err != nil {
		return nil, err
	}
	return s, s.keepNamed(b.certificates)
}

// open reads the key.
func (k pkcs12Key) open(p spelling) (any, error) {
	if k.sealed != nil {
		return k.sealed.key(p)
	}
	defer k.plain.Wipe()
	return readPKCS8(cryptobyte.String(k.plain))
}

// checkOne refuses a file with another number of keys than one.
func (b *pkcs12Bags) checkOne() error {
	switch len(b.keys) {
	case 0:
		return fmt.Errorf("it holds no private key, but %d certificates; have it exported once more, with the private key, or name the file that has that", len(b.certificates))
	case 1:
		return nil
	}
	var names []string
	for _, k := range b.keys {
		names = append(names, fmt.Sprintf("%.40q", k.name))
	}
	return fmt.Errorf("it holds %d private keys, named %s; one was expected: let OpenSSL take it apart: %s; then put each into a file of its own, with an editor, and import them one by one",
		len(b.keys), strings.Join(names, ", "), convertPKCS12)
}

// keepNamed takes certificates along. That of the key may give it a better name:
// Windows names keys by numbers, and certificates in words.
func (s *Source) keepNamed(certificates []pkcs12Certificate) error {
	var all [][]byte
	for _, c := range certificates {
		all = append(all, c.der)
	}
	err := s.keep(all)
	for _, c := range certificates {
		if c.name != "" && bytes.Equal(c.der, s.Certificate) {
			s.Label = c.name
		}
	}
	return err
}

// explainContent says what protects a file where that is no password.
func explainContent(kind asn1.ObjectIdentifier) error {
	switch {
	case kind.Equal(oidSigned):
		return errors.New("it is PKCS#12 that is signed with a key, and not protected by a password; have it exported with a password")
	case kind.Equal(oidEnveloped):
		return errors.New("it is PKCS#12 that is encrypted for the holder of another key, and not under a password; have it exported with a password")
	}
	return fmt.Errorf("it is PKCS#12 with contents of a kind that is not known here, %.60s", kind)
}

// bmpString is text in UTF-16 with the high byte first.
func bmpString(b []byte) string {
	var units []uint16
	for ; len(b) > 1; b = b[2:] {
		units = append(units, uint16(b[0])<<8|uint16(b[1]))
	}
	return string(utf16.Decode(units))
}
