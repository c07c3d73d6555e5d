package ca_test

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/internal/foreign"
)

// TestParseNumber reads numbers as people write them.
func TestParseNumber(t *testing.T) {
	for text, want := range map[string]string{
		"1003": "[4099 1003]", " 1003 ": "[4099 1003]", "serial=1003": "[4099 1003]", "7": "[7]",
		"0x1003": "[4099]", "0X1003": "[4099]", "10:03": "[4099]", "00:10:03": "[4099]", "10 03": "[4099]", "\t10 03\n": "[4099]", "01003": "[4099]",
		"abcd": "[43981]", "ABCD": "[43981]", "AB CD": "[43981]", "Serial=ABCD": "[43981]", "a:b": "[171]",
		"decimal:4099": "[4099]", "Decimal: 4099": "[4099]", "4099 (0x1003)": "[4099]", "4099(0x1003)": "[4099]",
		"0": "[0]", "00": "[0]",
	} {
		if got, err := ca.ParseNumber(text); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v; %s was expected", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "was expected", " ": "was expected", "0x": "was expected", ":": "was expected", "-5": "was expected", "+5": "was expected", "1_000": "was expected",
		"xyz": "was expected", "decimal:": "was expected", "decimal:ab": "was expected", "decimal:-5": "was expected", "0x0x10": "was expected", "ab (0x1003)": "was expected",
		"4099 (0x1004)": "the two are not the same", "4099 (0x)": "the two are not the same",
		strings.Repeat("1", 161): "a number of 161 characters",
	} {
		_, err := ca.ParseNumber(text)
		mustSay(t, "ParseNumber", err, want)
	}
}

// TestParseNumberOfPrograms reads what OpenSSL and GnuTLS print of certificates with
// a short and a long number.
func TestParseNumberOfPrograms(t *testing.T) {
	foreign.Need(t, "openssl", "certtool")
	a := newAuthority(t, ca.Root, newKey(t))
	f := newFolder(t)
	short := f.file("short.key", nil)
	mustRun(t, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", short, "-subj", "/CN=Short", "-set_serial", "4099", "-out", f.dir+"/short.pem")
	for file, want := range map[string]*big.Int{f.certificates("long.pem", a.Certificate): a.Certificate.SerialNumber, f.dir + "/short.pem": big.NewInt(4099)} {
		texts := []string{mustRun(t, "openssl", "x509", "-in", file, "-noout", "-serial")}
		for _, line := range []struct{ out, serial string }{
			{mustRun(t, "openssl", "x509", "-in", file, "-noout", "-text"), `Serial Number:\s+(.*)`},
			{mustRun(t, "certtool", "--certificate-info", "--infile", file), `Serial Number \(hex\): (.*)`},
		} {
			found := regexp.MustCompile(line.serial).FindStringSubmatch(line.out)
			if found == nil {
				t.Fatalf("no serial number: %s", line.out)
			}
			texts = append(texts, found[1])
		}
		for _, text := range texts {
			if got, err := ca.ParseNumber(text); err != nil || got[0].Cmp(want) != 0 {
				t.Errorf("%q: %v, %v; %d was expected", text, got, err, want)
			}
		}
	}
}
