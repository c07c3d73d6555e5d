package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"conclave/ceremony/step"
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
                                       OpenSSL 3.5 or later where a key is ML-DSA's

What each file and each byte means, with a second verifier in a page of Python, is
in docs/evidence-format.md of conclave: conclave help evidence-format
`

// Files gives the hash of each file that the close of a transcript names: all but
// the transcript itself and what is made of it.
func Files(fsys fs.FS) (map[string]step.Sum, error) {
	b, err := look(fsys)
	if err != nil {
		return nil, err
	}
	sums := map[string]step.Sum{}
	for _, name := range b.names {
		if !named(name) {
			continue
		}
		sum, err := b.sum(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		sums[name] = step.Sum(sum)
	}
	return sums, nil
}

// named says whether the close of the transcript names a file.
func named(name string) bool {
	return name != TranscriptFile && name != HeadFile && name != SumsFile && !strings.HasPrefix(name, AttachmentsDir+"/")
}

// strangers refuses files that the plan does not account for, in the folders of
// what the ceremony makes: whoever looks into such a folder takes all of it for
// what was made. Earlier versions did not look.
func (v *verifier) strangers() {
	made := v.made()
	for _, name := range v.bundle.names {
		folder, _, inside := strings.Cut(name, "/")
		own := name == RegisterFile || name == BeforeFile
		if inside {
			own = slices.Contains([]string{certificates, crls, inputs, devices, attestations, path.Dir(RecordFile), OriginDir, ChainDir, LastDir}, folder)
		}
		switch {
		case !own || made[name]:
		case v.facts.Schema < 2:
			v.unproved("the file %s: nothing in the plan has this name (evidence of an earlier version)", name)
		default:
			v.problem(name, "nothing in the plan has this name; take it out, or put it into %s before the close", PhotosDir)
		}
	}
}

// made are the files that the steps of the plan make.
func (v *verifier) made() map[string]bool {
	made := map[string]bool{RecordFile: v.plan.Custody != nil}
	add := func(names ...string) {
		for _, name := range names {
			made[name] = true
		}
	}
	for _, path := range v.plan.Inputs() {
		add(InputFile(path))
	}
	for _, s := range v.planned {
		switch s.Action {
		case step.Prepare:
			add(DeviceFile(s.Object), ProofFile(s.Object))
		case step.Generate:
			add(AttestationFile(s.Object))
		case step.Certify:
			add(CertificateFile(s.Object), RegisterFile)
		case step.SignCRL:
			add(CRLFile(s.Object), CRLRegisterFile(s.Object), RegisterFile)
		}
	}
	if v.plan.Register != "" {
		add(BeforeFile, RegisterFile)
	}
	if v.plan.Sequel() != nil {
		maps.Copy(made, v.bundle.chainFiles())
	}
	return made
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Sums gives the content of SHA256SUMS: a line for each other file, in order.
func Sums(fsys fs.FS) ([]byte, error) {
	b, err := look(fsys)
	if err != nil {
		return nil, err
	}
	var sums bytes.Buffer
	for _, name := range b.names {
		if name == SumsFile {
			continue
		}
		sum, err := b.sum(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
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
			v.problem(SumsFile, "the line %.80q is not one that sha256sum writes", strings.TrimSpace(line))
			return
		}
		want[name] = sum
	}
	for _, name := range v.bundle.names {
		if name == SumsFile {
			continue
		}
		sum := want[name]
		delete(want, name)
		got, err := v.bundle.sum(name)
		if err != nil {
			v.problem(name, "%v", err)
		} else if sum == "" {
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
	content, err := v.bundle.read(name)
	if err != nil {
		v.unreadable(name, err)
		return nil
	}
	return content
}

// unreadable tells, once, that a file cannot be read.
func (v *verifier) unreadable(name string, err error) {
	if v.missing[name] {
		return
	}
	v.missing[name] = true
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("it is missing")
	}
	v.problem(name, "%v", err)
}
