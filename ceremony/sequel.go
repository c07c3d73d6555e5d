package ceremony

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/internal/safefile"
	"conclave/quorum"
)

// Before is what a drill, or a change of custody, goes on from.
type Before struct {
	Chain  *evidence.Chain
	Record *quorum.Record // of the sheets in force
	// Backup is the folder of share file and wrapped keys; empty where none is wanted.
	Backup    string
	Throwaway custody.ThrowawayDevices // makes the device on which the backup is opened
}

// ReadBefore reads the evidence that a drill or a change goes on from, and verifies it:
// that of the ceremony, or of the last drill or change.
func ReadBefore(bundle string) (*Before, error) {
	if err := verified(bundle); err != nil {
		return nil, err
	}
	return Newest(bundle)
}

func verified(bundle string) error {
	err := CheckEvidence(bundle)
	if err != nil {
		return err
	}
	if _, err = evidence.VerifyFolder(bundle, evidence.Options{}); err != nil {
		err = fmt.Errorf("%s: %w", bundle, err)
	}
	return err
}

// Newest reads evidence that was verified, and refuses it if other evidence goes on from
// it, or from evidence before it, or if there is no custody in it.
func Newest(bundle string) (*Before, error) {
	chain, record, err := newestChain(bundle)
	if err != nil {
		return nil, err
	}
	return newBefore(chain, record)
}

func newestChain(bundle string) (*evidence.Chain, []byte, error) {
	chain, record, err := evidence.ReadChain(bundle)
	if err == nil {
		err = checkEnd(chain, bundle)
	}
	return chain, record, err
}

func newBefore(chain *evidence.Chain, record []byte) (*Before, error) {
	if chain.State.Plan.Custody == nil {
		return nil, errors.New("this ceremony has made no keys, and there is no custody to look after; name the evidence of the one that has")
	}
	r, err := quorum.ParseRecord(record)
	if err != nil {
		err = fmt.Errorf("%s: %w", evidence.RecordFile, err)
	}
	return &Before{Chain: chain, Record: r}, err
}

// checkEnd refuses a chain from which other evidence, beside a bundle, goes on: what is in
// force is said there, or in neither. The bundle is that of the end of the chain, or of
// what is to go on from there.
func checkEnd(chain *evidence.Chain, bundle string) error {
	own, _ := os.Stat(bundle) // which may not be there yet
	for _, other := range sequels(bundle) {
		if info, err := os.Stat(other.Evidence()); err != nil || os.SameFile(own, info) {
			continue
		}
		held, err := plan.ReadFile(other.evidence(evidence.PlanFile))
		if err != nil {
			return err
		}
		head, err := safefile.Read(other.evidence(evidence.HeadFile), maxSmall)
		if err != nil {
			return err
		}
		sequel, sum := held.Plan.Sequel(), sha256.Sum256(head)
		i := slices.IndexFunc(chain.Links, func(link *evidence.Origin) bool { return sequel != nil && link.Closing == sequel.Before() })
		switch later := safefile.Quoted(other.Evidence()); {
		case i < 0 || i+1 < len(chain.Links) && chain.Links[i+1].Closing == hexOf(sum):
		case i+1 < len(chain.Links):
			return fmt.Errorf("%s goes on from %s, as %s does: only one can say what is in force. Look which it is, and move the folder of the other one away", later, chain.Links[i].Name(), chain.Links[i+1].Name())
		default:
			return fmt.Errorf("%s goes on from %s already, and is newer; name that evidence, and prepare from there what was to go on from this", later, chain.Links[i].Name())
		}
	}
	return nil
}

// Drill is the plan of a drill that goes on from this evidence.
func (b *Before) Drill(now time.Time) *plan.Plan {
	return b.Chain.State.Plan.DrillOf(b.Chain.Sequel(), now)
}

// Change is the plan of a change that goes on from this evidence. Of a device that is
// replaced it says which one it was.
func (b *Before) Change(change plan.Change, now time.Time) *plan.Plan {
	return b.Chain.State.Plan.ChangeOf(b.goingOn(change), now)
}

