package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"conclave/internal/secret"
	"conclave/tlv"
)

// Tags of INITIALIZE DEVICE.
const (
	tagOptions    tlv.Tag = 0x80
	tagUserPIN    tlv.Tag = 0x81
	tagSOPIN      tlv.Tag = 0x82
	tagRetries    tlv.Tag = 0x91
	tagDKEKShares tlv.Tag = 0x92
	tagPublicKeys tlv.Tag = 0x93
	tagBiometric1 tlv.Tag = 0x95
	tagBiometric2 tlv.Tag = 0x96
)

// NoDKEK as the number of shares initialises a device that cannot wrap keys.
const NoDKEK = -1

// Initialization is the data of INITIALIZE DEVICE.
type Initialization struct {
	Options Options
	UserPIN secret.Bytes // 6 to 16 bytes
	SOPIN   secret.Bytes // 8 bytes: the current one, if the device has one
	Retries int          // of the user PIN
	// DKEKShares is how many shares make the DKEK: 0 for a random one that
	// never leaves the device, NoDKEK for none.
	DKEKShares int
	// PublicKeys lets custodians log in with keys of their own; nil for the
	// PIN.
	PublicKeys *PublicKeyScheme
	// Biometrics are the AIDs of the servers of two templates; nil for none.
	Biometrics [2][]byte
}

// UsualInitialization is what sc-hsm-tool sends by itself: the SO-PIN can help
// whoever has blocked the user PIN, which would else cost the keys, and the user
// PIN has three tries, the most that one of any length may have.
func UsualInitialization(userPIN, soPIN secret.Bytes, shares int) Initialization {
	return Initialization{Options: OptionResetRetryCounter, UserPIN: userPIN, SOPIN: soPIN, Retries: 3, DKEKShares: shares}
}

// PublicKeyScheme is how many public keys are registered, and how many of them
// make a login: 1 to 90 each.
type PublicKeyScheme struct{ Total, Required int }

// Bytes encodes the command's data.
func (i Initialization) Bytes() ([]byte, error) {
	var b tlv.Builder
	b.Add(tagOptions, binary.BigEndian.AppendUint16(nil, uint16(i.Options)))
	b.Add(tagUserPIN, i.UserPIN)
	b.Add(tagSOPIN, i.SOPIN)
	b.Add(tagRetries, []byte{byte(i.Retries)})
	if i.DKEKShares != NoDKEK {
		b.Add(tagDKEKShares, []byte{byte(i.DKEKShares)})
	}
	if k := i.PublicKeys; k != nil {
		b.Add(tagPublicKeys, []byte{byte(k.Total), byte(k.Required)})
	}
	for n, tag := range []tlv.Tag{tagBiometric1, tagBiometric2} {
		if i.Biometrics[n] != nil {
			b.Add(tag, i.Biometrics[n])
		}
	}
	return b.Bytes()
}

// ErrUnknownField is the error for a field that this grammar does not have,
// such as the key domains of INITIALIZE DEVICE (97).
var ErrUnknownField = errors.New("unknown field")

// ParseInitialization reads the command's data. A missing option field means
// no option, a missing retry counter 3.
func ParseInitialization(b []byte) (Initialization, error) {
	i := Initialization{Retries: 3, DKEKShares: NoDKEK}
	for c := tlv.Cursor(b); !c.Empty(); {
		tag, value, _, err := c.Next()
		if err != nil {
			return i, fmt.Errorf("INITIALIZE DEVICE: %w", err)
		}
		if err := i.set(tag, value); err != nil {
			return i, fmt.Errorf("INITIALIZE DEVICE: tag %X: %w", uint32(tag), err)
		}
	}
	return i, nil
}

func (i *Initialization) set(tag tlv.Tag, value []byte) error {
	switch tag {
	case tagUserPIN:
		i.UserPIN = secret.Bytes(value)
		return nil
	case tagSOPIN:
		i.SOPIN = secret.Bytes(value)
		return nil
	case tagBiometric1, tagBiometric2:
		i.Biometrics[tag-tagBiometric1] = value
		return nil
	}
	return i.setNumber(tag, value)
}

