package custody

import (
	"conclave/internal/safefile"
	"conclave/internal/transfer"
	"conclave/wire"
)

// Wrapped is the file of a wrapped key.
type Wrapped struct {
	wire.WrapFile
	Content []byte // of the file as it is, also of one that could not be read
	Changed string // what was changed in its transfer, and is undone here; empty for nothing
}

// ReadWrapFile reads the file of a wrapped key. What it has as it is, it is taken
// for; what was changed in transfer is undone where the lengths in it prove that
// (the device proves the rest, with the blob's MAC).
func ReadWrapFile(path string) (w Wrapped, err error) {
	w.Content, err = safefile.Read(path, wire.MaxWrapFile)
	if err != nil {
		return w, err
	}
	if w.WrapFile, err = wire.ParseWrapFile(w.Content); err == nil {
		return w, nil
	}
	original, changed, undoErr := transfer.Undo(w.Content, checkWrapFile)
	if undoErr != nil {
		return w, ExplainKind(path, w.Content, "a wrapped key", undoErr)
	}
	w.Changed = changed
	w.WrapFile, err = wire.ParseWrapFile(original)
	return w, err
}
