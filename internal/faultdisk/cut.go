package faultdisk

import (
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// Cut is a loss of power, and what it left.
type Cut struct {
	After int // how much was done: see Disk.Done
	Image Image
}

// Image is the files below a directory, by name.
type Image map[string][]byte

// write makes a directory of the files.
func (m Image) write(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	for _, name := range sorted(m) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, m[name], 0o600)); err != nil {
			tb.Fatal(err)
		}
	}
}

// Cuts loses the power before all that was done, after each step of it, and after
// the last. Each time there is one image with nothing that was not synced, one with
// all of it, and some with parts, which are drawn: many for a thorough test. A short
// one passes over most of the steps.
func (d *Disk) Cuts(random *rand.Rand) iter.Seq[Cut] {
	some := 6
	if Thorough() {
		some = 100
	}
	return func(yield func(Cut) bool) {
		p := d.first.clone()
		for after := 0; ; after++ {
			for _, choose := range choices(random, len(p.pending), some) {
				if testing.Short() && random.IntN(8) > 0 {
					continue
				}
				if !yield(Cut{after, p.image(random, choose)}) {
					return
				}
			}
			if after == len(d.changes) {
				return
			}
			p.take(d.changes[after])
		}
	}
}

// Image is what is there once so much was done, whether it is durable or not.
func (d *Disk) Image(done int) Image {
	p := d.first.clone()
	p.pending = d.changes[:done]
	return p.image(nil, func(int) fate { return kept })
}

// fate is what becomes of a change that was not synced.
type fate int

const (
	lost fate = iota
	kept
	torn // each sector of a write is lost, kept or spoilt
)

// choices are ways to choose the fate of n changes.
func choices(random *rand.Rand, n, some int) (all []func(i int) fate) {
	always := func(f fate) func(int) fate { return func(int) fate { return f } }
	all = append(all, always(lost))
	if n == 0 {
		return all
	}
	all = append(all, always(kept))
	for range some {
		all = append(all, draw(random, n))
	}
	return all
}

// draw singles out one change, or lets chance decide on each.
func draw(random *rand.Rand, n int) func(i int) fate {
	one, fates := random.IntN(n), 2+random.IntN(2)
	each := func(int) fate { return fate(random.IntN(fates)) }
	but := func(its, others fate) func(int) fate {
		return func(i int) fate {
			if i == one {
				return its
			}
			return others
		}
	}
	ways := []func(int) fate{but(kept, lost), but(lost, kept), but(torn, kept), but(torn, lost), each}
	return ways[random.IntN(len(ways))]
}

// platter is what is durable at a moment, and what is not yet.
type platter struct {
	names   map[string]int // of files and directories: which one has the name
	files   map[int][]byte
	dirs    map[int]bool // which are directories
	grows   bool         // see Disk.Grow
	pending []change
}

// take does a change. A sync makes durable what waited for it, in order.
func (p *platter) take(c change) {
	waits := func(w change) bool {
		return c.kind == synced && w.kind != named && w.file == c.file || c.kind == dirSynced && w.kind == named && w.dir == c.dir
	}
	switch c.kind {
	case synced, dirSynced:
		for _, w := range p.pending {
			if waits(w) {
				p.do(w, kept, nil)
			}
		}
		p.pending = slices.DeleteFunc(p.pending, waits)
	default:
		p.pending = append(p.pending, c)
	}
}

// do makes a change durable, or a part of it. It leaves contents that others have.
func (p *platter) do(c change, f fate, random *rand.Rand) {
	switch {
	case f == lost:
	case c.kind == named:
		apply(p.names, c.names)
	case c.kind == truncated:
		p.files[c.file] = resize(p.files[c.file], c.offset)
	default:
		p.write(c, f, random)
	}
}

// write makes a write durable, or some of its sectors. One that makes a file longer
// may make it so by a part alone.
func (p *platter) write(c change, f fate, random *rand.Rand) {
	old, end := p.files[c.file], c.offset+int64(len(c.data))
	size := int64(len(old))
	if f == torn && end > size && (p.grows || random.IntN(2) == 0) {
		end = max(c.offset, size+random.Int64N(end-size+1))
	}
	content := resize(old, max(end, size))
	for from, to := c.offset, int64(0); from < end; from = to {
		to = min(from-from%sector+sector, end)
		its := chance(f, random)
		if p.grows && to > size {
			its = kept
		}
		switch its {
		case kept:
			copy(content[from:to], c.data[from-c.offset:])
		case torn:
			spoil(content[from:to], random)
		}
	}
	p.files[c.file] = content
}

// chance is the fate of a sector.
func chance(f fate, random *rand.Rand) fate {
	if f != torn {
		return f
	}
	return fate(random.IntN(3))
}

func spoil(b []byte, random *rand.Rand) {
	for i := range b {
		b[i] = byte(random.Uint32())
	}
}

// resize gives a copy that has a size, with zeros at its end where it is longer.
func resize(b []byte, size int64) []byte {
	grown := make([]byte, size)
	copy(grown, b)
	return grown
}

func (p *platter) clone() *platter {
	return &platter{names: maps.Clone(p.names), files: maps.Clone(p.files), dirs: p.dirs, grows: p.grows}
}

// image is what is left when the power goes. It leaves the platter as it is.
func (p *platter) image(random *rand.Rand, choose func(int) fate) Image {
	left := p.clone()
	for i, c := range p.pending {
		left.do(c, choose(i), random)
	}
	m := Image{}
	for name, file := range left.names {
		if !p.dirs[file] && left.reached(path.Dir(name)) {
			m[name] = left.files[file]
		}
	}
	return m
}

// reached says whether a directory has a name that lasts.
func (p *platter) reached(dir string) bool {
	_, ok := p.names[dir]
	return ok && (dir == "." || p.reached(path.Dir(dir)))
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
