package adopt_test

import (
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"conclave/ca/adopt"
)

// TestParseIndex reads lines as OpenSSL's app/ca.c writes them.
func TestParseIndex(t *testing.T) {
	expires := time.Date(2035, 2, 15, 9, 40, 37, 0, time.UTC)
	revoked := time.Date(2026, 11, 29, 9, 40, 43, 0, time.UTC)
	for text, want := range map[string]adopt.Line{
		"V\t350215094037Z\t\t1001\tunknown\t/CN=Sub 1":                                            {Status: adopt.Valid, Subject: "CN=Sub 1"},
		"E\t20350215094037Z\t\t1001\tunknown\t/CN=Sub 1\r":                                        {Status: adopt.Expired, Subject: "CN=Sub 1"},
		"V\t350215094037Z\t\t01001\tunknown\t/C=CH/O=A, B + C/CN=x":                               {Status: adopt.Valid, Subject: `CN=x,O=A\, B \+ C,C=CH`},
		"V\t350215094037Z\t\t1001\tunknown\t/O=M\\xC3\\xBCller/CN=a\\x09b/c":                      {Status: adopt.Valid, Subject: "CN=a\tb/c,O=Müller"},
		"V\t350215094037Z\t\t1001\tunknown\t/O=M\\xFCller":                                        {Status: adopt.Valid, Subject: `O=M\\xFCller`},
		"V\t350215094037Z\t\t1001\tunknown\tSub\\\t1":                                             {Status: adopt.Valid, Subject: "Sub\t1"},
		"R\t350215094037Z\t261129094043Z\t1001\tunknown\t/CN=Sub 1":                               {Status: adopt.Revoked, Revoked: revoked, Subject: "CN=Sub 1"},
		"R\t350215094037Z\t261129094043Z,CACompromise\t1001\tunknown\t/CN=Sub 1":                  {Status: adopt.Revoked, Revoked: revoked, Reason: 2, Subject: "CN=Sub 1"},
		"R\t350215094037Z\t20261129094043Z,superseded\t1001\tunknown\t/CN=Sub 1":                  {Status: adopt.Revoked, Revoked: revoked, Reason: 4, Subject: "CN=Sub 1"},
		"R\t350215094037Z\t261129094043Z,removeFromCRL\t1001\tunknown\t/CN=Sub 1":                 {Status: adopt.Revoked, Revoked: revoked, Reason: 8, Subject: "CN=Sub 1"},
		"R\t350215094037Z\t261129094043Z,privilegeWithdrawn\t1001\tunknown\t/CN=S":                {Status: adopt.Revoked, Revoked: revoked, Reason: 9, Subject: "CN=S"},
		"R\t350215094037Z\t261129094043Z,keyTime,20240229120000Z\t1001\tunknown\t/":               {Status: adopt.Revoked, Revoked: revoked, Reason: 1, KeyTime: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), Subject: "/"},
		"R\t350215094037Z\t261129094043Z,CAkeyTime,20240229120000Z\t1001\tunknown\t/":             {Status: adopt.Revoked, Revoked: revoked, Reason: 2, KeyTime: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), Subject: "/"},
		"R\t350215094037Z\t261129094043Z,holdInstruction,holdInstructionReject\t1001\tunknown\t/": {Status: adopt.Revoked, Revoked: revoked, Reason: 6, Subject: "/"},
	} {
		lines, err := adopt.ParseIndex("index.txt", []byte("\uFEFF# a comment\n\n"+text+"\n"))
		want.File, want.Number, want.Expires, want.Serial = "index.txt", 3, expires, big.NewInt(0x1001)
		if err != nil || len(lines) != 1 || !reflect.DeepEqual(lines[0], want) {
			t.Errorf("%q: %+v, %v; %+v was expected", text, lines, err, want)
		}
	}
	lines, err := adopt.ParseIndex("index.txt", []byte("V\t991231235959Z\t\tabcdefABCDEF\tunknown\t/CN=x"))
	if err != nil || len(lines) != 1 || lines[0].Expires.Year() != 1999 || lines[0].Serial.Text(16) != "abcdefabcdef" {
		t.Errorf("%v, %v; the year 1999 was expected", lines, err)
	}
}

func TestParseIndexRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"V 350215094037Z  1001 unknown /CN=Sub 1":                           "line 1: 1 columns; six with tabs between them were expected",
		"V\t350215094037Z\t\t1001\tunknown\t/CN=Sub\t1":                     "line 1: 7 columns",
		"X\t350215094037Z\t\t1001\tunknown\t/CN=Sub 1":                      `the status is "X"; V, R or E was expected`,
		"V\t3502150940\t\t1001\tunknown\t/CN=Sub 1":                         `the end of validity: "3502150940" is not a time`,
		"V\t351315094037Z\t\t1001\tunknown\t/CN=Sub 1":                      `the end of validity: "351315094037Z" is not a time`,
		"R\t350215094037Z\t\t1001\tunknown\t/CN=Sub 1":                      "the status is R, but there is no time",
		"E\t350215094037Z\t261129094043Z\t1001\tunknown\t/CN=Sub 1":         "the status is E, but it has been revoked",
		"R\t350215094037Z\t261129094043Z,boredom\t1001\tunknown\t/CN=x":     `the reason is "boredom"`,
		"R\t350215094037Z\t261129094043Z,keyTime\t1001\tunknown\t/CN=Sub 1": "since when the key was compromised",
		"V\t350215094037Z\t\t-1\tunknown\t/CN=Sub 1":                        `the serial number: "-1"; hexadecimal digits`,
		"V\t350215094037Z\t\t\tunknown\t/CN=Sub 1":                          `the serial number: ""`,
		"V\t350215094037Z\t\t" + strings.Repeat("1", 121) + "\tunknown\t/":  "120 at most",
		strings.Repeat("V\n", 30):                                           "and 1 more problems",
	} {
		if _, err := adopt.ParseIndex("index.txt", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v; %q was expected", text, err, want)
		}
	}
}

func TestReadNumber(t *testing.T) {
	for text, want := range map[string]int64{"1006\n": 0x1006, "A\r\n": 10, "0": 0, "00ff": 255} {
		if number, err := adopt.ReadNumber(write(t, "serial", []byte(text))); err != nil || number.Int64() != want {
			t.Errorf("%q: %v, %v; %d was expected", text, number, err, want)
		}
	}
	for _, text := range []string{"", "0x10", "10 11", "-1"} {
		if _, err := adopt.ReadNumber(write(t, "serial", []byte(text))); err == nil || !strings.Contains(err.Error(), "hexadecimal digits were expected") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParseIndex reads any line, and what it gives is whole.
func FuzzParseIndex(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte) {
		lines, err := adopt.ParseIndex("index.txt", content)
		for _, line := range lines {
			if line.Serial.Sign() < 0 || line.Expires.IsZero() || (line.Status == adopt.Revoked) == line.Revoked.IsZero() || line.Reason < 0 || line.Reason > 10 {
				t.Errorf("%+v (%v)", line, err)
			}
		}
	})
}
