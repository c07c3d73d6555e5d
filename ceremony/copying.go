package ceremony

import (
	"context"
	"fmt"

	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
	"conclave/internal/typed"
)

// copy copies the backup to media, as many as people bring.
func (p *proceedings) copy(ctx context.Context, _ string) (done, error) {
	copies := 0
	taken := []string{p.backups.dir}
	for {
		usual, err := p.practiceMedium(copies + 1)
		if err != nil {
			return done{}, err
		}
		folder, err := p.people.words(ctx, p.Plan.People.Administrator, fmt.Sprintf("Folder of backup medium %d, or done", copies+1), usual)
		if err != nil {
			return done{}, err
		}
		if typed.Word(folder, "done") != "" {
			break
		}
		err = p.backups.checkMedium(folder, taken)
		if err == nil {
			err = p.backups.copyTo(folder)
		}
		if err != nil {
			p.people.Tell("This medium was not written: " + err.Error() + ".")
			continue
		}
		taken = append(taken, folder)
		copies++
		text := fmt.Sprintf("Medium %d holds the whole backup; it was read back.", copies)
		p.people.Tell(text)
		if err := p.log.note(transcript.Note, "", text, step.NoteFacts{Medium: copies}); err != nil {
			return done{}, err
		}
	}
	text := fmt.Sprintf("copies of the backup: %d", copies)
	if copies < step.MinCopies {
		text = step.TooFewCopies(copies) + ", so the backup in the folder of the ceremony must be kept until there are"
		if err := p.log.noteException("", text, step.ExceptionFacts{}); err != nil {
			return done{}, err
		}
	}
	return done{text, step.CopyFacts{Copies: copies}}, nil
}

// practiceMedium is what a program answers for a backup medium: in a rehearsal there
// are folders in place of as many as a ceremony wants.
func (p *proceedings) practiceMedium(number int) (answer string, err error) {
	if !p.Plan.Practice || number > step.MinCopies {
		return "done", nil
	}
	folder := p.Dir.practice(fmt.Sprintf("medium-%d", number))
	if err := safefile.MkdirAll(folder); err != nil {
		return "", err
	}
	p.people.Tell("In place of a medium there is the folder " + folder + ": this is a rehearsal.")
	return folder, nil
}
