package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"conclave/internal/safefile"
)

// Bounds of a bundle, which may be anyone's. A ceremony with ten keys has some
// hundred files; the largest are photographs.
const (
	maxFiles = 10_000
	maxDepth = 8
	maxFile  = 512 << 20
	maxTotal = 8 << 30
	// maxText is for files that are read as a whole; the others for some of them.
	maxText       = 64 << 20
	maxTranscript = 16 << 20
	maxPlan       = 1 << 20
	maxInput      = 256 << 10 // but a register, which is only hashed
	maxKey        = 64 << 10  // a key that is longer takes minutes to use
	maxRSA        = 16384     // bits
	// maxSteps is for what a plan leads to, maxProblems and maxProblem for how much
	// is told, and how much of it.
	maxSteps    = 2000
	maxProblems = 1000
	maxProblem  = 10_000
)

// bundle is a folder whose names, kinds and sizes were all looked at before
// anything in it is opened.
type bundle struct {
	fsys  fs.FS
	names []string // of the files, in order
	sizes map[string]int64
	total int64
	seen  int // files and folders
}

// look looks at a folder. What is neither a file nor a folder has no place in it.
func look(fsys fs.FS) (*bundle, error) {
	b := &bundle{fsys: fsys, sizes: map[string]int64{}}
	if err := b.walk(".", 0); err != nil {
		return nil, err
	}
	slices.Sort(b.names)
	return b, nil
}

func (b *bundle) walk(dir string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("folders are nested more than %d deep", maxDepth)
	}
	entries, err := b.list(dir)
	if err != nil {
		return err
	}
	if len(entries) == 0 && dir != "." { // no hash would tell of it
		return fmt.Errorf("the folder %q is empty; remove it", dir)
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		switch {
		case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }): // sha256sum would write it otherwise
			err = fmt.Errorf("the name %q has a character that cannot be printed, or a backslash; rename it", name)
		case entry.IsDir():
			err = b.walk(name, depth+1)
		default:
			err = b.add(name, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list gives what is in a folder; of one with too much in it, not all is read.
func (b *bundle) list(dir string) ([]fs.DirEntry, error) {
	f, err := b.fsys.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	folder, ok := f.(fs.ReadDirFile)
	if !ok {
		return nil, fmt.Errorf("%q is not a folder", dir)
	}
	var entries []fs.DirEntry
	for err == nil && b.seen <= maxFiles {
		var more []fs.DirEntry
		more, err = folder.ReadDir(1000)
		entries = append(entries, more...)
		b.seen += len(more)
	}
	if b.seen > maxFiles {
		return nil, fmt.Errorf("it holds more than %d files and folders", maxFiles)
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return entries, nil
}

func (b *bundle) add(name string, entry fs.DirEntry) error {
	info, err := entry.Info() // of the name itself, where it is a link
	if err != nil {
		return err
	}
	b.total += info.Size()
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is %s; files and folders alone were expected", name, safefile.Kind(info.Mode()))
	case info.Size() > maxFile:
		return fmt.Errorf("%q has %d bytes; %d at most were expected", name, info.Size(), int64(maxFile))
	case b.total > maxTotal:
		return fmt.Errorf("it holds more than %d bytes", int64(maxTotal))
	}
	b.names = append(b.names, name)
	b.sizes[name] = info.Size()
	return nil
}

func (b *bundle) has(name string) bool {
	_, ok := b.sizes[name]
	return ok
}

// holds says whether there is a folder with something in it.
func (b *bundle) holds(dir string) bool {
	return slices.ContainsFunc(b.names, func(name string) bool { return strings.HasPrefix(name, dir+"/") })
}

// read reads a file as a whole; of one that is empty the content is not nil.
func (b *bundle) read(name string) ([]byte, error) {
	limit := limitOf(name)
	if b.sizes[name] > limit {
		return nil, fmt.Errorf("it has %d bytes; %d at most were expected", b.sizes[name], limit)
	}
	content := bytes.NewBuffer([]byte{})
	err := b.copy(content, name, limit)
	return content.Bytes(), err
}

// limitOf is how much is read of a file that is read as a whole.
func limitOf(name string) int64 {
	folder, _, _ := strings.Cut(name, "/")
	switch {
	case path.Base(name) == PlanFile:
		return maxPlan
	case path.Base(name) == TranscriptFile:
		return maxTranscript
	case folder == inputs:
		return maxInput
	case slices.Contains([]string{devices, attestations, KeyFile, HeadFile}, folder):
		return maxKey
	}
	return maxText
}

// copy opens only files that were looked at.
func (b *bundle) copy(to io.Writer, name string, limit int64) error {
	if !b.has(name) {
		return fs.ErrNotExist
	}
	f, err := b.fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(to, io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = errors.New("it grows while it is read")
	}
	return err
}

// sum is the SHA-256 of a file.
func (b *bundle) sum(name string) (string, error) {
	hash := sha256.New()
	err := b.copy(hash, name, maxFile)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// inFolder calls fn with a folder on disk that no link leads out of.
func inFolder(dir string, fn func(fs.FS) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fn(root.FS())
}
