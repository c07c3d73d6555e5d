package repair

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"sync"
	"time"

	"conclave/dkek"
	"conclave/internal/secret"
)

// Stage is a kind of mistake to be looked for.
type Stage struct {
	Name string
	// Candidates is about how many passwords have to be tried for it.
	Candidates int
}

// Plan is what will be tried, in this order. Sheets and Password make it. It is
// for one use at a time.
type Plan struct {
	Stages []Stage
	// Consistent says that more sheets than needed agree with each other: there
	// is no mistake in them, and if their password is wrong, the share file is
	// not theirs.
	Consistent bool
	sources    []source // of each stage
}

// candidate is a password, and the reading that it comes from, which is only
// worked out for the right one.
type candidate struct {
	password secret.Bytes
	reading  func() Reading
}

// source yields the candidates of a stage.
type source struct {
	candidates func(context.Context) iter.Seq[candidate] // which may yield none for a long time
	mistakes   int                                       // that each supposes at least
	// ambiguous says that other mistakes may give the same password.
	ambiguous bool
}

// Format implements fmt.Formatter for every verb.
func (p Plan) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "plan of %d stages, %d candidates", len(p.Stages), p.Total())
}

// Total is about how many passwords have to be tried for all stages.
func (p Plan) Total() (n int) {
	for _, s := range p.Stages {
		n += s.Candidates
	}
	return n
}

func (p *Plan) add(name string, n int, s source) {
	if n > 0 {
		p.Stages = append(p.Stages, Stage{name, n})
		p.sources = append(p.sources, s)
	}
}

// Search tries passwords in their order until one opens the share file. It
// returns the share and the index of that password, or dkek.ErrPassword, and
// calls tried, with the number tried so far, from time to time.
// dkek.ShareFile.Search is one.
type Search func(ctx context.Context, candidates iter.Seq[secret.Bytes], tried func(n int)) (share secret.Bytes, index int, err error)

// Progress is how far a search has come.
type Progress struct {
	Stage        string // of the password tried last
	Tried, Total int    // Total is about right, and more so the longer it takes
	Rate         float64
	Remaining    time.Duration // until everything has been tried, at this rate
}

// batch is how many candidates are searched, and remembered, at a time: enough
// that it does not matter if processors wait at its end.
const batch = 1 << 12

// Run tries the stages until a password is right, and returns the share and how
// what was typed must be read. No password is tried twice. The error is
// ErrNotFound if all are wrong. report may be nil; it is called from the
// goroutine that search calls tried from.
func (p *Plan) Run(ctx context.Context, search Search, report func(Progress)) (secret.Bytes, Reading, error) {
	next, stop := iter.Pull2(p.all(ctx))
	defer stop()
	r := &run{plan: p, report: report, next: next, start: time.Now()}
	for {
		share, index, err := search(ctx, r.batch, r.reportTried)
		if err == nil {
			return share, r.readingOf(index), nil
		}
		n := r.forget()
		switch {
		case !errors.Is(err, dkek.ErrPassword):
			return nil, Reading{}, err
		case ctx.Err() != nil:
			return nil, Reading{}, ctx.Err()
		case n == 0:
			return nil, Reading{}, ErrNotFound
		}
	}
}

// all yields the candidates of all stages, each password once, with the index
// of the stage.
func (p *Plan) all(ctx context.Context) iter.Seq2[int, candidate] {
	return func(yield func(int, candidate) bool) {
		seen := newFilter()
		for stage, source := range p.sources {
			for c := range source.candidates(ctx) {
				if seen.add(c.password) && !yield(stage, c) {
					return
				}
			}
		}
	}
}

// filter remembers passwords by a keyed hash of 64 bits. Two passwords have the
// same one too rarely to matter.
type filter struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newFilter() *filter {
	return &filter{maphash.MakeSeed(), make(map[uint64]struct{})}
}

