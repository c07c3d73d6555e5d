package safefile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"conclave/internal/safefile"
)

func reserve(t *testing.T, path string) *safefile.Place {
	t.Helper()
	p, err := safefile.Reserve(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Release() })
	return p
}

// TestPlace: there is no file before the place is settled, and nothing else after.
func TestPlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "share.pbe")
	for _, content := range []string{"", "short", strings.Repeat("longer than its room ", 100)} {
		p := reserve(t, path)
		if err := p.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Reread(); err != nil || string(got) != content {
			t.Errorf("read back: %q, %v", got, err)
		}
		if names := left(t, dir); !slices.Equal(names, []string{"share.pbe.unfinished"}) {
			t.Errorf("before it is settled: %v", names)
		}
		if err := p.Settle(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("settled: %q, %v; %q was expected", got, err, content)
		}
		if err := p.Release(); err != nil || !slices.Equal(left(t, dir), []string{"share.pbe"}) {
			t.Errorf("after it was settled: %v, %v", left(t, dir), err)
		}
		if _, err := safefile.Reserve(path, 100); !errors.Is(err, fs.ErrExist) || len(left(t, dir)) != 1 {
			t.Errorf("where there is a file: %v, and %v", err, left(t, dir))
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	reserve(t, path).Release()
	if names := left(t, dir); len(names) > 0 {
		t.Errorf("a place that was given up leaves %v", names)
	}
}

// TestPlaceIsTakenOnce by as many as want it at once, and by the next one after.
func TestPlaceIsTakenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "share.pbe")
	for range 20 {
		var all sync.WaitGroup
		places, failures := make([]*safefile.Place, 8), make([]error, 8)
		for i := range places {
			all.Go(func() { places[i], failures[i] = safefile.Reserve(path, 100) })
		}
		all.Wait()
		taken := 0
		for i, p := range places {
			var held *safefile.HeldError
			if p != nil {
				taken++
			} else if !errors.As(failures[i], &held) {
				t.Errorf("another one was told %v", failures[i])
			}
		}
		if taken != 1 {
			t.Fatalf("%d have the place", taken)
		}
		_, err := safefile.Reserve(path, 100)
		if err == nil || !strings.Contains(err.Error(), "share.pbe is being made by process ") || !strings.Contains(err.Error(), ", since 2") {
			t.Errorf("who is late is told: %v", err)
		}
		for _, p := range places {
			if err := p.Release(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestPlaceOfAnotherIsTakenOver where its process is no more, whatever that had
// written; what it wrote is not there any more.
func TestPlaceOfAnotherIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "share.pbe")
	for _, content := range []string{"", "not proved"} {
		p := reserve(t, path)
		if content != "" {
			if err := p.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
		p.Leave() // as a process that is cut off does
		second := path + ".link"
		if err := os.Link(p.Unfinished(), second); err != nil {
			t.Skipf("NOT TESTED: no links here: %v", err)
		}
		making, err := safefile.Left(path)
		if err != nil || making.Process != os.Getpid() || making.Written != (content != "") {
			t.Errorf("left: %+v, %v", making, err)
		}
		next := reserve(t, path)
		if next.Left == nil || next.Left.Process != os.Getpid() {
			t.Errorf("the next one is told: %v", next.Left)
		}
		if shown, err := os.ReadFile(second); err != nil || content != "" && bytes.Contains(shown, []byte(content)) {
			t.Errorf("another name still shows %q, %v", shown, err)
		}
		next.Release()
		os.Remove(second)
	}
}

// TestPlaceWithoutNote: what does not say that it is not finished was written to its
// end, and is lost to no one, unless there is nothing in it.
func TestPlaceWithoutNote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "share.pbe")
	for _, content := range []string{"short", strings.Repeat("long", 1000)} {
		if err := os.WriteFile(path+safefile.Unfinished, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := safefile.Reserve(path, 100); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "it has its name now") {
			t.Errorf("taken over: %v", err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("it is %q now, %v", got, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path+safefile.Unfinished, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reserve(t, path).Release()
	if err := os.Symlink("elsewhere", path+safefile.Unfinished); err != nil {
		t.Skipf("NOT TESTED: no links here: %v", err)
	}
	if _, err := safefile.Reserve(path, 100); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Errorf("a link was taken over: %v", err)
	}
}

// TestResume settles what was whole, and nothing else.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record")
	if _, err := safefile.Resume(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	p := reserve(t, path)
	p.Leave() // as a process that is cut off does
	if _, err := safefile.Resume(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of what was not written: %v", err)
	}
	whole := reserve(t, path)
	if err := whole.Write([]byte("whole")); err != nil {
		t.Fatal(err)
	}
	whole.Leave() // as a process that is cut off does
	for range 2 { // the second time with its note cut off, as while it is settled
		resumed, err := safefile.Resume(path)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := resumed.Reread(); err != nil || string(content) != "whole" {
			t.Errorf("resumed: %q, %v", content, err)
		}
		if err := resumed.SettleAs(path + ".1"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".1", path+safefile.Unfinished); err != nil {
			t.Fatal(err)
		}
	}
}
