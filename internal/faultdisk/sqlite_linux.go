//go:build !386 && !arm

package faultdisk

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite stands between all of this process's SQLite and the system: by the calls
// that SQLite lets its tests replace (https://www.sqlite.org/c3ref/vfs.html), and by
// the method that syncs. Nothing is synced in truth.
type SQLite struct {
	mu                 sync.Mutex
	disk               *Disk
	fault              *Fault
	counts             map[Call]int     // of the calls since Fail
	names              map[int32]string // of open files
	openFile           func(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32
	open               func(tls *libc.TLS, path uintptr, flags, mode int32) int32
	pread              transfer
	pwrite             transfer
	ftruncate          func(tls *libc.TLS, fd int32, size int64) int32
	unlink             func(tls *libc.TLS, path uintptr) int32
	sync               map[uintptr]uintptr // the method that syncs, by its table
	memory, unsyncable int                 // descriptors
	hooks              []any               // what only SQLite refers to
}

// transfer is pread or pwrite.
type transfer func(tls *libc.TLS, fd int32, buffer uintptr, n uint64, offset int64) int64

// UnderSQLite takes its place until the test ends. No other test may run meanwhile.
func UnderSQLite(tb testing.TB) *SQLite {
	tb.Helper()
	c, err := new(sqlite.Driver).Open(":memory:") // sets SQLite up
	if err == nil {
		err = c.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	s := &SQLite{counts: map[Call]int{}, names: map[int32]string{}, sync: map[uintptr]uintptr{}}
	s.memory, err = unix.MemfdCreate("synced", unix.MFD_CLOEXEC)
	if err == nil {
		s.unsyncable, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tls := libc.NewTLS()
	tb.Cleanup(tls.Close)
	vfs := at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
	s.openFile = function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](vfs.FxOpen)
	old := vfs.FxOpen
	vfs.FxOpen = hook(s, s.onOpenFile)
	tb.Cleanup(func() {
		vfs.FxOpen = old
		for table, sync := range s.sync {
			at[sqlite3.Tsqlite3_io_methods](table).FxSync = sync
		}
		unix.Close(s.memory)
		unix.Close(s.unsyncable)
	})
	replace(tb, s, tls, vfs, "open", &s.open, s.onOpen)
	replace(tb, s, tls, vfs, "pread", &s.pread, s.onRead)
	replace(tb, s, tls, vfs, "pwrite", &s.pwrite, s.onWrite)
	replace(tb, s, tls, vfs, "ftruncate", &s.ftruncate, s.onTruncate)
	replace(tb, s, tls, vfs, "unlink", &s.unlink, s.onRemove)
	replace(tb, s, tls, vfs, "openDirectory", new(func(*libc.TLS, uintptr, uintptr) int32), s.onOpenDirectory)
	return s
}

// Remember lets a disk remember what is done from now on; nil lets none.
func (s *SQLite) Remember(d *Disk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disk = d
}

// Fail lets a call of those that fn makes fail; nil lets none. It tells how many
// there were.
func (s *SQLite) Fail(f *Fault, fn func()) (counts map[Call]int) {
	s.mu.Lock()
	counts = map[Call]int{}
	s.fault, s.counts = f, counts
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fault, s.counts = nil, map[Call]int{}
	}()
	fn()
	return counts
}

// replace puts a function in the place of a system call, whose own is then in old.
func replace[F any](tb testing.TB, s *SQLite, tls *libc.TLS, vfs *sqlite3.Tsqlite3_vfs, name string, old *F, by F) {
	text, err := libc.CString(name)
	if err != nil {
		tb.Fatal(err)
	}
	get := function[func(*libc.TLS, uintptr, uintptr) uintptr](vfs.FxGetSystemCall)
	set := function[func(*libc.TLS, uintptr, uintptr, uintptr) int32](vfs.FxSetSystemCall)
	first := get(tls, 0, text)
	*old = function[F](first)
	if first == 0 || set(tls, 0, text, hook(s, by)) != sqlite3.SQLITE_OK {
		tb.Fatalf("SQLite has no system call %s", name)
	}
	tb.Cleanup(func() {
		set(tls, 0, text, first)
		libc.Xfree(tls, text)
	})
}

// hook is a function as SQLite refers to it.
func hook[F any](s *SQLite, f F) uintptr {
	s.hooks = append(s.hooks, f)
	return *(*uintptr)(unsafe.Pointer(&f))
}

// function is hook's inverse.
func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

// at is what SQLite has at an address.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// fails says whether a call fails, and sets the error's number.
func (s *SQLite) fails(tls *libc.TLS, c Call) bool {
	if s.counts[c]++; !s.fault.strikes(c, s.counts[c]) {
		return false
	}
	*at[int32](libc.X__errno_location(tls)) = int32(s.fault.As)
	return true
}

// remember notes a change, but for files that SQLite does not need after a loss of
// power.
func (s *SQLite) remember(file string, change func(d *Disk)) {
	if s.disk != nil && !strings.HasSuffix(file, "-shm") {
		change(s.disk)
	}
}

func (s *SQLite) onOpen(tls *libc.TLS, path uintptr, flags, mode int32) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails(tls, Open) {
		return -1
	}
	fd := s.open(tls, path, flags, mode)
	if fd >= 0 {
		file := libc.GoString(path)
		s.names[fd] = file
		s.remember(file, func(d *Disk) { d.create(file, false) })
	}
	return fd
}

