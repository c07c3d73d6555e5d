package ceremony

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
	"conclave/internal/typed"
)

// copy copies the backup to media: as many as the plan says, or as people bring.
func (p *proceedings) copy(ctx context.Context, _ string) (done, error) {
	c := &copying{proceedings: p, written: map[string]string{}}
	c.first, c.wanted = p.mediaToWrite()
	if err := c.run(ctx); err != nil {
		return done{}, err
	}
	copies, wanted := len(c.written), p.copiesWanted()
	text := fmt.Sprintf("copies of the backup: %d", copies)
	if copies < wanted {
		text = step.TooFewCopies(copies, wanted) + ", so the backup in the folder of the ceremony must be kept until there are"
		if err := p.log.noteException("", text, step.ExceptionFacts{}); err != nil {
			return done{}, err
		}
	}
	return done{text, step.CopyFacts{Copies: copies, Media: c.written}}, nil
}

// mediaToWrite is the number of the first medium that is written, and how many there are;
// 0 for as many as come. Where media are added, those that there are stay as they are.
func (p *proceedings) mediaToWrite() (first, wanted int) {
	first, wanted = 1, p.Plan.Custody.Media
	if p.Plan.Kind() == plan.AddMedium && wanted > 0 {
		first += evidence.Of[step.CopyFacts](p.log.before, step.Copy.ID()).Copies
		wanted -= first - 1
	}
	return first, wanted
}

// copiesWanted is how many copies are made at least.
func (p *proceedings) copiesWanted() int {
	if p.Plan.Kind() != plan.AddMedium {
		return p.Plan.Custody.Copies()
	}
	_, wanted := p.mediaToWrite()
	return max(wanted, 1)
}

// copying is the writing of media, one after the other.
type copying struct {
	*proceedings
	first, wanted int // number of the first, and how many; 0 for as many as come
	taken         []target
	written       map[string]string // identities, by number
}

// target is a folder that a medium appears as.
type target struct {
	folder, identity string
	name             string // of what is there already
	doubt            string // why the backup should not go there; empty if it may
}

// run asks for media, until there are as many as are wanted, or people have no other.
func (c *copying) run(ctx context.Context) error {
	for c.wanted == 0 || len(c.written) < c.wanted {
		number := c.first + len(c.written)
		t, err := c.next(ctx, number)
		if t == nil || err != nil {
			return err
		}
		t.name = plan.Medium(number)
		c.taken = append(c.taken, *t)
		c.written[strconv.Itoa(number)] = t.identity
		text := fmt.Sprintf("Medium %d holds the whole backup; it was read back.", number)
		c.people.Tell(text)
		if err := c.note(number, text, t); err != nil {
			return err
		}
	}
	return nil
}

// note writes down which medium was written, and that someone insisted on it.
func (c *copying) note(number int, text string, t *target) error {
	if t.doubt != "" && !c.Plan.Practice {
		err := c.log.noteException(c.Plan.People.Administrator, t.name+": "+t.doubt, step.ExceptionFacts{Medium: number, Identity: t.identity})
		if err != nil {
			return err
		}
	}
	return c.log.note(transcript.Note, "", text, step.NoteFacts{Medium: number, Identity: t.identity})
}

// next asks for a medium until one has the backup; nil when people have no other.
func (c *copying) next(ctx context.Context, number int) (*target, error) {
	for {
		folder, err := c.choose(ctx, number)
		if folder == "" || err != nil {
			return nil, err
		}
		t, problem := c.recognise(folder)
		if problem == nil && t.doubt != "" {
			if problem, err = c.insist(ctx, t); err != nil {
				return nil, err
			}
		}
		if problem == nil {
			problem = c.backups.copyTo(folder)
		}
		if problem == nil {
			return &t, nil
		}
		c.people.Tell("This medium was not written: " + problem.Error() + ".")
	}
}

// choose offers what can be taken out of the computer, and asks for a folder; none
// when people have no other medium.
func (c *copying) choose(ctx context.Context, number int) (folder string, err error) {
	usual, err := c.practiceMedium(number)
	if err != nil {
		return "", err
	}
	offered := c.Media.Removable()
	if len(offered) > 0 {
		c.people.Tell("These can be taken out of the computer; type the number of one, or any folder:")
	}
	for i, m := range offered {
		c.people.Tell(fmt.Sprintf("%d: %s", i+1, m))
	}
	answer, err := c.people.words(ctx, c.Plan.People.Administrator, "Folder of "+plan.Medium(number)+", or done", usual)
	if err != nil || typed.Word(answer, "done") != "" {
		return "", err
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(offered) {
		answer = offered[n-1].Folder
	}
	return answer, nil
}

// recognise looks at a folder. What holds the backup already is no medium for another
// copy; of what is on one disk with a copy, people must say whether it is to be.
func (c *copying) recognise(folder string) (target, error) {
	t := target{folder: folder, identity: step.UnknownMedium}
	var folders []string
	for _, other := range c.taken {
		folders = append(folders, other.folder)
	}
	if err := c.backups.checkMedium(folder, append(folders, c.backups.dir)); err != nil {
		return t, err
	}
	m, err := c.Media.Of(folder)
	if err != nil {
		return t, err
	}
	if m.Identity == "" {
		c.people.Tell("Which medium a folder is on cannot be known on this system. See that each is another one.")
		return t, nil
	}
	t.identity = m.Identity
	for _, own := range []string{string(c.Dir), c.backups.dir} {
		if disk, err := c.Media.Of(own); err == nil && disk.Identity == m.Identity {
			t.doubt = fmt.Sprintf("%s is on the disk of the ceremony, %s", folder, m.Identity)
		}
	}
	for _, other := range c.taken {
		if other.identity == m.Identity {
			t.doubt = fmt.Sprintf("%s is on the disk of %s, %s", folder, other.name, m.Identity)
		}
	}
	if m.Unmounted {
		t.doubt = fmt.Sprintf("no medium is mounted at %s, which is a folder of the computer's own disk", folder)
	}
	return t, nil
}

// insist asks whether the backup is to go where it should not. In a rehearsal that is
// told alone. The problem is the answer no.
func (c *copying) insist(ctx context.Context, t target) (problem, err error) {
	if c.Plan.Practice {
		c.people.Tell("In a ceremony this would be refused: " + t.doubt + ".")
		return nil, nil
	}
	c.people.Tell("This is no medium of its own: " + t.doubt + ".")
	agreed, err := c.people.yes(ctx, c.Plan.People.Administrator, "Is the backup to be copied there all the same, which becomes an exception? With no, put in another medium")
	if !agreed && err == nil {
		problem = errors.New(t.doubt)
	}
	return problem, err
}

// practiceMedium is what a program answers for a backup medium: in a rehearsal there
// are folders in place of as many as a ceremony wants.
func (c *copying) practiceMedium(number int) (answer string, err error) {
	if !c.Plan.Practice || number >= c.first+c.copiesWanted() {
		return "done", nil
	}
	folder := c.Dir.practice(fmt.Sprintf("medium-%d", number))
	if err := safefile.MkdirAll(folder); err != nil {
		return "", err
	}
	c.people.Tell("In place of a medium there is the folder " + folder + ": this is a rehearsal.")
	return folder, nil
}
