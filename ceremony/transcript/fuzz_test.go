package transcript_test

import (
	"bytes"
	"testing"

	"conclave/ceremony/transcript"
)

// FuzzVerify: with the key of the vector, nothing verifies but the vector's first
// lines.
func FuzzVerify(f *testing.F) {
	vector, public := read(f, vectorFile), vectorKey(f).Public().String()
	f.Fuzz(func(t *testing.T, content []byte) {
		v, err := transcript.Verify(content, public)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(vector, content) || len(v.Entries) != bytes.Count(content, []byte("\n")) {
			t.Errorf("%q verifies, with entries %+v", content, v.Entries)
		}
	})
}
