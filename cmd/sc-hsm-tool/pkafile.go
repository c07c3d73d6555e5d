package main

import (
	"errors"

	"conclave/tlv"
	"conclave/wire"
)

// pkaFile is the file that carries a key to the device that it is to log in to.
// OpenSC 0.23 writes the first of its two formats and reads both:
//
//	SEQUENCE { 67 request, 7F21 device, 7F21 issuer }
//	SEQUENCE { OID, 61 { 7F21 }, 62 { 7F21 }, 63 { 67 request } }
type pkaFile struct {
	request        *wire.AuthenticatedRequest
	signed         []byte // the request without its tag
	device, issuer *wire.CVC
}

const (
	tagOID          tlv.Tag = 0x06
	tagRequest      tlv.Tag = 0x67
	tagFirstField   tlv.Tag = 0x61
	tagSecondField  tlv.Tag = 0x62
	tagRequestField tlv.Tag = 0x63
)

func parsePKAFile(b []byte) (*pkaFile, error) {
	elements, err := pkaElements(b)
	if err != nil {
		return nil, err
	}
	f := &pkaFile{}
	var certificates []*wire.CVC
	for _, element := range elements {
		cursor := tlv.Cursor(element)
		if tag, value, _, err := cursor.Next(); err == nil && tag == tagRequest {
			f.signed = value
			if f.request, err = wire.ParseAuthenticatedRequest(element); err != nil {
				return nil, err
			}
			continue
		}
		cursor = element
		c, err := wire.ParseCVC(&cursor)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, c)
	}
	if f.request == nil || len(certificates) != 2 {
		return nil, errors.New("a request and two certificates were expected")
	}
	f.device, f.issuer = certificates[0], certificates[1]
	// What OpenSC's sources say about the order in the second format
	// contradicts what they do.
	if f.issuer.CAR == f.device.CHR {
		f.device, f.issuer = f.issuer, f.device
	}
	return f, nil
}

// pkaElements gives the request and the certificates as they are in a file.
func pkaElements(b []byte) (elements [][]byte, err error) {
	outer := tlv.Cursor(b)
	body, err := outer.Take(tagSequence)
	if err != nil {
		return nil, err
	}
	for rest := tlv.Cursor(body); !rest.Empty(); {
		tag, value, element, err := rest.Next()
		switch {
		case err != nil:
			return nil, err
		case tag == tagOID:
		case tag == tagFirstField, tag == tagSecondField, tag == tagRequestField:
			elements = append(elements, value)
		default:
			elements = append(elements, element)
		}
	}
	return elements, nil
}
