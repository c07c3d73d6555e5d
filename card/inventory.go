package card

import (
	"crypto/sha256"

	"conclave/card/store"
	"conclave/wire"
)

// Inventory is what a device holds of files and keys, for a process that has read them
// and wants to know which have changed since.
type Inventory struct {
	Sum   [sha256.Size]byte // of all; the same if nothing has changed
	Files map[wire.FID]File
}

// File is one of an inventory. A digest is of what is stored: of sealed records too,
// where it says nothing of what is in them.
type File struct {
	Digest  [sha256.Size]byte
	Content []byte // nil for keys and protected data, and for what was known
}

// Inventory gives the files and keys of a device at one time, with the contents of
// those that are not known by their digests. Files is nil if the sum is that which is
// known. The inventory is nil for a device of format 1, and for one that is not
// initialised.
func (c *Card) Inventory(sum [sha256.Size]byte, known map[wire.FID][sha256.Size]byte) (i *Inventory, err error) {
	err = c.store.View(func(r store.Reader) error {
		var now state
		if err := now.read(r); err != nil || !now.sealed() || len(now.Contents) != sha256.Size {
			return err
		}
		i = &Inventory{Sum: [sha256.Size]byte(now.Contents)}
		if i.Sum == sum {
			return nil
		}
		s := &snapshot{Reader: r}
		if _, err := s.readList(); err != nil {
			return err
		}
		i.Files, err = s.files(known)
		return err
	})
	return i, err
}

func (s *snapshot) files(known map[wire.FID][sha256.Size]byte) (map[wire.FID]File, error) {
	files := make(map[wire.FID]File, len(s.list))
	for name, digest := range s.list {
		f, fid := File{Digest: digest}, wire.FID(name.id)
		if name.kind == kindKey {
			fid = wire.PrefixKey.File(byte(name.id))
		}
		if name.kind == kindFile && known[fid] != digest {
			content, err := s.Get(kindFile, name.id)
			if err != nil {
				return nil, err
			}
			f.Content = content
		}
		files[fid] = f
	}
	return files, nil
}
