package apdu

import (
	"encoding/binary"
	"fmt"
)

// Limits of a command's data field and of its expected response, in bytes.
const (
	MaxShortData    = 255
	MaxShortNe      = 256
	MaxExtendedData = 65535
	MaxExtendedNe   = 65536
)

// chainingBit in CLA says that more parts of the command follow
// (ISO 7816-4 section 5.4.1).
const chainingBit = 0x10

// Command is a command APDU.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte
	// Ne is the greatest number of response bytes that the host wants:
	// 0 for none (cases 1 and 3), 256 and 65536 for "all there are" in the
	// short and the extended form.
	Ne int
}

// ParseCommand reads the four cases of ISO 7816-3 section 12.1, short and
// extended. Its errors are Statuses: a card can answer with them as they are.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, WrongLength
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3]}
	body := b[4:]
	switch {
	case len(body) == 0: // case 1
	case len(body) == 1: // case 2 short
		c.Ne = shortNe(body[0])
	case body[0] != 0: // cases 3 and 4 short
		return c.withData(body[1:], int(body[0]), 1)
	case len(body) == 3: // case 2 extended
		c.Ne = extendedNe(body[1:])
	case len(body) > 3: // cases 3 and 4 extended
		return c.withData(body[3:], int(binary.BigEndian.Uint16(body[1:])), 2)
	default:
		return Command{}, WrongLength
	}
	return c, nil
}

// withData takes n bytes of data and an Le field of leSize bytes, or none.
func (c Command) withData(b []byte, n, leSize int) (Command, error) {
	if n == 0 || len(b) < n {
		return Command{}, WrongLength
	}
	c.Data = b[:n]
	switch le := b[n:]; {
	case len(le) == 0:
	case len(le) == leSize && leSize == 1:
		c.Ne = shortNe(le[0])
	case len(le) == leSize:
		c.Ne = extendedNe(le)
	default:
		return Command{}, WrongLength
	}
	return c, nil
}

func shortNe(le byte) int {
	if le == 0 {
		return MaxShortNe
	}
	return int(le)
}

func extendedNe(le []byte) int {
	if n := int(binary.BigEndian.Uint16(le)); n != 0 {
		return n
	}
	return MaxExtendedNe
}

// Bytes encodes the command in the short form if it fits, else in the extended
// one.
func (c Command) Bytes() ([]byte, error) {
	if len(c.Data) > MaxExtendedData || c.Ne < 0 || c.Ne > MaxExtendedNe {
		return nil, fmt.Errorf("apdu: %d bytes of data and %d expected do not fit an extended APDU (%d and %d at most)",
			len(c.Data), c.Ne, MaxExtendedData, MaxExtendedNe)
	}
	b := []byte{c.CLA, c.INS, c.P1, c.P2}
	if len(c.Data) <= MaxShortData && c.Ne <= MaxShortNe {
		return c.appendShort(b), nil
	}
	return c.appendExtended(b), nil
}

func (c Command) appendShort(b []byte) []byte {
	if len(c.Data) > 0 {
		b = append(append(b, byte(len(c.Data))), c.Data...)
	}
	if c.Ne > 0 {
		b = append(b, byte(c.Ne))
	}
	return b
}

func (c Command) appendExtended(b []byte) []byte {
	b = append(b, 0)
	if len(c.Data) > 0 {
		b = binary.BigEndian.AppendUint16(b, uint16(len(c.Data)))
		b = append(b, c.Data...)
	}
	if c.Ne > 0 {
		b = binary.BigEndian.AppendUint16(b, uint16(c.Ne))
	}
	return b
}
