// Package pcsc reaches cards in readers through the PC/SC library of the
// system: pcsc-lite, PCSC.framework or winscard.dll. It opens the library at
// run time, so that a program needs it neither to be built nor to start.
//
// Names and behaviour are those of PC/SC part 5 and of pcsc-lite's winscard.h;
// only Linux with pcsc-lite has been tested.
package pcsc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Readers lists the readers that are connected, with or without a card.
func Readers() ([]string, error) {
	s, err := openService()
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.readers()
}

// Hold is a client that wants nothing, until release is called. It starts pcscd where
// a socket of systemd's does so on demand, and keeps it from ending, as it does there
// after a minute without a client.
func Hold() (release func(), err error) {
	s, err := openService()
	if err != nil {
		return nil, err
	}
	return s.close, nil
}

// match returns the readers that query names: by its whole name, its place in
// the list from 0 on, or a part of its name; the empty query names them all.
func match(readers []string, query string) []string {
	if slices.Contains(readers, query) {
		return []string{query}
	}
	if i, err := strconv.Atoi(query); err == nil {
		if i < 0 || i >= len(readers) {
			return nil
		}
		return readers[i : i+1]
	}
	var found []string
	for _, reader := range readers {
		if strings.Contains(reader, query) {
			found = append(found, reader)
		}
	}
	return found
}

// readerWithCard returns the first reader named by query that has a card.
func (s *service) readerWithCard(query string) (string, error) {
	readers, err := s.readers()
	if err != nil {
		return "", err
	}
	if len(readers) == 0 {
		return "", fmt.Errorf("pcsc: %w", ErrNoReader)
	}
	matching := match(readers, query)
	if len(matching) == 0 {
		return "", &nameError{query, readers}
	}
	states := make([]readerState, len(matching))
	for i, reader := range matching {
		states[i] = readerState{reader, stateUnaware}
	}
	states, code := s.statusChange(0, states)
	if code != success {
		return "", fmt.Errorf("pcsc: looking for a card in %s: %w", list(matching), code)
	}
	for _, st := range states {
		if st.state&statePresent != 0 {
			return st.reader, nil
		}
	}
	return "", fmt.Errorf("pcsc: %s: %w", list(matching), ErrNoCard)
}

// nameError is the error for a reader that is not there, where others are.
type nameError struct {
	query   string
	readers []string
}

// Error names those that are.
func (e *nameError) Error() string {
	return fmt.Sprintf("pcsc: no reader is called %q; there is %s, and one of these, or a part of its name, was expected", e.query, list(e.readers))
}

// Is lets errors.Is find ErrNoReader.
func (*nameError) Is(target error) bool { return target == ErrNoReader }

func list(readers []string) string {
	quoted := make([]string, len(readers))
	for i, reader := range readers {
		quoted[i] = strconv.Quote(reader)
	}
	return strings.Join(quoted, ", ")
}
