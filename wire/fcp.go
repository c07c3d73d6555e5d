package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"conclave/tlv"
)

// Tags of a file control parameter template (ISO 7816-4 section 7.4.3).
const (
	tagFCI         tlv.Tag = 0x6F
	tagFCP         tlv.Tag = 0x62
	tagDataSize    tlv.Tag = 0x80 // without structural information
	tagFileSize    tlv.Tag = 0x81 // with
	tagDescriptor  tlv.Tag = 0x82
	tagFID         tlv.Tag = 0x83
	tagProprietary tlv.Tag = 0x85
	tagKeyLimits   tlv.Tag = 0xA5 // proprietary too
)

// Version is the applet's version.
type Version struct{ Major, Minor byte }

// String gives e.g. "3.5".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Template is the tag of what SELECT answers: an FCP where P2 asks for one,
// else an FCI (ISO 7816-4 section 7.4). sc-hsm-embedded asks for the one and
// looks for its tag, OpenSC asks for the other and takes both.
type Template tlv.Tag

// The templates.
const (
	FCI = Template(tagFCI)
	FCP = Template(tagFCP)
)

// AppletFCP is what SELECT of the applet returns: options, FF for a device
// without a name of its own, and the version (observed with OpenSC 0.23 and
// 0.27: sc-hsm-tool needs tag 85, and shows its last two bytes).
func AppletFCP(template Template, options Options, v Version) ([]byte, error) {
	proprietary := append(binary.BigEndian.AppendUint16(nil, uint16(options)), 0xFF, v.Major, v.Minor)
	return new(tlv.Builder).AddNested(tlv.Tag(template), func(b *tlv.Builder) {
		b.Add(tagProprietary, proprietary)
	}).Bytes()
}

// FileFCP is what SELECT of a transparent EF returns. The size must be the real
// one: OpenSC 0.27 copies no more than that into a wrap file.
func FileFCP(template Template, fid FID, size int) ([]byte, error) {
	return new(tlv.Builder).AddNested(tlv.Tag(template), func(b *tlv.Builder) { buildFile(b, fid, size) }).Bytes()
}

func buildFile(b *tlv.Builder, fid FID, size int) {
	b.Add(tagFileSize, binary.BigEndian.AppendUint16(nil, uint16(size)))
	b.Add(tagDescriptor, []byte{0x01})
	b.Add(tagFID, binary.BigEndian.AppendUint16(nil, uint16(fid)))
}

// KeyFCP is what SELECT of a key returns: that of an EF of no size, and what limits the
// key's use (pico-hsm, src/hsm/sc_hsm.c, hsm_key_append_fci_metadata).
func KeyFCP(template Template, fid FID, limits KeyLimits) ([]byte, error) {
	return new(tlv.Builder).AddNested(tlv.Tag(template), func(b *tlv.Builder) {
		buildFile(b, fid, 0)
		b.AddNested(tagKeyLimits, limits.build)
	}).Bytes()
}

// ParseKeyLimits reads what SELECT of a key tells of its limits; none if it tells nothing.
func ParseKeyLimits(b []byte) (limits KeyLimits, err error) {
	fields, err := fcpField(b, tagKeyLimits)
	if errors.Is(err, tlv.ErrAbsent) {
		return limits, nil
	}
	for c := tlv.Cursor(fields); err == nil && !c.Empty(); {
		var tag tlv.Tag
		var value []byte
		if tag, value, _, err = c.Next(); err != nil {
			return KeyLimits{}, fmt.Errorf("FCP of a key: %w", err)
		}
		if err = limits.set(tag, value); errors.Is(err, ErrUnknownField) {
			err = nil
		}
	}
	return limits, err
}

// ParseAppletFCP reads the options and the version that the applet reports.
func ParseAppletFCP(b []byte) (Options, Version, error) {
	proprietary, err := fcpField(b, tagProprietary)
	if err != nil {
		return 0, Version{}, err
	}
	n := len(proprietary)
	switch {
	case n < 2:
		return 0, Version{}, fmt.Errorf("FCP: tag 85 has %d bytes; options and version were expected", n)
	case n < 4: // the first devices, of version 1, have no options (OpenSC, issue 2432)
		return 0, Version{proprietary[n-2], proprietary[n-1]}, nil
	}
	options := Options(proprietary[n-4])
	if n > 4 {
		options |= Options(proprietary[n-5]) << 8
	}
	return options, Version{proprietary[n-2], proprietary[n-1]}, nil
}

// ParseFileSize reads the size of a transparent EF.
func ParseFileSize(b []byte) (int, error) {
	size, err := fcpField(b, tagFileSize)
	if errors.Is(err, tlv.ErrAbsent) {
		size, err = fcpField(b, tagDataSize)
	}
	if err != nil {
		return 0, err
	}
	if len(size) != 2 {
		return 0, fmt.Errorf("FCP: the file size has %d bytes, 2 were expected", len(size))
	}
	return int(binary.BigEndian.Uint16(size)), nil
}

func fcpField(b []byte, tag tlv.Tag) ([]byte, error) {
	c := tlv.Cursor(b)
	outer, inner, _, err := c.Next()
	if err != nil {
		return nil, fmt.Errorf("FCP: %w", err)
	}
	if outer != tagFCP && outer != tagFCI {
		return nil, fmt.Errorf("FCP: tag %X found where 6F or 62 was expected", uint32(outer))
	}
	value, err := tlv.Find(inner, tag)
	if err != nil {
		return nil, fmt.Errorf("FCP: %w", err)
	}
	return value, nil
}