// filterLimit bounds the memory that a filter takes, some hundred megabytes.
const filterLimit = 1 << 23

// add says whether the password is new.
func (f *filter) add(password secret.Bytes) bool {
	hash := maphash.Bytes(f.seed, password)
	if _, ok := f.hashes[hash]; ok {
		return false
	}
	if len(f.hashes) < filterLimit {
		f.hashes[hash] = struct{}{}
	}
	return true
}

// run is the state of one Run.
type run struct {
	plan   *Plan
	report func(Progress)
	next   func() (int, candidate, bool)
	start  time.Time

	mu      sync.Mutex // search may take candidates and report in different goroutines
	pending []attempt  // the batch that is being searched
	done    int        // candidates of the batches before
	stage   int        // of the last candidate taken
	inStage int        // how many candidates of this stage were taken
	last    int        // stage of the last candidate tried
}

type attempt struct {
	candidate
	stage int
}

// batch yields the passwords of the next batch.
func (r *run) batch(yield func(secret.Bytes) bool) {
	for range batch {
		password, ok := r.take()
		if !ok || !yield(password) {
			return
		}
	}
}

func (r *run) take() (secret.Bytes, bool) {
	stage, c, ok := r.next()
	if !ok {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if stage != r.stage {
		r.stage, r.inStage = stage, 0
	}
	r.inStage++
	r.pending = append(r.pending, attempt{c, stage})
	return c.password, true
}

// readingOf returns the reading of one of the batch, and forgets the others.
func (r *run) readingOf(index int) Reading {
	a := r.pending[index]
	reading := a.reading()
	r.forget()
	if r.plan.sources[a.stage].ambiguous {
		reading.Otherwise = r.plan.otherwise(reading)
	}
	return reading
}

// Explaining a password in another way takes no share file, but some
// microseconds for each candidate.
const (
	explained    = 1 << 17 // candidates that are looked at
	explanations = 16
)

// otherwise finds the other explanations of a password that need no more
// mistakes.
func (p *Plan) otherwise(found Reading) (others [][]Finding) {
	seen := map[string]bool{fmt.Sprint(found.Findings): true}
	left := explained
	for i, s := range p.sources {
		if !s.ambiguous || s.mistakes > len(found.Findings) {
			continue
		}
		if left -= p.Stages[i].Candidates; left < 0 {
			break
		}
		for c := range s.candidates(context.Background()) {
			if !c.password.Equal(found.Password) {
				continue
			}
			r := c.reading()
			if key := fmt.Sprint(r.Findings); len(r.Findings) <= len(found.Findings) && !seen[key] && len(others) < explanations {
				seen[key] = true
				others = append(others, r.Findings)
			}
			r.Wipe()
		}
	}
	return others
}

// forget wipes the passwords of the batch and returns how many they were.
func (r *run) forget() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.pending)
	for _, a := range r.pending {
		a.password.Wipe()
	}
	r.done += n
	r.pending = r.pending[:0]
	return n
}

// reportTried reports that n of the batch are wrong.
func (r *run) reportTried(n int) {
	if r.report == nil {
		return
	}
	r.report(r.progress(n))
}

func (r *run) progress(n int) Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > 0 && n <= len(r.pending) {
		r.last = r.pending[n-1].stage
	}
	p := Progress{Stage: r.plan.Stages[r.last].Name, Tried: r.done + n, Total: r.done + len(r.pending)}
	for i, s := range r.plan.Stages[r.stage:] {
		p.Total += s.Candidates
		if i == 0 {
			p.Total -= min(r.inStage, s.Candidates)
		}
	}
	if elapsed := time.Since(r.start).Seconds(); elapsed > 0 {
		p.Rate = float64(p.Tried) / elapsed
		if p.Rate > 0 {
			p.Remaining = time.Duration(float64(p.Total-p.Tried) / p.Rate * float64(time.Second))
		}
	}
	return p
}
