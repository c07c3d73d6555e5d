package pcsc

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// service is a connection to the smart card service, an SCARDCONTEXT.
type service struct {
	*winscard
	context handle
}

func openService() (*service, error) {
	library, err := loadWinscard(libraryName)
	if err != nil {
		return nil, err
	}
	return library.establish()
}

func (w *winscard) establish() (*service, error) {
	s := &service{winscard: w}
	if code := s.establishContext(scopeSystem, 0, 0, &s.context); code != success {
		return nil, fmt.Errorf("pcsc: %w", code)
	}
	return s, nil
}

func (s *service) close() { s.releaseContext(s.context) }

// readers lists the readers in the service's order; there may be none.
func (s *service) readers() ([]string, error) {
	for {
		var length dword
		code := s.listReaders(s.context, 0, nil, &length)
		if code == ErrNoReader {
			return nil, nil
		}
		if code != success {
			return nil, fmt.Errorf("pcsc: listing the readers: %w", code)
		}
		names := make([]byte, length)
		switch code := s.listReaders(s.context, 0, &names[0], &length); code {
		case success:
			return strings.FieldsFunc(string(names[:length]), func(r rune) bool { return r == 0 }), nil
		case insufficientBuffer, ErrNoReader: // the list has changed in between
		default:
			return nil, fmt.Errorf("pcsc: listing the readers: %w", code)
		}
	}
}

// readerState is what matters in an SCARD_READERSTATE: dwCurrentState going in,
// dwEventState coming out.
type readerState struct {
	reader string
	state  uint32
}

// Bits of a state (SCARD_STATE_* in winscard.h). The upper 16 bits count how
// often a card was inserted or removed.
const (
	stateUnaware = 0x0000
	stateChanged = 0x0002
	statePresent = 0x0020
)

// The layout of SCARD_READERSTATE: szReader, pvUserData, dwCurrentState,
// dwEventState, cbAtr, rgbAtr. It is written out since Go cannot express the
// packed one of macOS.
const (
	pointerSize   = unsafe.Sizeof(uintptr(0))
	currentOffset = 2 * pointerSize
	eventOffset   = currentOffset + dwordSize
	atrOffset     = eventOffset + 2*dwordSize
)

// statusChange returns what has changed in states, after at most so many
// milliseconds.
func (s *service) statusChange(milliseconds dword, states []readerState) ([]readerState, Code) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	records := make([]byte, len(states)*int(readerStateSize))
	record := func(i int) []byte { return records[i*int(readerStateSize):] }
	for i, st := range states {
		name := append([]byte(st.reader), 0)
		pinner.Pin(&name[0])
		putWord(record(i), pointerSize, uint64(uintptr(unsafe.Pointer(&name[0]))))
		putWord(record(i)[currentOffset:], dwordSize, uint64(st.state))
	}
	if code := s.getStatusChange(s.context, milliseconds, &records[0], dword(len(states))); code != success {
		return nil, code
	}
	changed := make([]readerState, len(states))
	for i, st := range states {
		changed[i] = readerState{st.reader, uint32(word(record(i)[eventOffset:], dwordSize))}
	}
	return changed, success
}

func putWord(b []byte, size uintptr, value uint64) {
	if size == 8 {
		binary.NativeEndian.PutUint64(b, value)
		return
	}
	binary.NativeEndian.PutUint32(b, uint32(value))
}

func word(b []byte, size uintptr) uint64 {
	if size == 8 {
		return binary.NativeEndian.Uint64(b)
	}
	return uint64(binary.NativeEndian.Uint32(b))
}
