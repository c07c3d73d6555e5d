package act

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"conclave/ceremony/evidence"
)

// copy copies the backup to media, as many as people bring.
func (p *performance) copy(ctx context.Context, _ string) (done, error) {
	copies := 0
	for {
		folder, err := p.words(ctx, p.Plan.People.Administrator, fmt.Sprintf("Folder of backup medium %d, or done", copies+1), "done")
		if err != nil {
			return done{}, err
		}
		if strings.EqualFold(folder, "done") {
			break
		}
		if err := p.copyTo(folder); err != nil {
			p.Room.Tell("This medium was not written: " + err.Error() + ".")
			continue
		}
		copies++
		p.Room.Tell(fmt.Sprintf("Medium %d holds the whole backup; it was read back.", copies))
	}
	text := fmt.Sprintf("copies of the backup: %d", copies)
	if copies < 2 {
		text += "; fewer than two, so " + p.backups + " must be kept until there are"
	}
	return done{text, evidence.Facts{evidence.FactCopies: strconv.Itoa(copies)}}, nil
}

// copyTo copies the backup into a folder, and reads it back. What is there
// already must be the same.
func (p *performance) copyTo(folder string) error {
	names, err := p.backupFiles()
	if err != nil {
		return err
	}
	if info, err := os.Stat(folder); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is no folder", folder)
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
		written, err := os.ReadFile(path)
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
