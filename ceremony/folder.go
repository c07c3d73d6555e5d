package ceremony

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
	"conclave/custody"
	"conclave/internal/safefile"
)

// Folder is the folder of a ceremony, of a rehearsal, or of a drill or a change.
//
//	evidence/          what anyone may see: the bundle
//	backup/            the share file with its record, and the wrapped keys
//	publish/           certificates and CRLs as they are published, DER
//	register.sqlite    what the authorities have signed
//	imports/           which device has been given a DKEK share
//	ceremony.key       signs the transcript, until the close
//	practice/          of a rehearsal: its devices, its backup media, and what comes
//	                   with its plan
//	plan.json          of a drill or a change: its plan
//	before/            of a drill or a change: what it goes on from
//	present/           of a rekey: the SO-PINs that devices have until they get others,
//	                   sealed under the new DKEK
//	throwaway/         of a drill or a change: the device that the backup is opened on
type Folder string

// FolderOf is where the ceremony of a plan is held, if no one says otherwise; a drill or
// a change, where it was prepared.
func FolderOf(f plan.File) Folder {
	if f.Plan.Sequel() != nil {
		return Folder(f.Base())
	}
	return Folder(f.Stem() + ".ceremony")
}

// FolderAround is the folder of the first ceremony whose evidence a bundle is, or goes on
// from.
func FolderAround(bundle string) Folder { return Folder(filepath.Dir(sequelStem(bundle))) }

// EvidenceBeside is the bundle of the ceremony whose backup a file is in; empty for none.
func EvidenceBeside(file string) string {
	around := Folder(filepath.Join(filepath.Dir(file), ".."))
	if !there(around.evidence(evidence.TranscriptFile)) {
		return ""
	}
	return around.Evidence()
}

// RehearsalFolder is where the next rehearsal of a plan is held, if no one says
// otherwise. One that people have begun goes on; where auto is set a program
// answers for them, and begins again.
func RehearsalFolder(f plan.File, auto bool) Folder {
	return nextFolder(f.Stem()+".rehearsal", func(dir Folder) bool { return !auto && dir.rehearses(f) })
}

// DrillFolder is where the next drill is held that goes on from evidence, if no one says
// otherwise: one that was prepared, or begun, or a new one.
func DrillFolder(bundle string) Folder {
	return nextFolder(sequelStem(bundle)+string(plan.Checking), func(Folder) bool { return true })
}

// ChangeFolder is where the next change of a kind is prepared.
func ChangeFolder(bundle string, kind plan.Kind) Folder {
	return nextFolder(sequelStem(bundle)+string(kind), func(Folder) bool { return false })
}

// sequelStem begins the names of the folders of all drills and changes that go on from a
// first ceremony: they lie side by side, beside its evidence.
func sequelStem(bundle string) string {
	evidence := filepath.Clean(bundle)
	around := filepath.Dir(evidence)
	if named, err := filepath.Abs(around); err == nil { // it may be "."
		if stem, _, ok := sequelName(filepath.Base(named)); ok {
			evidence = filepath.Join(around, "..", stem)
		}
	}
	return evidence + "."
}

// sequelName takes the name of the folder of a drill or a change apart.
func sequelName(name string) (stem string, kind plan.Kind, ok bool) {
	dot := max(0, strings.LastIndexByte(name, '.'))
	for _, kind := range append(plan.Kinds(), plan.Checking) {
		number, is := strings.CutPrefix(name[dot:], "."+string(kind)+"-")
		if _, err := strconv.Atoi(number); is && err == nil {
			return name[:dot], kind, true
		}
	}
	return "", "", false
}

