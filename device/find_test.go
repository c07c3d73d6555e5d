package device

import (
	"errors"
	"strings"
	"testing"

	"conclave/apdu"
)

// TestFind: a device is found by whatever it is called by, and where that is not one, it
// is told. Here cards in readers are embedded devices of another home.
func TestFind(t *testing.T) {
	home, cards := NewHome(t.TempDir()), NewHome(t.TempDir())
	serials := map[string]string{}
	for name, h := range map[string]Home{"root": home, "spare": home, "ROOTCARD": home, "card": cards, "other": cards} {
		serial, err := h.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		serials[name] = serial
	}
	inReader := map[string]string{"pcsc:Nitrokey HSM (DENK0100042) 00 00": "card", "pcsc:Nitrokey HSM 01 00": "other"}
	readers := func() ([]string, error) {
		return []string{"pcsc:Alcor 00 00", "pcsc:Nitrokey HSM (DENK0100042) 00 00", "pcsc:Nitrokey HSM 01 00"}, nil
	}
	open := func(name string) (apdu.Conn, error) {
		if inReader[name] == "" {
			return nil, errors.New("no card")
		}
		return cards.Open(inReader[name])
	}
	for called, want := range map[string]string{
		"root": "root", "ROOTCARD": "ROOTCARD", serials["spare"]: "spare",
		serials["card"]: "pcsc:Nitrokey HSM (DENK0100042) 00 00", serials["other"]: "pcsc:Nitrokey HSM 01 00",
		"DENK0100042": "pcsc:Nitrokey HSM (DENK0100042) 00 00", "alcor": "pcsc:Alcor 00 00", "pcsc:alcor": "pcsc:Alcor 00 00",
		"pcsc:": "pcsc:", "pcsc:2": "pcsc:Nitrokey HSM 01 00", "pcsc:3": "pcsc:3", "2": "2", "pcsc:Nitrokey HSM 01 00": "pcsc:Nitrokey HSM 01 00",
		"default": "default", "DENK0100043": "DENK0100043", "pcsc:none": "pcsc:none",
	} {
		if got, err := home.find(called, readers, open); got != want || err != nil {
			t.Errorf("%q is %q, %v; %q was expected", called, got, err, want)
		}
	}
	for _, called := range []string{"Nitrokey", "pcsc:nitro"} {
		want := called + `" may be each of these devices: pcsc:Nitrokey HSM (DENK0100042) 00 00, pcsc:Nitrokey HSM 01 00; name one of them`
		if got, err := home.find(called, readers, open); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %q, %v; an error with %q was expected", called, got, err, want)
		}
	}
	none := func() ([]string, error) { return nil, errors.New("no PC/SC") }
	for called, want := range map[string]string{"alcor": "alcor", serials["root"]: "root"} {
		if got, err := home.find(called, none, open); got != want || err != nil {
			t.Errorf("without PC/SC %q is %q, %v; %q was expected", called, got, err, want)
		}
	}
	if got := home.Serials(); len(got) != 3 || got[serials["root"]] != "root" {
		t.Errorf("serial numbers %v", got)
	}
}
