package dkek

import (
	"context"
	"crypto/md5"
	"sync"

	"conclave/dkek/internal/md5chain"
	"conclave/internal/secret"
)

// iterations is the count that sc-hsm-tool gives to EVP_BytesToKey; every
// share file in existence was made with it.
const iterations = 10_000_000

// slice is how many times a digest is hashed between two looks at the context:
// 8 ms, or 20 ms for as many digests as the processor takes.
const slice = 100_000

// Progress is told how much of the work is done, from 0 to 1, about a hundred
// times. It is never called twice at the same time.
type Progress func(done float64)

// chains runs one of the three chains of OpenSSL's EVP_BytesToKey with MD5, for
// several passwords side by side: the hash of previous ‖ password ‖ salt, hashed
// again until it was hashed count times in all. In the first of the three chains
// there is no previous.
func chains(ctx context.Context, previous [][md5.Size]byte, passwords []secret.Bytes, salt [8]byte, count int, m *meter) ([][md5.Size]byte, error) {
	digests := make([][md5.Size]byte, len(passwords))
	for i, password := range passwords {
		seed := make(secret.Bytes, 0, md5.Size+len(password)+len(salt))
		if previous != nil {
			seed = append(seed, previous[i][:]...)
		}
		seed = append(append(seed, password...), salt[:]...)
		digests[i] = md5.Sum(seed)
		seed.Wipe()
	}
	for left := count - 1; left > 0; left -= slice {
		if err := ctx.Err(); err != nil {
			clear(digests)
			return nil, err
		}
		n := min(left, slice)
		md5chain.RepeatAll(digests, n)
		m.add(n * len(digests))
	}
	return digests, nil
}

// meter adds up what several goroutines have done, and reports it each time
// another hundredth is full. A nil meter counts nothing.
type meter struct {
	report Progress
	total  int64 // hashes

	mu      sync.Mutex
	done    int64
	percent int64
}

// newMeter returns the meter for a number of chains; progress may be nil.
func newMeter(progress Progress, chains, count int) *meter {
	if progress == nil {
		return nil
	}
	return &meter{report: progress, total: int64(chains) * int64(count)}
}

func (m *meter) add(n int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += int64(n)
	if percent := 100 * m.done / m.total; percent > m.percent {
		m.set(percent)
	}
}

// finish reports that all is done, however much was expected.
func (m *meter) finish() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.percent < 100 {
		m.set(100)
	}
}

func (m *meter) set(percent int64) {
	m.percent = percent
	m.report(float64(percent) / 100)
}
