package transcript

import (
	"bytes"
	"fmt"
)

// Transcript is a transcript that was verified.
type Transcript struct {
	Key     PublicKey
	Entries []Entry
	Heads   []string // Heads[i] is the signed note after Entries[i]

	tree  tree
	heads []head
	links []string // links[i] is the hash of line i
}

// Verify checks the content of a transcript file with the public key of the
// ceremony, as ParsePublicKey takes it. The error names the line, from 1, and
// wraps ErrChanged, ErrOtherKey, ErrSequence or ErrIncomplete.
//
// Lines that are missing at the end do not show: CheckHead tells, with a tree
// head that was noted elsewhere.
func Verify(content []byte, key string) (*Transcript, error) {
	public, err := ParsePublicKey(key)
	if err != nil {
		return nil, err
	}
	if len(content) == 0 {
		return nil, fmt.Errorf("the transcript is empty: %w; find the file that the ceremony wrote", ErrCutOff)
	}
	return verify(content, public)
}

// verify does first what costs little for each line, so that a change is found
// soon, and in the line that was changed.
func verify(content []byte, key PublicKey) (*Transcript, error) {
	t := &Transcript{Key: key}
	for text := range bytes.Lines(content) {
		if err := t.read(text); err != nil {
			return nil, lineError(len(t.Entries), err)
		}
	}
	for i, h := range t.heads {
		if err := h.checkSignature(key); err != nil {
			return nil, lineError(i, err)
		}
		if e := t.Entries[i]; e.Previous != t.last(i) {
			return nil, lineError(i, fmt.Errorf("%w: it follows a line with SHA-256 %q, and the one before has %q", ErrSequence, e.Previous, t.last(i)))
		}
	}
	return t, nil
}

func lineError(i int, err error) error {
	return fmt.Errorf("transcript line %d: %w; compare with another copy", i+1, err)
}

// last is the hash of the line before line i.
func (t *Transcript) last(i int) string {
	if i == 0 {
		return ""
	}
	return t.links[i-1]
}

// read takes a line, and checks all but its signature and its link.
func (t *Transcript) read(text []byte) error {
	text, whole := bytes.CutSuffix(text, []byte("\n"))
	if !whole {
		return fmt.Errorf("%w: its newline is missing; the ceremony, resumed, cuts it off", ErrIncomplete)
	}
	l, record, err := parseLine(text)
	if err != nil {
		return err
	}
	h, err := parseHead(l.Head)
	if err != nil {
		return err
	}
	if err := h.checkName(t.Key); err != nil {
		return err
	}
	if expected := int64(len(t.Entries)); l.Entry.Index != expected {
		return fmt.Errorf("%w: it has entry %d, and entry %d was expected", ErrSequence, l.Entry.Index, expected)
	}
	next, root, err := t.tree.with(record)
	if err != nil {
		return err
	}
	if h.size != next.size || h.root != root {
		return fmt.Errorf("%w: the tree head is not that of the entries up to here", ErrChanged)
	}
	t.take(l, h, next, link(text))
	return nil
}

func (t *Transcript) take(l line, h head, next tree, link string) {
	t.Entries = append(t.Entries, l.Entry)
	t.Heads = append(t.Heads, l.Head)
	t.heads = append(t.heads, h)
	t.links = append(t.links, link)
	t.tree = next
}

// CheckHead checks the transcript against a tree head of it that was noted
// elsewhere: a signed note, such as Writer.Head returned. The error wraps
// ErrCutOff if the transcript has fewer entries, ErrChanged if it has others or
// the note was changed, ErrOtherKey if the note is of another ceremony. It says
// nothing about entries after the head: the last head is the one to note.
func (t *Transcript) CheckHead(note string) error {
	h, err := parseHead(note)
	if err == nil {
		err = h.checkSignature(t.Key)
	}
	if err != nil {
		return fmt.Errorf("the noted tree head: %w; compare with another copy of it", err)
	}
	if have := int64(len(t.heads)); h.size > have {
		return fmt.Errorf("the transcript has %d entries, and had %d when the tree head was noted: %w; find the whole file", have, h.size, ErrCutOff)
	}
	if h.size < 1 || h.root != t.heads[h.size-1].root {
		return fmt.Errorf("the transcript is not the one whose tree head was noted after %d entries: %w, and signed anew with the ceremony key", h.size, ErrChanged)
	}
	return nil
}