func (i *Initialization) setNumber(tag tlv.Tag, value []byte) error {
	length, known := map[tlv.Tag]int{tagOptions: 2, tagRetries: 1, tagDKEKShares: 1, tagPublicKeys: 2}[tag]
	if !known {
		return ErrUnknownField
	}
	if len(value) != length {
		return fmt.Errorf("%d bytes where %d were expected", len(value), length)
	}
	switch tag {
	case tagOptions:
		i.Options = Options(binary.BigEndian.Uint16(value))
	case tagRetries:
		i.Retries = int(value[0])
	case tagDKEKShares:
		i.DKEKShares = int(value[0])
	case tagPublicKeys:
		i.PublicKeys = &PublicKeyScheme{int(value[0]), int(value[1])}
	}
	return nil
}

// Tags of READ BINARY and UPDATE BINARY with odd instruction bytes
// (ISO 7816-4 section 11.2.2).
const (
	tagOffset tlv.Tag = 0x54
	tagData   tlv.Tag = 0x53
)

// ReadAt is the data of READ BINARY.
func ReadAt(offset int) ([]byte, error) {
	return new(tlv.Builder).Add(tagOffset, binary.BigEndian.AppendUint16(nil, uint16(offset))).Bytes()
}

// UpdateAt is the data of UPDATE BINARY.
func UpdateAt(offset int, data []byte) ([]byte, error) {
	return new(tlv.Builder).
		Add(tagOffset, binary.BigEndian.AppendUint16(nil, uint16(offset))).
		Add(tagData, data).Bytes()
}

// ParseReadAt reads the offset of READ BINARY.
func ParseReadAt(b []byte) (offset int, err error) {
	c := tlv.Cursor(b)
	if offset, err = takeOffset(&c); err == nil && !c.Empty() {
		err = errors.New("data after the offset")
	}
	return offset, err
}

// ParseUpdateAt reads the data of UPDATE BINARY.
func ParseUpdateAt(b []byte) (offset int, data []byte, err error) {
	c := tlv.Cursor(b)
	if offset, err = takeOffset(&c); err != nil {
		return 0, nil, err
	}
	if data, err = c.Take(tagData); err == nil && !c.Empty() {
		err = errors.New("data after the data object 53")
	}
	return offset, data, err
}

func takeOffset(c *tlv.Cursor) (int, error) {
	value, err := c.Take(tagOffset)
	if err != nil {
		return 0, err
	}
	if len(value) == 0 || len(value) > 2 {
		return 0, fmt.Errorf("an offset of %d bytes; 1 or 2 were expected", len(value))
	}
	offset := 0
	for _, v := range value {
		offset = offset<<8 | int(v)
	}
	return offset, nil
}

// DKEKStatus is the answer to MANAGE DKEK.
type DKEKStatus struct {
	Shares      int // that make the DKEK; 0 for a random one
	Outstanding int // still to be imported
	KCV         [8]byte
}

// Hidden says that the DKEK is complete, and that its KCV is not shown:
// pico-hsm shows it after a login.
func (s DKEKStatus) Hidden() bool { return s.Outstanding == 0 && s.KCV == [8]byte{} }

// Bytes encodes the answer.
func (s DKEKStatus) Bytes() []byte {
	return append([]byte{byte(s.Shares), byte(s.Outstanding)}, s.KCV[:]...)
}

// ParseDKEKStatus reads the answer. A device with key domains appends an
// identifier, which is not read.
func ParseDKEKStatus(b []byte) (DKEKStatus, error) {
	if len(b) < 10 {
		return DKEKStatus{}, fmt.Errorf("DKEK status of %d bytes; at least 10 were expected", len(b))
	}
	return DKEKStatus{int(b[0]), int(b[1]), [8]byte(b[2:10])}, nil
}

// PublicKeyStatus is the answer to MANAGE PUBLIC KEY AUTHENTICATION: how many keys of
// custodians there are.
type PublicKeyStatus struct {
	Total    int // that can log in
	Missing  int // of those, not registered yet
	Required int // that must log in
	LoggedIn int
}

// ParsePublicKeyStatus reads the answer.
func ParsePublicKeyStatus(b []byte) (PublicKeyStatus, error) {
	if len(b) < 4 {
		return PublicKeyStatus{}, fmt.Errorf("status of public keys of %d bytes; 4 were expected", len(b))
	}
	return PublicKeyStatus{int(b[0]), int(b[1]), int(b[2]), int(b[3])}, nil
}
