package custody

import (
	"fmt"
	"strings"

	"conclave/dkek"
	"conclave/hsm"
)

// What can be seen of share files before they are opened spares people from coming in
// vain: a set record tells the key check value of a DKEK of one share.

// foretold is the key check value of the DKEK that share files will give; empty where no
// record tells it.
func foretold(files []Unopened) string {
	if len(files) != 1 || len(files[0].Records) == 0 {
		return ""
	}
	return strings.ToUpper(files[0].Records[0].KCV)
}

// otherDKEK is the error for what is under another DKEK than the one foretold.
func otherDKEK(what, under string, files []Unopened) error {
	return fmt.Errorf("%s the DKEK with key check value %s, and %s gives %s, as its set record says; name the share files of that one: --dkek (or --no-record, if the record may be wrong)",
		what, under, files[0].Path, foretold(files))
}

// CheckWrapped refuses a wrapped key that the DKEK of share files can be seen not to open.
func CheckWrapped(files []Unopened, path string, blob []byte) error {
	parsed, err := dkek.ParseBlob(blob)
	if want := foretold(files); err != nil || want == "" || want == parsed.KCV.String() {
		return nil // what is wrong with a blob, its opening says
	}
	return &OpenError{WrongSheet, otherDKEK(path+" is under", parsed.KCV.String(), files)}
}

// CheckReceiver refuses a device that can be seen not to take the DKEK of share files.
func CheckReceiver(h *hsm.HSM, files []Unopened) error {
	status, err := h.DKEK()
	switch n := len(files); {
	case err != nil:
		return err
	case status == nil:
		return noDKEKError(n)
	case status.Outstanding > 0:
		return waitsFor(status, n)
	case status.Hidden() || foretold(files) == "" || foretold(files) == dkek.KCV(status.KCV).String():
		return nil
	}
	return otherDKEK("the device has", dkek.KCV(status.KCV).String(), files)
}

// CheckShareFiles refuses share files whose DKEK can be seen to open no key of the backup.
func (m *Manifest) CheckShareFiles(files []Unopened) error {
	if want := foretold(files); want != "" {
		return m.checkKCV(want)
	}
	return nil
}
