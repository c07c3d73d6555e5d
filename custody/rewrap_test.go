package custody_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/custody/keyfile"
	"conclave/dkek"
	"conclave/dkek/dkektest"
)

// vectorDKEK is the one that hsm's vectors of wrapped keys are under.
func vectorDKEK(t *testing.T) custody.DKEK {
	t.Helper()
	v := dkektest.ReadVector(t, "../quorum/testdata/2-of-4")
	path := filepath.Join(t.TempDir(), "dkek.pbe")
	if err := os.WriteFile(path, v.Practice.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := custody.OpenDKEK(readAll(t, []string{path}), func(_ int, file custody.Unopened) (*custody.Opened, error) {
		return custody.OpenWithPassword(dkektest.Practising(t.Context()), file.ShareFile, v.Password, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func vectorWrap(name string) string { return filepath.Join("..", "hsm", "testdata", "2-of-4", name) }

// TestRewrapping: nothing is written before it is said, and then the same keys
// under the new DKEK alone.
func TestRewrapping(t *testing.T) {
	dir := t.TempDir()
	r := custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Wraps: []string{vectorWrap("EC-secp256r1.wrap"), vectorWrap("rsa-2048.wrap")}, Dir: dir}
	if err := r.Reserve(); err != nil {
		t.Fatal(err)
	}
	share, err := custody.DrawShare(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old := vectorDKEK(t)
	keys, err := r.Run(rand.Reader, old, share)
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.wrap")); err != nil || len(left) > 0 {
		t.Errorf("%v were written (%v)", left, err)
	}
	to, err := dkek.New(share)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range keys {
		if err := k.Settle(); err != nil {
			t.Fatal(err)
		}
		if k.From != r.Wraps[i] || k.To != filepath.Join(dir, filepath.Base(k.From)) {
			t.Errorf("key %d goes from %s to %s", i, k.From, k.To)
		}
		checkRewrapped(t, k, old.DKEK, to)
		if err := k.Settle(); err == nil || !strings.Contains(err.Error(), "nothing old was touched") {
			t.Errorf("settled twice: %v", err)
		}
	}
}

func checkRewrapped(t *testing.T, k custody.Rewrapped, old, to *dkek.DKEK) {
	t.Helper()
	before, err := custody.ReadWrapFile(k.From)
	if err != nil {
		t.Fatal(err)
	}
	after, err := custody.ReadWrapFile(k.To)
	if err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile(k.To); err != nil || !bytes.Equal(written, after.Content) {
		t.Errorf("%s has other content than was read, %v", k.To, err)
	}
	if !bytes.Equal(before.Certificate, after.Certificate) || (before.Description == nil) != (after.Description == nil) {
		t.Errorf("%s has lost what is beside the key", k.To)
	}
	if want, got := publicOf(t, old, before.Blob), publicOf(t, to, after.Blob); !bytes.Equal(want, got) {
		t.Errorf("%s holds another key", k.To)
	}
	if _, _, err := old.Unwrap(after.Blob); !errors.Is(err, dkek.ErrForeign) {
		t.Errorf("%s opens under the old DKEK: %v", k.To, err)
	}
}

// publicOf is the public half of a wrapped key, PEM.
func publicOf(t *testing.T, d *dkek.DKEK, blob []byte) []byte {
	t.Helper()
	key, _, err := d.Unwrap(blob)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keyfile.PublicPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func TestRewrappingRefuses(t *testing.T) {
	dir := t.TempDir()
	ec, there := vectorWrap("EC-secp256r1.wrap"), filepath.Join(dir, "rsa-2048.wrap")
	if err := os.WriteFile(there, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		r    custody.Rewrapping
		want string
	}{
		"one name":       {custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Wraps: []string{"a/key.wrap", "b/key.wrap"}, Dir: dir}, "key.wrap would be written twice"},
		"the share file": {custody.Rewrapping{ShareFile: dir + "/./new.pbe", Wraps: []string{"a/new.pbe"}, Dir: dir}, "new.pbe would be written twice"},
		"exists":         {custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Wraps: []string{ec, vectorWrap("rsa-2048.wrap")}, Dir: dir}, "rsa-2048.wrap: file already exists"},
		"no directory":   {custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Wraps: []string{ec}, Dir: filepath.Join(dir, "missing")}, "missing"},
		"no key":         {custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Wraps: []string{there}, Dir: t.TempDir()}, there + ": "},
		"no file":        {custody.Rewrapping{ShareFile: filepath.Join(dir, "new.pbe"), Wraps: []string{"a"}, Dir: dir}, "open a: no such file"},
	} {
		if err := test.r.Reserve(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; %q was expected", name, err, test.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
	share, err := custody.DrawShare(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var wrong *custody.OpenError
	foreign := custody.Rewrapping{Wraps: []string{ec}, Dir: dir}
	if err := foreign.Reserve(); err != nil {
		t.Fatal(err)
	}
	defer foreign.Release()
	if _, err := foreign.Run(rand.Reader, openAll(t, shareFiles(t, 1)), share); !errors.As(err, &wrong) || wrong.Status != custody.WrongSheet {
		t.Errorf("under another DKEK: %v", err)
	}
}
