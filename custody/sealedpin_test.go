package custody_test

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/custody"
	"conclave/internal/foreign"
	"conclave/internal/secret"
)

const sealedVector = "testdata/sealedpin/so-pin-primary.sealed"

// TestSealedPINVector opens what another implementation has sealed.
func TestSealedPINVector(t *testing.T) {
	s, _, err := custody.ReadSealedPIN(sealedVector)
	if err != nil {
		t.Fatal(err)
	}
	pin, err := s.Open(vectorDKEK(t).DKEK)
	if err != nil || string(pin) != "57621880" || s.Device != "DECC0100001" {
		t.Errorf("%v of the device %s: %v", []byte(pin), s.Device, err)
	}
}

// TestSealedPINByHand lets the program of docs/pin-forgotten.md open what we have sealed.
func TestSealedPINByHand(t *testing.T) {
	foreign.Need(t, "python3", "openssl")
	page, err := os.ReadFile("../docs/pin-forgotten.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(page), "\n```python sopin.py\n")
	program, _, found := strings.Cut(program, "\n```")
	if !found {
		t.Fatal("the page has no program")
	}
	dir, d, pin := t.TempDir(), vectorDKEK(t).DKEK, make(secret.Bytes, 8)
	rand.Read(pin)
	s, err := custody.SealPIN(rand.Reader, d, "DECC0100002", pin)
	if err != nil {
		t.Fatal(err)
	}
	content, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"sopin.py": []byte(program), "so-pin.sealed": content, "dkek.bin": d.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	byHand := func() string {
		cmd := exec.Command("python3", "sopin.py", "so-pin.sealed")
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if got, want := byHand(), "SO-PIN: "+hex.EncodeToString(pin)+"\n"; got != want {
		t.Errorf("by hand it is %q; %q was expected", got, want)
	}
	if err := os.WriteFile(filepath.Join(dir, "dkek.bin"), make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := byHand(); !strings.Contains(got, "it is damaged, or of another DKEK") {
		t.Errorf("with another DKEK: %s", got)
	}
}

// TestSealedPINRefuses: a file of which anything was changed gives no PIN.
func TestSealedPINRefuses(t *testing.T) {
	content, err := os.ReadFile(sealedVector)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ old, new, want string }{
		"another device":   {"DECC0100001", "DECC0100002", "is damaged"},
		"another DKEK":     {"7C7D7EC59505B990", "0000000000000000", "sealed under the DKEK with key check value 0000000000000000, and this one has 7C7D7EC59505B990"},
		"another salt":     {"b+Uk", "b+Ul", "is damaged"},
		"another PIN":      {"0Vih", "0Vig", "is damaged"},
		"another tag":      {"0jcx", "0jcy", "is damaged"},
		"a short salt":     {"b+Uk", "", "salt and sealed have 29 and 24 bytes"},
		"a later version":  {"SO-PIN 1", "SO-PIN 2", "is it for a later version?"},
		"a field too many": {`"salt"`, `"pin": "", "salt"`, `unknown field "pin"`},
	} {
		changed := strings.Replace(string(content), test.old, test.new, 1)
		if changed == string(content) {
			t.Fatalf("%s: nothing was changed", name)
		}
		path := filepath.Join(t.TempDir(), "so-pin.sealed")
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, err := custody.ReadSealedPIN(path)
		if err == nil {
			_, err = s.Open(vectorDKEK(t).DKEK)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; %q was expected", name, err, test.want)
		}
	}
	if _, err := custody.SealPIN(rand.Reader, vectorDKEK(t).DKEK, "DECC0100001", secret.Bytes("648219")); err == nil {
		t.Error("a user PIN was sealed")
	}
	if _, _, err := custody.ReadSealedPIN("../dkek/testdata/2-of-4/dkek.pbe"); err == nil || !strings.Contains(err.Error(), "is a DKEK share file; a sealed SO-PIN was expected") {
		t.Errorf("a share file: %v", err)
	}
}
