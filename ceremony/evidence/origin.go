package evidence

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// Origin is what the transcript of a ceremony, a drill or a change says to those
// after it.
type Origin struct {
	Closing string // SHA-256 of the checkpoint, in lower-case hexadecimal
	Facts   Facts
	Files   map[string][]byte
	plan    *plan.Plan
	done    []string // steps
	closed  bool
	end     time.Time
}

// originFiles are the files of a bundle that those after it keep.
func originFiles() []string { return []string{PlanFile, TranscriptFile, KeyFile, HeadFile} }

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
	last := t.Entries[len(t.Entries)-1]
	o.closed, o.end = last.Kind == transcript.Closed, last.Time
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
