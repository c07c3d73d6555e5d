package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"conclave/custody"
	"conclave/dkek"
	"conclave/internal/interrupt"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

type dkekRekey struct {
	File  string   `arg:"" help:"Share file to write, with the new DKEK."`
	Wraps []string `arg:"" help:"Files of wrapped keys, under the old DKEK."`
	Out   string   `required:"" placeholder:"DIR" help:"Directory for the files of the keys under the new DKEK, which have the same names."`
	dkekSource
	newSet
}

// Validate finds what makes no sense.
func (cmd dkekRekey) Validate() error {
	if cmd.Threshold == 0 {
		return errors.New("--threshold and the custodians were expected: who will open the new file")
	}
	return errors.Join(cmd.newSet.check(), cmd.dkekSource.Validate())
}

// rewrapped is a wrapped key under the new DKEK, not yet written.
type rewrapped struct {
	from, to string
	content  []byte
}

// Run wraps the keys anew in memory, and writes them when the new share file
// and its sheets are proved. No device is touched.
func (cmd dkekRekey) Run(c *console) error {
	ctx, stop := interrupt.Context(c.ctx)
	defer stop()
	if _, _, err := cmd.people(); err != nil { // before anyone comes
		return err
	}
	if err := cmd.checkOutputs(); err != nil {
		return err
	}
	old, err := cmd.dkekSource.open(ctx, c)
	if err != nil {
		return err
	}
	defer old.Wipe()
	share, err := custody.DrawShare(rand.Reader)
	if err != nil {
		return err
	}
	defer share.Wipe()
	keys, err := cmd.rewrap(old, share)
	if err != nil {
		return err
	}
	if err := cmd.withCustodians(c, custody.Creation{Rand: rand.Reader, ShareFile: cmd.File, Share: share, Replaces: old.Sets()}); err != nil {
		return fmt.Errorf("%w; no wrapped key was written, and the old ones are as good as before", err)
	}
	return cmd.write(c, keys)
}

// checkOutputs makes sure that all files can be written, before anyone comes.
func (cmd dkekRekey) checkOutputs() error {
	seen := map[string]bool{}
	for _, path := range append([]string{cmd.File}, cmd.targets()...) {
		if seen[path] {
			return fmt.Errorf("%s would be written twice; wrapped keys of the same name go to different directories in several calls", path)
		}
		seen[path] = true
		if err := safefile.Check(path); err != nil {
			return err
		}
	}
	return nil
}

func (cmd dkekRekey) targets() (paths []string) {
	for _, w := range cmd.Wraps {
		paths = append(paths, filepath.Join(cmd.Out, filepath.Base(w)))
	}
	return paths
}

// rewrap reads all keys and wraps each under a DKEK of the share alone.
func (cmd dkekRekey) rewrap(old custody.DKEK, share secret.Bytes) ([]rewrapped, error) {
	to, err := dkek.New(share)
	if err != nil {
		return nil, err
	}
	defer to.Wipe()
	var keys []rewrapped
	for i, path := range cmd.Wraps {
		f, err := readWrapFile(path)
		if err != nil {
			return nil, err
		}
		if f.Blob, err = old.Rewrap(rand.Reader, f.Blob, to); err != nil {
			return nil, old.Explain(path, err)
		}
		content, err := f.Bytes()
		if err != nil {
			return nil, err
		}
		keys = append(keys, rewrapped{path, cmd.targets()[i], content})
	}
	return keys, nil
}

// readWrapFile reads a file of a wrapped key.
func readWrapFile(path string) (wire.WrapFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return wire.WrapFile{}, err
	}
	f, err := wire.ParseWrapFile(content)
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (cmd dkekRekey) write(c *console, keys []rewrapped) error {
	for _, k := range keys {
		if err := safefile.Create(k.to, k.content); err != nil {
			return fmt.Errorf("%w; destroy what was made so far, the new sheets too, and call it again: nothing old was touched", err)
		}
		fmt.Fprintf(c.out, "%s is wrapped anew to %s\n", k.from, k.to)
	}
	c.note("A device takes these keys once it has the new DKEK. When all is restored and tried, destroy wherever they are:")
	for _, path := range append(cmd.Wraps, cmd.DKEK...) {
		c.note("  every copy of %s", path)
	}
	c.note("  the old sheets; and devices that hold the old DKEK are to be initialised anew")
	return nil
}
