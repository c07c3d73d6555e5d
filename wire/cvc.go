package wire

import (
	"errors"
	"fmt"
	"time"

	"conclave/tlv"
)

// Tags of a card verifiable certificate (BSI TR-03110 part 3, appendix C.1).
const (
	tagCVC         tlv.Tag = 0x7F21
	tagBody        tlv.Tag = 0x7F4E
	tagSignature   tlv.Tag = 0x5F37
	tagProfile     tlv.Tag = 0x5F29
	tagCAR         tlv.Tag = 0x42
	tagCHR         tlv.Tag = 0x5F20
	tagCHAT        tlv.Tag = 0x7F4C
	tagEffective   tlv.Tag = 0x5F25
	tagExpiration  tlv.Tag = 0x5F24
	tagAuthRequest tlv.Tag = 0x67
	tagRole        tlv.Tag = 0x53
	tagOuterCAR    tlv.Tag = 0x45
)

// First bytes of what EF CExx holds of a key's public half.
const (
	FirstOfX509    = 0x30 // an X.509 certificate
	FirstOfCVC     = 0x7F // a card verifiable certificate, 7F21
	FirstOfRequest = 0x67 // an authenticated request, as the device makes it
)

// SequenceLength is how many characters at the end of a CHR are a sequence
// number and not the holder's name.
const SequenceLength = 5

// CVC is a card verifiable certificate, or the self-signed request for one,
// which has no Role and no dates.
type CVC struct {
	CAR, CHR    string // authority and holder reference, 16 characters at most
	Key         PublicKey
	Role        []byte // the discretionary data of the CHAT: see RoleDevice; nil in a request
	Effective   time.Time
	Expiration  time.Time
	Signature   []byte
	chat        []byte // object identifier of the CHAT
	body, whole []byte
	point       []byte // of a key whose domain parameters are those of its issuer's; Key is found with them
}

// OIDs and roles of a SmartCard-HSM's own certificates, read from OpenSC and
// scsh-scripts: CardContact's arc 1.3.6.1.4.1.24991.3.1.1.
const oidCHAT = "\x2B\x06\x01\x04\x01\x81\xC3\x1F\x03\x01\x01"

// Role bytes of the CHAT.
const (
	RoleDeviceIssuer byte = 0x80
	RoleDevice       byte = 0x00
)

// buildBody encodes the certificate body 7F4E.
func (c *CVC) buildBody() ([]byte, error) {
	return new(tlv.Builder).AddNested(tagBody, func(b *tlv.Builder) {
		b.Add(tagProfile, []byte{0}).Add(tagCAR, []byte(c.CAR))
		c.Key.build(b)
		b.Add(tagCHR, []byte(c.CHR))
		if c.Role == nil {
			return
		}
		b.AddNested(tagCHAT, func(b *tlv.Builder) { b.Add(tagOID, []byte(oidCHAT)).Add(tagRole, c.Role) })
		b.Add(tagEffective, packDate(c.Effective)).Add(tagExpiration, packDate(c.Expiration))
	}).Bytes()
}

// Sign encodes the certificate or request with a signature over its body.
func (c *CVC) Sign(sign func(message []byte) ([]byte, error)) ([]byte, error) {
	body, err := c.buildBody()
	if err != nil {
		return nil, err
	}
	signature, err := sign(body)
	if err != nil {
		return nil, err
	}
	return new(tlv.Builder).AddNested(tagCVC, func(b *tlv.Builder) {
		b.AddRaw(body).Add(tagSignature, signature)
	}).Bytes()
}

// ParseCVC takes one certificate or request (7F21) off the cursor.
func ParseCVC(cursor *tlv.Cursor) (*CVC, error) {
	tag, value, whole, err := cursor.Next()
	if err == nil && tag != tagCVC {
		err = fmt.Errorf("tag %X found where 7F21 was expected", uint32(tag))
	}
	if err != nil {
		return nil, fmt.Errorf("CVC: %w", err)
	}
	c := &CVC{whole: whole}
	err = c.parse(value)
	if err == nil {
		err = c.inherit(nil)
	}
	if err != nil {
		return nil, fmt.Errorf("CVC: %w", err)
	}
	return c, nil
}

// inherit completes a key whose domain parameters are those of its issuer's
// key; nil for an unknown issuer.
func (c *CVC) inherit(issuer *PublicKey) error {
	if c.point == nil {
		return nil
	}
	if issuer == nil || issuer.Type != KeyEC {
		return fmt.Errorf("%s: its key has the domain parameters of %s, whose key is not known here", c.CHR, c.CAR)
	}
	c.Key = ECPublicKey(issuer.Curve, c.point)
	return issuer.Curve.CheckPoint(c.point)
}

