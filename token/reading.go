package token

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"conclave/card"
	"conclave/hsm"
	"conclave/tlv"
	"conclave/wire"
)

// file is a file of the device as it was read. One that has not changed keeps its
// pointer, and what was made of it is not made again.
type file struct {
	digest  [sha256.Size]byte // as the device keeps it; zero where it does not
	content []byte            // nil if it may not be read; of a key its FCP
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

// known are the digests of the files that were read.
func known(files map[wire.FID]*file) map[wire.FID][sha256.Size]byte {
	digests := make(map[wire.FID][sha256.Size]byte, len(files))
	for fid, f := range files {
		digests[fid] = f.digest
	}
	return digests
}

// readEmbedded gives the files of an embedded device by its inventory. What is as before
// keeps its pointer. Keys and protected data are read where the user is logged in.
func readEmbedded(h *hsm.HSM, before map[wire.FID]*file, now *card.Inventory) (map[wire.FID]*file, error) {
	files, total := map[wire.FID]*file{}, 0
	for fid, f := range now.Files {
		if !shown(fid) {
			continue
		}
		old, sealed := before[fid], fid.Prefix() == wire.PrefixKey || fid.Prefix() == wire.PrefixProtectedData
		if old != nil && old.digest == f.Digest && (old.content != nil || !sealed) {
			files[fid] = old
			continue
		}
		files[fid] = &file{digest: f.Digest}
		if sealed {
			if err := files[fid].read(h, fid); err != nil {
				return nil, err
			}
		} else if total += len(f.Content); total <= maxRead {
			files[fid].content = f.Content
		}
	}
	return files, nil
}

// readCard reads the files of a device.
func readCard(h *hsm.HSM, before map[wire.FID]*file) (map[wire.FID]*file, error) {
	list, err := h.Files()
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	files, total := map[wire.FID]*file{}, 0
	for _, fid := range slices.Compact(list) {
		if !shown(fid) {
			continue
		}
		f := &file{}
		if total < maxRead {
			if err := f.read(h, fid); err != nil {
				return nil, err
			}
		}
		total += len(f.content)
		if old := before[fid]; old != nil && (old.content == nil) == (f.content == nil) && bytes.Equal(old.content, f.content) {
			f = old
		}
		files[fid] = f
	}
	return files, nil
}

// read reads the file, if it may be read. Of a key that is what limits its use.
func (f *file) read(h *hsm.HSM, fid wire.FID) (err error) {
	var content []byte
	if fid.Prefix() == wire.PrefixKey {
		content, err = h.SelectKey(fid.ID())
	} else {
		content, err = h.ReadFile(fid)
	}
	if hsm.Broken(err) {
		return err
	}
	if err == nil {
		f.content = content
	}
	return nil
}
