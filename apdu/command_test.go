package apdu_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"conclave/apdu"
)

// The seven encodings of ISO 7816-3 section 12.1, table 12.
func TestParseCommandCases(t *testing.T) {
	long := bytes.Repeat([]byte{0xAB}, 300)
	for _, test := range []struct {
		name, hex string
		data      []byte
		ne        int
	}{
		{"case 1", "00200081", nil, 0},
		{"case 2 short", "0084000008", nil, 8},
		{"case 2 short, all", "0084000000", nil, 256},
		{"case 3 short", "00E4020002CE01", []byte{0xCE, 0x01}, 0},
		{"case 4 short", "00B10000045402000000", []byte{0x54, 2, 0, 0}, 256},
		{"case 2 extended", "80580000000000", nil, 65536},
		{"case 2 extended, 512", "80580000000200", nil, 512},
		{"case 3 extended", "00D7000000012C" + hex.EncodeToString(long), long, 0},
		{"case 4 extended, short data", "004601000000025F290000", []byte{0x5F, 0x29}, 65536},
		{"case 4 extended", "8046010000012C" + hex.EncodeToString(long) + "0200", long, 512},
	} {
		b, err := hex.DecodeString(test.hex)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		c, err := apdu.ParseCommand(b)
		if err != nil || !bytes.Equal(c.Data, test.data) || c.Ne != test.ne {
			t.Errorf("%s: data % X, Ne %d, %v", test.name, c.Data, c.Ne, err)
		}
	}
}

func TestParseCommandRefusesMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                        "",
		"three bytes":                  "002000",
		"data shorter than Lc":         "00E4020002CE",
		"two bytes after the data":     "00E4020001CE0000",
		"extended, Lc cut off":         "00D700000001",
		"extended, data cut off":       "00D7000000000501020304",
		"extended, one byte of Le":     "00D700000000010100",
		"extended, Lc zero with data":  "00D70000000000FFFF",
		"extended, five after the end": "00D70000000001010000000000",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c, err := apdu.ParseCommand(b); err != apdu.WrongLength {
			t.Errorf("%s: gave %+v, %v; 6700 was expected", name, c, err)
		}
	}
}

func TestCommandRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := apdu.Command{
			CLA: rapid.Byte().Draw(t, "CLA"), INS: rapid.Byte().Draw(t, "INS"),
			P1: rapid.Byte().Draw(t, "P1"), P2: rapid.Byte().Draw(t, "P2"),
			Data: rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(t, "data"),
			Ne:   rapid.IntRange(0, apdu.MaxExtendedNe).Draw(t, "Ne"),
		}
		b, err := c.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		got, err := apdu.ParseCommand(b)
		if err != nil || !bytes.Equal(got.Data, c.Data) || got.Ne != c.Ne || got.INS != c.INS || got.P2 != c.P2 {
			t.Fatalf("% X became %+v, %v", b, got, err)
		}
	})
}

// FuzzParseCommand looks for a panic, and for a command that changes when it
// is encoded and parsed again.
func FuzzParseCommand(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := apdu.ParseCommand(b)
		if err != nil {
			return
		}
		again, err := c.Bytes()
		if err != nil {
			t.Fatalf("% X parses but does not encode: %v", b, err)
		}
		d, err := apdu.ParseCommand(again)
		if err != nil || !bytes.Equal(c.Data, d.Data) || c.Ne != d.Ne {
			t.Fatalf("% X became % X, %v", b, again, err)
		}
	})
}
