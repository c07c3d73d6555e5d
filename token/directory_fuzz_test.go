package token

import (
	"encoding/binary"
	"testing"

	"conclave/token/cryptoki"
	"conclave/wire"
)

// FuzzDirectory makes objects of files that anyone may have written: nothing panics,
// each object is found by its attributes, and a file of one object does not hide
// another one. The data are files one after the other: FID, length, content.
func FuzzDirectory(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		files := map[wire.FID]*file{}
		for len(b) >= 4 {
			fid, n := wire.FID(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
			b = b[4:]
			n = min(n, len(b))
			if shown(fid) {
				files[fid] = &file{content: b[:n]}
			}
			b = b[n:]
		}
		good := wire.PrefixKey.File(255)
		files[good] = &file{}
		files[wire.PrefixPrKD.File(255)] = &file{content: description(t)}
		m := maker{serial: "ZZCL", nonce: []byte{1}, files: files}
		parts, all := m.parts()
		l := newListing(all)
		if len(parts[good].objects) == 0 {
			t.Fatal("a good key is hidden by others")
		}
		for _, o := range l.objects {
			checkObject(t, l, o)
		}
	})
}

func description(tb testing.TB) []byte {
	tb.Helper()
	b, err := wire.PrKD{Type: wire.KeyRSA, Label: "good", ID: []byte{255}, Bits: 2048}.Bytes(255)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// checkObject says whether an object is whole, and found.
func checkObject(t *testing.T, l *listing, o *object) {
	t.Helper()
	if o.handle == 0 || o.handle > originMask {
		t.Fatalf("handle %x", o.handle)
	}
	seen := map[cryptoki.AttributeType]bool{}
	var template cryptoki.Template
	for _, a := range o.attributes {
		if seen[a.Type] {
			t.Fatalf("attribute %X is there twice", a.Type)
		}
		seen[a.Type] = true
		if !a.Sensitive {
			template = append(template, a)
		}
	}
	for _, found := range l.find(template) {
		if found == o {
			return
		}
	}
	t.Fatalf("%+v is not found by its attributes", o)
}
