package hsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"conclave/apdu"
	"conclave/wire"
)

// maxChunk is how much of a file one command carries to a reader, in bytes. The smallest
// buffer of the real devices is 1232 for the whole APDU (OpenSC,
// src/libopensc/card-sc-hsm.c), but cyberJack readers take 1014 and drop the rest
// without a word (OpenSC, issue 2514).
const maxChunk = 960

// maxOverhead is how many bytes the data of UPDATE BINARY has beside those of the file.
const maxOverhead = 8

// ErrNotFound is the error for a file or key that does not exist.
var ErrNotFound = errors.New("not found")

// Files lists the files of the device's objects and its keys.
func (h *HSM) Files() ([]wire.FID, error) {
	answer, err := h.exchange("list the objects", apdu.Command{
		CLA: wire.ClassProprietary, INS: wire.InsEnumerateObjects, Ne: apdu.MaxExtendedNe,
	})
	if err != nil {
		return nil, err
	}
	return wire.ParseFIDs(answer)
}

// ReadFile reads a whole file. The error wraps ErrNotFound if there is none.
func (h *HSM) ReadFile(fid wire.FID) (content []byte, err error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	doing := fmt.Sprintf("read file %04X", uint16(fid))
	size, err := h.selectFile(fid)
	if err != nil {
		return nil, err
	}
	content = make([]byte, 0, size)
	for len(content) < size {
		at, err := wire.ReadAt(len(content))
		if err != nil {
			return nil, err
		}
		part, err := h.exchange(doing, apdu.Command{
			INS: wire.InsReadBinary, Data: at, Ne: min(size-len(content), maxChunk),
		})
		if err != nil && !errors.Is(err, apdu.EndOfFile) {
			return nil, notFound(fid, err) // another process may have deleted it by now
		}
		if len(part) == 0 {
			return nil, fmt.Errorf("%s: it ends after %d of %d bytes", doing, len(content), size)
		}
		content = append(content, part...)
	}
	return content, nil
}

// selectFile gives the size of the file.
func (h *HSM) selectFile(fid wire.FID) (int, error) {
	fcp, err := h.fcp(fid)
	if err != nil {
		return 0, err
	}
	size, err := wire.ParseFileSize(fcp)
	if err != nil {
		return 0, fmt.Errorf("select file %04X: %w", uint16(fid), err)
	}
	return size, nil
}

func (h *HSM) fcp(fid wire.FID) ([]byte, error) {
	fcp, err := h.exchange(fmt.Sprintf("select file %04X", uint16(fid)), apdu.Command{
		INS: wire.InsSelect, Data: binary.BigEndian.AppendUint16(nil, uint16(fid)), Ne: apdu.MaxShortNe,
	})
	return fcp, notFound(fid, err)
}

// WriteFile makes content the whole of a file, which it creates where needed. On a card
// that starts a file over, as embedded devices do, what fits one command is there from
// one moment to the next, in place of the earlier content.
func (h *HSM) WriteFile(fid wire.FID, content []byte) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.end(&err)
	if err := h.overwrite(fid, content); err != nil {
		return err
	}
	// A card may leave the rest of a longer content in place. In EF.TokenInfo it does no
	// harm, and pico-hsm, which makes that file of code, must not be told to delete it.
	if size, err := h.selectFile(fid); err != nil || size <= len(content) || fid == wire.EFTokenInfo {
		return nil
	}
	if err := h.DeleteFile(fid); err != nil {
		return err
	}
	return h.overwrite(fid, content)
}

func (h *HSM) overwrite(fid wire.FID, content []byte) error {
	doing := fmt.Sprintf("write file %04X", uint16(fid))
	for offset := 0; ; offset += h.chunk {
		data, err := wire.UpdateAt(offset, content[offset:min(offset+h.chunk, len(content))])
		if err != nil {
			return err
		}
		if _, err := h.exchange(doing, apdu.Command{
			INS: wire.InsUpdateBinary, P1: byte(fid >> 8), P2: byte(fid), Data: data,
		}); err != nil {
			return err
		}
		if offset+h.chunk >= len(content) {
			return nil
		}
	}
}

// DeleteFile deletes a file or a key.
func (h *HSM) DeleteFile(fid wire.FID) error {
	_, err := h.exchange(fmt.Sprintf("delete file %04X", uint16(fid)), apdu.Command{
		INS: wire.InsDeleteFile, P1: 0x02, Data: binary.BigEndian.AppendUint16(nil, uint16(fid)),
	})
	return notFound(fid, err)
}

// notFound gives ErrNotFound for what a device says of a file that does not exist.
func notFound(fid wire.FID, err error) error {
	if errors.Is(err, apdu.FileNotFound) {
		return fmt.Errorf("file %04X: %w", uint16(fid), ErrNotFound)
	}
	return err
}
