package apdu

import "fmt"

// getResponse is the instruction GET RESPONSE (ISO 7816-4 section 11.7.1).
const getResponse = 0xC0

// maxResponse bounds what a chain of GET RESPONSE commands may collect.
const maxResponse = 1 << 20

// Exchange sends a command and collects its whole response: a card
// that answers 61xx is asked for the rest, one that answers 6Cxx is asked again
// with the length that it named (ISO 7816-4 section 5.1.3).
//
// The error is that of the link; a refusal is in the response's status word.
func Exchange(card Card, c Command) (Response, error) {
	r, err := send(card, c)
	if err != nil {
		return Response{}, err
	}
	if r.SW>>8 == 0x6C {
		c.Ne = shortNe(byte(r.SW))
		if r, err = send(card, c); err != nil {
			return Response{}, err
		}
	}
	data := append([]byte{}, r.Data...)
	for r.SW>>8 == 0x61 {
		more := Command{CLA: c.CLA &^ 0x80, INS: getResponse, Ne: shortNe(byte(r.SW))}
		if r, err = send(card, more); err != nil {
			return Response{}, err
		}
		if data = append(data, r.Data...); len(data) > maxResponse || len(r.Data) == 0 && r.SW>>8 == 0x61 {
			return Response{}, fmt.Errorf("apdu: the card's response does not end, or runs past %d bytes", maxResponse)
		}
	}
	return Response{Data: data, SW: r.SW}, nil
}

func send(card Card, c Command) (Response, error) {
	b, err := c.Bytes()
	if err != nil {
		return Response{}, err
	}
	answer, err := card.Transmit(b)
	if err != nil {
		return Response{}, err
	}
	return ParseResponse(answer)
}

// ExchangeShort is Exchange over a link that carries only short APDUs: long
// data goes out by command chaining (ISO 7816-4 section 5.4.1).
func ExchangeShort(card Card, c Command) (Response, error) {
	c.Ne = min(c.Ne, MaxShortNe)
	for len(c.Data) > MaxShortData {
		part := c
		part.CLA |= chainingBit
		part.Data, part.Ne = c.Data[:MaxShortData], 0
		r, err := send(card, part)
		if err != nil || r.SW != OK {
			return r, err
		}
		c.Data = c.Data[MaxShortData:]
	}
	return Exchange(card, c)
}
