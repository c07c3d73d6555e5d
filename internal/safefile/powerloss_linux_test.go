package safefile_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/faultdisk"
	"conclave/internal/safefile"
	"conclave/internal/testrun"
)

func TestMain(m *testing.M) { testrun.Main(m, orders().Child) }

// TestFilesOutliveTheDisk does all that this package does to files, on a disk that
// loses power, and on one that fails.
func TestFilesOutliveTheDisk(t *testing.T) { orders().Run(t) }

func orders() faultdisk.Orders {
	all := []struct {
		order string
		do    func(dir string) error
	}{
		{"create", func(dir string) error { return safefile.Create(filepath.Join(dir, "created"), long('a')) }},
		{"create in place", func(dir string) error { return safefile.CreateInPlace(filepath.Join(dir, "secret"), long('b')) }},
		{"replace nothing", func(dir string) error { return safefile.Replace(filepath.Join(dir, "replaced"), long('c')) }},
		{"replace", func(dir string) error { return safefile.Replace(filepath.Join(dir, "replaced"), long('d')) }},
		{"append in a new folder", func(dir string) error { return safefile.Append(filepath.Join(dir, "new", "folder", "log"), long('e')) }},
		{"append", func(dir string) error { return safefile.Append(filepath.Join(dir, "new", "folder", "log"), long('f')) }},
		{"check", func(dir string) error { return safefile.Check(filepath.Join(dir, "checked")) }},
		{"destroy", func(dir string) error { return safefile.Destroy(filepath.Join(dir, "secret")) }},
	}
	o := faultdisk.Orders{Look: look}
	for _, order := range all {
		o.All = append(o.All, order.order)
	}
	o.Do = func(dir, name string) error {
		for _, order := range all {
			if order.order == name {
				return order.do(dir)
			}
		}
		return fmt.Errorf("nobody knows how to %s", name)
	}
	return o
}

// look is all files with a name of their own. An empty one is none yet, and one that is
// being written in place, or destroyed, is none either. Of a file to which lines are
// added there are those that are whole.
func look(dir string) (state string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		content, err := os.ReadFile(path)
		switch entry.Name() {
		case "secret":
			if !bytes.Equal(content, long('b')) {
				content = nil
			}
		case "log":
			content = content[:bytes.LastIndexByte(content, '\n')+1]
		}
		if len(content) > 0 {
			state += fmt.Sprintf("%s %.4x, ", entry.Name(), sha256.Sum256(content))
		}
		return err
	})
	return state, err
}

func long(b byte) []byte { return []byte(strings.Repeat(string(b), 3000) + "\n") }
