package dkek

import (
	"context"
	"crypto/cipher"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync"

	"conclave/dkek/internal/md5chain"
	"conclave/internal/practice"
	"conclave/internal/secret"
)

// Decrypt opens a share file and returns the share of 32 bytes. It takes
// seconds; progress may be nil, and ctx ends it early. The error is ErrPassword
// if the password is wrong; it is a *DamagedError, and the share is returned
// all the same, if the password is right and the file is not.
func (f ShareFile) Decrypt(ctx context.Context, password secret.Bytes, progress Progress) (secret.Bytes, error) {
	share, _, err := f.DecryptAny(ctx, []secret.Bytes{password}, progress)
	return share, err
}

// DecryptAny opens a share file with whichever of the passwords is right, and
// returns the share and the index of that password. The first should be the
// likely one: it is tried along with as many others as cost no extra time; then
// come the rest, as many at a time as the processors take, and progress starts
// over for them. The error is ErrPassword if all are wrong. It is a
// *DamagedError, and share and index are returned all the same, if one is right
// and the file is not.
func (f ShareFile) DecryptAny(ctx context.Context, passwords []secret.Bytes, progress Progress) (secret.Bytes, int, error) {
	first, count := min(md5chain.FreeLanes(), len(passwords)), practice.Iterations(ctx, iterations)
	share, index, err := f.decryptAny(ctx, passwords[:first], progress, count)
	if !errors.Is(err, ErrPassword) || len(passwords) == first {
		return share, index, err
	}
	share, index, err = f.decryptAny(ctx, passwords[first:], progress, count)
	return share, first + index, err
}

// Search opens a share file with whichever of the candidates is its password,
// and returns the share and the index of that candidate in the sequence. The
// likely ones should come first: at first a few are tried at a time, in about
// the time of one, and then more and more, until each processor has as many at
// a time as suits it best. The errors are those of DecryptAny.
//
// A candidate is copied as it is drawn, so the sequence may reuse its memory;
// the sequence is drawn from on any goroutine, but never on two at the same
// time. After each group, tried is told how many have been tried in all; it may
// be nil, and is never called twice at the same time. When ctx ends, Search
// returns its error within a tenth of a second.
func (f ShareFile) Search(ctx context.Context, candidates iter.Seq[secret.Bytes], tried func(n int)) (share secret.Bytes, index int, err error) {
	s := search{file: f, count: practice.Iterations(ctx, iterations), tried: tried}
	return s.run(ctx, candidates)
}

func (f ShareFile) decryptAny(ctx context.Context, passwords []secret.Bytes, progress Progress, count int) (secret.Bytes, int, error) {
	s := search{file: f, count: count, meter: newMeter(progress, 2*len(passwords)+1, count)}
	return s.run(ctx, slices.Values(passwords))
}

// search is a search for the password of a share file.
type search struct {
	file  ShareFile
	count int         // iterations
	meter *meter      // may be nil
	tried func(n int) // may be nil

	mu    sync.Mutex
	next  func() (secret.Bytes, bool) // the candidate that comes next, if there is one
	drawn int                         // candidates
	done  int                         // candidates
	found *opening
}

// opening is what opens a share file.
type opening struct {
	password, key secret.Bytes
	index         int // of the password in the sequence
	damage        *DamagedError
}

func (s *search) run(ctx context.Context, candidates iter.Seq[secret.Bytes]) (secret.Bytes, int, error) {
	next, end := iter.Pull(candidates)
	defer end()
	s.next = next
	working, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { s.work(working, stop) })
	}
	workers.Wait()
	if s.found == nil {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		return nil, 0, ErrPassword
	}
	defer s.found.key.Wipe()
	defer s.found.password.Wipe()
	file := s.file
	if s.found.damage != nil {
		file = s.found.damage.Mended
	}
	share, err := file.open(ctx, s.found.key, s.found.password, s.count, s.meter)
	switch {
	case err != nil:
		return nil, 0, err
	case s.found.damage != nil:
		return share, s.found.index, s.found.damage
	}
	return share, s.found.index, nil
}

// work tries one group after the other, until there are no more candidates or
// one is right.
func (s *search) work(ctx context.Context, stop func()) {
	for size := md5chain.FreeLanes(); ; size = min(2*size, md5chain.Lanes()) {
		group, first := s.draw(ctx, size)
		if len(group) == 0 {
			return
		}
		found := s.try(ctx, group, first)
		for _, password := range group {
			password.Wipe()
		}
		if found {
			stop()
			return
		}
	}
}

// draw takes up to size candidates off the sequence, and returns copies
// and the index of the first.
func (s *search) draw(ctx context.Context, size int) (group []secret.Bytes, first int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.drawn
	for len(group) < size && ctx.Err() == nil {
		password, ok := s.next()
		if !ok {
			break
		}
		group = append(group, password.Clone())
		s.drawn++
	}
	return group, first
}

// try reports whether a candidate of the group is right, and keeps it if so.
func (s *search) try(ctx context.Context, group []secret.Bytes, first int) (found bool) {
	keys, err := s.file.keys(ctx, group, s.count, s.meter)
	if err != nil {
		return false // the context is over, and nothing more will be drawn
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, key := range keys {
		damage, right := s.file.judge(key)
		if s.found == nil && right {
			s.found = &opening{group[i].Clone(), key, first + i, damage}
			found = true
			continue
		}
		key.Wipe()
	}
	s.done += len(group)
	if s.tried != nil {
		s.tried(s.done)
	}
	return found
}

// open decrypts the share with a password and its key that are known to be
// right.
func (f ShareFile) open(ctx context.Context, key, password secret.Bytes, count int, m *meter) (secret.Bytes, error) {
	iv, err := f.iv(ctx, key, password, count, m)
	if err != nil {
		return nil, err
	}
	share := make(secret.Bytes, ShareSize)
	cipher.NewCBCDecrypter(newAES(key), iv).CryptBlocks(share, f.ciphertext[:ShareSize])
	m.finish()
	return share, nil
}
