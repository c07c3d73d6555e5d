package sqlite

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"conclave/internal/faultdisk"
	"conclave/internal/testrun"
)

// TestLostPower counts up, brings the log into the file in between, and loses the
// power everywhere.
func TestLostPower(t *testing.T) {
	path := closed(t, newStore(t))
	files := faultdisk.UnderSQLite(t)
	h := faultdisk.History{Disk: faultdisk.NewDisk(t, filepath.Dir(path))}
	files.Remember(h.Disk)
	h.Reached("0")
	s := open(t, path)
	for n := 1; n <= 8; n++ {
		mustCountUp(t, s)
		h.Reached(strconv.Itoa(n))
		if n%3 == 0 {
			if err := s.Scrub(); err != nil {
				t.Fatal(err)
			}
		}
		if n == 5 {
			closed(t, s)
			s = open(t, path)
		}
	}
	closed(t, s)
	files.Remember(nil)
	h.Check(t, testrun.Random(t), func(dir string) (string, error) {
		s, err := Open(filepath.Join(dir, filepath.Base(path)))
		if err != nil {
			return "", err
		}
		defer s.Close()
		n, err := count(s)
		return fmt.Sprint(n), err
	}, nil)
}

// TestScrubbedStaysAway: what Scrub took off the disk does not come back with a loss
// of power.
func TestScrubbedStaysAway(t *testing.T) {
	path := closed(t, newStore(t))
	disk := faultdisk.NewDisk(t, filepath.Dir(path))
	p := faultdisk.Trace(t, path)
	p.Order(scrub)
	p.Order(up)
	mustEnd(t, p.Child)
	scrubbed := 0
	disk.Replay(t, p.Calls(), func(line string) {
		if line == scrub {
			scrubbed = disk.Done()
		}
	})
	before := 0
	for cut := range disk.Cuts(testrun.Random(t)) {
		for name, content := range cut.Image {
			switch {
			case !bytes.Contains(content, []byte(mark)):
			case cut.After < scrubbed:
				before++
			default:
				t.Fatalf("step %d of %d: the mark is in %s, and was taken off the disk at step %d", cut.After, disk.Done(), name, scrubbed)
			}
		}
	}
	if before == 0 || scrubbed == 0 {
		t.Error("the mark was never on the disk: this test looks for the wrong thing")
	}
}

// TestFilesOutliveTheDisk makes and removes stores, on a disk that loses power, and on
// one that fails.
func TestFilesOutliveTheDisk(t *testing.T) { files().Run(t) }
