package dkek

import (
	"context"
	"crypto/md5"
	"sync"

	"conclave/internal/secret"
)

// iterations is the count that sc-hsm-tool gives to EVP_BytesToKey; every
// share file there is was made with it.
const iterations = 10_000_000

// slice is how many hashes are made between two looks at the context: 8 ms.
const slice = 100_000

// Progress is told how much of a work is done, from 0 to 1, about a hundred
// times. It is never called twice at the same time.
type Progress func(done float64)

// chain is one of the three chains of OpenSSL's EVP_BytesToKey with MD5: the
// hash of previous ‖ password ‖ salt, hashed again until it was hashed count
// times in all.
func chain(ctx context.Context, previous []byte, password secret.Bytes, salt [8]byte, count int, m *meter) (secret.Bytes, error) {
	seed := make(secret.Bytes, 0, len(previous)+len(password)+len(salt))
	seed = append(append(append(seed, previous...), password...), salt[:]...)
	defer seed.Wipe()
	digest := md5.Sum(seed)
	for left := count - 1; left > 0; left -= slice {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(left, slice)
		digest = md5Repeat(digest, n)
		m.add(n)
	}
	return digest[:], nil
}

// meter adds up what several goroutines have done, and reports it each time
// another hundredth is full.
type meter struct {
	report Progress // may be nil
	total  int64    // hashes

	mu      sync.Mutex
	done    int64
	percent int64
}

func (m *meter) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += int64(n)
	if percent := 100 * m.done / m.total; percent > m.percent {
		m.set(percent)
	}
}

// finish reports that all is done, however much was expected.
func (m *meter) finish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.percent < 100 {
		m.set(100)
	}
}

func (m *meter) set(percent int64) {
	m.percent = percent
	if m.report != nil {
		m.report(float64(percent) / 100)
	}
}
