package card_test

import (
	"errors"
	"strings"
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

// TestLogOnAFullDisk signs on a disk with every number of pages left: each signature
// that left the card is in the log.
func TestLogOnAFullDisk(t *testing.T) {
	disk := smalldisk.Mount(t, 1<<20)
	path := disk + "/d"
	s, err := sqlite.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	logged(t, s)
	s.Close()
	signed := 1
	for pages := range 16 {
		s := openFile(t, path)
		c := openLogged(t, s, nil)
		expect(t, c, login)
		free := smalldisk.Fill(t, disk, pages)
		for transmit(t, c, sign) == "9000" && signed < 1000 {
			signed++
		}
		if transmit(t, c, login) != "9000" && transmit(t, c, sign) == "9000" {
			t.Errorf("%d pages: a login was refused, and a key is used", pages)
		}
		free()
		mustReset(t, c)
		s.Close()
	}
	log := readLog(t, openFile(t, path))
	if n := strings.Count(strings.Join(told(t, log), "\n"), "SIGN, key 1 9000"); n != signed || signed == 1 || signed >= 1000 {
		t.Errorf("%d signatures left the card, and %d are in the log", signed, n)
	}
	wantFindings(t, log, "")
}
