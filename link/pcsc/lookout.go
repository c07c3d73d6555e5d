package pcsc

import (
	"fmt"
	"sync"
)

// ReaderState is a reader, and what is in it.
type ReaderState struct {
	Name string
	Card bool
	// Changes is another number after a card was put in or taken out, so that one that
	// was exchanged between two looks is noticed.
	Changes uint16
}

// Lookout looks at the readers again and again, over one connection to the service: that
// takes a small part of the time of Readers, and takes note of cards too. Its zero
// value is ready, and safe for concurrent use. Events waits for what Look sees.
type Lookout struct {
	mu      sync.Mutex
	library *winscard
	service *service
}

// Look gives the readers in the service's order. It connects anew where the service was
// started again since the last look.
func (l *Lookout) Look() ([]ReaderState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.service != nil {
		if states, err := l.service.states(); err == nil {
			return states, nil
		}
		l.close()
	}
	if err := l.open(); err != nil {
		return nil, err
	}
	states, err := l.service.states()
	if err != nil {
		l.close()
	}
	return states, err
}

func (l *Lookout) open() (err error) {
	if l.library == nil {
		if l.library, err = loadWinscard(libraryName); err != nil {
			return err
		}
	}
	l.service, err = l.library.establish()
	return err
}

// Close ends the connection to the service; another Look begins a new one.
func (l *Lookout) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close()
}

func (l *Lookout) close() {
	if l.service != nil {
		l.service.close()
		l.service = nil
	}
}

// states asks for all readers at once.
func (s *service) states() ([]ReaderState, error) {
	readers, err := s.readers()
	if err != nil || len(readers) == 0 {
		return nil, err
	}
	asked := make([]readerState, len(readers))
	for i, reader := range readers {
		asked[i] = readerState{reader, stateUnaware}
	}
	now, code := s.statusChange(0, asked)
	if code != success {
		return nil, fmt.Errorf("pcsc: looking at the readers: %w", code)
	}
	states := make([]ReaderState, len(now))
	for i, st := range now {
		states[i] = ReaderState{st.reader, st.state&statePresent != 0, uint16(st.state >> 16)}
	}
	return states, nil
}
