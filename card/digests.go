package card

import (
	"crypto/sha256"

	"conclave/card/store"
	"conclave/wire"
)

// Digests gives SHA-256 of what is stored of each file and key, by their FIDs, so that
// a process which has read them finds those that have changed since. They are of sealed
// records too, and say nothing of what is in them. There are none for a device of format
// 1, and for one that is not initialised.
func (c *Card) Digests() (digests map[wire.FID][sha256.Size]byte, err error) {
	err = c.store.View(func(r store.Reader) error {
		s := &snapshot{Reader: r}
		sealed, err := s.readList()
		if err != nil || !sealed {
			return err
		}
		digests = make(map[wire.FID][sha256.Size]byte, len(s.list))
		for name, sum := range s.list {
			fid := wire.FID(name.id)
			if name.kind == kindKey {
				fid = wire.PrefixKey.File(byte(name.id))
			}
			digests[fid] = sum
		}
		return nil
	})
	return digests, err
}
