package custody

import (
	"errors"
	"fmt"

	"conclave/dkek"
	"conclave/hsm"
	"conclave/wire"
)

// CheckImport fails if the device waits for no DKEK share: better before
// the custodians have come than after.
func CheckImport(h *hsm.HSM) (*wire.DKEKStatus, error) {
	status, err := h.DKEK()
	switch {
	case err != nil:
		return nil, err
	case status == nil:
		return nil, fmt.Errorf("%w: it was initialised without one", hsm.ErrNoDKEK)
	case status.Hidden():
		return nil, errors.New("the device waits for no DKEK share: its DKEK is complete; the keys under it are restored with: conclave key unwrap")
	case status.Outstanding == 0:
		return nil, fmt.Errorf("the device waits for no DKEK share: its DKEK is complete, key check value %s; the keys under it are restored with: conclave key unwrap", dkek.KCV(status.KCV))
	}
	return status, nil
}

// Import gives an open share to the device. A share that the journal says is in
// the device is not sent: it would cancel itself out. The number of shares that
// the device has shows whether it was taken.
func Import(h *hsm.HSM, journal *Journal, name string, file dkek.ShareFile, opened *Opened) (*wire.DKEKStatus, error) {
	if err := journal.Check(name, file, opened.KCV); err != nil {
		return nil, err
	}
	if err := journal.Add(name, file, opened.KCV); err != nil {
		return nil, fmt.Errorf("%w; nothing was sent", err)
	}
	return h.ImportShare(opened.Share)
}
