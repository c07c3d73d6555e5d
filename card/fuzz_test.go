package card_test

import (
	"bytes"
	"testing"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/wire"
)

// FuzzCard sends a logged-in card three commands, cut out of the input by
// length bytes. It looks for a panic, an error, an answer without a status
// word, and for a fault that the card took for its store's.
func FuzzCard(f *testing.F) {
	made := memory.New()
	prepare(f, made)
	addRSA(f, made)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := memory.New()
		if err := s.Update(func(w store.Writer) error { return copyAll(made, w) }); err != nil {
			t.Fatal(err)
		}
		c := openCard(t, s)
		if sw := verify(c, wire.UserPIN, rightPIN); sw != apdu.OK {
			t.Fatal(sw)
		}
		var requests []byte
		for range 3 {
			if len(b) == 0 {
				return
			}
			n := min(1+int(b[0]), len(b))
			if requests = append(requests, requested(b[1:n])...); bytes.Contains(requests, rsaRequest()) {
				t.Skip("to make an RSA key takes as long as all of a second's inputs; FuzzKeyRequest has such requests")
			}
			answer, err := c.Transmit(b[1:n])
			if err != nil {
				t.Fatalf("% X: %v", b[1:n], err)
			}
			r, err := apdu.ParseResponse(answer)
			if err != nil || r.SW == apdu.MemoryFailure {
				t.Fatalf("% X: answered % X, %v", b[1:n], answer, err)
			}
			b = b[n:]
		}
	})
}

// requested is what of a request to make a key is in a command, of a chain maybe.
func requested(command []byte) []byte {
	if c, err := apdu.ParseCommand(command); err == nil && c.INS == wire.InsGenerateKeyPair {
		return c.Data
	}
	return nil
}

// rsaRequest is the object identifier in a request for an RSA key:
// id-TA-RSA-v1-5-SHA-256 (TR-03110 part 3, appendix A.7.3).
func rsaRequest() []byte { return []byte("\x04\x00\x7F\x00\x07\x02\x02\x02\x01\x02") }

// addRSA makes an RSA key at 2, of a size that costs little.
func addRSA(f *testing.F, s store.Store) {
	f.Helper()
	request, err := wire.KeyRequest{CAR: "UTCA00001", CHR: "ZZFUZZ00100001", Key: wire.RSATemplate(1024)}.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	c := openCard(f, s)
	for _, cmd := range []apdu.Command{
		{INS: wire.InsVerify, P2: byte(wire.UserPIN), Data: []byte(rightPIN)},
		{INS: wire.InsGenerateKeyPair, P1: 2, Data: request, Ne: apdu.MaxExtendedNe},
	} {
		if r, err := apdu.Exchange(c, cmd); err != nil || r.SW != apdu.OK {
			f.Fatalf("%02X: %v, %v", cmd.INS, r.SW, err)
		}
	}
}

// prepare makes an initialised device with a P-256 key at 1.
func prepare(t testing.TB, s store.Store) {
	t.Helper()
	manufacture(t, s)
	c := openCard(t, s)
	for _, x := range readScenario(t, "testdata/prepared.txt") {
		if err := x.play(c); err != nil {
			t.Fatal(err)
		}
	}
}
