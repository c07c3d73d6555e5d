package dkek

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	mathrand "math/rand/v2"
	"sync/atomic"
	"testing"

	"conclave/dkek/internal/md5chain"
	"conclave/internal/secret"

	"pgregory.net/rapid"
)

// numbers yields the numbers from 0 on as passwords, up to a limit if it is not
// negative, all in the same memory.
func numbers(limit int) iter.Seq[secret.Bytes] {
	return func(yield func(secret.Bytes) bool) {
		var password secret.Bytes
		for i := 0; i != limit; i++ {
			password = fmt.Append(password[:0], i)
			if !yield(password) {
				return
			}
		}
	}
}

// numbered is a share file with a number as password.
func numbered(t interface {
	Context() context.Context
	Fatal(...any)
}, number int) ShareFile {
	f, err := encryptShare(t.Context(), rand.Reader, filled(7), secret.Bytes(fmt.Sprint(number)), nil, few)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 600).Draw(t, "limit")
		right := rapid.IntRange(0, 600).Draw(t, "right")
		s := search{file: numbered(t, right), count: few}
		share, index, err := s.run(t.Context(), numbers(limit))
		switch {
		case right >= limit && err != ErrPassword:
			t.Fatalf("error %v", err)
		case right < limit && (err != nil || index != right || !share.Equal(filled(7))):
			t.Fatalf("index %d, error %v", index, err)
		}
	})
}

// TestSearchTriesAll: tried grows, soon for the first time, and is the number
// of candidates in the end.
func TestSearchTriesAll(t *testing.T) {
	for _, candidates := range []int{1, 2, 1000} {
		var reports []int
		s := search{file: numbered(t, -1), count: few, tried: func(n int) { reports = append(reports, n) }}
		if _, _, err := s.run(t.Context(), numbers(candidates)); err != ErrPassword {
			t.Errorf("error %v", err)
		}
		if soon := md5chain.FreeLanes(); len(reports) > 0 && reports[0] > soon {
			t.Errorf("%d in the first group, %d expected", reports[0], soon)
		}
		before := 0
		for _, n := range reports {
			if n <= before || n > before+md5chain.Lanes() {
				t.Errorf("%d tried after %d", n, before)
			}
			before = n
		}
		if before != candidates {
			t.Errorf("%d of %d candidates were tried", before, candidates)
		}
	}
}

// TestSearchOfEndlessSequence ends at the password.
func TestSearchOfEndlessSequence(t *testing.T) {
	const right = 300
	s := search{file: numbered(t, right), count: few}
	if _, index, err := s.run(t.Context(), numbers(-1)); err != nil || index != right {
		t.Errorf("index %d, error %v", index, err)
	}
}

// TestSearchCancel ends a search while its first candidates are being tried.
func TestSearchCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var drawn atomic.Int64
	candidates := func(yield func(secret.Bytes) bool) {
		for password := range numbers(-1) {
			if drawn.Add(1) == int64(md5chain.FreeLanes()) {
				cancel()
			}
			if !yield(password) {
				return
			}
		}
	}
	f := readShareVector(t, "password").file
	_, _, err := f.Search(ctx, candidates, func(n int) { t.Errorf("%d candidates were tried to the end", n) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestSearchVector finds the password of a share file of sc-hsm-tool.
func TestSearchVector(t *testing.T) {
	if testing.Short() {
		t.Skip("the KDF at its real cost")
	}
	t.Parallel()
	v := readShareVector(t, "password")
	candidates := func(yield func(secret.Bytes) bool) {
		for wrong := range numbers(2) {
			if !yield(wrong) {
				return
			}
		}
		yield(v.password)
	}
	share, index, err := v.file.Search(t.Context(), candidates, nil)
	if err != nil || index != 2 || !share.Equal(v.share) {
		t.Errorf("index %d, error %v", index, err)
	}
}

// TestNoWrongKeyIsTakenForRight: where only the last byte of padding counts, one
// in 256 is.
func TestNoWrongKeyIsTakenForRight(t *testing.T) {
	f := readShareVector(t, "password").file
	random := mathrand.NewChaCha8([32]byte{})
	key := make(secret.Bytes, 32)
	for range 400_000 {
		random.Read(key)
		if f.isKey(key) {
			t.Fatal("a random key passes")
		}
	}
}
