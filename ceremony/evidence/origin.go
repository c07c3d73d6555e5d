package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// OriginDir is where a drill keeps the transcript of its ceremony, and LastDir
// where it keeps that of the drill before.
const (
	OriginDir = "ceremony"
	LastDir   = "last-drill"
)

// Origin is what the transcript of a ceremony, or of a drill, says to the drills
// after it.
type Origin struct {
	Closing string // SHA-256 of the checkpoint, in lower-case hexadecimal
	Facts   Facts
	Files   map[string][]byte
	plan    *plan.Plan
	done    []string // steps
	closed  bool
}

// originFiles are the files of a bundle that a drill keeps.
func originFiles() []string { return []string{PlanFile, TranscriptFile, KeyFile, HeadFile} }

// ReadOrigin reads and verifies the transcript of a bundle in a folder.
func ReadOrigin(folder string) (o *Origin, err error) {
	return o, inFolder(folder, func(fsys fs.FS) error {
		b, err := look(fsys)
		if err == nil {
			o, err = b.origin(".")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		return nil
	})
}

// origin reads the transcript in a folder of a bundle.
func (b *bundle) origin(dir string) (*Origin, error) {
	o := &Origin{Files: map[string][]byte{}}
	for _, name := range originFiles() {
		content, err := b.read(path.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(dir, name), err)
		}
		o.Files[name] = content
	}
	if err := o.verify(); err != nil {
		return nil, fmt.Errorf("the transcript in %s: %w", dir, err)
	}
	return o, nil
}

func (o *Origin) verify() (err error) {
	t, err := transcript.Verify(o.Files[TranscriptFile], string(o.Files[KeyFile]))
	if err == nil {
		err = checkLastHead(t, o.Files[HeadFile])
	}
	if err == nil && t.Entries[0].Facts["plan sha256"] != hashOf(o.Files[PlanFile]) {
		err = errors.New("it is not of that plan")
	}
	if err == nil {
		o.plan, err = plan.Parse(o.Files[PlanFile])
	}
	if err == nil {
		err = o.plan.Check()
	}
	if err != nil {
		return err
	}
	o.Closing, o.done = hashOf(o.Files[HeadFile]), doneSteps(t.Entries)
	o.closed = t.Entries[len(t.Entries)-1].Kind == transcript.Closed
	o.Facts, err = ReadFacts(o.plan, t.Entries)
	return err
}

// Bags are the bags that were sealed; none where there was no custody.
func (o *Origin) Bags() (bags []plan.Bag) {
	if o.plan.Custody == nil {
		return nil
	}
	numbers := Of[step.SealFacts](o.Facts, step.Seal.ID()).Bags
	for _, thing := range o.plan.Bags() {
		bags = append(bags, plan.Bag{Thing: thing, Number: numbers[thing]})
	}
	return bags
}

// complete wants every step of its plan to be done, and the close.
func (o *Origin) complete() error {
	if !o.closed || !slices.Equal(o.done, plannedSteps(o.plan)) {
		return errors.New("it was not brought to its end")
	}
	return nil
}

// leadsTo says whether the plan of a drill, which was read from content, is the
// one that this ceremony's leads to: a drill leaves nothing out.
func (o *Origin) leadsTo(drill *plan.Plan, content []byte) bool {
	want, err := o.plan.DrillOf(*drill.Drill, drill.Start).Bytes()
	return err == nil && bytes.Equal(want, content)
}

// CheckLast wants an origin to be a drill of the ceremony, brought to its end.
func (o *Origin) CheckLast(ceremony *Origin) error {
	if o.plan.Drill == nil || o.plan.Drill.Closing != ceremony.Closing {
		return errors.New("it is not the evidence of a drill of this ceremony")
	}
	if !ceremony.leadsTo(o.plan, o.Files[PlanFile]) {
		return errors.New("its plan is not that of a drill of this ceremony")
	}
	return o.complete()
}
