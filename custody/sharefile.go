package custody

import (
	"context"
	"fmt"
	"io"

	"conclave/dkek"
	"conclave/internal/safefile"
	"conclave/internal/secret"
)

// WriteShareFile draws a DKEK share from rand and writes it to a new file under
// a password, which takes seconds. It gives the key check value of a DKEK that
// consists of this share alone.
func WriteShareFile(ctx context.Context, rand io.Reader, path string, password secret.Bytes, progress dkek.Progress) (dkek.KCV, error) {
	share, err := DrawShare(rand)
	if err != nil {
		return dkek.KCV{}, err
	}
	defer share.Wipe()
	if _, err := writeShareFile(ctx, rand, path, share, password, progress); err != nil {
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

// writeShareFile writes a new file, and gives it as it is read again.
func writeShareFile(ctx context.Context, rand io.Reader, path string, share, password secret.Bytes, progress dkek.Progress) (dkek.ShareFile, error) {
	file, err := dkek.EncryptShare(ctx, rand, share, password, progress)
	if err != nil {
		return file, err
	}
	if err := safefile.Create(path, file.Bytes()); err != nil {
		return file, err
	}
	written, err := ReadShareFile(path)
	if err != nil {
		return file, fmt.Errorf("reading back what was written: %w", err)
	}
	if written != file {
		return file, fmt.Errorf("%s does not read back as it was written; is the medium faulty? Make the share file again elsewhere", path)
	}
	return written, nil
}

// ReadShareFile reads a share file, or its paper copy in base64.
func ReadShareFile(path string) (dkek.ShareFile, error) {
	content, err := safefile.Read(path, dkek.MaxShareFile)
	if err != nil {
		return dkek.ShareFile{}, err
	}
	file, err := dkek.ParseShareFile(content)
	if err != nil {
		return dkek.ShareFile{}, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}
