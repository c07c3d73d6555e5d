package custody

import (
	"fmt"
	"io"
	"path/filepath"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// ReadWrapFile reads the file of a wrapped key.
func ReadWrapFile(path string) (f wire.WrapFile, content []byte, err error) {
	if content, err = safefile.Read(path, wire.MaxWrapFile); err != nil {
		return f, nil, err
	}
	if f, err = wire.ParseWrapFile(content); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return f, content, err
}

// Rewrapping wraps keys again, under the DKEK of a share file that is to be
// made. No device is touched.
type Rewrapping struct {
	ShareFile string
	Wraps     []string
	Dir       string // for the keys under the new DKEK, in files of the same names
}

// Rewrapped is a wrapped key under the new DKEK, not yet written.
type Rewrapped struct {
	From, To string
	content  []byte
}

// Check makes sure that all files can be written, before anyone comes.
func (r Rewrapping) Check() error {
	seen := map[string]bool{}
	paths := []string{r.ShareFile}
	for _, w := range r.Wraps {
		paths = append(paths, r.target(w))
	}
	for _, path := range paths {
		if seen[filepath.Clean(path)] {
			return fmt.Errorf("%s would be written twice; wrapped keys of the same name go to different directories in several calls", path)
		}
		seen[filepath.Clean(path)] = true
		if err := safefile.Check(path); err != nil {
			return err
		}
	}
	return nil
}

func (r Rewrapping) target(wrap string) string { return filepath.Join(r.Dir, filepath.Base(wrap)) }

// Run reads all keys, and wraps each under a DKEK of the share alone.
func (r Rewrapping) Run(rand io.Reader, old DKEK, share secret.Bytes) (keys []Rewrapped, err error) {
	to, err := dkek.New(share)
	if err != nil {
		return nil, err
	}
	defer to.Wipe()
	for _, path := range r.Wraps {
		f, _, err := ReadWrapFile(path)
		if err != nil {
			return nil, err
		}
		if f.Blob, err = old.Rewrap(rand, f.Blob, to); err != nil {
			return nil, old.Explain(path, err)
		}
		content, err := f.Bytes()
		if err != nil {
			return nil, err
		}
		keys = append(keys, Rewrapped{path, r.target(path), content})
	}
	return keys, nil
}

// Write writes the file, once the new share file and its sheets are proved.
func (k Rewrapped) Write() error {
	if err := safefile.Create(k.To, k.content); err != nil {
		return fmt.Errorf("%w; destroy what was made so far, the new sheets too, and run it again: nothing old was touched", err)
	}
	return nil
}
