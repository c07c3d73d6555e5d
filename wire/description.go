package wire

import (
	"encoding/binary"
	"fmt"

	"conclave/tlv"
)

// CD is a PKCS#15 certificate description, the content of EF C8xx, of a certificate
// that belongs to no key.
type CD struct {
	Label string
	ID    []byte // CKA_ID
	File  FID    // the certificate
}

// Bytes encodes the description as OpenSC does.
func (d CD) Bytes() ([]byte, error) {
	return new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) {
		b.AddNested(tagSequence, func(b *tlv.Builder) { addCommon(b, d.Label, false) })
		b.AddNested(tagSequence, func(b *tlv.Builder) { b.Add(tagOctetString, d.ID) })
		b.AddNested(tagTypeAttrs, func(b *tlv.Builder) {
			b.AddNested(tagSequence, func(b *tlv.Builder) {
				b.AddNested(tagSequence, func(b *tlv.Builder) { addPath(b, d.File) })
			})
		})
	}).Bytes()
}

// ParseCD reads label and ID of a certificate description, whose tag is 30 for an X.509
// certificate, and A5 for a CVC (sc-hsm-embedded, src/common/pkcs15.h). What else it
// says is skipped.
func ParseCD(b []byte) (d CD, err error) {
	outer := tlv.Cursor(b)
	tag, body, _, err := outer.Next()
	if err == nil && tag != tagSequence && tag != tagOtherCertificate && tag != tagCVCertificate {
		err = fmt.Errorf("tag %X; 30 was expected", uint32(tag))
	}
	if err != nil {
		return d, fmt.Errorf("certificate description: %w", err)
	}
	common, class, rest := attributes(body)
	label, _ := tlv.Find(common, tagUTF8String)
	d.Label = string(label)
	d.ID, _ = tlv.Find(class, tagOctetString)
	d.File = path(rest)
	return d, nil
}

// DCOD is a PKCS#15 data object description, the content of EF C9xx.
type DCOD struct {
	Label       string
	Application string
	ObjectID    []byte // contents octets of an OBJECT IDENTIFIER
	File        FID    // the data
}

// Bytes encodes the description as OpenSC does. Data in EF CDxx is private.
func (d DCOD) Bytes() ([]byte, error) {
	return new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) {
		b.AddNested(tagSequence, func(b *tlv.Builder) {
			addCommon(b, d.Label, d.File.Prefix() == PrefixProtectedData)
		})
		b.AddNested(tagSequence, func(b *tlv.Builder) {
			if d.Application != "" {
				b.Add(tagUTF8String, []byte(d.Application))
			}
			if len(d.ObjectID) > 0 {
				b.Add(tagOID, d.ObjectID)
			}
		})
		b.AddNested(tagTypeAttrs, func(b *tlv.Builder) {
			b.AddNested(tagSequence, func(b *tlv.Builder) { addPath(b, d.File) })
		})
	}).Bytes()
}

// ParseDCOD reads a data object description. What it does not say is empty.
func ParseDCOD(b []byte) (d DCOD, err error) {
	outer := tlv.Cursor(b)
	body, err := outer.Take(tagSequence)
	if err != nil {
		return d, fmt.Errorf("data object description: %w", err)
	}
	common, class, rest := attributes(body)
	label, _ := tlv.Find(common, tagUTF8String)
	application, _ := tlv.Find(class, tagUTF8String)
	d.Label, d.Application = string(label), string(application)
	d.ObjectID, _ = tlv.Find(class, tagOID)
	d.File = path(rest)
	return d, nil
}

// Tags of descriptions of certificates that are not X.509 (PKCS#15 v1.1 section 6.6.1).
const (
	tagOtherCertificate tlv.Tag = 0xA0
	tagCVCertificate    tlv.Tag = 0xA5
)

// addCommon adds the common object attributes.
func addCommon(b *tlv.Builder, label string, private bool) {
	if label != "" {
		b.Add(tagUTF8String, []byte(label))
	}
	if private {
		b.Add(tagBitString, []byte{0x06, 0xC0})
		b.Add(tagOctetString, []byte{0x01}) // authId: the user PIN
		return
	}
	b.Add(tagBitString, []byte{0x06, 0x40}) // modifiable
}

func addPath(b *tlv.Builder, f FID) {
	b.Add(tagOctetString, binary.BigEndian.AppendUint16(nil, uint16(f)))
}

// attributes takes a PKCS#15 object apart: common and class attributes, and what
// follows. What is not there is empty.
func attributes(body []byte) (common, class, rest []byte) {
	c := tlv.Cursor(body)
	common, err := c.Take(tagSequence)
	if err != nil {
		return nil, nil, nil
	}
	class, err = c.Take(tagSequence)
	if err != nil {
		return common, nil, nil
	}
	return common, class, c
}

// path reads the file that type attributes name; 0 for none.
func path(rest []byte) FID {
	value, err := tlv.Find(rest, tagTypeAttrs)
	for err == nil {
		if name, failed := tlv.Find(value, tagOctetString); failed == nil && len(name) == 2 {
			return FID(binary.BigEndian.Uint16(name))
		}
		value, err = tlv.Find(value, tagSequence)
	}
	return 0
}

// Rewrite changes label and ID in a description, PrKD, CD or DCOD, and leaves all else
// as it was written; nil for what is to stay. A DCOD has no ID.
func Rewrite(description []byte, label *string, id []byte) ([]byte, error) {
	outer := tlv.Cursor(description)
	tag, body, _, err := outer.Next()
	if err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	common, class, rest := attributes(body)
	if common == nil || class == nil {
		return nil, fmt.Errorf("description: tag 30 is missing twice in tag %X", uint32(tag))
	}
	if label != nil {
		if common, err = replace(common, tagUTF8String, []byte(*label)); err != nil {
			return nil, err
		}
	}
	if id != nil {
		if class, err = replace(class, tagOctetString, id); err != nil {
			return nil, err
		}
	}
	return new(tlv.Builder).AddNested(tag, func(b *tlv.Builder) {
		b.Add(tagSequence, common).Add(tagSequence, class).AddRaw(rest)
	}).Bytes()
}

// replace puts a value into the place of the first data object with its tag, or before
// all others.
func replace(fields []byte, tag tlv.Tag, value []byte) ([]byte, error) {
	var before []byte
	for c := tlv.Cursor(fields); !c.Empty(); {
		found, _, element, err := c.Next()
		if err != nil {
			return nil, err
		}
		if found == tag {
			return new(tlv.Builder).AddRaw(before).Add(tag, value).AddRaw(c).Bytes()
		}
		before = append(before, element...)
	}
	return new(tlv.Builder).Add(tag, value).AddRaw(fields).Bytes()
}
