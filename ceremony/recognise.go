package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"conclave/ceremony/evidence"
	"conclave/custody"
	"conclave/internal/safefile"
)

// Recognise says what a folder is that was named where something else was expected, and
// what it is for; empty for one that nothing here has made.
func Recognise(dir string) string {
	quoted, f := safefile.Quoted(dir), Folder(dir)
	has := func(name string) bool { return there(f.in(name)) }
	switch {
	case there(f.Evidence()):
		return fmt.Sprintf("this is the folder of a ceremony: its evidence is %s, its backup %s", safefile.Quoted(f.Evidence()), safefile.Quoted(f.Backup()))
	case has(evidence.TranscriptFile), has(evidence.KeyFile):
		return fmt.Sprintf("this is the evidence of a ceremony, which is verified with: conclave ceremony verify %s", quoted)
	case has(custody.ManifestFile):
		return fmt.Sprintf("this is the backup of a device, which is brought back with: conclave restore %s", quoted)
	case anyFile(dir, "*.pbe"), anyFile(dir, "*.wrap"):
		return "this is a folder with share files or wrapped keys, which are named one by one: conclave dkek import FILE.pbe, conclave key unwrap FILE.wrap"
	case has(evidence.PlanFile):
		return fmt.Sprintf("this is a folder with the plan of a ceremony, which is checked with: conclave ceremony check %s", safefile.Quoted(filepath.Join(dir, evidence.PlanFile)))
	}
	return ""
}

// there says whether there is a file or folder; Exists would also say so of one below a
// file.
func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// CheckForeign refuses a folder to write to that is a ceremony's.
func CheckForeign(dir string) error {
	if f := Folder(dir); there(f.Evidence()) || there(f.in(evidence.TranscriptFile)) {
		return fmt.Errorf("%s is not for this; %s. Choose another folder", dir, Recognise(dir))
	}
	return nil
}

// CheckBackup refuses what is no folder, and one that holds something else than the backup
// of a ceremony. What a backup lacks is found out when it is opened.
func CheckBackup(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is not a folder; the backup was expected, with share file, record and wrapped keys, such as PLAN.ceremony/backup. If it is lost, make a folder in its place, and leave that empty", dir)
	}
	if is := Recognise(dir); is != "" && !anyFile(dir, "*.pbe") && !anyFile(dir, "*.wrap") {
		return fmt.Errorf("%s holds no backup of a ceremony; %s", dir, is)
	}
	return nil
}

// anyFile says whether a folder has a file of a name; the folder's own name is not a pattern.
func anyFile(dir, pattern string) bool {
	found, err := fs.Glob(os.DirFS(dir), pattern)
	return err == nil && len(found) > 0
}

// CheckEvidence refuses what holds no evidence at all, and says what it is instead.
// Whether evidence is whole is for its verification.
func CheckEvidence(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; the folder of the evidence was expected, such as PLAN.ceremony/evidence", err)
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return fmt.Errorf("%s is a file; the folder of the evidence was expected, such as PLAN.ceremony/evidence", dir)
	case err != nil:
		return err
	}
	f := Folder(dir)
	for _, path := range []string{f.in(evidence.TranscriptFile), f.in(evidence.KeyFile), f.in(evidence.SumsFile), f.evidence(evidence.TranscriptFile)} {
		if safefile.Exists(path) {
			return nil // evidence, whole or not, or the folder around it: its verification says so
		}
	}
	if is := Recognise(dir); is != "" {
		return fmt.Errorf("%s holds no evidence; %s", dir, is)
	}
	return fmt.Errorf("%s holds no evidence; name the folder that conclave ceremony run has made, such as PLAN.ceremony/evidence", dir)
}
