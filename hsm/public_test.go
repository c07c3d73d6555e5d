package hsm_test

import (
	"bytes"
	"errors"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/wire"
)

// TestAskPublic asks for the public half of a key of each kind, whose other files are
// gone, and keeps it.
func TestAskPublic(t *testing.T) {
	h := (&otherwise{}).device(t)
	for name, kind := range map[string]wire.KeyType{
		"EC-secp256r1": wire.KeyEC, "EC-secp256k1": wire.KeyEC, "EC-secp521r1": wire.KeyEC, "rsa-1024": wire.KeyRSA, "rsa-2048": wire.KeyRSA,
	} {
		f := readWrapFile(t, "testdata/2-of-4/"+name+".wrap")
		want, err := hsm.ParsePublic(f.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.UnwrapKey(1, wire.WrapFile{Blob: f.Blob}, false); err != nil {
			t.Fatal(err)
		}
		public, err := h.AskPublic(1, kind)
		if err != nil || !public.Equal(*want) {
			t.Fatalf("%s: %v, %v", name, public, err)
		}
		if err := h.KeepPublic(1, *public); err != nil {
			t.Fatal(err)
		}
		content, err := h.ReadFile(wire.PrefixEECert.File(1))
		if err != nil {
			t.Fatal(err)
		}
		request, err := wire.ParseAuthenticatedRequest(content)
		if err != nil || request.Verify(*want) != nil || request.OuterCAR != request.Request.CHR {
			t.Errorf("%s: what was kept is not signed by the key: %v", name, err)
		}
		other := map[wire.KeyType]wire.KeyType{wire.KeyEC: wire.KeyRSA, wire.KeyRSA: wire.KeyEC}[kind]
		if public, err := h.AskPublic(1, other); err == nil {
			t.Errorf("%s is of another type as well: %v", name, public)
		}
		if err := h.DeleteKey(1); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAskPublicOfALiar: what a device tells is not believed without a signature.
func TestAskPublicOfALiar(t *testing.T) {
	answer := func(b []byte) [][]byte { return [][]byte{append(bytes.Clone(b), 0x90, 0x00)} }
	for name, answers := range map[string]map[[2]byte][][]byte{
		"another key's point": {{wire.InsDecipher, byte(wire.ECDH)}: answer(p256(t).G)},
		"no point":            {{wire.InsDecipher, byte(wire.ECDH)}: answer(make([]byte, 65))},
		"nothing":             {{wire.InsDecipher, byte(wire.ECDH)}: answer(nil)},
		"signatures of zero":  {{wire.InsSign, byte(wire.RSARaw)}: answer(make([]byte, 128))},
		"signatures of one":   {{wire.InsSign, byte(wire.RSARaw)}: answer([]byte{1})},
		"one signature":       {{wire.InsSign, byte(wire.RSARaw)}: answer(bytes.Repeat([]byte{0xA5}, 128))},
	} {
		h := (&otherwise{answers: answers}).device(t)
		file, kind := "testdata/2-of-4/rsa-1024.wrap", wire.KeyRSA
		if _, ec := answers[[2]byte{wire.InsDecipher, byte(wire.ECDH)}]; ec {
			file, kind = "testdata/2-of-4/EC-secp256r1.wrap", wire.KeyEC
		}
		if err := h.UnwrapKey(1, wire.WrapFile{Blob: readWrapFile(t, file).Blob}, false); err != nil {
			t.Fatal(err)
		}
		if public, err := h.AskPublic(1, kind); err == nil {
			t.Errorf("%s: %v was believed", name, public)
		}
	}
	refused := [][]byte{{0x6A, 0x81}}
	h := (&otherwise{answers: map[[2]byte][][]byte{{wire.InsDecipher, byte(wire.ECDH)}: refused}}).device(t)
	if _, err := h.AskPublic(1, wire.KeyEC); !errors.Is(err, hsm.ErrNotAllowed) || !errors.Is(err, apdu.FunctionNotSupported) {
		t.Errorf("a key that may not tell: %v", err)
	}
}

// TestProveShorterKey: a key is another one's also where it is shorter than the public
// half that is held against it.
func TestProveShorterKey(t *testing.T) {
	h := withShare(t)
	long, err := hsm.ParsePublic(readWrapFile(t, "testdata/2-of-4/rsa-2048.wrap").Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.UnwrapKey(1, wire.WrapFile{Blob: readWrapFile(t, "testdata/2-of-4/rsa-1024.wrap").Blob}, false); err != nil {
		t.Fatal(err)
	}
	if err := h.Prove(1, *long); !errors.Is(err, hsm.ErrAnotherKey) {
		t.Errorf("%v", err)
	}
}
