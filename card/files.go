package card

import (
	"encoding/binary"
	"errors"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/wire"
)

// maxFile is the size of the largest file, in bytes: what its FCP can say.
const maxFile = 0xFFFF

// targetFile is the file that P1-P2 name, which becomes the selected one, or
// the selected one if they are zero.
func (c *Card) targetFile(cmd apdu.Command) (wire.FID, error) {
	if fid := wire.FID(cmd.P1)<<8 | wire.FID(cmd.P2); fid != 0 {
		return fid, nil
	}
	if c.session.selected == 0 {
		return 0, apdu.CommandNotAllowed
	}
	return c.session.selected, nil
}

// readBinary is READ BINARY with an odd instruction byte. Past the end it
// answers with what there is and 6282: 6B00 makes OpenSC hide keys.
func (c *Card) readBinary(cmd apdu.Command) ([]byte, error) {
	fid, err := c.targetFile(cmd)
	if err != nil {
		return nil, err
	}
	offset, err := wire.ParseReadAt(cmd.Data)
	if err != nil {
		return nil, apdu.WrongData
	}
	content, err := c.readFile(fid)
	if err != nil {
		return nil, err
	}
	c.session.selected = fid
	rest := content[min(offset, len(content)):]
	if len(rest) >= cmd.Ne {
		return rest[:cmd.Ne], nil
	}
	if len(rest) > 0 && (cmd.Ne == apdu.MaxShortNe || cmd.Ne == apdu.MaxExtendedNe) {
		return rest, nil // the host asked for all there is
	}
	return rest, apdu.EndOfFile
}

func (c *Card) readFile(fid wire.FID) (content []byte, err error) {
	kind, id := record(fid)
	if kind == kindKey || kind == kindProtected && c.session.user == nil {
		return nil, apdu.SecurityNotSatisfied
	}
	err = c.view(func(r store.Reader) error {
		if kind == kindProtected {
			content, err = c.session.vault().get(r, kind, id)
		} else {
			content, err = r.Get(kind, id)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, apdu.FileNotFound
	}
	return content, err
}

// updateBinary is UPDATE BINARY with an odd instruction byte. Data at offset 0
// starts the file over, at its end makes it longer; that is how hosts write,
// and nothing of an older content stays behind.
func (c *Card) updateBinary(cmd apdu.Command) ([]byte, error) {
	fid, err := c.targetFile(cmd)
	if err != nil {
		return nil, err
	}
	c.name(fid)
	if !writable(fid) {
		return nil, apdu.SecurityNotSatisfied
	}
	offset, data, err := wire.ParseUpdateAt(cmd.Data)
	if err != nil {
		return nil, apdu.WrongData
	}
	if offset+len(data) > maxFile {
		return nil, apdu.NotEnoughMemory
	}
	if err := c.writeFile(fid, offset, data); err != nil {
		return nil, err
	}
	c.session.selected = fid
	return nil, nil
}

// writable says whether a host may write and delete the file. Keys come from
// GENERATE and UNWRAP alone, and the device's certificate from its maker.
func writable(fid wire.FID) bool {
	switch fid.Prefix() {
	case wire.PrefixPrKD, wire.PrefixEECert:
		return fid.ID() != 0
	case wire.PrefixCD, wire.PrefixDCOD, wire.PrefixCACert, wire.PrefixProtectedData, wire.PrefixData:
		return true
	}
	return fid == wire.EFTokenInfo || fid == wire.EFStaging
}

func (c *Card) writeFile(fid wire.FID, offset int, data []byte) error {
	kind, id := record(fid)
	return c.update(func(t *transaction) error {
		content, err := c.contentBefore(t, kind, id, offset)
		if err != nil {
			return err
		}
		content = overwrite(content, offset, data)
		if kind == kindProtected {
			return c.session.vault().put(t, kind, id, content)
		}
		return t.Put(kind, id, content)
	})
}

// contentBefore is what a write at the offset builds on.
func (c *Card) contentBefore(r store.Reader, kind store.Kind, id uint16, offset int) (content []byte, err error) {
	if offset == 0 {
		return nil, nil
	}
	if kind == kindProtected {
		content, err = c.session.vault().get(r, kind, id)
	} else {
		content, err = r.Get(kind, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, apdu.FileNotFound
	}
	if err == nil && offset > len(content) {
		return nil, apdu.WrongData // a gap
	}
	return content, err
}

func overwrite(content []byte, offset int, data []byte) []byte {
	n := copy(content[offset:], data)
	return append(content, data[n:]...)
}

// deleteFile is DELETE FILE: a file or a key by its FID, or the selected file. OpenSC
// sends P1 02, and pypicohsm (picohsm/PicoHSM.py, delete_file) 00.
func (c *Card) deleteFile(cmd apdu.Command) ([]byte, error) {
	if cmd.P1 != 0x02 && cmd.P1 != 0x00 || cmd.P2 != 0x00 {
		return nil, apdu.WrongP1P2
	}
	fid := c.session.selected
	switch len(cmd.Data) {
	case 0:
	case 2:
		fid = wire.FID(binary.BigEndian.Uint16(cmd.Data))
	default:
		return nil, apdu.WrongLength
	}
	c.name(fid)
	deletableKey := fid.Prefix() == wire.PrefixKey && fid.ID() != 0
	if !writable(fid) && !deletableKey {
		return nil, apdu.SecurityNotSatisfied
	}
	kind, id := record(fid)
	err := c.update(func(t *transaction) error {
		if _, err := t.Get(kind, id); err != nil && !errors.Is(err, errRecordChanged) {
			return err
		}
		return t.Delete(kind, id)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, apdu.FileNotFound
	}
	if err != nil {
		return nil, err
	}
	c.scrub()
	if fid == c.session.selected {
		c.session.selected = 0
	}
	return nil, nil
}

// enumerateObjects is ENUMERATE OBJECTS: the FIDs of all keys, the device key
// among them (OpenSC takes the lowest reference that is not listed for its
// next key), and of all files that belong to objects.
func (c *Card) enumerateObjects(cmd apdu.Command) ([]byte, error) {
	files := []wire.FID{wire.PrefixKey.File(0)}
	err := c.view(func(r store.Reader) error {
		for _, kind := range []store.Kind{kindKey, kindFile, kindProtected} {
			ids, err := r.List(kind)
			if err != nil {
				return err
			}
			files = append(files, objectFiles(kind, ids)...)
		}
		return nil
	})
	return wire.FIDs(files), err
}

func objectFiles(kind store.Kind, ids []uint16) (files []wire.FID) {
	for _, id := range ids {
		fid := wire.FID(id)
		if kind == kindKey {
			fid = wire.PrefixKey.File(byte(id))
		}
		if fid != wire.PrefixKey.File(0) && fid.Prefix() >= wire.PrefixPrKD {
			files = append(files, fid)
		}
	}
	return files
}
