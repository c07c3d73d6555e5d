package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// ReadMe is the text that a bundle carries for whoever finds it.
const ReadMe = `This folder is the evidence of a key ceremony. Nothing in it is secret.

Verify all of it, offline and on any machine:

    conclave ceremony verify FOLDER --key FINGERPRINT --closing CLOSING

FINGERPRINT (of the ceremony key) and CLOSING are on the paper of the ceremony,
as words. By hand:

    sha256sum -c SHA256SUMS            every file is as it was
    transcript.jsonl                   what was done, one entry in each line; each has
                                       the SHA-256 of the line before it, and a signed
                                       tree head (https://c2sp.org/tlog-checkpoint)
    ceremony-key.txt                   the key of the signatures (Ed25519)
    checkpoint                         the last tree head; its SHA-256 is the closing
                                       on the paper
    openssl verify -CAfile certificates/ROOT.pem certificates/OTHER.pem
`

// walk gives the names of all files of a bundle, in order. What is neither a
// file nor a folder has no place in it.
func walk(bundle fs.FS) (names []string, err error) {
	err = fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }): // sha256sum would write it otherwise
			return fmt.Errorf("the name %q has a character that cannot be printed, or a backslash; rename it", name)
		case entry.Type().IsRegular():
			names = append(names, name)
		case !entry.IsDir():
			return fmt.Errorf("%q is neither a file nor a folder", name)
		default:
			return checkFilled(bundle, name)
		}
		return nil
	})
	return names, err
}

// checkFilled refuses a folder in which there is nothing: no hash would tell of
// it.
func checkFilled(bundle fs.FS, name string) error {
	entries, err := fs.ReadDir(bundle, name)
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("the folder %q is empty; remove it", name)
	}
	return err
}

// Files gives the hash of each file that the close of a transcript names, as
// facts: all but the transcript itself and what is made of it.
func Files(bundle fs.FS) (Facts, error) {
	names, err := walk(bundle)
	if err != nil {
		return nil, err
	}
	facts := Facts{}
	for _, name := range names {
		if !named(name) {
			continue
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return nil, err
		}
		facts[FactFile+name] = hashOf(content)
	}
	return facts, nil
}

// named says whether the close of the transcript names a file.
func named(name string) bool {
	return name != TranscriptFile && name != HeadFile && name != SumsFile && !strings.HasPrefix(name, AttachmentsDir+"/")
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Sums gives the content of SHA256SUMS: a line for each other file, in order.
func Sums(bundle fs.FS) ([]byte, error) {
	names, err := walk(bundle)
	if err != nil {
		return nil, err
	}
	var sums bytes.Buffer
	for _, name := range names {
		if name == SumsFile {
			continue
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%s  %s\n", hashOf(content), name)
	}
	return sums.Bytes(), nil
}

// sums checks every file against SHA256SUMS, and SHA256SUMS against every file.
func (v *verifier) sums() {
	content := v.read(SumsFile)
	if content == nil {
		return
	}
	want := map[string]string{}
	for line := range strings.Lines(string(content)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || len(sum) != 2*sha256.Size || want[name] != "" || !strings.HasSuffix(line, "\n") {
			v.problem(SumsFile, "the line %q is not one that sha256sum writes", strings.TrimSpace(line))
			return
		}
		want[name] = sum
	}
	names, err := walk(v.bundle)
	if err != nil {
		v.problem("", "%v", err)
		return
	}
	for _, name := range names {
		if name == SumsFile {
			continue
		}
		sum := want[name]
		delete(want, name)
		if got := hashOf(v.read(name)); sum == "" {
			v.problem(name, "it is not in %s: it was added, or renamed", SumsFile)
		} else if got != sum {
			v.problem(name, "its SHA-256 is %s, and %s in %s: one of the two was changed", got, sum, SumsFile)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v.problem(name, "it is missing; %s names it", SumsFile)
	}
}

// read reads a file, which must be there; nil if it cannot be.
func (v *verifier) read(name string) []byte {
	content, err := fs.ReadFile(v.bundle, name)
	if err != nil && !v.missing[name] {
		v.missing[name] = true
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("it is missing")
		}
		v.problem(name, "%v", err)
	}
	return content
}
