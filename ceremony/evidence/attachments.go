package evidence

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/internal/rfc3161"
	"conclave/internal/safefile"
	"conclave/internal/sshsign"
)

// Namespace is what witnesses sign for:
//
//	ssh-keygen -Y sign -f KEY -n conclave-ceremony checkpoint
const Namespace = "conclave-ceremony"

// attachments verifies what was added after the close. Each says something of
// the checkpoint, and so of all of the transcript.
func (v *verifier) attachments() {
	entries, err := fs.ReadDir(v.bundle, AttachmentsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	head := v.read(HeadFile)
	for _, e := range entries {
		name := path.Join(AttachmentsDir, e.Name())
		switch {
		case name == StampFile:
			v.stamp(head)
		case strings.HasSuffix(name, signature):
			v.signature(strings.TrimSuffix(e.Name(), signature), head)
		case name != RootsFile && !strings.HasSuffix(name, signers):
			v.problem(name, "it is none of the files that can be attached")
		}
	}
}

// stamp verifies a time stamp, under the verifier's roots if there are any,
// else under those that came with it.
func (v *verifier) stamp(head []byte) {
	roots, whose := v.options.StampRoots, "the verifier's roots"
	if roots == nil {
		roots, whose = x509.NewCertPool(), "the roots in the bundle"
		if !roots.AppendCertsFromPEM(v.read(RootsFile)) {
			v.problem(RootsFile, "there is no certificate in it")
			return
		}
	}
	stamp, err := rfc3161.Verify(v.read(StampFile), head, roots)
	if err != nil {
		v.problem(StampFile, "%v", err)
		return
	}
	if stamp.Time.Before(v.report.End.Add(-clockError)) {
		v.problem(StampFile, "it is of %s, before the close at %s: the computer's clock was wrong", stamp.Time.Format(time.RFC3339), v.report.End.Format(time.RFC3339))
		return
	}
	v.shown("time stamp: %s by %s, under %s", stamp.Time.Format(time.RFC3339), stamp.TSA, whose)
}

// clockError is how wrong the clock of a ceremony's computer may be; it is set
// by hand.
const clockError = 24 * time.Hour

func (v *verifier) signature(name string, head []byte) {
	principal, err := sshsign.Verify(v.read(SignatureFile(name)), head, Namespace, v.read(SignersFile(name)), v.report.End)
	if err != nil {
		v.problem(SignatureFile(name), "%v", err)
		return
	}
	v.shown("signed by %s, whose key is in %s", principal, SignersFile(name))
}

// Attach adds files to the attachments of the bundle in a folder: contents by
// name. What does not verify is taken out again.
func Attach(dir string, files map[string][]byte) error {
	bundle := os.DirFS(dir)
	if _, err := Verify(bundle, Options{}); err != nil {
		return fmt.Errorf("nothing was attached, for the evidence does not verify: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, AttachmentsDir), 0o700); err != nil {
		return err
	}
	var added []string
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if present, err := os.ReadFile(file); err == nil && bytes.Equal(present, content) {
			continue
		}
		if err := safefile.Create(file, content); err != nil {
			return errors.Join(err, remove(added))
		}
		added = append(added, file)
	}
	before, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if err != nil {
		return errors.Join(err, remove(added))
	}
	if err := replaceSums(dir); err != nil {
		return errors.Join(err, remove(added))
	}
	if _, err := Verify(bundle, Options{}); err != nil {
		return errors.Join(fmt.Errorf("nothing was attached: %w", err), remove(added), replaceFile(filepath.Join(dir, SumsFile), before))
	}
	return nil
}

func remove(files []string) (err error) {
	for _, file := range slices.Backward(files) {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// replaceSums writes SHA256SUMS anew.
func replaceSums(dir string) error {
	sums, err := Sums(os.DirFS(dir))
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, SumsFile), sums)
}

// replaceFile puts a new content in the place of an old one, whole. The new one
// is first outside of the bundle, which must never have a file too many.
func replaceFile(file string, content []byte) error {
	temporary := filepath.Join(filepath.Dir(filepath.Dir(file)), ".conclave-sums")
	if err := safefile.Create(temporary, content); err != nil {
		return err
	}
	if err := os.Rename(temporary, file); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return safefile.SyncDir(filepath.Dir(file))
}
