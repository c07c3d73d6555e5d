package ceremony

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/internal/safefile"
	"conclave/internal/typed"
)

// askRecording asks, until it is known, what there is of the whole ceremony, and gives
// its name with the hash of its file.
func (p closing) askRecording(ctx context.Context) (name, sum string, err error) {
	for {
		text, err := p.people.words(ctx, p.Plan.People.Administrator, "Recording of the whole: its file, its name and SHA-256 if it is elsewhere, the number of the tape, or none", step.NoRecording)
		if err != nil {
			return "", "", err
		}
		name, sum, err := p.recorded(text)
		if err == nil {
			return name, sum, p.noteNotRecorded(name)
		}
		p.people.Tell("That was not taken: " + err.Error() + ".")
	}
}

// recorded reads the answer: where it names a file that is here the hash is of that.
func (p closing) recorded(text string) (name, sum string, err error) {
	if typed.Word(text, step.NoRecording) != "" {
		return step.NoRecording, step.NoRecording, nil
	}
	content, err := safefile.Sum(text)
	if err == nil {
		return p.named(text), hexOf(content), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	if i := strings.LastIndexByte(text, ' '); i > 0 {
		if sum, err := hex.DecodeString(text[i+1:]); err == nil && len(sum) == sha256.Size {
			return strings.TrimSpace(text[:i]), hex.EncodeToString(sum), nil
		}
	}
	if strings.ContainsAny(text, `/\`) {
		return "", "", fmt.Errorf("there is no file %s", text)
	}
	return text, step.NoRecording, nil
}

// named is how the evidence knows a file: in its folder, or by its name alone.
func (p closing) named(path string) string {
	inside, err := filepath.Rel(p.Dir.Evidence(), path)
	if err == nil && strings.HasPrefix(filepath.ToSlash(inside), evidence.PhotosDir+"/") {
		return filepath.ToSlash(inside)
	}
	return filepath.Base(path)
}

// noteNotRecorded is the exception where the plan wants a recording.
func (p closing) noteNotRecorded(name string) error {
	if !p.Plan.Recording || name != step.NoRecording {
		return nil
	}
	return p.log.noteException("", step.NotRecorded, step.ExceptionFacts{})
}
