package agent

import (
	"testing"

	"conclave/token"
	"conclave/token/cryptoki"
)

// BenchmarkRoundTrip is what programs wait for, beside what the call itself takes.
func BenchmarkRoundTrip(b *testing.B) {
	home := newHome(b, "office")
	withKeys(b, home, "office")
	m := connected(b, serving(b, Options{Home: home}))
	slot := onlySlot(b, m)
	s := m.open(slot)
	if _, err := s.login(cryptoki.User, userPIN); err != nil {
		b.Fatal(err)
	}
	w, err := newWorker(m, slot, nil)
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 32)
	for _, bench := range []struct {
		name string
		do   func() error
	}{
		{"cancel", func() error {
			_, err := s.do(callCrypt, number(token.Sign), number(stageCancel), number(0), str(""), str(""))
			return err
		}},
		{"random-16", func() error { _, err := s.random(16); return err }},
		{"digest", func() error {
			_, err := s.single(token.Digest, cryptoki.Mechanism{Type: cryptoki.SHA256}, 0, data, nil)
			return err
		}},
		{"sign-p256", func() error {
			_, err := s.single(token.Sign, cryptoki.Mechanism{Type: cryptoki.ECDSA}, w.keys[ecKey], data, nil)
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if err := bench.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
