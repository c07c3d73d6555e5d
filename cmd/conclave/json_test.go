package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"conclave/custody"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/interrupt"
	"conclave/wire"
)

// TestJSON shows what is absent, or has gone wrong, as --json shows it: the files are the
// promise to scripts.
func TestJSON(t *testing.T) {
	public := generator(t)
	kcv := dkek.KCV{1, 2, 3, 4, 5, 6, 7, 8}
	for file, value := range map[string]any{
		"hsm-list.json": deviceList{Devices: []deviceEntry{
			{Name: "broken", State: "unreadable", Error: "why"},
			{Name: "default", Serial: "ZZCL0123456", State: "initialised"},
			{Name: "fresh", Serial: "ZZCL6543210", State: "new"},
		}, Readers: []readerEntry{
			{Name: "pcsc:Nitrokey HSM 00 00", Serial: "DENK0100042", State: "device"},
			{Name: "pcsc:Virtual PCD 00 00", State: "empty"},
		}},
		"hsm-list-no-pcsc.json": deviceList{Devices: []deviceEntry{}, ReadersError: "why"},
		"hsm-status.json": deviceStatus{
			Device: "default", Serial: "ZZCL0123456", CertifiedBy: "ZZCLCA00001", Label: "Root", Version: "3.5", Initialised: true,
			UserPIN: newPINStatus(hsm.PINState{Tries: 3}), SOPIN: newPINStatus(hsm.PINState{}),
			DKEK:       newDKEKStatus(&wire.DKEKStatus{Shares: 1, KCV: kcv}),
			KeyDomains: newKeyDomains([]*wire.DKEKStatus{{Shares: 1, KCV: kcv}, nil, {Shares: 3, Outstanding: 2}}),
			PublicKeys: newPublicKeys(&wire.PublicKeyStatus{Total: 3, Missing: 1, Required: 2}),
			Options:    optionNames(wire.OptionResetRetryCounter | wire.OptionTransportPIN | wire.OptionUnblockOnly | wire.OptionLog),
		},
		"hsm-status-new.json": deviceStatus{
			Device: "default", Serial: "ZZCL0123456", CertifiedBy: "ZZCLCA00001", Label: "SmartCard-HSM", Version: "3.5", KeyDomains: newKeyDomains(nil), Options: optionNames(0),
		},
		"key-list.json": newKeyListing([]hsm.Key{
			{Ref: 1, Public: &public, Description: &wire.PrKD{Type: wire.KeyEC, Label: "Root", ID: []byte{0xA1, 0xB2}}}, {Ref: 2},
		}),
		"status.json": overviewReport{
			Devices: []deviceOverview{
				{Name: "broken", Error: "why", Keys: []keyOverview{}},
				{Name: "default", Status: &deviceStatus{Device: "default", Serial: "ZZCL0123456", Version: "3.5", KeyDomains: newKeyDomains(nil), Options: optionNames(0)}, Keys: []keyOverview{
					newKeyOverview(hsm.Key{Ref: 1, Public: &public}, []custody.BackupRecord{{
						Time: time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC), Serial: "ZZCL0123456", PublicKey: public.Fingerprint(), KCV: kcv.String(),
						Path: "/nowhere/card/key-01-0123abcd.wrap", SHA256: "00",
					}}),
					newKeyOverview(hsm.Key{Ref: 2, Public: &public}, nil),
				}},
			},
			Readers: []string{"pcsc:Virtual PCD 00 00"},
			Due:     []dueEntry{{Day: time.Date(2027, 11, 1, 0, 0, 0, 0, time.UTC), What: "drill", Why: "so that it works", Overdue: false, Soon: true}},
		},
		"rehearse.json": newRehearsalReport(custody.RoundTripReport{
			Stages: []custody.Stage{{What: "make device 1", Result: "serial number ZZCL0123456", Took: 1500 * time.Millisecond}},
			KCV:    kcv, PublicKey: &public,
		}, 2*time.Second, nil),
		"rehearse-failed.json": newRehearsalReport(custody.RoundTripReport{}, time.Second, &interrupt.Error{Signal: syscall.SIGINT}),
	} {
		var shown bytes.Buffer
		c := &answers{answered: value}
		if err := c.sendAnswer(&shown); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", "json", file))
		if err != nil || !bytes.Equal(shown.Bytes(), want) {
			t.Errorf("%s (%v): got\n%s", file, err, shown.Bytes())
		}
	}
}

// TestObject: nothing that a terminal would obey is in an object as it is, what is empty is
// null, and only that.
func TestObject(t *testing.T) {
	c := &answers{warnings: []string{"red \x1b[31m"}}
	got := c.object(struct {
		Text  string    `json:"text"`
		None  string    `json:"none"`
		Time  time.Time `json:"time"`
		Count int       `json:"count"`
		List  []string  `json:"list"`
	}{Text: "\u202e\u009b31m \":\"\" \U000e0001 é", List: []string{""}})
	want := `{"schema":1,"text":"\u202e\u009b31m \":\"\" \udb40\udc01 é","none":null,"time":null,"count":0,"list":[""],"warnings":["red \u001b[31m"]}`
	if string(got) != want {
		t.Errorf("%s; expected was\n%s", got, want)
	}
}

// generator is a public key that is always the same: that of private key 1.
func generator(t *testing.T) wire.PublicKey {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	return wire.ECPublicKey(c, c.G)
}
