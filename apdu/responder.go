package apdu

import "errors"

// Handler is a card's command dispatch. An error that is a Status is the
// refusal to answer with; any other becomes 6F00. The data is wiped once it is
// answered with, and that of a chained command once it is handled.
type Handler func(Command) ([]byte, error)

// maxChain bounds the data that command chaining may bring together: what one
// extended APDU could have carried.
const maxChain = MaxExtendedData

// Responder turns a Handler into a Card: it parses APDUs, joins chained
// commands and hands out long responses to short commands piece by piece.
// Its state is volatile; the zero value with a Handler is ready to use.
type Responder struct {
	Handler Handler

	chain []byte  // data of a chained command so far
	head  Command // its header
	rest  []byte  // what GET RESPONSE will bring
}

// Reset forgets an unfinished chain and an uncollected response.
func (r *Responder) Reset() {
	clear(r.chain)
	clear(r.rest)
	r.chain, r.head, r.rest = nil, Command{}, nil
}

// Transmit implements Card. It never returns an error.
func (r *Responder) Transmit(command []byte) ([]byte, error) {
	c, err := ParseCommand(command)
	if err != nil {
		r.Reset()
		return answer(nil, err), nil
	}
	if c.INS == getResponse && c.CLA&^chainingBit == 0 {
		return r.collect(c), nil
	}
	clear(r.rest)
	r.rest = nil
	chained := r.chain != nil
	if c, err = r.join(c); err != nil {
		clear(r.chain)
		r.chain = nil
		return answer(nil, err), nil
	}
	if isChained(c) {
		return answer(nil, nil), nil
	}
	if chained {
		defer clear(c.Data)
	}
	return r.reply(c), nil
}

// isChained says whether more parts of the command follow. In other classes the
// bit means other things (ISO 7816-4 section 5.4.1).
func isChained(c Command) bool { return c.CLA == chainingBit || c.CLA == proprietary|chainingBit }

// proprietary is the bit of classes that are not of ISO 7816.
const proprietary = 0x80

// join adds c to the chain that it belongs to. The last part comes out as the
// whole command, every other with the chaining bit still set.
func (r *Responder) join(c Command) (Command, error) {
	head := c
	if isChained(c) {
		head.CLA &^= chainingBit
	}
	head.Data, head.Ne = nil, 0
	if r.chain != nil && !sameHeader(head, r.head) {
		return c, LastCommandExpected
	}
	if len(r.chain)+len(c.Data) > maxChain {
		return c, WrongLength
	}
	if r.chain == nil && !isChained(c) {
		return c, nil
	}
	longer := append(make([]byte, 0, len(r.chain)+len(c.Data)), r.chain...)
	longer = append(longer, c.Data...)
	clear(r.chain)
	if isChained(c) {
		r.head, r.chain = head, longer
		return c, nil
	}
	c.Data, r.chain = longer, nil
	return c, nil
}

func sameHeader(a, b Command) bool {
	return a.CLA == b.CLA && a.INS == b.INS && a.P1 == b.P1 && a.P2 == b.P2
}

// reply runs the command. What does not fit a short response waits for GET
// RESPONSE; a host that expects no data gets none (ISO 7816-3 section 12.1).
func (r *Responder) reply(c Command) []byte {
	data, err := r.Handler(c)
	if len(data) <= c.Ne || len(data) == 0 {
		defer clear(data)
		return answer(data, err)
	}
	if c.Ne == 0 || err != nil {
		clear(data)
		return answer(nil, err)
	}
	r.rest = data[c.Ne:]
	defer clear(data[:c.Ne])
	return answer(data[:c.Ne], r.more())
}

func (r *Responder) collect(c Command) []byte {
	if len(r.rest) == 0 {
		return answer(nil, ConditionsNotSatisfied)
	}
	n := min(c.Ne, len(r.rest))
	part := r.rest[:n]
	defer clear(part)
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		return answer(part, nil)
	}
	return answer(part, r.more())
}

// more is 61xx: xx more bytes, 00 for 256 and above.
func (r *Responder) more() Status {
	if len(r.rest) >= MaxShortNe {
		return 0x6100
	}
	return 0x6100 | Status(len(r.rest))
}

func answer(data []byte, err error) []byte {
	sw := OK
	if err != nil && !errors.As(err, &sw) {
		sw = Unknown
	}
	return Response{Data: data, SW: sw}.Bytes()
}
