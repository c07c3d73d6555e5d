package card

import (
	"bytes"
	"encoding/binary"
	"errors"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/wire"
)

// P1 and P2 of SELECT (ISO 7816-4 section 11.2.1).
const (
	selectByFID  = 0x00
	selectByAID  = 0x04
	selectByPath = 0x08 // from the MF; OpenSC selects EF.DIR this way

	selectFCI      = 0x00
	selectFCP      = 0x04
	selectNoAnswer = 0x0C
)

// selectFile is SELECT. Selecting the applet ends the session.
func (c *Card) selectFile(cmd apdu.Command) ([]byte, error) {
	if cmd.P2 != selectFCI && cmd.P2 != selectFCP && cmd.P2 != selectNoAnswer {
		return nil, apdu.WrongP1P2
	}
	template := wire.FCI
	if cmd.P2 == selectFCP {
		template = wire.FCP
	}
	answer, err := c.selectTemplate(cmd, template)
	if err != nil || cmd.P2 == selectNoAnswer {
		return nil, err
	}
	return answer, nil
}

func (c *Card) selectTemplate(cmd apdu.Command, template wire.Template) ([]byte, error) {
	switch {
	case cmd.P1 == selectByAID:
		if !bytes.Equal(cmd.Data, wire.AID()) {
			return nil, apdu.FileNotFound
		}
		c.signOff()
		c.session.end()
		return wire.AppletFCP(template, wire.Options(c.state.Options), Version())
	case cmd.P1 != selectByFID && cmd.P1 != selectByPath:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) != 2:
		return nil, apdu.FileNotFound
	}
	fid := wire.FID(binary.BigEndian.Uint16(cmd.Data))
	if fid.Prefix() == wire.PrefixKey && fid.ID() != 0 && c.session.user != nil {
		return c.selectKey(template, fid)
	}
	size, err := c.fileSize(fid)
	if err != nil {
		return nil, err
	}
	c.session.selected = fid
	return wire.FileFCP(template, fid, size)
}

// selectKey tells the user what limits a key's use: that is sealed with the key. The key
// domain is that of the DKEK, if the device has one.
func (c *Card) selectKey(template wire.Template, fid wire.FID) ([]byte, error) {
	var limits wire.KeyLimits
	err := c.view(func(r store.Reader) error {
		record, err := c.session.vault().readKey(r, fid.ID())
		if err != nil {
			return err
		}
		defer record.wipe()
		limits.UseCounter, limits.Algorithms = record.UseCounter, record.Algorithms
		return nil
	})
	if errors.Is(err, apdu.ReferenceNotFound) {
		return nil, apdu.FileNotFound
	}
	if err != nil {
		return nil, err
	}
	if c.state.DKEK.Enabled {
		limits.Domain = new(byte)
	}
	c.session.selected = fid
	return wire.KeyFCP(template, fid, limits)
}

// fileSize gives the size of an EF. To who is not logged in, a key exists, and shows
// nothing of itself.
func (c *Card) fileSize(fid wire.FID) (size int, err error) {
	kind, id := record(fid)
	err = c.view(func(r store.Reader) error {
		content, err := r.Get(kind, id)
		size = len(content)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, apdu.FileNotFound
	case kind == kindProtected:
		return size - sealedOverhead, err
	case kind == kindKey:
		return 0, err
	}
	return size, err
}

// record is where the store keeps a file.
func record(fid wire.FID) (store.Kind, uint16) {
	switch fid.Prefix() {
	case wire.PrefixKey:
		return kindKey, uint16(fid.ID())
	case wire.PrefixProtectedData:
		return kindProtected, uint16(fid)
	}
	return kindFile, uint16(fid)
}
