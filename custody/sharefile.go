package custody

import (
	"context"
	"fmt"
	"io"
	"strings"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/internal/transfer"
)

// WriteShareFile draws a DKEK share from rand and writes it to a new file, whose place
// was taken, under a password, which takes seconds. It gives the key check value of a
// DKEK that consists of this share alone.
func WriteShareFile(ctx context.Context, rand io.Reader, place *safefile.Place, password secret.Bytes, progress dkek.Progress) (dkek.KCV, error) {
	share, err := DrawShare(rand)
	if err != nil {
		return dkek.KCV{}, err
	}
	defer share.Wipe()
	if _, err := writeShareFile(ctx, rand, place, share, password, progress); err != nil {
		return dkek.KCV{}, err
	}
	if err := place.Settle(); err != nil {
		return dkek.KCV{}, err
	}
	return kcvOf(share)
}

// DrawShare draws a DKEK share.
func DrawShare(rand io.Reader) (secret.Bytes, error) {
	share := make(secret.Bytes, dkek.ShareSize)
	if _, err := io.ReadFull(rand, share); err != nil {
		return nil, fmt.Errorf("drawing a DKEK share: %w", err)
	}
	return share, nil
}

// kcvOf is the key check value of a DKEK that consists of one share alone.
func kcvOf(share secret.Bytes) (dkek.KCV, error) {
	alone, err := dkek.New(share)
	if err != nil {
		return dkek.KCV{}, err
	}
	defer alone.Wipe()
	return alone.KCV(), nil
}

// writeShareFile writes a new file to its place, and gives it as it is read again.
func writeShareFile(ctx context.Context, rand io.Reader, place *safefile.Place, share, password secret.Bytes, progress dkek.Progress) (dkek.ShareFile, error) {
	file, err := dkek.EncryptShare(ctx, rand, share, password, progress)
	if err != nil {
		return file, err
	}
	if err := place.Write(file.Bytes()); err != nil {
		return file, err
	}
	content, err := place.Reread()
	if err != nil {
		return file, err
	}
	written, err := dkek.ParseShareFile(content)
	if err != nil || written != file {
		return file, fmt.Errorf("%s does not read back as it was written; is the medium faulty? Make the share file again elsewhere", place.Unfinished())
	}
	return written, nil
}

// ReadShareFile reads a share file, or its paper copy in base64. Of one that is not
// there it says whether its making was cut off, and it refuses what that has left.
func ReadShareFile(path string) (dkek.ShareFile, error) {
	file, _, err := readUndone(path)
	return file, err
}

// readUndone is ReadShareFile, and says what was changed in transfer.
func readUndone(path string) (file dkek.ShareFile, changed string, err error) {
	if strings.HasSuffix(path, safefile.Unfinished) && safefile.Exists(path) {
		return file, "", explainUnfinished(path)
	}
	file, changed, err = readShareFile(path)
	if err != nil {
		err = explainUnread(path, err)
	}
	return file, changed, err
}

// readShareFile reads a file that is there. Nothing but its length and how it begins
// tells a share file; the password, and the record, tell what is in it.
func readShareFile(path string) (file dkek.ShareFile, changed string, err error) {
	content, err := safefile.Read(path, dkek.MaxShareFile)
	if err != nil {
		return file, "", err
	}
	original, changed, err := transfer.Undo(content, checkShareFile)
	if err != nil {
		return file, "", ExplainKind(path, content, "a DKEK share file", err)
	}
	file, err = dkek.ParseShareFile(original)
	return file, changed, err
}