// goingOn is a change with what it says of the evidence before it.
func (b *Before) goingOn(change plan.Change) plan.Change {
	change.Sequel = b.Chain.Sequel()
	if change.Kind == plan.ReplaceDevice {
		change.Replaces = b.Chain.State.Serial(change.Device)
	}
	return change
}

// Check refuses a plan that has mistakes, or does not go on from this evidence.
func (b *Before) Check(p *plan.Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	return b.Chain.CheckNext(p)
}

// PrepareSequel writes the plan of a drill or a change to its folder, with the
// transcripts that it goes on from, so that the folder can be carried to the room.
func (f Folder) PrepareSequel(b *Before, p *plan.Plan) (file plan.File, err error) {
	file.Path, file.Plan = f.sequelPlan(), p
	if err := b.Check(p); err != nil {
		return file, err
	}
	if file.Content, err = p.Bytes(); err != nil {
		return file, err
	}
	record, err := b.Record.Bytes()
	if err != nil {
		return file, err
	}
	if err := putFile(f.before(evidence.RecordFile), record); err != nil {
		return file, err
	}
	for name, content := range b.Chain.Files() {
		if err := putFile(f.before(name), content); err != nil {
			return file, err
		}
	}
	return file, safefile.Create(file.Path, file.Content)
}

// Sequel reads what a drill or a change goes on from, which was prepared in the folder
// of its plan.
func (f Folder) Sequel(file plan.File) (*Before, error) {
	chain, record, err := evidence.ReadBefore(f.before(""))
	if err != nil {
		return nil, fmt.Errorf("%s goes on from earlier evidence, which is not beside it: %w; prepare it with: conclave ceremony change EVIDENCE", file.Path, err)
	}
	if err := chain.CheckNext(file.Plan); err != nil {
		return nil, fmt.Errorf("%s: %w", file.Path, err)
	}
	return newBefore(chain, record)
}

// PreparedDrill is the plan of the drill in a folder: the one that was prepared or begun
// there, or a new one, which is written.
func (b *Before) PreparedDrill(dir Folder, now time.Time) (plan.File, error) {
	if _, err := os.Stat(dir.sequelPlan()); err != nil {
		return dir.PrepareSequel(b, b.Drill(now))
	}
	f, err := plan.ReadFile(dir.sequelPlan())
	if err != nil {
		return f, err
	}
	if f.Plan.Kind() != plan.Checking {
		return f, fmt.Errorf("%s is not the plan of a drill; choose another folder", f.Path)
	}
	if err = b.Chain.CheckNext(f.Plan); err != nil {
		err = fmt.Errorf("%s is not the plan of a drill that goes on from this evidence: %w; choose another folder", f.Path, err)
	}
	return f, err
}

// putChain keeps the transcripts of all evidence before this with the evidence.
func (p *proceedings) putChain() error {
	if p.Before == nil {
		return nil
	}
	for name, content := range p.Before.Chain.Files() {
		if err := p.Dir.put(name, content); err != nil {
			return err
		}
	}
	return nil
}

// checkBackup looks, before anyone comes, whether the backup is of the sheets in force.
func (b *Before) checkBackup(p *plan.Plan) error {
	if !p.NeedsBackup() {
		return nil
	}
	if b.Backup == "" {
		return errors.New("this plan goes on from earlier evidence; say where the backup is, with share file and wrapped keys: --backup DIR")
	}
	if err := CheckBackup(b.Backup); err != nil {
		return err
	}
	file, records, err := (&backup{b.Backup}).read()
	if err != nil {
		if p.LeavesBackup() {
			return nil // what is lost is found out step by step
		}
		return err
	}
	set := func(r *quorum.Record) bool { return r.Set == b.Record.Set }
	if b.Record.Of(file) && slices.ContainsFunc(records, set) {
		return nil
	}
	return fmt.Errorf("%s has the sheets of set %s, made %s for %q, and the evidence has set %s, made %s for %q; take the newest backup, and name the newest evidence",
		b.Backup, records[0].Set, records[0].Created.Format(time.DateOnly), records[0].Ceremony, b.Record.Set, b.Record.Created.Format(time.DateOnly), b.Record.Ceremony)
}

// before is a file of the evidence before, in the folder of a drill or a change.
func (f Folder) before(name string) string { return path.Join(f.in("before"), name) }
