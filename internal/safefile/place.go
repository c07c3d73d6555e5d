package safefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Unfinished ends the name of a file that is being made, or that was when its
// process was cut off.
const Unfinished = ".unfinished"

// Place is where a file will be. Its name is taken, its room on the disk is kept,
// and no other process makes it: whoever lets people do something for a file takes
// its place before they come, so that nothing is in the way when they have done it.
//
// Until it is settled what there is lies beside the file, under its name and
// Unfinished, with a note after it that says who makes it, and is locked while that
// process lives. What a process that was cut off has left is cleared away by the
// next one.
type Place struct {
	path   string
	file   *os.File
	making Making
	size   int64 // of the content
	// Left is what an earlier process has left here; nil for nothing.
	Left *Making
}

// Making says who makes a file, or did until they were cut off. The zero value is
// known to no one.
type Making struct {
	Process int       `json:"process"`
	Since   time.Time `json:"since"`
	Written bool      `json:"written"` // all of the content is there
}

// String is for people, after a word such as by.
func (m Making) String() string {
	if m.Process == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d, since %s", m.Process, m.Since.Local().Format(time.DateTime))
}

// noteSize is that of a Making on disk, with spaces after it.
const noteSize = 256

// Reserve takes the place of a file that has so many bytes at most. If there is a
// file the error wraps fs.ErrExist; if another process is making it, it says which.
func Reserve(path string, room int64) (*Place, error) {
	if path == "" { // which has no place, though a name with Unfinished after it
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	}
	p := &Place{path: path, making: Making{Process: os.Getpid(), Since: time.Now()}}
	if err := p.claim(); err != nil {
		return nil, err
	}
	err := p.furnish(room)
	if Exists(path) {
		err = existsError(path)
	}
	if err != nil {
		p.Release()
		return nil, err
	}
	return p, nil
}

// Unfinished is where the content lies until the place is settled.
func (p *Place) Unfinished() string { return p.path + Unfinished }

// claim makes the unfinished file and locks it, once it has cleared away what is
// left of another one.
func (p *Place) claim() error {
	for {
		f, err := os.OpenFile(p.Unfinished(), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrExist) {
			if err := p.clear(); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		err = lock(f, false)
		if err == nil && isAt(f, p.Unfinished()) {
			p.file = f
			return nil
		}
		f.Close() // another process was quicker, and took it for something left
		if err != nil && !errors.Is(err, ErrHeld) {
			return errors.Join(fmt.Errorf("%s: %w", p.Unfinished(), err), os.Remove(p.Unfinished()))
		}
	}
}

// isAt says whether an open file is the one at a path.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, there)
}

// clear removes what another process has left. What bears no note of one is whole, for
// Settle takes that off before it gives the name: it has its name then, and is lost to
// no one.
func (p *Place) clear() error {
	left, err := openUnfinished(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer left.Leave()
	if !isAt(left.file, p.Unfinished()) {
		return nil
	}
	if left.making.Process == 0 && left.size > 0 {
		if err := left.Settle(); err != nil {
			return err
		}
		return fmt.Errorf("%s: %w: an earlier run was cut off when it had written all of it, and it has its name now", p.path, fs.ErrExist)
	}
	p.Left = &left.making
	return left.discard()
}

// openUnfinished opens and locks what a process has left that is no more. If it is
// at work still, the error says so.
func openUnfinished(path string) (*Place, error) {
	p := &Place{path: path}
	info, err := os.Lstat(p.Unfinished())
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is %s; a file was expected: move it away", p.Unfinished(), Kind(info.Mode()))
	}
	if p.file, err = os.OpenFile(p.Unfinished(), os.O_RDWR, 0); err != nil {
		return nil, err
	}
	held := lock(p.file, false)
	err = p.readNote()
	if errors.Is(held, ErrHeld) {
		held = &HeldError{path, p.making}
	}
	if held != nil {
		err = held
	}
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

// HeldError is the error for a file that another process is making.
type HeldError struct {
	Path string
	By   Making
}

// Error says whom to wait for.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is being made by %v; wait for it, or end it first", e.Path, e.By)
}

// readNote reads who makes the file; no one where there is no note.
func (p *Place) readNote() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	p.size = info.Size()
	note := make([]byte, noteSize)
	if _, err := p.file.ReadAt(note, max(0, p.size-noteSize)); err != nil {
		if errors.Is(err, io.EOF) { // shorter than a note
			return nil
		}
		return err
	}
	if json.Unmarshal(note, &p.making) != nil || p.making.Process == 0 {
		p.making = Making{}
		return nil
	}
	p.size -= noteSize
	return nil
}

