//go:build linux

package main

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/hsm"
	"conclave/internal/secret"
	"conclave/quorum"
)

// TestPINForgottenPage does what docs/pin-forgotten.md says, at a terminal: on a device
// whose SO-PIN is on a sheet, and sealed too.
func TestPINForgottenPage(t *testing.T) {
	home(t)
	dir := t.TempDir()
	p := enterShell(t, dir)
	p.do("conclave dkek create dkek.pbe --threshold 2 --custodian Alice --custodian Bob --custodian Carol")
	p.twoCome()
	p.do("conclave dkek import dkek.pbe")
	p.do("conclave key generate --type ec:P-256 --pin env:PIN --label root")
	p.do("conclave key wrap root root.wrap --pin env:PIN")
	p.seal(dir)
	shown := map[string]string{}
	for _, command := range commands(t, "../../docs/pin-forgotten.md") {
		switch {
		case strings.Contains(command, "--sealed"), strings.Contains(command, "dkek import"):
			p.twoCome()
		case strings.Contains(command, "pin reset"), strings.Contains(command, "--device spare --dkek-shares"):
			p.once = []oneAnswer{{`SO-PIN: $`, soPIN}}
		}
		shown[command] = p.do(command)
	}
	for command, want := range map[string]string{
		"conclave hsm pin reset --keep-pin":                                           "The user PIN is reset.",
		"conclave hsm pin reset":                                                      "The user PIN is reset.",
		"conclave hsm pin reset --sealed so-pin-primary.sealed --dkek dkek.pbe":       "The user PIN is reset.",
		"conclave hsm pin change --so --sealed so-pin-primary.sealed --dkek dkek.pbe": "so-pin-primary.sealed and its copies are not the SO-PIN of this device any more",
		"conclave key list --device spare":                                            "root",
	} {
		if !strings.Contains(shown[command], want) {
			t.Errorf("%s does not show %q:\n%s", command, want, shown[command])
		}
	}
	for _, secret := range []string{pin, soPIN} {
		if strings.Contains(string(p.All), secret) {
			t.Error("the terminal showed a PIN")
		}
	}
}

// seal seals the SO-PIN of the device, as a ceremony does.
func (p *people) seal(dir string) {
	t := p.t
	t.Helper()
	var status struct{ Serial string }
	if err := json.Unmarshal([]byte(conclave(t, "hsm", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	file, err := custody.ReadShareFile(filepath.Join(dir, "dkek.pbe"))
	if err != nil {
		t.Fatal(err)
	}
	var shares []quorum.CustodianShare
	for _, custodian := range []string{"1", "2"} {
		share, err := quorum.ParseCode(p.codes[custodian])
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	opened, err := quorum.Open(dkektest.Practising(t.Context()), file, shares, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dkek.New(opened.Share)
	if err != nil {
		t.Fatal(err)
	}
	so, err := hsm.ParseSOPIN(secret.Bytes(soPIN))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := custody.SealPIN(rand.Reader, d, status.Serial, so)
	if err != nil {
		t.Fatal(err)
	}
	content, err := sealed.Bytes()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "so-pin-primary.sealed"), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSealedPINMistakes: what does not fit is said before anyone comes.
func TestSealedPINMistakes(t *testing.T) {
	home(t)
	vector, sealed := readVector(t, "2-of-4"), readHere(t, "../../custody/testdata/sealedpin/so-pin-primary.sealed")
	t.Chdir(t.TempDir())
	writeHere(t, "dkek.pbe", vector.Practice.Bytes())
	writeHere(t, "so-pin-primary.sealed", sealed)
	for command, want := range map[string]string{
		"hsm pin reset --sealed so-pin-primary.sealed --dkek dkek.pbe --sheets 2": "so-pin-primary.sealed is the SO-PIN of the device DECC0100001, and this one is ",
		"hsm pin reset --sealed dkek.pbe --dkek dkek.pbe":                         "dkek.pbe is a DKEK share file; a sealed SO-PIN was expected",
		"hsm pin reset --sealed so-pin-primary.sealed":                            "--dkek FILE was expected too",
		"hsm pin reset --dkek dkek.pbe":                                           "--sealed FILE was expected too",
		"hsm pin reset --sealed a --dkek b --so-pin env:SOPIN":                    "each is the SO-PIN, and one of them was expected",
		"hsm pin change --sealed a --dkek b":                                      "a new user PIN is set with it by: conclave hsm pin reset",
		"dkek inspect so-pin-primary.sealed":                                      "so-pin-primary.sealed is a sealed SO-PIN; a DKEK share file was expected",
	} {
		out, err := exec.Command("conclave", strings.Fields(command)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s\n%q was expected", command, err, out, want)
		}
	}
}