// sequels are the folders beside a bundle of drills and changes that are closed.
func sequels(bundle string) (dirs []Folder) {
	stem := sequelStem(bundle)
	entries, _ := os.ReadDir(filepath.Dir(stem)) // one that cannot be read has none
	for _, e := range entries {
		dir := Folder(filepath.Join(filepath.Dir(stem), e.Name()))
		if base, _, ok := sequelName(e.Name()); ok && base+"." == filepath.Base(stem) && safefile.Exists(dir.evidence(evidence.HeadFile)) && !safefile.Exists(dir.key()) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Prepared says whether the plan of a drill or a change is in this folder.
func (f Folder) Prepared() bool { return safefile.Exists(f.sequelPlan()) }

// numbered is a folder in a series.
func numbered(stem string, n int) Folder { return Folder(fmt.Sprintf("%s-%d", stem, n)) }

// nextFolder is the first folder in a series that is not there; or one that is
// there, not closed, and may be gone on with. One that a program has answered
// is not resumed, for the sheets are gone with it.
func nextFolder(stem string, resume func(Folder) bool) Folder {
	for n := 1; ; n++ {
		dir := numbered(stem, n)
		if !safefile.Exists(string(dir)) {
			return dir
		}
		begun, open := safefile.Exists(dir.Evidence()), safefile.Exists(dir.key())
		if (open || !begun) && !safefile.Exists(dir.practice(simulated)) && resume(dir) {
			return dir
		}
	}
}

// Evidence is the folder of the evidence.
func (f Folder) Evidence() string { return f.evidence("") }

// Backup is the folder of share file and wrapped keys.
func (f Folder) Backup() string { return f.in("backup") }

// Publish is the folder of what is to be published.
func (f Folder) Publish() string { return f.publish("") }

// Register is the register of what was signed.
func (f Folder) Register() string { return f.in("register.sqlite") }

// Practice is the folder of the practice devices.
func (f Folder) Practice() string { return f.practice("") }

// present is the folder of the SO-PINs that devices have while a new DKEK comes.
func (f Folder) present() string { return f.in("present") }

// Throwaway is the folder of the device that a drill or a change opens the backup on.
func (f Folder) Throwaway() string { return f.in("throwaway") }

func (f Folder) in(name string) string       { return filepath.Join(string(f), name) }
func (f Folder) publish(name string) string  { return filepath.Join(f.in("publish"), name) }
func (f Folder) practice(name string) string { return filepath.Join(f.in("practice"), name) }
func (f Folder) key() string                 { return f.in("ceremony.key") }
func (f Folder) sequelPlan() string          { return f.in(evidence.PlanFile) }

// evidence is a file of the evidence, whose name has slashes.
func (f Folder) evidence(name string) string {
	return filepath.Join(f.in("evidence"), filepath.FromSlash(name))
}

// lock is held while a program is at work in the folder.
func (f Folder) lock() string { return f.in(".lock") }

// journal is that of the DKEK shares in a device, for this ceremony.
func (f Folder) journal(serial string) (*custody.Journal, error) {
	return custody.OpenJournal(f.in("imports"), serial, 0)
}

// put writes a file of the evidence.
func (f Folder) put(name string, content []byte) error {
	return putFile(f.evidence(name), content)
}

// maxSmall is how many bytes a file may have that holds a key, or the request for one.
const maxSmall = 64 << 10

// Begun is the fingerprint of the key of a ceremony that was begun in this folder,
// empty if none was.
func (f Folder) Begun() string {
	content, err := safefile.Read(f.evidence(evidence.KeyFile), maxSmall)
	if err != nil {
		return ""
	}
	key, err := transcript.ParsePublicKey(string(content))
	if err != nil {
		return ""
	}
	return hexOf(key.Fingerprint())
}

// Closed says whether the ceremony that was begun in this folder is over.
func (f Folder) Closed() bool { return f.Begun() != "" && !safefile.Exists(f.key()) }

// Names of files in the practice folder: that a program has answered in
// this rehearsal, and the plan that it rehearses.
const (
	simulated    = "played-by-the-program"
	originalPlan = "rehearsed-plan.json"
)

// Rehearsal is the plan of a rehearsal: the one that was begun in this folder, or
// a new one.
func (f Folder) Rehearsal(original plan.File) (plan.File, error) {
	begun := f.evidence(evidence.PlanFile)
	if _, err := os.Stat(begun); err == nil {
		r, err := plan.ReadFile(begun)
		if err == nil && !r.Plan.Practice {
			err = fmt.Errorf("%s is a real ceremony, and not a rehearsal; choose another folder", f)
		}
		return r, err
	}
	return original.Rehearsal()
}

// PrepareRehearsal notes which plan is rehearsed, and whether a
// program answers in it.
func (f Folder) PrepareRehearsal(original plan.File, auto bool) error {
	if err := safefile.MkdirAll(f.Practice()); err != nil {
		return err
	}
	path := f.practice(originalPlan)
	if !safefile.Exists(path) {
		if err := safefile.Create(path, original.Content); err != nil {
			return err
		}
	} else if !f.rehearses(original) {
		return fmt.Errorf("%s is the rehearsal of another plan; choose another folder", f)
	}
	if auto {
		return os.WriteFile(f.practice(simulated), nil, 0o600)
	}
	return nil
}

// rehearses says whether there is a rehearsal of a plan in this folder.
func (f Folder) rehearses(original plan.File) bool {
	content, err := safefile.Read(f.practice(originalPlan), plan.MaxFile)
	return err == nil && bytes.Equal(content, original.Content)
}

// putFile writes a file, unless it is there with that content.
func putFile(path string, content []byte) error {
	present, err := safefile.Read(path, int64(len(content)))
	if err == nil && bytes.Equal(present, content) {
		return nil
	}
	if err == nil && len(present) == 0 { // a power cut has left the name alone
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := safefile.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return safefile.Create(path, content)
}

// replaceFile writes a file over what an interrupted step has left.
func replaceFile(path string, content []byte) error {
	if err := safefile.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return safefile.Replace(path, content)
}
