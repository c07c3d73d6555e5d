// Package faultdisk is a disk for tests that loses power, and one that fails.
//
// Begin with [NewDisk] for a directory, and let either [UnderSQLite] or [Trace]
// and [Disk.Replay] tell it what is done to its files. [Disk.Cuts] makes of that what a loss of power
// may leave: of what was not synced yet each part may be there or not, and what was
// being written may be torn. [Fault] is a call that fails instead, now or from now on.
//
// What it takes for granted is what POSIX promises: a file's content lasts once the
// file is synced, its name once the directory is, and a rename is one thing.
package faultdisk

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"testing"
)

// Disk remembers what was done to the files below a directory, in that order.
type Disk struct {
	root    string
	first   platter // what was there
	changes []change
	names   map[string]int // as they are now: which file has the name
	files   int            // how many there ever were
	sizes   map[int]int64  // of files
}

// kind says what a change does.
type kind string

const (
	written   kind = "a write"
	truncated kind = "a change of size"
	synced    kind = "a sync"
	named     kind = "a change of names" // which are given to files, or taken from them, at once
	dirSynced kind = "a sync of the directory"
)

// change is a step of what was done.
type change struct {
	kind   kind
	file   int
	offset int64 // of what is written; the size of what is truncated
	data   []byte
	names  map[string]int // none is for a name that is taken away
	dir    string         // of the names
}

// none is no file.
const none = -1

func (c change) String() string {
	switch c.kind {
	case named:
		return fmt.Sprintf("%s: %v", c.kind, c.names)
	case dirSynced:
		return fmt.Sprintf("%s %s", c.kind, c.dir)
	}
	return fmt.Sprintf("%s of file %d, %d bytes at %d", c.kind, c.file, len(c.data), c.offset)
}

// NewDisk takes what is below a directory for durable.
func NewDisk(tb testing.TB, root string) *Disk {
	tb.Helper()
	d := &Disk{root: root, names: map[string]int{}, sizes: map[int]int64{}, first: platter{files: map[int][]byte{}, dirs: map[int]bool{}}}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		d.create(file, entry.IsDir())
		if !entry.IsDir() {
			id := d.files - 1
			d.first.files[id], err = os.ReadFile(file)
			d.sizes[id] = int64(len(d.first.files[id]))
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	d.first.names, d.changes = maps.Clone(d.names), nil // all that is durable
	return d
}

// Grow lets files grow only by what was written, from its beginning, as those of ext4,
// XFS and btrfs do: POSIX would have any bytes there.
func (d *Disk) Grow() { d.first.grows = true }

// Done is how much was done so far, to compare with Cut.After.
func (d *Disk) Done() int { return len(d.changes) }

// relative is the name of a file below the root; ok is false for any other.
func (d *Disk) relative(file string) (name string, ok bool) {
	name, err := filepath.Rel(d.root, file)
	return filepath.ToSlash(name), err == nil && filepath.IsLocal(name)
}

// create notes that a file or a directory has a name, if that is new.
func (d *Disk) create(file string, isDir bool) {
	name, ok := d.relative(file)
	if _, exists := d.names[name]; ok && !exists {
		d.first.dirs[d.files] = isDir
		d.rename(map[string]int{name: d.files})
		d.files++
	}
}

func (d *Disk) write(file string, offset int64, data []byte) {
	d.change(file, change{kind: written, offset: offset, data: data})
}

func (d *Disk) truncate(file string, size int64) {
	d.change(file, change{kind: truncated, offset: size})
}

// sync is that of a file or of a directory.
func (d *Disk) sync(file string) {
	if name, ok := d.relative(file); ok && d.first.dirs[d.names[name]] {
		d.changes = append(d.changes, change{kind: dirSynced, dir: name})
		return
	}
	d.change(file, change{kind: synced})
}

// move is a rename, or a link, which leaves the first name as it is.
func (d *Disk) move(from, to string, link bool) {
	old, ok := d.relative(from)
	name, also := d.relative(to)
	file, known := d.names[old]
	if !ok || !also || !known {
		return
	}
	names := map[string]int{name: file}
	if !link {
		names[old] = none
	}
	d.rename(names)
}

func (d *Disk) remove(file string) {
	if name, ok := d.relative(file); ok {
		d.rename(map[string]int{name: none})
	}
}

// rename notes what becomes of names in one directory.
func (d *Disk) rename(names map[string]int) {
	c := change{kind: named, names: names}
	for name := range names {
		c.dir = path.Dir(name)
	}
	d.changes = append(d.changes, c)
	apply(d.names, names)
}

func apply(all, names map[string]int) {
	maps.Copy(all, names)
	maps.DeleteFunc(all, func(_ string, file int) bool { return file == none })
}

// size is that of the file that has a name.
func (d *Disk) size(file string) int64 {
	name, _ := d.relative(file)
	return d.sizes[d.names[name]]
}

// change notes what is done to the file that has a name. One that has none any more
// leaves nothing.
func (d *Disk) change(file string, c change) {
	if name, ok := d.relative(file); ok {
		if c.file, ok = d.names[name]; ok {
			d.changes = append(d.changes, c)
			switch c.kind {
			case written:
				d.sizes[c.file] = max(d.sizes[c.file], c.offset+int64(len(c.data)))
			case truncated:
				d.sizes[c.file] = c.offset
			}
		}
	}
}
