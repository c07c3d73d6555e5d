//go:build linux

package agent

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf8"

	"conclave/token"
	"conclave/token/cryptoki"
)

// errMalformed is the error for a message that is none. The connection ends with it.
var errMalformed = errors.New("the message is malformed")

// reader reads the arguments of a request. After what is not there it gives zeros, and
// done says so: so it is asked once, when all was read.
type reader struct {
	rest   []byte
	failed bool
}

// take gives the next n bytes. They are part of the request, which is overwritten by
// the one that follows.
func (r *reader) take(n uint64) []byte {
	if r.failed = r.failed || n > uint64(len(r.rest)); r.failed {
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) number() uint64 {
	if b := r.take(8); b != nil {
		return binary.NativeEndian.Uint64(b)
	}
	return 0
}

func (r *reader) string() []byte { return r.take(r.number()) }

// template gives attributes whose values are copies: an object may keep them.
func (r *reader) template() (t cryptoki.Template) {
	const least = 16 // bytes of an attribute
	n := r.number()
	if r.failed = r.failed || n > uint64(len(r.rest)/least); r.failed {
		return nil
	}
	t = make(cryptoki.Template, n)
	for i := range t {
		t[i] = cryptoki.Attribute{Type: cryptoki.AttributeType(r.number()), Value: bytes.Clone(r.string())}
	}
	return t
}

// mechanism gives a mechanism whose parameter is a copy, since an operation may keep it.
func (r *reader) mechanism() cryptoki.Mechanism {
	return cryptoki.Mechanism{Type: cryptoki.MechanismType(r.number()), Parameter: slices.Clone(r.string())}
}

func (r *reader) handle() cryptoki.Handle { return cryptoki.Handle(r.number()) }

// done is errMalformed if what was read is not what there was.
func (r *reader) done() error {
	if r.failed || len(r.rest) > 0 {
		return errMalformed
	}
	return nil
}

// writer writes the results of an answer, behind its header.
type writer struct{ bytes []byte }

// Sizes in bytes: of what comes before arguments and results, and of that part of it
// which the size in a message does not count.
const (
	headerBytes = uncounted + 8 + 8
	uncounted   = 8
)

// begin leaves room for the header.
func (w *writer) begin() { w.bytes = append(w.bytes[:0], make([]byte, headerBytes)...) }

// drop takes all results back.
func (w *writer) drop() {
	clear(w.bytes[headerBytes:])
	w.bytes = w.bytes[:headerBytes]
}

// finish fills the header in.
func (w *writer) finish(rv cryptoki.RV, generation uint64) {
	if len(w.bytes)-uncounted > maxAnswer {
		rv = cryptoki.HostMemory
		w.drop()
	}
	binary.NativeEndian.PutUint32(w.bytes, uint32(len(w.bytes)-uncounted))
	binary.NativeEndian.PutUint64(w.bytes[8:], uint64(rv))
	binary.NativeEndian.PutUint64(w.bytes[16:], generation)
}

func (w *writer) number(n uint64) { w.bytes = binary.NativeEndian.AppendUint64(w.bytes, n) }

func (w *writer) string(s []byte) {
	w.number(uint64(len(s)))
	w.bytes = append(w.bytes, s...)
}

// padded writes a field of so many characters, filled with blanks as PKCS#11 wants it.
// What is too long is cut, and no character in two.
func (w *writer) padded(text string, width int) {
	for len(text) > width {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-last]
	}
	w.bytes = append(w.bytes, text...)
	for range width - len(text) {
		w.bytes = append(w.bytes, ' ')
	}
}

func (w *writer) record(o token.Record) {
	w.number(uint64(o.Handle))
	w.number(uint64(o.Output))
	w.number(uint64(len(o.Attributes)))
	for _, a := range o.Attributes {
		w.number(uint64(a.Type))
		if a.Sensitive {
			w.number(cryptoki.Unavailable)
		} else {
			w.string(a.Value)
		}
	}
}

// request is a message that asks for something.
func request(asked call, arguments func(*writer)) []byte {
	var w writer
	w.begin()
	arguments(&w)
	binary.NativeEndian.PutUint32(w.bytes, uint32(len(w.bytes)-uncounted))
	binary.NativeEndian.PutUint16(w.bytes[4:], uint16(asked))
	return w.bytes
}
