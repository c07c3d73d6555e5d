package transcript_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// judge has Python and OpenSSL check a transcript, without a line of Go.
func judge(t *testing.T, content []byte, public string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "transcript.jsonl"), content)
	write(t, filepath.Join(dir, "key.pub"), []byte(public))
	out, err := exec.Command("python3", "testdata/check.py", filepath.Join(dir, "transcript.jsonl"), filepath.Join(dir, "key.pub")).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestOthersVerify(t *testing.T) {
	foreign.Need(t, "python3", "openssl")
	key := newKey(t, "ceremony.example/2026")
	for _, test := range []struct {
		content []byte
		public  string
		entries int
	}{
		{read(t, vectorFile), string(read(t, vectorKeyFile)), len(vectorEntries())},
		{join(linesOf(t, key, slices.Repeat(vectorEntries(), 2))...), key.Public().String(), 2 * len(vectorEntries())},
	} {
		if out, err := judge(t, test.content, test.public); err != nil || out != strconv.Itoa(test.entries) {
			t.Errorf("Python and OpenSSL say %q, %v; %d entries were expected", out, err, test.entries)
		}
	}
}

// TestOthersRefuse shows that the judges judge.
func TestOthersRefuse(t *testing.T) {
	foreign.Need(t, "python3", "openssl")
	key := vectorKey(t)
	lines := six(t, key)
	forged := bytes.Clone(lines[2])
	copy(forged[bytes.LastIndexByte(forged, '=')-20:], "forged")
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"changed":        {bytes.Replace(join(lines...), []byte("Present"), []byte("present"), 1), "line 1: has another tree head"},
		"line missing":   {join(lines[0], lines[2]), "line 2: has another index"},
		"another key":    {join(six(t, newKey(t, "ceremony.example/vector"))...), "line 1: is signed by another key"},
		"forged":         {join(lines[0], lines[1], forged), "line 3: has a wrong signature"},
		"without an end": {join(lines...)[:len(join(lines...))-1], "no newline at its end"},
	} {
		if out, err := judge(t, test.content, key.Public().String()); err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: Python and OpenSSL say %q, %v; %q was expected", name, out, err, test.want)
		}
	}
}

// TestCoreutilsFollow: a line's "previous" is what sha256sum says of the line
// before.
func TestCoreutilsFollow(t *testing.T) {
	foreign.Need(t, "sh", "sed", "tr", "sha256sum")
	const third = `sed -n 3p "$1" | tr -d '\n' | sha256sum`
	out, err := exec.Command("sh", "-c", third, "sh", vectorFile).Output()
	if err != nil {
		t.Fatal(err)
	}
	sum, _, _ := strings.Cut(string(out), " ")
	fourth := bytes.Split(read(t, vectorFile), []byte("\n"))[3]
	if !bytes.Contains(fourth, []byte(`"previous":"`+sum+`"`)) {
		t.Errorf("sha256sum says %s of the third line, and the fourth is %s", sum, fourth)
	}
}
