package wycheproof

import (
	"crypto/rand"
	"log/slog"
	"slices"
	"testing"
	"time"

	"conclave/card"
	"conclave/card/store/memory"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/keyop"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/wire"
)

// bench is a card to which keys are restored, one after the other.
type bench struct {
	*hsm.HSM
	dkek  *dkek.DKEK
	holds string            // the EC key that is there
	known map[string]answer // of agreements
}

// answer is what the card said.
type answer struct {
	out []byte
	err error
}

// newBench makes a device in memory, whose DKEK the test knows.
func newBench(t *testing.T) *bench {
	t.Helper()
	s, now := memory.New(), time.Now()
	issuer, err := card.NewDeviceIssuer(now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := card.Manufacture(s, issuer, now); err != nil {
		t.Fatal(err)
	}
	c, err := card.New(s, card.Config{
		Keys: keyop.Best(), PINCost: card.PINCost{Time: 1, Memory: 8, Threads: 1}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(link.Direct(c))
	if err != nil {
		t.Fatal(err)
	}
	pin, share := secret.Bytes("648219"), make(secret.Bytes, dkek.ShareSize)
	rand.Read(share)
	if err := h.Initialize(wire.UsualInitialization(pin, secret.Bytes("57621880"), 1), "vectors"); err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, pin); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ImportShare(share); err != nil {
		t.Fatal(err)
	}
	kek, err := dkek.Combine(share)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{HSM: h, dkek: kek, known: map[string]answer{}}
}

// ref is where all keys are restored to.
const ref = 1

// put wraps a key under the DKEK, and lets the card unwrap it.
func (b *bench) put(key any) error {
	blob, err := b.dkek.Wrap(rand.Reader, key, dkek.Metadata{})
	if err != nil {
		return err
	}
	files, err := b.Files()
	if err != nil {
		return err
	}
	if slices.Contains(files, wire.PrefixKey.File(ref)) {
		if err := b.DeleteKey(ref); err != nil {
			return err
		}
	}
	return b.UnwrapKey(ref, wire.WrapFile{Blob: blob}, false)
}