func (c *CVC) parse(value []byte) error {
	cursor := tlv.Cursor(value)
	tag, body, element, err := cursor.Next()
	if err != nil {
		return err
	}
	if tag != tagBody {
		return fmt.Errorf("tag %X found where 7F4E was expected", uint32(tag))
	}
	if c.Signature, err = cursor.Take(tagSignature); err != nil {
		return err
	}
	if !cursor.Empty() {
		return errors.New("there is something after the signature")
	}
	c.body = element
	return c.parseBody(body)
}

func (c *CVC) parseBody(body []byte) error {
	seen := map[tlv.Tag]bool{}
	for cursor := tlv.Cursor(body); !cursor.Empty(); {
		tag, value, _, err := cursor.Next()
		if err == nil && seen[tag] {
			err = errors.New("it appears twice")
		}
		if err == nil {
			err = c.set(tag, value)
		}
		seen[tag] = true
		if err != nil {
			return fmt.Errorf("tag %X: %w", uint32(tag), err)
		}
	}
	if c.CHR == "" || c.Key.Type == 0 && c.point == nil {
		return errors.New("the holder reference or the public key is missing")
	}
	return nil
}

func (c *CVC) set(tag tlv.Tag, value []byte) (err error) {
	switch tag {
	case tagProfile:
		if len(value) != 1 || value[0] != 0 {
			err = errors.New("the profile identifier is not 0")
		}
	case tagCAR:
		c.CAR, err = reference(value)
	case tagCHR:
		c.CHR, err = reference(value)
	case tagPublicKey:
		if c.point = pointAlone(value); c.point == nil {
			c.Key, err = parsePublicKey(value)
		}
	case tagCHAT:
		if c.chat, err = tlv.Find(value, tagOID); err == nil {
			c.Role, err = tlv.Find(value, tagRole)
		}
	case tagEffective:
		c.Effective, err = unpackDate(value)
	case tagExpiration:
		c.Expiration, err = unpackDate(value)
	}
	return err
}

// reference checks a CAR or CHR (TR-03110 part 3, C.1.4: a country code, a name
// and five characters of sequence number). It will be shown on a terminal.
func reference(b []byte) (string, error) {
	if len(b) == 0 || len(b) > 16 {
		return "", fmt.Errorf("a reference of %d characters; 1 to 16 were expected", len(b))
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return "", fmt.Errorf("the reference %q has a character that is not printable ASCII", b)
		}
	}
	return string(b), nil
}

// Holder is the CHR without its sequence number: a device's serial number.
func (c *CVC) Holder() string { return c.CHR[:max(0, len(c.CHR)-SequenceLength)] }

// Verify checks the signature over the body under the issuer's key. A request
// is verified with its own.
func (c *CVC) Verify(issuer PublicKey) error { return issuer.Verify(c.body, c.Signature) }

// Bytes gives the certificate as it was read.
func (c *CVC) Bytes() []byte { return c.whole }

// packDate gives a date as six unpacked digits, yymmdd (TR-03110 part 3, D.2.1.3).
func packDate(t time.Time) []byte {
	digits := []byte(t.UTC().Format("060102"))
	for i := range digits {
		digits[i] -= '0'
	}
	return digits
}

func unpackDate(b []byte) (time.Time, error) {
	if len(b) != 6 {
		return time.Time{}, fmt.Errorf("a date of %d bytes; 6 were expected", len(b))
	}
	digits := make([]byte, 6)
	for i, v := range b {
		if v > 9 {
			return time.Time{}, fmt.Errorf("a date with the digit %d", v)
		}
		digits[i] = v + '0'
	}
	return time.Parse("060102", string(digits))
}

// AuthenticatedRequest is a CVC request that the device has signed too (67,
// TR-03110 part 3, C.2): what GENERATE ASYMMETRIC KEY PAIR answers, and the
// content of EF CExx until a certificate takes its place.
type AuthenticatedRequest struct {
	Request        *CVC
	OuterCAR       string // the CHR of the device
	OuterSignature []byte
	signed         []byte
}

