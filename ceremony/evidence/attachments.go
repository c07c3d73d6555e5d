package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"conclave/ceremony/rfc3161"
	"conclave/ceremony/sshsign"
	"conclave/internal/safefile"
)

// Namespace is what witnesses sign for:
//
//	ssh-keygen -Y sign -f KEY -n conclave-ceremony checkpoint
const Namespace = "conclave-ceremony"

// attachments verifies what was added after the close. Each says something of
// the checkpoint, and so of all of the transcript.
func (v *verifier) attachments() {
	head := v.read(HeadFile)
	for _, name := range v.bundle.names {
		attached, ok := strings.CutPrefix(name, AttachmentsDir+"/")
		switch {
		case !ok:
		case path.Dir(attached) != ".":
			v.problem(path.Join(AttachmentsDir, path.Dir(attached)), "it is a folder; none can be attached")
		case name == StampFile:
			v.stamp(head)
		case strings.HasSuffix(name, signature):
			v.signature(strings.TrimSuffix(attached, signature), head)
		case name == RootsFile:
			v.read(StampFile) // they are for nothing else
		case strings.HasSuffix(name, signers):
			v.read(SignatureFile(strings.TrimSuffix(attached, signers)))
		default:
			v.problem(name, "it is not a file that can be attached")
		}
	}
}

// stamp verifies a time stamp, under the verifier's roots if there are any,
// else under those that came with it.
func (v *verifier) stamp(head []byte) {
	roots, whose := v.options.StampRoots, "the verifier's roots"
	if roots == nil {
		var err error
		if roots, err = rfc3161.Roots(v.read(RootsFile)); err != nil {
			v.problem(RootsFile, "%v", err)
			return
		}
		whose = "the roots in the bundle, which no one has checked"
	}
	stamp, err := rfc3161.Verify(v.read(StampFile), head, roots)
	if err != nil {
		v.problem(StampFile, "%v", err)
		return
	}
	if stamp.Time.Before(v.report.End.Add(-clockError)) {
		v.problem(StampFile, "it is of %s, before the close at %s: the computer's clock was wrong", Clock(stamp.Time), Clock(v.report.End))
		return
	}
	v.attached(StampFile, "time stamp: %s by %s, under %s", Clock(stamp.Time), stamp.TSA, whose)
}

// clockError is how wrong the clock of a ceremony's computer may be; it is set
// by hand.
const clockError = 24 * time.Hour

// signature verifies the signature of a witness, under the verifier's keys if
// there are any, else under those that came with it.
func (v *verifier) signature(name string, head []byte) {
	keys, whose := v.options.Signers, "as the verifier's keys have it"
	if attached := v.read(SignersFile(name)); keys == nil {
		keys, whose = attached, "as "+SignersFile(name)+" has it, which no one has checked"
	}
	principal, err := sshsign.Verify(v.read(SignatureFile(name)), head, Namespace, keys, v.report.End)
	if err != nil {
		v.problem(SignatureFile(name), "%v", err)
		return
	}
	v.attached(SignatureFile(name), "signed by %s, %s", principal, whose)
}

// attached notes what an attachment says.
func (v *verifier) attached(file, format string, args ...any) {
	v.shown(format, args...)
	v.report.Attached = append(v.report.Attached, Attachment{file, fmt.Sprintf(format, args...)})
}

// MaxAttachment is how many bytes are read of a file that is to be attached, and of
// keys and roots in its place: those that browsers come with have a tenth of that.
const MaxAttachment = 4 << 20

// Attach adds files to the attachments of the bundle in a folder: contents by
// name. What does not verify is taken out again.
func Attach(dir string, files map[string][]byte) error {
	if err := finishAttaching(dir); err != nil {
		return fmt.Errorf("nothing was attached: %w", err)
	}
	if _, err := VerifyFolder(dir, Options{}); err != nil {
		return fmt.Errorf("nothing was attached, for the evidence does not verify: %w", err)
	}
	added, err := addFiles(dir, files)
	if err == nil {
		err = replaceSums(dir)
	}
	if err == nil {
		_, err = VerifyFolder(dir, Options{})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("nothing was attached: %w", err), takeOut(dir, added))
	}
	return nil
}

// addFiles writes files into a bundle, and gives their paths.
func addFiles(dir string, files map[string][]byte) (added []string, err error) {
	if err := safefile.MkdirAll(filepath.Join(dir, AttachmentsDir)); err != nil {
		return nil, err
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if present, err := safefile.Read(file, int64(len(content))); err == nil && bytes.Equal(present, content) {
			continue
		}
		if err := safefile.Create(file, content); err != nil {
			return added, err
		}
		added = append(added, file)
	}
	return added, nil
}

// takeOut removes what was added.
func takeOut(dir string, added []string) (err error) {
	for _, file := range added {
		err = errors.Join(err, os.Remove(file))
	}
	os.Remove(filepath.Join(dir, AttachmentsDir)) // unless there are others in it
	return errors.Join(err, replaceSums(dir))
}

// finishAttaching takes out what a power cut has left of files that were being
// attached: those that SHA256SUMS does not have. They can be attached again.
// Nothing is taken out where there is anything but files and folders: a link may
// lead to files of others.
func finishAttaching(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	removeEmpty(root)
	b, err := look(root.FS())
	if err != nil {
		return err
	}
	sums, err := b.read(SumsFile)
	if err != nil {
		return fmt.Errorf("%s: %w", SumsFile, err)
	}
	for _, name := range b.names {
		if strings.HasPrefix(name, AttachmentsDir+"/") && !strings.Contains(string(sums), "  "+name+"\n") {
			err = errors.Join(err, root.Remove(filepath.FromSlash(name)))
		}
	}
	removeEmpty(root)
	return errors.Join(err, safefile.Sweep(dir))
}

// removeEmpty removes the folder of attachments, if there is nothing in it.
func removeEmpty(root *os.Root) {
	if info, err := root.Lstat(AttachmentsDir); err == nil && info.IsDir() {
		root.Remove(AttachmentsDir)
	}
}

// replaceSums writes SHA256SUMS again.
func replaceSums(dir string) error {
	sums, err := Sums(os.DirFS(dir))
	if err != nil {
		return err
	}
	return safefile.Replace(filepath.Join(dir, SumsFile), sums)
}
