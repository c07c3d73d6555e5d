// Package tlv reads and builds BER-TLV data objects with definite lengths
// (ISO 7816-4 section 5.2.2, X.690): a cursor that never reads past its end,
// and a builder whose errors stick.
//
// Begin with a [Cursor] to read data objects in their order, or with [Find] for one
// of them wherever it is; and with a [Builder] to write some. What is read aliases
// the input, and nothing is copied.
//
// Values are bytes: no type and no schema is known here; package wire says what is
// in them. Lengths that are read need not be the shortest ones, so this is not a
// reader of DER: for signatures and certificates use encoding/asn1.
package tlv

import (
	"errors"
	"fmt"
)

// Tag is a tag as its bytes are written, e.g. 0x30, 0x7F21, 0x5F37.
type Tag uint32

// ErrAbsent is returned for a data object that is not there.
var ErrAbsent = errors.New("data object absent")

// isConstructed says whether the value of the tag is itself data objects.
func (t Tag) isConstructed() bool {
	for t > 0xFF {
		t >>= 8
	}
	return t&0x20 != 0
}

// Cursor is the rest of a sequence of data objects.
type Cursor []byte

// Next takes the first data object off the cursor. Element is the whole of it,
// value its value; both alias the cursor's bytes.
func (c *Cursor) Next() (tag Tag, value, element []byte, err error) {
	b := []byte(*c)
	tag, rest, err := readTag(b)
	if err != nil {
		return 0, nil, nil, err
	}
	n, rest, err := readLength(rest)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("tag %X: %w", uint32(tag), err)
	}
	if n > len(rest) {
		return 0, nil, nil, fmt.Errorf("tag %X: length %d runs past the end, %d bytes are left", uint32(tag), n, len(rest))
	}
	*c = rest[n:]
	return tag, rest[:n], b[:len(b)-len(rest)+n], nil
}

// Take takes the next data object, which must have the given tag.
func (c *Cursor) Take(tag Tag) (value []byte, err error) {
	found, value, _, err := c.Next()
	if err != nil {
		return nil, err
	}
	if found != tag {
		return nil, fmt.Errorf("tag %X found where %X was expected", uint32(found), uint32(tag))
	}
	return value, nil
}

// Empty says whether the cursor is at its end.
func (c Cursor) Empty() bool { return len(c) == 0 }

// Find gives the value of the first data object with the given tag, or
// ErrAbsent if there is none. It looks at one level only.
func Find(b []byte, tag Tag) (value []byte, err error) {
	for c := Cursor(b); !c.Empty(); {
		found, value, _, err := c.Next()
		if err != nil {
			return nil, err
		}
		if found == tag {
			return value, nil
		}
	}
	return nil, fmt.Errorf("tag %X: %w", uint32(tag), ErrAbsent)
}

// readTag reads a tag of up to three bytes.
func readTag(b []byte) (Tag, []byte, error) {
	if len(b) == 0 {
		return 0, nil, errors.New("a tag was expected at the end of the data")
	}
	tag := Tag(b[0])
	if b[0]&0x1F != 0x1F {
		return tag, b[1:], nil
	}
	for i := 1; i < 3 && i < len(b); i++ {
		tag = tag<<8 | Tag(b[i])
		if b[i]&0x80 == 0 {
			return tag, b[i+1:], nil
		}
	}
	return 0, nil, errors.New("a tag is cut off or longer than three bytes")
}

// readLength reads a definite length of up to three bytes after the first.
func readLength(b []byte) (int, []byte, error) {
	if len(b) == 0 {
		return 0, nil, errors.New("the length is missing")
	}
	if b[0] < 0x80 {
		return int(b[0]), b[1:], nil
	}
	size := int(b[0] & 0x7F)
	if size == 0 || size > 3 || len(b) < 1+size {
		return 0, nil, errors.New("the length is indefinite, cut off or longer than three bytes")
	}
	n := 0
	for _, v := range b[1 : 1+size] {
		n = n<<8 | int(v)
	}
	return n, b[1+size:], nil
}

// Builder builds data objects. The zero value is ready to use.
type Builder struct {
	b   []byte
	err error
}

// Add appends a data object.
func (b *Builder) Add(tag Tag, value []byte) *Builder {
	if len(value) > 0xFFFFFF {
		b.err = fmt.Errorf("tag %X: %d bytes are too long", uint32(tag), len(value))
		return b
	}
	b.b = appendTag(b.b, tag)
	b.b = appendLength(b.b, len(value))
	b.b = append(b.b, value...)
	return b
}

// AddNested appends a data object whose value fn builds.
func (b *Builder) AddNested(tag Tag, fn func(*Builder)) *Builder {
	var inner Builder
	if fn(&inner); inner.err != nil {
		b.err = inner.err
		return b
	}
	if !tag.isConstructed() {
		b.err = fmt.Errorf("tag %X: a primitive tag cannot hold data objects", uint32(tag))
		return b
	}
	return b.Add(tag, inner.b)
}

// AddRaw appends data objects that are encoded already.
func (b *Builder) AddRaw(elements []byte) *Builder {
	b.b = append(b.b, elements...)
	return b
}

// Bytes gives what was built, or an error.
func (b *Builder) Bytes() ([]byte, error) { return b.b, b.err }

func appendTag(b []byte, tag Tag) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		if shift == 0 || tag>>shift > 0 {
			b = append(b, byte(tag>>shift))
		}
	}
	return b
}

func appendLength(b []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n < 0x100:
		return append(b, 0x81, byte(n))
	case n < 0x10000:
		return append(b, 0x82, byte(n>>8), byte(n))
	}
	return append(b, 0x83, byte(n>>16), byte(n>>8), byte(n))
}
