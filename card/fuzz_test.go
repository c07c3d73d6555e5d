package card_test

import (
	"testing"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/card/store/memory"
)

// FuzzCard sends a logged-in card three commands, cut out of the input by
// length bytes. It looks for a panic, an error, an answer without a status
// word, and for a fault that the card took for its store's.
func FuzzCard(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		s := memory.New()
		prepare(t, s)
		c := openCard(t, s)
		if _, err := c.Transmit([]byte{0x00, 0x20, 0x00, 0x81, 0x06, '6', '4', '8', '2', '1', '9'}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if len(b) == 0 {
				return
			}
			n := min(1+int(b[0]), len(b))
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
