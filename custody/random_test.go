package custody_test

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"conclave/custody"
	"conclave/dkek/dkektest"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/quorum"
)

var errExhausted = errors.New("the generator is gone")

// exhausted gives the same random bytes as another of its seed, but no more than it
// has left.
type exhausted struct {
	source *rand.ChaCha8
	left   int
	given  int
}

func newExhausted(seed uint64, left int) *exhausted {
	var s [32]byte
	binary.LittleEndian.PutUint64(s[:], seed)
	return &exhausted{source: rand.NewChaCha8(s), left: left}
}

func (e *exhausted) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, errExhausted
	}
	n, err := e.source.Read(b[:min(len(b), e.left)])
	e.left -= n
	e.given += n
	return n, err
}

// TestCreationWithoutRandomness: wherever the random source fails, no custodian has
// seen a sheet, and nothing is on disk.
func TestCreationWithoutRandomness(t *testing.T) {
	seed := testrun.Random(t).Uint64()
	create := func(source io.Reader, dir string) ([]int, error) {
		custodians := &clumsy{}
		_, err := custody.Creation{
			Rand: source, ShareFile: filepath.Join(dir, "share.pbe"), Custodians: custodians,
			Scheme: quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength64}, Names: []string{"Ada", "Bob", "Carol"},
		}.Run(dkektest.Practising(t.Context()))
		return custodians.shown, err
	}
	all := newExhausted(seed, 1<<30)
	if shown, err := create(all, t.TempDir()); err != nil || len(shown) != 3 {
		t.Fatalf("%v, and %d sheets were shown; all were expected", err, len(shown))
	}
	dir := t.TempDir()
	for n := 0; n < all.given; n++ {
		if n == 50 { // the share is drawn; the prime takes as long as it takes
			n = max(n, all.given-150)
		}
		shown, err := create(newExhausted(seed, n), dir)
		if !errors.Is(err, errExhausted) || len(shown) > 0 {
			t.Errorf("after %d of %d bytes: %v, and %d sheets were shown", n, all.given, err, len(shown))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("after %d of %d bytes: %v is left, %v", n, all.given, left, err)
		}
	}
}

// TestFilesWithoutRandomness: no share file and no key blob is made.
func TestFilesWithoutRandomness(t *testing.T) {
	path := filepath.Join(t.TempDir(), "share.pbe")
	for n := range 32 + 8 { // share and salt
		place, err := safefile.Reserve(path, 1000)
		if err != nil {
			t.Fatal(err)
		}
		_, err = custody.WriteShareFile(dkektest.Practising(t.Context()), newExhausted(1, n), place, secret.Bytes("password"), nil)
		if _, missing := os.Stat(path); !errors.Is(err, errExhausted) || !os.IsNotExist(missing) {
			t.Errorf("after %d bytes: %v; the file: %v", n, err, missing)
		}
		place.Release()
	}
	share := make(secret.Bytes, 32)
	share[0] = 1
	wraps := custody.Rewrapping{Wraps: []string{vectorWrap("EC-secp256r1.wrap"), vectorWrap("EC-secp256k1.wrap")}, Dir: t.TempDir()}
	if err := wraps.Reserve(); err != nil {
		t.Fatal(err)
	}
	defer wraps.Release()
	for n := range 2 * 8 {
		if keys, err := wraps.Run(newExhausted(1, n), vectorDKEK(t), share); !errors.Is(err, errExhausted) || keys != nil {
			t.Errorf("after %d bytes: %d keys, %v", n, len(keys), err)
		}
	}
}
