package device

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"conclave/internal/sqlitefile"
)

// TestSearchSerial looks for a device among others, in readers one of which is
// empty. The others are left to other programs.
func TestSearchSerial(t *testing.T) {
	home := NewHome(t.TempDir())
	serials := map[string]string{}
	for _, name := range []string{"first", "second"} {
		serial, err := home.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		serials[name] = serial
	}
	conn, err := searchSerial(serials["second"], []string{"empty", "first", "second"}, home.Open)
	if err != nil {
		t.Fatal(err)
	}
	if got := serialOn(conn); got != serials["second"] {
		t.Errorf("the device with serial number %q was opened; %q was expected", got, serials["second"])
	}
	if err := home.Delete("second"); !errors.Is(err, sqlitefile.ErrInUse) {
		t.Errorf("the device that was looked for is not open: %v", err)
	}
	if err := home.Delete("first"); err != nil {
		t.Errorf("the other device is still open: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestSearchSerialFindsNone(t *testing.T) {
	home := NewHome(t.TempDir())
	serial, err := home.Create("first")
	if err != nil {
		t.Fatal(err)
	}
	for there, readers := range map[string][]string{"none": {"empty"}, serial: {"empty", "first"}} {
		_, err := searchSerial("DENK0100042", readers, home.Open)
		if want := "serial number DENK0100042; there is " + there + ": "; !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
}
