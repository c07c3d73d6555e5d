//go:build unix

package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// CheckWay refuses a path that others could lead to another file: through a folder
// that they can write to and that is not sticky, or through a link of theirs. Others
// are all users but root and that of this process. It looks at the folders above and at
// every link, as far as they exist.
func CheckWay(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for _, p := range prefixes(path) {
		info, err := os.Lstat(p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = checkOwner(p, info)
		}
		if err == nil && info.IsDir() && info.Mode()&fs.ModeSticky == 0 && canWrite(info) {
			err = writable(p, info)
		}
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			err = checkLink(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// prefixes are a path and all that it leads through, from the root.
func prefixes(path string) (all []string) {
	for i, c := range path {
		if c == filepath.Separator && i > 0 {
			all = append(all, path[:i])
		}
	}
	return append(append([]string{string(filepath.Separator)}, all...), path)
}

// checkLink looks at the way to where a link leads. Links in a circle end here.
func checkLink(link string) error {
	dir, err := filepath.EvalSymlinks(filepath.Dir(link))
	if err != nil {
		return err
	}
	if _, err := os.Stat(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	target, err := os.Readlink(link)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	return CheckWay(target)
}

// CheckOwn refuses a file or a folder, behind whatever links, that others own or can
// write to. What does not exist is no fault.
func CheckOwn(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = checkOwner(path, info)
	}
	if err == nil && canWrite(info) {
		err = writable(path, info)
	}
	return err
}

// Exposed says whether others can read a file, as far as its own mode tells.
func Exposed(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o044 != 0
}

// canWrite says whether others can write to a file or a folder. A group with the number
// of the owner is the owner's alone, on systems where users have one each.
func canWrite(info fs.FileInfo) bool {
	mode, stat := info.Mode(), info.Sys().(*syscall.Stat_t)
	return mode&0o002 != 0 || mode&0o020 != 0 && stat.Gid != stat.Uid
}

func writable(path string, info fs.FileInfo) error {
	return fmt.Errorf("others can write to %s (mode %v), and put something else in its place; type: chmod go-w %s", path, info.Mode(), Quoted(path))
}

// checkOwner wants root, the user of this process, or whoever has the root of the
// file system: where root has no number, as in some containers, that is someone else.
func checkOwner(path string, info fs.FileInfo) error {
	uid := ownerOf(info)
	root, err := os.Stat("/")
	if uid == 0 || uid == os.Geteuid() || err == nil && uid == ownerOf(root) {
		return nil
	}
	return fmt.Errorf("%s belongs to %s, who can put something else in its place, and this runs as %s; run it as that user, or choose a folder of your own",
		path, UserName(uid), UserName(os.Geteuid()))
}

func ownerOf(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
