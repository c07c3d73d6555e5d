package ceremony

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/safefile"
)

// copy copies the backup to media, as many as people bring.
func (p *performance) copy(ctx context.Context, _ string) (done, error) {
	copies := 0
	taken := []string{p.backups}
	for {
		folder, err := p.words(ctx, p.Plan.People.Administrator, fmt.Sprintf("Folder of backup medium %d, or done", copies+1), "done")
		if err != nil {
			return done{}, err
		}
		if strings.EqualFold(folder, "done") {
			break
		}
		err = p.checkMedium(folder, taken)
		if err == nil {
			err = p.copyTo(folder)
		}
		if err != nil {
			p.Room.Tell("This medium was not written: " + err.Error() + ".")
			continue
		}
		taken = append(taken, folder)
		copies++
		text := fmt.Sprintf("Medium %d holds the whole backup; it was read back.", copies)
		p.Room.Tell(text)
		if err := p.note(transcript.Note, "", text, step.NoteFacts{Medium: copies}); err != nil {
			return done{}, err
		}
	}
	text := fmt.Sprintf("copies of the backup: %d", copies)
	if copies < step.MinCopies {
		text = step.TooFewCopies(copies) + ", so the backup in the folder of the ceremony must be kept until there are"
		if err := p.noteException("", text, step.ExceptionFacts{}); err != nil {
			return done{}, err
		}
	}
	return done{text, step.CopyFacts{Copies: copies}}, nil
}

// checkMedium wants a folder that is none of those that hold the backup.
func (p *performance) checkMedium(folder string, taken []string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder", folder)
	}
	for _, other := range taken { // another medium may be seen at the same place
		if o, err := os.Stat(other); err == nil && os.SameFile(info, o) && safefile.Exists(filepath.Join(folder, filepath.Base(p.shareFile()))) {
			return fmt.Errorf("%s holds the backup already (as %s); put in another medium", folder, other)
		}
	}
	return nil
}

// copyTo copies the backup into a folder, and reads it back. What is there
// already must be the same.
func (p *performance) copyTo(folder string) error {
	names, err := p.backupFiles()
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(p.backups, name))
		if err != nil {
			return err
		}
		path := filepath.Join(folder, name)
		if err := putFile(path, content); err != nil {
			return err
		}
		written, err := safefile.Reread(path)
		if err != nil {
			return err
		}
		if string(written) != string(content) {
			return fmt.Errorf("%s reads back with another content than was written; is the medium faulty?", path)
		}
	}
	return nil
}

// backupFiles are the names of the files of the backup.
func (p *performance) backupFiles() (names []string, err error) {
	entries, err := os.ReadDir(p.backups)
	for _, e := range entries {
		if !e.IsDir() && !strings.Contains(e.Name(), ".void") {
			names = append(names, e.Name())
		}
	}
	return names, err
}
