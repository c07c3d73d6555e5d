package transcript_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"conclave/ceremony/transcript"
	"conclave/internal/faultdisk"
	"conclave/internal/secret"
	"conclave/internal/testrun"
)

// The key of the vector: its seed is the secret key of RFC 8032, section 7.1,
// TEST 1.
const (
	vectorPrivate = "PRIVATE+KEY+ceremony.example/vector+b99f2973+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
	vectorFile    = "testdata/vector/transcript.jsonl"
	vectorKeyFile = "testdata/vector/key.pub"
)

func vectorKey(t testing.TB) *transcript.Key {
	t.Helper()
	key, err := transcript.ParseKey(secret.Bytes(vectorPrivate))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// vectorEntries has each kind, a clock that goes back, and the characters that
// encoders of JSON write in several ways.
func vectorEntries() []transcript.Entry {
	at := func(minute, second int) time.Time { return time.Date(2026, 3, 14, 9, minute, second, 0, time.UTC) }
	return []transcript.Entry{
		{Time: at(0, 0), Kind: transcript.Opened, By: "Änne Müller", Text: "Root key 2026. Present: Änne Müller, O’Neil & 王芳."},
		{Time: at(1, 30), Kind: transcript.Begun, Step: "create-key"},
		{Time: at(2, 45), Kind: transcript.Done, Step: "create-key", Facts: map[string]string{
			"public key sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "algorithm": "ECDSA, brainpoolP256r1"}},
		{Time: at(3, 0), Kind: transcript.Exception, Step: "create-key", By: "O’Neil", Text: "<The clock was an hour late>\tit was put right.\n\"Done\" \\ \b\f\r\x00\x7f\u2028\u2029\U0001f511"},
		{Time: at(0, 0).Add(-time.Hour), Kind: transcript.Note, Text: "The clock says eight."},
		{Time: at(4, 0), Kind: transcript.Stopped, By: "Änne Müller", Text: "Lunch."},
		{Time: at(5, 0), Kind: transcript.Resumed},
		{Time: at(5, 30), Kind: transcript.Failed, Step: "issue", Text: "The card was taken out."},
		{Time: at(6, 0), Kind: transcript.Note, Facts: map[string]string{"": "a photograph", "sha256": "", "Ω": "ω"}},
		{Time: at(7, 0), Kind: transcript.Closed, By: "Änne Müller"},
	}
}

func newKey(t testing.TB, origin string) *transcript.Key {
	t.Helper()
	key, err := transcript.NewKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// linesOf returns the lines of a transcript of some entries, with newlines.
func linesOf(t testing.TB, key *transcript.Key, entries []transcript.Entry) (lines [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	w, err := transcript.Create(path, key)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, entries)
	return slices.Collect(bytes.Lines(read(t, path)))
}

func appendAll(t testing.TB, w *transcript.Writer, entries []transcript.Entry) {
	t.Helper()
	for _, e := range entries {
		if _, err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

// six is a transcript of six entries, by line.
func six(t testing.TB, key *transcript.Key) [][]byte {
	t.Helper()
	return linesOf(t, key, vectorEntries()[:6])
}

func join(lines ...[]byte) []byte { return bytes.Join(lines, nil) }

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMain makes the test program one that appends without end, and reports each
// entry when Append has returned, for a test that kills it.
func TestMain(m *testing.M) {
	path := os.Getenv("CONCLAVE_TEST_APPEND_TO")
	if path == "" {
		testrun.Main(m, orders().Child)
		return
	}
	key, err := transcript.ParseKey(secret.Bytes(vectorPrivate))
	if err != nil {
		panic(err)
	}
	w, err := transcript.Resume(path, key)
	if err != nil {
		panic(err)
	}
	for out := bufio.NewWriter(os.Stdout); ; out.Flush() {
		e, err := w.Append(transcript.Entry{Time: time.Now(), Kind: transcript.Note})
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(out, e.Index)
	}
}

// orders are to begin a transcript, and to resume it for an entry.
func orders() faultdisk.Orders {
	const begin = "begin"
	resume := func(dir string) (*transcript.Writer, *transcript.Key, error) {
		key, err := transcript.ParseKey(secret.Bytes(vectorPrivate))
		if err != nil {
			return nil, nil, err
		}
		w, err := transcript.Resume(filepath.Join(dir, "transcript"), key)
		return w, key, err
	}
	return faultdisk.Orders{
		All: []string{begin, "0", "1", "2", "3"},
		Do: func(dir, order string) error {
			if order == begin {
				key, err := transcript.ParseKey(secret.Bytes(vectorPrivate))
				if err == nil {
					_, err = transcript.Create(filepath.Join(dir, "transcript"), key)
				}
				return err
			}
			w, _, err := resume(dir)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(order)
			if err == nil {
				_, err = w.Append(vectorEntries()[n])
			}
			return err
		},
		Look: func(dir string) (string, error) {
			w, key, err := resume(dir)
			if errors.Is(err, fs.ErrNotExist) {
				return "none", nil
			}
			if err != nil {
				return "", err
			}
			content, err := os.ReadFile(filepath.Join(dir, "transcript"))
			if err == nil && len(content) > 0 { // whatever was torn is cut off
				_, err = transcript.Verify(content, key.Public().String())
			}
			return fmt.Sprintf("%d entries", len(w.Entries())), err
		},
	}
}
