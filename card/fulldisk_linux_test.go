package card_test

import (
	"errors"
	"testing"

	"conclave/apdu"
	"conclave/card/store"
	"conclave/card/store/sqlite"
	"conclave/internal/smalldisk"
	"conclave/wire"
)

// TestFullDiskWhileThePINIsCompared leaves a disk every number of pages: a login
// is refused before its try is taken, or through.
func TestFullDiskWhileThePINIsCompared(t *testing.T) {
	const most = 64
	disk := smalldisk.Mount(t, 1<<20)
	path := preparedFile(t, disk)
	through := 0
	for pages := range most {
		free := smalldisk.Fill(t, disk, pages)
		for _, pin := range []string{rightPIN, rightPIN, rightPIN, "000000"} {
			s, err := sqlite.Open(path)
			if errors.Is(err, store.ErrFull) {
				continue
			}
			if err != nil {
				t.Fatalf("%d pages: %v", pages, err)
			}
			sw := verify(openCard(t, s), wire.UserPIN, pin)
			switch {
			case sw == apdu.MemoryFailure:
			case pin == rightPIN && sw == apdu.OK:
				through++
			case pin != rightPIN && sw == apdu.TriesLeft(pinTries-1):
			default:
				t.Errorf("%d pages: %s was answered with %v", pages, pin, sw)
			}
			if outstanding(t, s) != "" {
				t.Errorf("%d pages: a try is outstanding", pages)
			}
			s.Close()
		}
		free()
		s := openFile(t, path)
		if sw := verify(openCard(t, s), wire.UserPIN, rightPIN); sw != apdu.OK {
			t.Fatalf("%d pages: afterwards the right PIN is answered with %v", pages, sw)
		}
		s.Close()
	}
	if through == 0 || through == 3*most {
		t.Errorf("%d of %d logins were through: the disk was never full, or always", through, 3*most)
	}
}
