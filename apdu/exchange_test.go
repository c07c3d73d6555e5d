package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"conclave/apdu"
)

// echo answers with its data, twice over, and the status P1-P2 if that is not
// zero.
func echo(c apdu.Command) ([]byte, error) {
	data := append(append([]byte{}, c.Data...), c.Data...)
	if c.P1 != 0 {
		return data, apdu.Status(c.P1)<<8 | apdu.Status(c.P2)
	}
	return data, nil
}

func TestLongAnswersToShortCommandsComeByGetResponse(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 129, 250, 255} {
		r := &apdu.Responder{Handler: echo}
		data := bytes.Repeat([]byte{7}, n)
		got, err := apdu.Exchange(r, apdu.Command{INS: 0x10, Data: data, Ne: apdu.MaxShortNe})
		if err != nil || got.SW != apdu.OK || len(got.Data) != 2*n {
			t.Errorf("%d bytes sent: %d came back, SW %04X, %v", n, len(got.Data), uint16(got.SW), err)
		}
	}
}

func TestCommandChaining(t *testing.T) {
	for _, n := range []int{255, 256, 510, 511, 1300} {
		r := &apdu.Responder{Handler: echo}
		data := bytes.Repeat([]byte{9}, n)
		got, err := apdu.ExchangeShort(r, apdu.Command{CLA: 0x80, INS: 0x10, Data: data, Ne: apdu.MaxExtendedNe})
		if err != nil || got.SW != apdu.OK || !bytes.Equal(got.Data[:n], data) || len(got.Data) != 2*n {
			t.Errorf("%d bytes chained: %d came back, SW %04X, %v", n, len(got.Data), uint16(got.SW), err)
		}
	}
}

func TestBrokenChainIsRefused(t *testing.T) {
	r := &apdu.Responder{Handler: echo}
	transmit(t, r, []byte{0x10, 0x10, 0, 0, 1, 0xAA}, apdu.OK)
	transmit(t, r, []byte{0x00, 0x11, 0, 0, 1, 0xBB}, apdu.LastCommandExpected)
	transmit(t, r, []byte{0x00, 0x10, 0, 0, 1, 0xCC, 0}, apdu.OK) // a new command, not the old chain's end
}

func TestResetForgetsChainAndAnswer(t *testing.T) {
	r := &apdu.Responder{Handler: echo}
	transmit(t, r, append([]byte{0x00, 0x10, 0, 0, 200}, append(make([]byte, 200), 0)...), 0x6100|(400-256))
	r.Reset()
	transmit(t, r, []byte{0, 0xC0, 0, 0, 0}, apdu.ConditionsNotSatisfied)
	transmit(t, r, []byte{0x10, 0x10, 0, 0, 1, 0xAA}, apdu.OK)
	r.Reset()
	if got := transmit(t, r, []byte{0x00, 0x10, 0, 0, 1, 0xBB, 0}, apdu.OK); len(got) != 2 {
		t.Errorf("the chain outlived the reset: %d bytes came back", len(got))
	}
}

func TestNoDataForHostThatExpectsNone(t *testing.T) {
	r := &apdu.Responder{Handler: echo}
	if got := transmit(t, r, []byte{0x00, 0x10, 0, 0, 1, 0xAA}, apdu.OK); len(got) != 0 {
		t.Errorf("%d bytes came to a case 3 command", len(got))
	}
}

func TestWrongLeIsCorrected(t *testing.T) {
	asked := 0
	card := transmitter(func(b []byte) ([]byte, error) {
		if asked++; asked == 1 {
			return []byte{0x6C, 0x03}, nil
		}
		if b[len(b)-1] != 3 {
			t.Errorf("Le %d after 6C03", b[len(b)-1])
		}
		return []byte{1, 2, 3, 0x90, 0x00}, nil
	})
	r, err := apdu.Exchange(card, apdu.Command{INS: 0xB0, Ne: 8})
	if err != nil || !bytes.Equal(r.Data, []byte{1, 2, 3}) {
		t.Errorf("% X, %v", r.Data, err)
	}
}

func TestExchangeEndsWithACardThatNeverEnds(t *testing.T) {
	for _, part := range []int{0, 256} {
		card := transmitter(func([]byte) ([]byte, error) { return append(make([]byte, part), 0x61, 0x00), nil })
		if _, err := apdu.Exchange(card, apdu.Command{Ne: 256}); err == nil {
			t.Errorf("an endless answer in parts of %d bytes gave no error", part)
		}
	}
}

func TestHandlerFaultIs6F00AndRefusalIsItsStatus(t *testing.T) {
	for err, want := range map[error]apdu.Status{
		errors.New("disk"): apdu.Unknown, apdu.TriesLeft(2): 0x63C2, nil: apdu.OK,
	} {
		r := &apdu.Responder{Handler: func(apdu.Command) ([]byte, error) { return nil, err }}
		transmit(t, r, []byte{0, 1, 0, 0}, want)
	}
}

type transmitter func([]byte) ([]byte, error)

func (f transmitter) Transmit(b []byte) ([]byte, error) { return f(b) }

func transmit(t *testing.T, c apdu.Card, command []byte, want apdu.Status) []byte {
	t.Helper()
	b, err := c.Transmit(command)
	if err != nil {
		t.Fatal(err)
	}
	r, err := apdu.ParseResponse(b)
	if err != nil || r.SW != want {
		t.Fatalf("% X: SW %04X, %v; %04X was expected", command, uint16(r.SW), err, uint16(want))
	}
	return r.Data
}
