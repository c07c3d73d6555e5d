package transcript

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"conclave/internal/safefile"
)

// Writer appends to a transcript file. It is for one goroutine, and needs no
// closing.
type Writer struct {
	path    string
	key     *Key
	size    int64 // of the file, in bytes
	torn    []byte
	written *Transcript
}

// Create begins a transcript in a new file, readable by its owner alone. If the
// file exists, the error wraps fs.ErrExist.
func Create(path string, key *Key) (*Writer, error) {
	if err := safefile.Create(path, nil); err != nil {
		return nil, err
	}
	return &Writer{path: path, key: key, written: &Transcript{Key: key.public}}, nil
}

// maxFile is how many bytes are read of a transcript: tens of thousands of entries.
const maxFile = 64 << 20

// Resume verifies a transcript file and appends to it. If the last line lacks
// its newline, Append never returned from writing it, and no one was given its
// tree head: it is cut off, and Torn returns it. Nothing is cut off a file that
// does not verify.
func Resume(path string, key *Key) (*Writer, error) {
	content, err := safefile.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(content, '\n') + 1
	written, err := verify(content[:end], key.public)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var torn []byte
	if end < len(content) {
		torn = content[end:]
		if err := os.Truncate(path, int64(end)); err != nil {
			return nil, fmt.Errorf("%s: its last line is incomplete and cannot be cut off: %w", path, err)
		}
	}
	return &Writer{path, key, int64(end), torn, written}, nil
}

// Torn returns the incomplete line that Resume cut off, for an entry to tell of
// it; nil if there was none.
func (w *Writer) Torn() []byte { return w.torn }

// Entries returns what is recorded.
func (w *Writer) Entries() []Entry { return slices.Clone(w.written.Entries) }

// Head returns the signed tree head after the last entry, a note to be kept
// where the transcript is not; "" before the first entry.
func (w *Writer) Head() string {
	if n := len(w.written.Heads); n > 0 {
		return w.written.Heads[n-1]
	}
	return ""
}

// Append records an entry, whose Index and Previous it sets. When it returns,
// the entry is on disk, and is returned as it was written. When it fails, the
// file is as it was, if that could be done; Append may be tried again, and says
// so if the file is not what it should be.
func (w *Writer) Append(e Entry) (Entry, error) {
	e, record, err := w.next(e)
	if err != nil {
		return Entry{}, err
	}
	grown, root, err := w.written.tree.with(record)
	if err != nil {
		return Entry{}, err
	}
	h, err := w.key.sign(grown.size, root)
	if err != nil {
		return Entry{}, err
	}
	l := line{e, h.String()}
	text, err := encode(l)
	if err != nil {
		return Entry{}, err
	}
	if err := w.write(append(text, '\n')); err != nil {
		return Entry{}, err
	}
	w.written.take(l, h, grown, link(text))
	return e, nil
}

// next is an entry as it stands after the last one.
func (w *Writer) next(e Entry) (Entry, []byte, error) {
	n := len(w.written.Entries)
	e.Index, e.Previous = int64(n), w.written.last(n)
	return canonical(e)
}

// write appends to the file, if it is as this writer left it: a second writer
// would spoil the transcript.
func (w *Writer) write(text []byte) error {
	info, err := os.Stat(w.path)
	if err != nil {
		return err
	}
	if info.Size() != w.size {
		return fmt.Errorf("%s has %d bytes, and %d were expected: another program writes to it, or an entry before was half written; end that program and resume the ceremony", w.path, info.Size(), w.size)
	}
	if err := safefile.Append(w.path, text); err != nil {
		return errors.Join(fmt.Errorf("%s: %w; the entry was not recorded", w.path, err), os.Truncate(w.path, w.size))
	}
	w.size += int64(len(text))
	return nil
}
