package evidence_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"conclave/ceremony/evidence"
	"conclave/ceremony/evidence/evidencetest"
	"conclave/ceremony/transcript"
)

// TestSecondVerifier: the program on the page accepts what an earlier version has
// made, tells the same hashes, and compares both with the paper.
func TestSecondVerifier(t *testing.T) {
	bundle, key := load(t, fixture), hex.EncodeToString(paperKey(t))
	closing := fmt.Sprintf("%x", sha256.Sum256(bundle[evidence.HeadFile].Data))
	second := evidencetest.NewVerifier(t)
	out, err := second.Verify(t, bundle, key, closing)
	if err != nil || !strings.Contains(out, key) || !strings.Contains(out, closing) {
		t.Errorf("%v: %s", err, out)
	}
	for want, paper := range map[string][]string{"REFUSED: the ceremony key is " + key: {closing}, "REFUSED: the closing is " + closing: {key, key}} {
		if out, err := second.Verify(t, bundle, paper...); err == nil || !strings.HasPrefix(out, want) {
			t.Errorf("with another paper, %v: %s", err, out)
		}
	}
	if n := strings.Count(evidencetest.Program(t), "\n"); n > 120 {
		t.Errorf("the program has %d lines, which is more than a page", n)
	}
}

// heads exchanges what is in the heads of two lines of the transcript.
func heads(one, other int, part string) func(*testing.T, fstest.MapFS) {
	return lines(func(l [][]byte) [][]byte {
		place := bytes.Index(l[one], []byte(part))
		otherPlace := bytes.Index(l[other], []byte(part))
		l[one] = slices.Concat(l[one][:place], l[other][otherPlace:])
		return l
	})
}

// otherKey puts the key of another ceremony with the same origin into a bundle.
func otherKey(t *testing.T, b fstest.MapFS) {
	t.Helper()
	origin, _, _ := strings.Cut(string(b[evidence.KeyFile].Data), "+")
	key, err := transcript.NewKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	b[evidence.KeyFile] = &fstest.MapFile{Data: []byte(key.Public().String() + "\n")}
}

// damages are what both verifiers refuse; want is what the second one says.
func damages() []tampered {
	const transcript, root = evidence.TranscriptFile, "certificates/root.pem"
	return []tampered{
		{"a byte of the transcript", replace(transcript, "stands in", "stands on"), true, "REFUSED: transcript.jsonl, line "},
		{"the encoding of the last line", lines(func(l [][]byte) [][]byte {
			l[len(l)-1] = bytes.Replace(l[len(l)-1], []byte("—"), []byte(`\u2014`), 1)
			return l
		}), true, "REFUSED: transcript.jsonl, line 43: "},
		{"the signature of another line", heads(20, 19, `— `), true, "REFUSED: transcript.jsonl, line 21: not signed by the ceremony key"},
		{"the head of another tree", heads(20, 19, `"head"`), true, "REFUSED: transcript.jsonl, line 21: "},
		{"an entry less", lines(func(l [][]byte) [][]byte { return slices.Delete(l, 5, 6) }), true, "REFUSED: transcript.jsonl, line 6: "},
		{"two entries exchanged", lines(func(l [][]byte) [][]byte { l[5], l[6] = l[6], l[5]; return l }), true, "REFUSED: transcript.jsonl, line 6: "},
		{"the end cut off", lines(func(l [][]byte) [][]byte { return l[:len(l)-1] }), true, "REFUSED: checkpoint is not "},
		{"an earlier head as checkpoint", earlierHead, true, "REFUSED: checkpoint is not "},
		{"the key of another ceremony", otherKey, true, "REFUSED: transcript.jsonl, line 1: "},
		{"a key of which a bit is changed", replace(evidence.KeyFile, "ASJF", "ASJE"), true, "REFUSED: ceremony-key.txt "},
		{"another plan", replace(evidence.PlanFile, "Vault 2", "Vault 3"), true, "REFUSED: plan.json is not "},
		{"a file changed", replace(root, "A", "B"), false, "REFUSED: the files are not those of SHA256SUMS"},
		{"a file changed, and SHA256SUMS too", replace(root, "A", "B"), true, "REFUSED: the files are not those that the close names"},
		{"a file added", add("photos/later.jpg", "x"), false, "REFUSED: the files are not those of SHA256SUMS"},
		{"a file added, to SHA256SUMS too", add("photos/later.jpg", "x"), true, "REFUSED: the files are not those that the close names"},
		{"a file missing", remove(root), true, "REFUSED: the files are not those that the close names"},
	}
}

// TestBothRefuse: what is damaged is refused by both verifiers.
func TestBothRefuse(t *testing.T) {
	good, key, second := load(t, fixture), paperKey(t), evidencetest.NewVerifier(t)
	for _, test := range damages() {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			b := maps.Clone(good)
			test.change(t, b)
			if test.resum {
				b[evidence.SumsFile] = &fstest.MapFile{Data: sumsOf(t, b)}
			}
			if _, err := evidence.Verify(b, evidence.Options{Key: key}); err == nil {
				t.Error("the first one accepts it")
			}
			if out, err := second.Verify(t, b, hex.EncodeToString(key)); err == nil || !strings.HasPrefix(out, test.want) {
				t.Errorf("the second one, %v: %s; %q was expected", err, out, test.want)
			}
		})
	}
}

func sumsOf(t *testing.T, b fstest.MapFS) []byte {
	t.Helper()
	sums, err := evidence.Sums(b)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}
