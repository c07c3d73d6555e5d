package plan

import (
	"fmt"
	"path/filepath"
	"strings"

	"conclave/internal/safefile"
)

// MaxFile is how many bytes are read of a plan. One of ten keys, with 255 custodians
// and the certificates that are to be cross-signed, has a tenth of that.
const MaxFile = 1 << 20

// File is a plan on disk.
type File struct {
	Path    string
	Content []byte
	Plan    *Plan
}

// ParseFile reads a plan. What it says is for Check.
func ParseFile(path string) (File, error) {
	content, err := safefile.Read(path, MaxFile)
	if err != nil {
		return File{}, err
	}
	p, err := Parse(content)
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return File{path, content, p}, nil
}

// ReadFile reads a plan that has no problem in itself.
func ReadFile(path string) (File, error) {
	content, err := safefile.Read(path, MaxFile)
	if err != nil {
		return File{}, err
	}
	p, err := Parse(content)
	if err == nil {
		err = p.Check()
	}
	if err != nil {
		return File{}, fmt.Errorf("%s: %w; see: conclave ceremony check %s", path, err, path)
	}
	return File{path, content, p}, nil
}

// Stem is the path of the plan without .json: the beginning of the names of
// what is made from it.
func (f File) Stem() string { return strings.TrimSuffix(f.Path, ".json") }

// Base is the folder that paths in the plan begin at.
func (f File) Base() string { return filepath.Dir(f.Path) }

// Rehearsal is the plan of a new rehearsal, which is on no disk yet; its path is
// that of the original.
func (f File) Rehearsal() (File, error) {
	p, err := f.Plan.Rehearsal()
	if err != nil {
		return f, err
	}
	content, err := p.Bytes()
	return File{f.Path, content, p}, err
}
