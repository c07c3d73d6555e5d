package transcript_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave/ceremony/transcript"
)

const plainEntry = `{"index":0,"time":"2026-03-14T09:00:00Z","kind":"note","previous":""}`

// sign returns a transcript of one line with an entry as it is given, for which
// the holder of the key made a proper tree head.
func sign(t *testing.T, entry, checkpoint string, signers ...note.Signer) []byte {
	t.Helper()
	text := strings.ReplaceAll(checkpoint, "ROOT", tlog.RecordHash([]byte(entry)).String())
	head, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return lineOf(t, entry, string(head))
}

func lineOf(t *testing.T, entry, head string) []byte {
	t.Helper()
	encoded, err := json.Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"entry":%s,"head":%s}`+"\n", entry, encoded)
}

func signer(t *testing.T, key *transcript.Key) note.Signer {
	t.Helper()
	s, err := note.NewSigner(string(key.Private()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const plainCheckpoint = "ceremony.example/vector\n1\nROOT\n"

// TestOtherEncodingsAreRefused, though whoever has the key signed them.
func TestOtherEncodingsAreRefused(t *testing.T) {
	key := vectorKey(t)
	public, ours := key.Public().String(), signer(t, key)
	if _, err := transcript.Verify(sign(t, plainEntry, plainCheckpoint, ours), public); err != nil {
		t.Fatalf("the plain entry: %v", err)
	}
	for _, edit := range [][2]string{
		{`"index":0`, `"index": 0`}, {`"index":0`, `"index":-0`}, {`"index":0,`, ``}, {`"index":0`, `"Index":0`},
		{`"index":0`, `"index":0,"index":0`}, {`"index":0`, `"index":0,"more":1`}, {`"index":0`, `"index":null`},
		{`09:00:00Z`, `09:00:00+00:00`}, {`09:00:00Z`, `10:00:00+01:00`}, {`09:00:00Z`, `09:00:00.5Z`},
		{`2026-03-14T09:00:00Z`, `0001-01-01T00:00:00Z`}, {`note`, `n\u006fte`}, {`note`, `prophecy`}, {`note`, ``},
		{`"previous"`, `"facts":{},"previous"`}, {`"previous"`, `"facts":{"b":"","a":""},"previous"`},
		{`"previous"`, `"text":"","previous"`}, {`"previous"`, `"text":"` + "\xff" + `","previous"`},
		{`"previous"`, `"text":"\u003c","previous"`}, {`}`, `} `}, {`,"previous":""`, ``},
	} {
		entry := strings.Replace(plainEntry, edit[0], edit[1], 1)
		if _, err := transcript.Verify(sign(t, entry, plainCheckpoint, ours), public); !errors.Is(err, transcript.ErrChanged) {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

func TestOtherHeadsAreRefused(t *testing.T) {
	key, other := vectorKey(t), signer(t, newKey(t, "witness.example"))
	public, ours := key.Public().String(), signer(t, key)
	for name, content := range map[string][]byte{
		"an extension line":       sign(t, plainEntry, plainCheckpoint+"more\n", ours),
		"no root":                 sign(t, plainEntry, "ceremony.example/vector\n1\n", ours),
		"size with a zero":        sign(t, plainEntry, "ceremony.example/vector\n01\nROOT\n", ours),
		"another size":            sign(t, plainEntry, "ceremony.example/vector\n2\nROOT\n", ours),
		"a second signature":      sign(t, plainEntry, plainCheckpoint, ours, other),
		"another origin":          sign(t, plainEntry, "ceremony.example/other\n1\nROOT\n", ours),
		"the signature of others": sign(t, plainEntry, plainCheckpoint, other),
		"no signature":            lineOf(t, plainEntry, strings.ReplaceAll(plainCheckpoint, "ROOT", tlog.RecordHash([]byte(plainEntry)).String())+"\n"),
		"no head":                 []byte(`{"entry":` + plainEntry + "}\n"),
		"an empty object":         []byte("{}\n"),
		"an empty line":           []byte("\n"),
		"CR LF":                   []byte(strings.Replace(string(sign(t, plainEntry, plainCheckpoint, ours)), "\n", "\r\n", 1)),
	} {
		_, err := transcript.Verify(content, public)
		if !errors.Is(err, transcript.ErrChanged) && !errors.Is(err, transcript.ErrOtherKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongLinkIsRefused: all but the link of this entry is in order.
func TestWrongLinkIsRefused(t *testing.T) {
	key := vectorKey(t)
	entry := strings.Replace(plainEntry, `"previous":""`, `"previous":"`+strings.Repeat("0", 64)+`"`, 1)
	if _, err := transcript.Verify(sign(t, entry, plainCheckpoint, signer(t, key)), key.Public().String()); !errors.Is(err, transcript.ErrSequence) {
		t.Errorf("a first entry that follows another: %v", err)
	}
}

// TestPaddingBitsAreRefused: base64 has bits before its padding that decoders
// ignore, so that they accept what is not the note that was written.
func TestPaddingBitsAreRefused(t *testing.T) {
	key := vectorKey(t)
	v, err := transcript.Verify(sign(t, plainEntry, plainCheckpoint, signer(t, key)), key.Public().String())
	if err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for what, at := range map[string]int{"root hash": strings.Index(v.Heads[0], "=") - 1, "signature": strings.LastIndex(v.Heads[0], "=") - 1} {
		head := []byte(v.Heads[0])
		head[at] = alphabet[strings.IndexByte(alphabet, head[at])^1]
		before, after := decode(t, v.Heads[0][at-2:at+2]), decode(t, string(head[at-2:at+2]))
		if !bytes.Equal(before, after) {
			t.Fatalf("the test changed %x of the %s to %x, and should have changed ignored bits", before, what, after)
		}
		if _, err := transcript.Verify(lineOf(t, plainEntry, string(head)), key.Public().String()); !errors.Is(err, transcript.ErrChanged) {
			t.Errorf("a %s with other padding bits: %v", what, err)
		}
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