// furnish writes the note, and keeps the room.
func (p *Place) furnish(room int64) error {
	err := p.put(nil, false)
	if err == nil {
		err = allocate(p.file, room)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = p.put(make([]byte, room), false)
	}
	if err != nil {
		return fmt.Errorf("%s: no room could be kept for it on its disk: %w", p.path, err)
	}
	return SyncDir(filepath.Dir(p.path))
}

// Widen keeps more room, once it is known how large the file will be. Nothing may
// have been written.
func (p *Place) Widen(room int64) error { return p.furnish(room) }

// put writes content, and the note after it. Whenever it is cut off there is a note
// at the end, and only of the whole content does it say that it is written.
func (p *Place) put(content []byte, written bool) error {
	p.making.Written, p.size = false, int64(len(content))
	err := p.putNote()
	if err == nil && len(content) > 0 {
		_, err = p.file.WriteAt(content, 0)
	}
	if err == nil && written {
		p.making.Written = true
		err = errors.Join(p.file.Sync(), p.putNote())
	}
	if err == nil {
		err = p.file.Truncate(p.size + noteSize)
	}
	if err == nil {
		err = p.file.Sync()
	}
	return err
}

func (p *Place) putNote() error {
	note, err := json.Marshal(p.making)
	if err != nil {
		return err
	}
	note = append(note, bytes.Repeat([]byte{' '}, noteSize-1-len(note))...)
	_, err = p.file.WriteAt(append(note, '\n'), p.size)
	return err
}

// Write writes the content, in the room that is kept. The file is not there before
// Settle.
func (p *Place) Write(content []byte) error {
	if err := p.put(content, true); err != nil {
		return fmt.Errorf("%s: %w; nothing was written", p.path, err)
	}
	return nil
}

// Reread reads the content from its medium, as Reread does.
func (p *Place) Reread() ([]byte, error) {
	forget(p.file)
	content := make([]byte, p.size)
	_, err := p.file.ReadAt(content, 0)
	if err != nil {
		return nil, fmt.Errorf("reading back what was written: %w", err)
	}
	return content, nil
}

// Settle gives the content its name. When it returns, the file is on disk, whole.
func (p *Place) Settle() error { return p.SettleAs(p.path) }

// SettleAs is Settle for a file in the same folder whose name was not known when
// the place was taken.
func (p *Place) SettleAs(path string) error {
	err := p.file.Truncate(p.size)
	if err == nil {
		err = p.file.Sync()
	}
	if err == nil {
		err = name(p.Unfinished(), path)
	}
	if err != nil && !isAt(p.file, path) { // else one that was cut off has named it
		return err
	}
	second := isAt(p.file, p.Unfinished()) // name could not take the first one away
	err = errors.Join(SyncDir(filepath.Dir(path)), p.file.Close())
	if p.file = nil; second {
		err = errors.Join(err, os.Remove(p.Unfinished()))
	}
	return err
}

// Finish writes the content and settles the place.
func (p *Place) Finish(content []byte) error {
	if err := p.Write(content); err != nil {
		return err
	}
	return p.Settle()
}

// Release gives the place up, with what is in it. After Settle, and for no place,
// it does nothing.
func (p *Place) Release() error {
	if p == nil || p.file == nil {
		return nil
	}
	err := p.discard()
	err = errors.Join(err, p.file.Close())
	p.file = nil
	return err
}

// Leave gives the place up as a crash would: what is in it stays, for another one
// to take over or to resume. After Settle, and for no place, it does nothing.
func (p *Place) Leave() error {
	if p == nil || p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return err
}

// discard overwrites what is in the place, best effort, and removes it. It was
// given no other name.
func (p *Place) discard() error {
	if p.making.Written {
		if _, err := p.file.WriteAt(make([]byte, p.size), 0); err == nil {
			p.file.Sync()
		}
	}
	err := os.Remove(p.Unfinished())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// Left is what lies in the place of a file that was not finished, by a process that
// is no more. If there is nothing the error wraps fs.ErrNotExist; if that process is
// at work still, it is a *HeldError.
func Left(path string) (Making, error) {
	p, err := openUnfinished(path)
	if err != nil {
		return Making{}, err
	}
	return p.making, p.file.Close()
}

// Resume takes over what Left says, if all of the content is there, to be settled,
// released or left; the error wraps fs.ErrNotExist if not.
func Resume(path string) (*Place, error) {
	p, err := openUnfinished(path)
	if err != nil {
		return nil, err
	}
	whole := p.making.Written || p.making.Process == 0 && p.size > 0 // it was being settled
	if !whole || !isAt(p.file, p.Unfinished()) {
		return nil, errors.Join(fmt.Errorf("%s: %w", p.Unfinished(), fs.ErrNotExist), p.file.Close())
	}
	return p, nil
}