func (s *SQLite) onRead(tls *libc.TLS, fd int32, buffer uintptr, n uint64, offset int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails(tls, Read) {
		if s.fault.As != 0 {
			return -1
		}
		n = (n + 1) / 2
	}
	return s.pread(tls, fd, buffer, n, offset)
}

// onWrite writes a half before it fails.
func (s *SQLite) onWrite(tls *libc.TLS, fd int32, buffer uintptr, n uint64, offset int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	failed := s.fails(tls, Write)
	if failed {
		n = (n + 1) / 2
	}
	done := s.pwrite(tls, fd, buffer, n, offset)
	if done > 0 {
		data := bytes.Clone(unsafe.Slice(at[byte](buffer), done))
		s.remember(s.names[fd], func(d *Disk) { d.write(s.names[fd], offset, data) })
	}
	if failed && s.fault.As != 0 {
		*at[int32](libc.X__errno_location(tls)) = int32(s.fault.As)
		return -1
	}
	return done
}

func (s *SQLite) onTruncate(tls *libc.TLS, fd int32, size int64) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails(tls, Truncate) {
		return -1
	}
	s.remember(s.names[fd], func(d *Disk) { d.truncate(s.names[fd], size) })
	return s.ftruncate(tls, fd, size)
}

func (s *SQLite) onRemove(tls *libc.TLS, path uintptr) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails(tls, Remove) {
		return -1
	}
	file := libc.GoString(path)
	s.remember(file, func(d *Disk) { d.remove(file) })
	return s.unlink(tls, path)
}

// onOpenDirectory is told the name of a file whose directory is to be synced.
func (s *SQLite) onOpenDirectory(_ *libc.TLS, path, fd uintptr) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := filepath.Dir(libc.GoString(path))
	target, err := unix.Dup(s.syncing(dir))
	if err != nil {
		return sqlite3.SQLITE_CANTOPEN
	}
	*at[int32](fd) = int32(target)
	return sqlite3.SQLITE_OK
}

// onOpenFile takes the place of the method that syncs such a file.
func (s *SQLite) onOpenFile(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32 {
	code := s.openFile(tls, vfs, path, file, flags, outFlags)
	s.mu.Lock()
	defer s.mu.Unlock()
	table := at[sqlite3.TunixFile](file).FpMethod
	if _, ours := s.sync[table]; code == sqlite3.SQLITE_OK && !ours {
		methods := at[sqlite3.Tsqlite3_io_methods](table)
		s.sync[table] = methods.FxSync
		methods.FxSync = hook(s, s.onSync)
	}
	return code
}

// onSync lets SQLite sync another file in the place of its own, and what else
// belongs to that.
func (s *SQLite) onSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := at[sqlite3.TunixFile](file)
	own := f.Fh
	defer func() { f.Fh = own }()
	s.mu.Lock()
	f.Fh = int32(s.syncing(s.names[own]))
	sync := function[func(*libc.TLS, uintptr, int32) int32](s.sync[f.FpMethod])
	s.mu.Unlock()
	return sync(tls, file, flags)
}

// syncing notes that a file or a directory is synced, and gives the file that is in
// its place: memory, or if the call is to fail, what cannot be synced.
func (s *SQLite) syncing(file string) (fd int) {
	if s.counts[Sync]++; s.fault.strikes(Sync, s.counts[Sync]) {
		return s.unsyncable
	}
	s.remember(file, func(d *Disk) { d.sync(file) })
	return s.memory
}
