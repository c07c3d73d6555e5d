package keyfile

import (
	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// maxBERDepth is how deep elements may lie in one another: PKCS#12 has about ten.
const maxBERDepth = 32

// definite writes BER (ITU-T X.690, section 8) as DER has it where software makes use
// of the difference: NSS and Bouncy Castle write PKCS#12 without saying how long its
// parts are, and octet strings in pieces.
func definite(ber []byte) (cryptobyte.String, error) {
	der, rest, ok := berElement(ber, 0)
	if !ok || len(rest) > 0 {
		return nil, errMalformed
	}
	return der, nil
}

// berElement writes one element as DER, and gives what follows it.
func berElement(b cryptobyte.String, depth int) (der, rest []byte, ok bool) {
	t, content, indefinite, ok := berHeader(&b)
	constructed := t&constructedBit != 0
	if !ok || depth > maxBERDepth || indefinite && !constructed {
		return nil, nil, false
	}
	if !constructed {
		return encode(t, content), b, true
	}
	children := content
	if indefinite {
		children = b
	}
	var body []byte
	for len(children) > 0 && !(indefinite && children[0] == 0) {
		var child []byte
		if child, children, ok = berElement(children, depth+1); !ok {
			return nil, nil, false
		}
		body = append(body, child...)
	}
	if indefinite {
		if len(children) < 2 || children[1] != 0 { // the two zeros at its end
			return nil, nil, false
		}
		b = children[2:]
	}
	if t == tag.OCTET_STRING|constructedBit {
		if body, ok = joined(body); !ok {
			return nil, nil, false
		}
		t = tag.OCTET_STRING
	}
	return encode(t, body), b, true
}

// constructedBit is bit 6 of an identifier (X.690, section 8.1.2.5).
const constructedBit = tag.Tag(0x20)

// berHeader reads identifier and length, and takes the content along unless its length
// is indefinite (X.690, section 8.1.3).
func berHeader(b *cryptobyte.String) (t tag.Tag, content cryptobyte.String, indefinite, ok bool) {
	var id, first uint8
	if !b.ReadUint8(&id) || !b.ReadUint8(&first) || id&0x1F == 0x1F { // no such file has a long identifier
		return 0, nil, false, false
	}
	size := int(first)
	switch {
	case first == 0x80:
		return tag.Tag(id), nil, true, true
	case first > 0x84:
		return 0, nil, false, false
	case first > 0x80:
		size = 0
		for range first - 0x80 {
			var digit uint8
			if !b.ReadUint8(&digit) {
				return 0, nil, false, false
			}
			size = size<<8 | int(digit)
		}
	}
	ok = size >= 0 && b.ReadBytes((*[]byte)(&content), size)
	return tag.Tag(id), content, false, ok
}

// joined are the pieces of an octet string.
func joined(pieces cryptobyte.String) (whole []byte, ok bool) {
	for !pieces.Empty() {
		var piece cryptobyte.String
		if !pieces.ReadASN1(&piece, tag.OCTET_STRING) {
			return nil, false
		}
		whole = append(whole, piece...)
	}
	return whole, true
}

// encode writes an element of DER.
func encode(t tag.Tag, content []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(t, func(b *cryptobyte.Builder) { b.AddBytes(content) })
	return b.BytesOrPanic()
}
