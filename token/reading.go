package token

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"conclave/hsm"
	"conclave/tlv"
	"conclave/wire"
)

// file is a file of the device as it was read. One that has not changed keeps its
// pointer, and what was made of it is not made again.
type file struct {
	digest  [sha256.Size]byte // as the device keeps it; zero where it does not
	content []byte            // nil if it may not be read
}

// element is the data object that the file begins with: what follows is padding. It is
// nil if there is none.
func (f *file) element() []byte {
	if f == nil {
		return nil
	}
	cursor := tlv.Cursor(f.content)
	_, _, element, err := cursor.Next()
	if err != nil {
		return nil
	}
	return element
}

// maxRead is how many bytes of files are read of a device, in all: a fifth of what the
// files of a device could have, and many times what they do have. The objects of those
// that are left out are shown without them.
const maxRead = 16 << 20

// described says whether objects are made of files with a prefix.
func described(p wire.Prefix) bool {
	switch p {
	case wire.PrefixPrKD, wire.PrefixCD, wire.PrefixDCOD, wire.PrefixCACert, wire.PrefixProtectedData, wire.PrefixEECert, wire.PrefixData:
		return true
	}
	return p == wire.PrefixKey
}

// readFiles reads the files of the device's objects, but for those whose digests say
// that they are as before.
func readFiles(h *hsm.HSM, before map[wire.FID]*file, digests map[wire.FID][sha256.Size]byte) (map[wire.FID]*file, error) {
	list, err := h.Files()
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	files, total := map[wire.FID]*file{}, 0
	for _, fid := range slices.Compact(list) {
		if !described(fid.Prefix()) || fid.ID() == 0 && fid.Prefix() == wire.PrefixKey {
			continue
		}
		f, err := readFile(h, fid, before[fid], digests[fid], maxRead-total)
		if err != nil {
			return nil, err
		}
		files[fid] = f
		total += len(f.content)
	}
	return files, nil
}

// readFile reads one file, unless it is as before.
func readFile(h *hsm.HSM, fid wire.FID, before *file, digest [sha256.Size]byte, room int) (*file, error) {
	f := &file{digest: digest}
	known := digest != [sha256.Size]byte{} && before != nil && before.digest == digest
	switch {
	case known && (before.content != nil || fid.Prefix() != wire.PrefixProtectedData):
		return before, nil
	case fid.Prefix() != wire.PrefixKey && room > 0: // a key is there, and cannot be read
		content, err := h.ReadFile(fid)
		if hsm.Broken(err) {
			return nil, err
		}
		if err == nil && len(content) <= room {
			f.content = content
		}
	}
	if before != nil && before.digest == digest && (before.content == nil) == (f.content == nil) && bytes.Equal(before.content, f.content) {
		return before, nil
	}
	return f, nil
}
