package wire

import (
	"encoding/binary"
	"fmt"

	"conclave/tlv"
)

// Tags of what limits a key. Both the request for a key and what SELECT of it returns
// have them (pico-hsm, src/hsm/cmd_keypair_gen.c and src/hsm/cmd_select.c; CardContact's
// module puts them in requests).
const (
	tagUseCounter tlv.Tag = 0x90
	tagAlgorithms tlv.Tag = 0x91
	tagKeyDomain  tlv.Tag = 0x92
)

// KeyLimits is what limits the use of a key.
type KeyLimits struct {
	UseCounter *uint32 // tag 90: how often the key may be used, or still; nil for no limit
	Algorithms []byte  // tag 91: the algorithm bytes allowed; nil for all
	Domain     *byte   // tag 92: the number of its key domain; nil if that is not said
}

func (l KeyLimits) build(b *tlv.Builder) {
	if l.UseCounter != nil {
		b.Add(tagUseCounter, binary.BigEndian.AppendUint32(nil, *l.UseCounter))
	}
	if l.Algorithms != nil {
		b.Add(tagAlgorithms, l.Algorithms)
	}
	if l.Domain != nil {
		b.Add(tagKeyDomain, []byte{*l.Domain})
	}
}

func (l *KeyLimits) set(tag tlv.Tag, value []byte) error {
	switch tag {
	case tagUseCounter:
		return l.setUseCounter(value)
	case tagAlgorithms:
		l.Algorithms = value
	case tagKeyDomain:
		if len(value) != 1 {
			return fmt.Errorf("a key domain of %d bytes; 1 was expected", len(value))
		}
		l.Domain = &value[0]
	default:
		return ErrUnknownField
	}
	return nil
}

func (l *KeyLimits) setUseCounter(b []byte) error {
	if len(b) == 0 || len(b) > 4 {
		return fmt.Errorf("a use counter of %d bytes; 1 to 4 were expected", len(b))
	}
	var n uint32
	for _, v := range b {
		n = n<<8 | uint32(v)
	}
	l.UseCounter = &n
	return nil
}
