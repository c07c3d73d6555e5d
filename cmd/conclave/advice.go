package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/link/pcsc"
	"conclave/wire"
)

// advised adds to the error of a device what to type next. Packages below know neither
// the commands nor which device was named; h is nil where it did not open.
func advised(err error, name string, h *hsm.HSM) error {
	next := nextCommand(err, deviceOption(name), h)
	if next == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, next)
}

// deviceOption is the option that names a device, if it is not the one that is meant
// without it.
func deviceOption(name string) string {
	if name == usualDevice() {
		return ""
	}
	return " --device " + safefile.Quoted(name)
}

// usualDevice is the device that commands work with where none is named.
func usualDevice() string { return cmp.Or(os.Getenv("CONCLAVE_DEVICE"), "default") }

func nextCommand(err error, device string, h *hsm.HSM) string {
	var pin *hsm.PINError
	switch {
	case errors.As(err, &pin) && pin.Tries == 0:
		return afterBlocked(pin.Ref, device, h)
	case errors.Is(err, hsm.ErrTransportPIN):
		return "type: conclave hsm pin change" + device
	case errors.Is(err, hsm.ErrUninitialised):
		return "initialise it first: conclave hsm init" + device
	case errors.Is(err, hsm.ErrResetForbidden):
		return "conclave hsm status" + device + " shows them; only conclave hsm init" + device + ", which erases the device, sets others"
	case errors.Is(err, hsm.ErrNoDKEK) && h != nil:
		return afterNoDKEK(device, h)
	case errors.Is(err, hsm.ErrOccupied):
		return "conclave key list" + device + " shows them; without --ref the lowest free one is taken"
	case errors.Is(err, hsm.ErrNotSmartCardHSM), errors.Is(err, pcsc.ErrNoReader), errors.Is(err, pcsc.ErrNoCard):
		return "conclave hsm list shows the readers"
	}
	return ""
}

// afterBlocked says what is left when a PIN has no tries any more, which the options of
// the device decide.
func afterBlocked(ref wire.PINReference, device string, h *hsm.HSM) string {
	if ref == wire.SOPIN {
		return "nothing gives its tries back. The keys can be used and backed up with the user PIN (conclave backup DIR" + device +
			"), but the device can never be initialised again, nor its user PIN reset"
	}
	if h == nil {
		return ""
	}
	status, err := h.Status()
	reset := "the SO-PIN gives its tries back: conclave hsm pin reset --keep-pin" + device
	switch {
	case err != nil:
		return ""
	case status.SO.Blocked():
		return "the SO-PIN is blocked too, and nothing gives either of them its tries back: the keys are lost to this device, and come back from their backup on another one, with: conclave restore"
	case status.Options&wire.OptionResetRetryCounter == 0:
		return "its options do not let the SO-PIN reset it: only conclave hsm init" + device + ", which erases the device, sets a new one"
	case status.Options&wire.OptionUnblockOnly != 0:
		return reset
	}
	return reset + ", or sets a new one, without --keep-pin"
}

// afterNoDKEK says what is missing.
func afterNoDKEK(device string, h *hsm.HSM) string {
	status, err := h.DKEK()
	switch {
	case err != nil:
		return ""
	case status == nil:
		return "what is in it can never be backed up. Only conclave hsm init --dkek-shares 1" + device + ", which erases it, lets it wait for a DKEK"
	case status.Outstanding > 0:
		return "import what is missing: conclave dkek import FILE" + device
	}
	return ""
}

// explained adds to the error of a file what the folder is that stands in its place,
// or what is there if it is not.
func explained(err error) error {
	var path *fs.PathError
	switch {
	case !errors.As(err, &path):
	case errors.Is(path, syscall.EISDIR):
		return wrongFolder(path.Path, err)
	case errors.Is(path, fs.ErrNotExist):
		return fmt.Errorf("%w; %s", err, nearby(path.Path))
	}
	return err
}

// nearby names the files of the same kind, as the end of their names has it, where one
// was not found.
func nearby(path string) string {
	path, writing := strings.CutSuffix(path, safefile.Unfinished)
	writing = writing || strings.HasPrefix(filepath.Base(path), safefile.TemporaryPrefix)
	dir := filepath.Dir(path)
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	switch exists := safefile.Exists(dir); {
	case !exists && writing:
		return fmt.Sprintf("there is no folder %s; make it with: mkdir -p %s", dir, safefile.Quoted(dir))
	case !exists:
		return fmt.Sprintf("there is no folder %s", dir)
	}
	ext := filepath.Ext(path)
	found, err := fs.Glob(os.DirFS(dir), "*")
	found = slices.DeleteFunc(found, func(name string) bool { return filepath.Ext(name) != ext || name[0] == '.' })
	switch {
	case err != nil || ext == "":
		return fmt.Sprintf("it was looked for in %s", dir)
	case len(found) == 0:
		return fmt.Sprintf("%s has no file that ends in %s", dir, ext)
	}
	const some = 6
	list := strings.Join(found[:min(some, len(found))], ", ")
	if len(found) > some {
		list += ", …"
	}
	return fmt.Sprintf("%s has %s", dir, list)
}

// readPlan reads a plan, checked or not.
func readPlan(path string, read func(string) (plan.File, error)) (plan.File, error) {
	f, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("%w; conclave ceremony new %s asks what is to be done, and writes it", err, safefile.Quoted(path))
	}
	if err == nil {
		return f, nil
	}
	content, failed := safefile.Read(path, plan.MaxFile)
	if failed != nil || bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		return f, err
	}
	return f, custody.ExplainKind(path, content, "a plan", errors.Unwrap(err))
}

// wrongFolder adds to the error of a folder what it is instead. What lies beside the file
// that it lacks is no help.
func wrongFolder(dir string, err error) error {
	told := errors.New(err.Error())
	if is := ceremony.Recognise(dir); is != "" {
		told = fmt.Errorf("%v; %s", err, is)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return missing{told}
	}
	return told
}