// Authenticate encodes an authenticated request.
func Authenticate(request []byte, outerCAR string, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	signed, err := new(tlv.Builder).AddRaw(request).Add(tagCAR, []byte(outerCAR)).Bytes()
	if err != nil {
		return nil, err
	}
	signature, err := sign(signed)
	if err != nil {
		return nil, err
	}
	return new(tlv.Builder).AddNested(tagAuthRequest, func(b *tlv.Builder) {
		b.AddRaw(signed).Add(tagSignature, signature)
	}).Bytes()
}

// References of a request that no device has signed: its authority is the one that
// OpenSC and we name where there is none, and its holder no device, so that no one
// takes it for an attestation.
const (
	selfAuthority = "UTCA00001"
	selfHolder    = "UTKEYALONE00001"
)

// SelfRequest encodes an authenticated request with both signatures the key's own.
// In EF CExx it shows the public half of a key that has no certificate and was not
// made by the device. Sign signs as CVCs have it: see PublicKey.Verify.
func SelfRequest(key PublicKey, sign func(message []byte) ([]byte, error)) ([]byte, error) {
	request, err := (&CVC{CAR: selfAuthority, CHR: selfHolder, Key: key}).Sign(sign)
	if err != nil {
		return nil, err
	}
	return Authenticate(request, selfHolder, sign)
}

// ParseAuthenticatedRequest reads an authenticated request.
func ParseAuthenticatedRequest(b []byte) (*AuthenticatedRequest, error) {
	outer := tlv.Cursor(b)
	value, err := outer.Take(tagAuthRequest)
	if err != nil {
		return nil, fmt.Errorf("authenticated request: %w", err)
	}
	r := &AuthenticatedRequest{}
	c := tlv.Cursor(value)
	if r.Request, err = ParseCVC(&c); err != nil {
		return nil, fmt.Errorf("authenticated request: %w", err)
	}
	car, err := c.Take(tagCAR)
	if err != nil {
		return nil, fmt.Errorf("authenticated request: %w", err)
	}
	r.OuterCAR = string(car)
	r.signed = value[:len(value)-len(c)]
	if r.OuterSignature, err = c.Take(tagSignature); err != nil {
		return nil, fmt.Errorf("authenticated request: %w", err)
	}
	return r, nil
}

// Verify checks both signatures: the request's own, and the device's.
func (r *AuthenticatedRequest) Verify(device PublicKey) error {
	if err := r.Request.Verify(r.Request.Key); err != nil {
		return fmt.Errorf("the request's own signature: %w", err)
	}
	if err := device.Verify(r.signed, r.OuterSignature); err != nil {
		return fmt.Errorf("the device's signature: %w", err)
	}
	return nil
}

// KeyRequest is the data of GENERATE ASYMMETRIC KEY PAIR: the body of a
// request, without its template, and what the applet adds to it.
type KeyRequest struct {
	CAR, CHR string    // no CAR: that of whoever signs the request from outside
	OuterCAR string    // tag 45: in place of the signer's reference
	Key      PublicKey // without modulus or point
	KeyLimits
}

// Bytes encodes the command's data.
func (r KeyRequest) Bytes() ([]byte, error) {
	var b tlv.Builder
	b.Add(tagProfile, []byte{0})
	if r.CAR != "" {
		b.Add(tagCAR, []byte(r.CAR))
	}
	r.Key.build(&b)
	b.Add(tagCHR, []byte(r.CHR))
	if r.OuterCAR != "" {
		b.Add(tagOuterCAR, []byte(r.OuterCAR))
	}
	r.build(&b)
	return b.Bytes()
}

// ParseKeyRequest reads the command's data. Fields that it does not know give
// ErrUnknownField: they may be limits.
func ParseKeyRequest(b []byte) (KeyRequest, error) {
	var r KeyRequest
	var c CVC
	for cursor := tlv.Cursor(b); !cursor.Empty(); {
		tag, value, _, err := cursor.Next()
		if err == nil {
			err = r.set(&c, tag, value)
		}
		if err != nil {
			return r, fmt.Errorf("key request: tag %X: %w", uint32(tag), err)
		}
	}
	r.CAR, r.CHR, r.Key = c.CAR, c.CHR, c.Key
	if r.CHR == "" || r.Key.Type == 0 {
		return r, errors.New("key request: the holder reference or the public key is missing")
	}
	return r, nil
}

func (r *KeyRequest) set(c *CVC, tag tlv.Tag, value []byte) (err error) {
	switch tag {
	case tagProfile, tagCAR, tagCHR, tagPublicKey:
		return c.set(tag, value)
	case tagOuterCAR:
		r.OuterCAR, err = reference(value)
		return err
	}
	return r.KeyLimits.set(tag, value)
}
