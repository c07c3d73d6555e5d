package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/wire"
)

// WriteShareFile draws a DKEK share from rand and writes it to a new file under
// a password, which takes seconds. It gives the key check value of a DKEK that
// consists of this share alone.
func WriteShareFile(ctx context.Context, rand io.Reader, path string, password secret.Bytes, progress dkek.Progress) (dkek.KCV, error) {
	share := make(secret.Bytes, dkek.ShareSize)
	defer share.Wipe()
	if _, err := io.ReadFull(rand, share); err != nil {
		return dkek.KCV{}, fmt.Errorf("drawing a DKEK share: %w", err)
	}
	alone, err := dkek.New(share)
	if err != nil {
		return dkek.KCV{}, err
	}
	defer alone.Wipe()
	file, err := dkek.EncryptShare(ctx, rand, share, password, progress)
	if err != nil {
		return dkek.KCV{}, err
	}
	if err := safefile.Create(path, file.Bytes()); err != nil {
		return dkek.KCV{}, err
	}
	written, err := ReadShareFile(path)
	if err != nil {
		return dkek.KCV{}, fmt.Errorf("reading back what was written: %w", err)
	}
	if written != file {
		return dkek.KCV{}, fmt.Errorf("%s reads back with another content than was written; is the medium faulty? Make the share file anew elsewhere", path)
	}
	return alone.KCV(), nil
}

// saltSize is what a share file needs beside the share, in bytes.
const saltSize = 8

// Draw takes from rand all that WriteShareFile will read, so that nothing is
// wanted of a device any more once custodians have copied their sheets.
func Draw(rand io.Reader) (io.Reader, error) {
	drawn := make([]byte, dkek.ShareSize+saltSize)
	if _, err := io.ReadFull(rand, drawn); err != nil {
		return nil, fmt.Errorf("drawing a DKEK share: %w", err)
	}
	return bytes.NewReader(drawn), nil
}

// ErrVoid is the error for a share file that was not made after its sheets were
// copied.
var ErrVoid = errors.New("no share file was made, and the sheets copied for it are void; destroy them")

// ReadShareFile reads a share file, or its paper copy in base64.
func ReadShareFile(path string) (dkek.ShareFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return dkek.ShareFile{}, err
	}
	file, err := dkek.ParseShareFile(content)
	if err != nil {
		return dkek.ShareFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// CheckImport fails where the device waits for no DKEK share: better before
// the custodians have come than after.
func CheckImport(h *hsm.HSM) error {
	status, err := h.DKEK()
	switch {
	case err != nil:
		return err
	case status == nil:
		return errors.New("the device has no DKEK; initialise it with the number of shares")
	case status.Outstanding == 0:
		return errors.New("the device waits for no DKEK share: its DKEK is complete")
	}
	return nil
}

// Import opens a share file with the shares that custodians enter, which takes
// seconds, and imports it. It also says how the shares had to be read.
func Import(ctx context.Context, h *hsm.HSM, file dkek.ShareFile, turns []Turn, custodians Custodians, progress dkek.Progress) (*wire.DKEKStatus, string, error) {
	entered, err := Collect(ctx, turns, custodians)
	if err != nil {
		return nil, "", err
	}
	share, how, err := quorum.Open(ctx, file, entered, progress)
	for _, e := range entered {
		e.Value.Wipe()
	}
	if err != nil {
		return nil, "", err
	}
	defer share.Wipe()
	status, err := h.ImportShare(share)
	return status, how, err
}
