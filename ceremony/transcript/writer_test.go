package transcript_test

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave/ceremony/transcript"
)

func create(t *testing.T, key *transcript.Key, entries []transcript.Entry) (string, *transcript.Writer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	w, err := transcript.Create(path, key)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, entries)
	return path, w
}

func verifyFile(t *testing.T, path string, key *transcript.Key) *transcript.Transcript {
	t.Helper()
	v, err := transcript.Verify(read(t, path), key.Public().String())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCreateAndResume(t *testing.T) {
	key := newKey(t, "ceremony.example/2026")
	path, w := create(t, key, nil)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; mode 0600 was expected", info.Mode(), err)
	}
	if _, err := transcript.Create(path, key); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again gave %v", err)
	}
	if w.Head() != "" || len(w.Entries()) != 0 {
		t.Errorf("an empty transcript has head %q and entries %v", w.Head(), w.Entries())
	}
	for i, e := range vectorEntries() {
		w, err := transcript.Resume(path, key)
		if err != nil || w.Torn() != nil {
			t.Fatalf("resumed at %d: torn %q, %v", i, w.Torn(), err)
		}
		appendAll(t, w, []transcript.Entry{e})
		v := verifyFile(t, path, key)
		if !reflect.DeepEqual(w.Entries(), v.Entries) || len(v.Entries) != i+1 || v.CheckHead(w.Head()) != nil || v.Heads[i] != w.Head() {
			t.Errorf("written were %+v with head %q, read are %+v", w.Entries(), w.Head(), v)
		}
	}
}

func TestAppendReturnsWhatIsRead(t *testing.T) {
	key := newKey(t, "ceremony.example/2026")
	path, w := create(t, key, nil)
	at := time.Date(2026, 3, 14, 10, 0, 0, 999, time.FixedZone("", 3600))
	e, err := w.Append(transcript.Entry{Index: 7, Previous: "x", Time: at, Kind: transcript.Note, Text: "a\xffb", Facts: map[string]string{"\xfe": "c\xfd"}})
	if err != nil {
		t.Fatal(err)
	}
	want := transcript.Entry{Time: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC), Kind: transcript.Note, Text: "a�b", Facts: map[string]string{"�": "c�"}}
	if v := verifyFile(t, path, key); !reflect.DeepEqual(e, want) || !reflect.DeepEqual(v.Entries[0], want) {
		t.Errorf("returned was %+v, read is %+v, expected was %+v", e, v.Entries[0], want)
	}
	for _, e := range []transcript.Entry{{Kind: transcript.Note}, {Time: at}, {Time: at, Kind: "prophecy"}, {Time: at.AddDate(9000, 0, 0), Kind: transcript.Note}} {
		if _, err := w.Append(e); err == nil {
			t.Errorf("%+v was recorded", e)
		}
	}
	appendAll(t, w, vectorEntries())
	verifyFile(t, path, key)
}

// TestTornLastLine cuts the file at every length within its last line, or puts
// there what a disk has after a power cut.
func TestTornLastLine(t *testing.T) {
	key := vectorKey(t)
	lines := linesOf(t, key, vectorEntries()[:3])
	whole, last := join(lines[:2]...), lines[2]
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	tails := [][]byte{make([]byte, 4096), []byte("\xff\xfe"), join(last[:100], make([]byte, 100))}
	for n := range len(last) {
		tails = append(tails, last[:n])
	}
	for _, tail := range tails {
		write(t, path, join(whole, tail))
		w, err := transcript.Resume(path, key)
		if err != nil || !bytes.Equal(w.Torn(), tail) || len(w.Entries()) != 2 {
			t.Fatalf("after %d bytes of the last line: torn %q, %v", len(tail), w.Torn(), err)
		}
		if !bytes.Equal(read(t, path), whole) {
			t.Fatalf("after %d bytes of the last line the file is %q", len(tail), read(t, path))
		}
	}
	w, err := transcript.Resume(path, key)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, w, vectorEntries()[2:3])
	if got := read(t, path); !bytes.Equal(got, join(lines...)) {
		t.Errorf("the same entry again gave %q", got)
	}
}

// TestTornFirstLine: before the first entry was recorded there was none.
func TestTornFirstLine(t *testing.T) {
	key := vectorKey(t)
	line := six(t, key)[0]
	path := filepath.Join(t.TempDir(), "transcript.jsonl")
	write(t, path, line[:len(line)-1])
	w, err := transcript.Resume(path, key)
	if err != nil || len(w.Torn()) != len(line)-1 {
		t.Fatalf("torn %q, %v", w.Torn(), err)
	}
	appendAll(t, w, vectorEntries()[:1])
	if !bytes.Equal(read(t, path), line) {
		t.Errorf("the file is %q", read(t, path))
	}
}

func TestResumeCutsNothingOffADamagedFile(t *testing.T) {
	key := vectorKey(t)
	lines := six(t, key)
	damaged := bytes.Replace(join(lines...), []byte("Present"), []byte("Absent"), 1)
	for name, content := range map[string][]byte{"changed": damaged, "changed and torn": damaged[:len(damaged)-9], "last line of zeros": join(append(lines, []byte("\x00\x00\n"))...)} {
		path := filepath.Join(t.TempDir(), "transcript.jsonl")
		write(t, path, content)
		if _, err := transcript.Resume(path, key); !errors.Is(err, transcript.ErrChanged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(read(t, path), content) {
			t.Errorf("%s: the file was written to", name)
		}
	}
	path, _ := create(t, key, vectorEntries())
	if _, err := transcript.Resume(path, newKey(t, "ceremony.example/vector")); !errors.Is(err, transcript.ErrOtherKey) {
		t.Errorf("resumed with another key: %v", err)
	}
	if _, err := transcript.Resume(path+".missing", key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("resumed without a file: %v", err)
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	key := vectorKey(t)
	path, first := create(t, key, vectorEntries()[:2])
	second, err := transcript.Resume(path, key)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, second, vectorEntries()[2:3])
	if _, err := first.Append(vectorEntries()[3]); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("two writers: %v", err)
	}
	if v := verifyFile(t, path, key); len(v.Entries) != 3 || len(first.Entries()) != 2 {
		t.Errorf("the file has %d entries, and the first writer has %d; 3 and 2 were expected", len(v.Entries), len(first.Entries()))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Append(vectorEntries()[3]); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("appended to a file that was removed: %v", err)
	}
}

// TestKilled kills a program that appends: each entry that Append has returned
// is there.
func TestKilled(t *testing.T) {
	key := vectorKey(t)
	path, _ := create(t, key, nil)
	for _, entries := range []int{1, 7, 20} {
		told := killAfter(t, path, entries)
		w, err := transcript.Resume(path, key)
		if err != nil || len(w.Entries()) <= told {
			t.Fatalf("Append has returned entry %d; there are %d, %v", told, len(w.Entries()), err)
		}
		appendAll(t, w, vectorEntries()[5:6])
		verifyFile(t, path, key)
	}
}

// killAfter returns the last entry that the program reported.
func killAfter(t *testing.T, path string, entries int) (last int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), "CONCLAVE_TEST_APPEND_TO="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); entries-- {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Error(err)
		}
		if entries == 0 {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if child.Wait() == nil || entries > 0 {
		t.Errorf("the program ended before it was killed, %d entries early", entries)
	}
	return last
}
