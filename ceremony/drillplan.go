package ceremony

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/internal/safefile"
)

// ReadDrill reads what a drill looks after: the evidence of a ceremony, and that
// of the drill before, whose folder is empty if there was none.
func ReadDrill(bundle, last string) (d *Drill, err error) {
	d = &Drill{}
	if d.Origin, err = readOrigin(bundle); err != nil || last == "" {
		return d, err
	}
	if d.Last, err = readOrigin(last); err != nil {
		return d, fmt.Errorf("--last %w", err)
	}
	if err := d.Last.CheckLast(d.Origin); err != nil {
		return d, fmt.Errorf("--last %s: %w", last, err)
	}
	return d, nil
}

// readOrigin reads evidence that verifies.
func readOrigin(folder string) (*evidence.Origin, error) {
	if err := CheckEvidence(folder); err != nil {
		return nil, err
	}
	if _, err := evidence.VerifyFolder(folder, evidence.Options{}); err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	return evidence.ReadOrigin(folder)
}

// PlanIn is the plan of the drill in a folder: the one that was prepared or begun
// there, or a new one, which is written.
func (d *Drill) PlanIn(dir Folder, now time.Time) (f plan.File, err error) {
	ceremony, err := plan.Parse(d.Origin.Files[evidence.PlanFile])
	if err != nil {
		return f, err
	}
	if ceremony.Custody == nil || ceremony.Drill != nil {
		return f, errors.New("a drill is of a ceremony that has made keys; name the evidence of that")
	}
	f.Path = dir.drillPlan()
	if _, err := os.Stat(f.Path); err == nil {
		return d.planThatIs(f.Path, ceremony)
	}
	f.Plan = ceremony.DrillOf(d.after(), now)
	if err := f.Plan.Check(); err != nil {
		return f, err
	}
	if f.Content, err = f.Plan.Bytes(); err != nil {
		return f, err
	}
	if err := safefile.MkdirAll(string(dir)); err != nil {
		return f, err
	}
	return f, safefile.Create(f.Path, f.Content)
}

// after is what the plan says of what came before the drill.
func (d *Drill) after() plan.Drill {
	drill := plan.Drill{Closing: d.Origin.Closing, Bags: d.Origin.Bags()}
	if d.Last != nil {
		drill.Last, drill.Bags = d.Last.Closing, d.Last.Bags()
	}
	return drill
}

// planThatIs reads the plan of a drill that was prepared or begun. It must be
// what the ceremony's plan leads to, and the drill before.
func (d *Drill) planThatIs(path string, ceremony *plan.Plan) (plan.File, error) {
	f, err := plan.ReadFile(path)
	if err != nil {
		return f, err
	}
	if drill := f.Plan.Drill; drill != nil && drill.Last != "" && d.Last == nil {
		return f, fmt.Errorf("%s goes on from a drill before it; name its evidence again: --last DIR", path)
	}
	want, err := ceremony.DrillOf(d.after(), f.Plan.Start).Bytes()
	if err == nil && !bytes.Equal(want, f.Content) {
		err = fmt.Errorf("%s is not the plan of a drill of this ceremony, or was prepared with another --last; choose another folder", path)
	}
	return f, err
}
