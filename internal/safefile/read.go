package safefile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// StandardInput is the path of standard input, also where there is none of that name.
const StandardInput = "/dev/stdin"

// Read reads a file that may be anyone's, of so many bytes at most. What is behind
// the path must be a regular file, by whatever links; its kind and its size are
// looked at before it is opened, for a named pipe can make a program wait for ever,
// and a device need not have an end.
//
// What the program was started with is the exception: the path of a descriptor, such
// as /dev/stdin, or /dev/fd/63 for what a shell writes as <(command). Who named it
// has connected it, so it may be a pipe. No more is read of it than of a file.
func Read(path string, limit int64) ([]byte, error) {
	if isDescriptor(path) {
		return ReadPipe(path, limit)
	}
	f, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path, limit)
}

// Sum is the SHA-256 of a file, which may be as large as recordings are.
func Sum(path string) (sum [sha256.Size]byte, err error) {
	f, err := Open(path, math.MaxInt64)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return [sha256.Size]byte(hash.Sum(nil)), err
}

// ReadPipe is Read of whatever the path names, for secrets: people have them
// written to a named pipe, so that they are on no disk. It waits for who writes.
func ReadPipe(path string, limit int64) ([]byte, error) {
	if path == StandardInput {
		return readAll(os.Stdin, path, limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, path, limit)
}

// Reread reads a file that was just written, and is on its disk, from there. Linux is told
// to forget what it has of the file in memory, which disks and sticks do with what is
// written; a file system that is in memory, or another system, gives what it has.
func Reread(path string, limit int64) ([]byte, error) {
	f, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	forget(f)
	return readAll(f, path, limit)
}

// Look refuses what Read would, of a file that something else is to open, and of those
// beside it, as far as there are any: their names end with beside.
func Look(path string, limit int64, beside ...string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = judge(path, info, limit)
	}
	if err != nil {
		return nil, err
	}
	return info, lookBeside(path, limit, beside)
}

// lookBeside looks beside the file itself, whatever links lead to it.
func lookBeside(path string, limit int64, beside []string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, end := range beside {
		if _, err := Look(path+end, limit); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Open opens a regular file of so many bytes at most, for who does not want all of it in
// memory, as Read does. It does not wait for a pipe that has taken its place since it was
// looked at.
func Open(path string, limit int64) (*os.File, error) {
	if info, err := os.Stat(path); err == nil { // else opening tells why
		if err := judge(path, info, limit); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = judge(path, info, limit)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// judge refuses what is no regular file, and what is too long.
func judge(path string, info fs.FileInfo, limit int64) error {
	switch {
	case info.IsDir(): // the system's error, which callers know
		return fmt.Errorf("%w; a file was expected", &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR})
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %s; a file was expected", path, Kind(info.Mode()))
	case info.Size() > limit:
		return fmt.Errorf("%s has %d bytes; %d at most were expected: is it another file?", path, info.Size(), limit)
	}
	return nil
}

// readAll reads to the end, which must come in time.
func readAll(f *os.File, path string, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("%s goes on after %d bytes; no more were expected", path, limit)
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// Kind says what there is at a path where something else was expected.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device, or something else that is not a file"
}

// isDescriptor says whether a path is the name of a descriptor of this process.
func isDescriptor(path string) bool {
	dir, number := filepath.Split(filepath.Clean(path))
	_, err := strconv.Atoi(number)
	return path == StandardInput || err == nil && (dir == "/dev/fd/" || dir == "/proc/self/fd/")
}
