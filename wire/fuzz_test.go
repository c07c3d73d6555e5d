package wire_test

import (
	"bytes"
	"testing"

	"conclave/tlv"
	"conclave/wire"
)

// FuzzCVC looks for a panic in the certificate parsers, and for a signature
// check that one survives.
func FuzzCVC(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		cursor := tlv.Cursor(b)
		if c, err := wire.ParseCVC(&cursor); err == nil {
			_ = c.Verify(c.Key)
			if !bytes.HasPrefix(b, c.Bytes()) {
				t.Fatalf("% X was read as % X", b, c.Bytes())
			}
		}
		if r, err := wire.ParseAuthenticatedRequest(b); err == nil {
			_ = r.Verify(r.Request.Key)
		}
	})
}

// FuzzWrapFile checks that what parses is written as it was, wherever its
// lengths are of the shortest form.
func FuzzWrapFile(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := wire.ParseWrapFile(b)
		if err != nil {
			return
		}
		written, err := file.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := wire.ParseWrapFile(written)
		if err != nil || !bytes.Equal(again.Blob, file.Blob) ||
			!bytes.Equal(again.Description, file.Description) || !bytes.Equal(again.Certificate, file.Certificate) {
			t.Fatalf("% X came back as %+v, %v", b, again, err)
		}
	})
}

// FuzzKeyRequest checks that what parses says the same when it is built again.
func FuzzKeyRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := wire.ParseKeyRequest(b)
		if err != nil {
			return
		}
		built, err := r.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := wire.ParseKeyRequest(built)
		if err != nil || again.CHR != r.CHR || again.Key.Type != r.Key.Type || again.Key.Bits != r.Key.Bits {
			t.Fatalf("% X came back as %+v, %v", b, again, err)
		}
	})
}
