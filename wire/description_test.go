package wire_test

import (
	"bytes"
	"testing"

	"conclave/wire"
)

func TestCertificateDescriptionIsThatOfOpenSC(t *testing.T) {
	want := vector(t, "cd")
	d := wire.CD{Label: "a CA", ID: []byte{0x77}, File: 0xCA00}
	if got, err := d.Bytes(); err != nil || !bytes.Equal(got, want) {
		t.Errorf("built\n% X, %v; OpenSC wrote\n% X", got, err, want)
	}
	if got, err := wire.ParseCD(want); err != nil || got.Label != d.Label || !bytes.Equal(got.ID, d.ID) || got.File != d.File {
		t.Errorf("read as %+v, %v", got, err)
	}
}

func TestDataDescriptionsAreThoseOfOpenSC(t *testing.T) {
	for name, d := range map[string]wire.DCOD{
		"dcod":         {Label: "public data", Application: "the app", ObjectID: []byte{0x2A, 3, 4}, File: 0xCF00},
		"dcod-private": {Label: "secret", Application: "secret", File: 0xCD02},
	} {
		want := vector(t, name)
		if got, err := d.Bytes(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: built\n% X, %v; OpenSC wrote\n% X", name, got, err, want)
		}
		got, err := wire.ParseDCOD(want)
		if err != nil || got.Label != d.Label || got.Application != d.Application || !bytes.Equal(got.ObjectID, d.ObjectID) || got.File != d.File {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
	}
}

// TestRewriteLeavesTheRest: what is not label or ID stays as it was written.
func TestRewriteLeavesTheRest(t *testing.T) {
	for _, name := range []string{"prkd-rsa", "prkd-ec", "prkd-certified", "cd"} {
		before := vector(t, name)
		label := "another one"
		changed, err := wire.Rewrite(before, &label, []byte{1, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		gotLabel, gotID := labelAndID(t, name, changed)
		if gotLabel != label || !bytes.Equal(gotID, []byte{1, 2, 3}) {
			t.Errorf("%s: label %q, ID % X", name, gotLabel, gotID)
		}
		oldLabel, oldID := labelAndID(t, name, before)
		if back, err := wire.Rewrite(changed, &oldLabel, oldID); err != nil || !bytes.Equal(back, before) {
			t.Errorf("%s: changed and changed back it is\n% X, %v; it was\n% X", name, back, err, before)
		}
		if same, err := wire.Rewrite(before, nil, nil); err != nil || !bytes.Equal(same, before) {
			t.Errorf("%s: not changed it is\n% X, %v", name, same, err)
		}
	}
	if b, err := wire.Rewrite([]byte{0x30, 2, 0x30, 0}, nil, nil); err == nil {
		t.Errorf("half a description became % X", b)
	}
}

func labelAndID(t *testing.T, name string, b []byte) (label string, id []byte) {
	t.Helper()
	if name == "cd" {
		d, err := wire.ParseCD(b)
		if err != nil {
			t.Fatal(err)
		}
		return d.Label, d.ID
	}
	d, err := wire.ParsePrKD(b)
	if err != nil {
		t.Fatal(err)
	}
	return d.Label, d.ID
}

func TestUsageOfAKey(t *testing.T) {
	for name, want := range map[string]wire.Usage{
		"prkd-rsa":       wire.UsageDecrypt | wire.UsageSign | wire.UsageSignRecover,
		"prkd-ec":        wire.UsageSign | wire.UsageSignRecover | wire.UsageDerive,
		"prkd-certified": wire.UsageDecrypt | wire.UsageSign | wire.UsageSignRecover,
	} {
		if d, err := wire.ParsePrKD(vector(t, name)); err != nil || d.Usage != want {
			t.Errorf("%s: usage %b, %v", name, d.Usage, err)
		}
	}
	for u := wire.Usage(1); u < 1<<10; u++ {
		b, err := wire.PrKD{Type: wire.KeyEC, ID: []byte{1}, Usage: u}.Bytes(1)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := wire.ParsePrKD(b); err != nil || d.Usage != u {
			t.Fatalf("usage %b came back as %b, %v", u, d.Usage, err)
		}
	}
}

// TestConsentAndAlgorithmsAreKept in what PKCS#15 has for them when label and ID change.
func TestConsentAndAlgorithmsAreKept(t *testing.T) {
	for _, consent := range []bool{false, true} {
		var algorithms []byte
		if consent {
			algorithms = []byte{0x70, 0x80, 0x92}
		}
		description, err := wire.PrKD{Type: wire.KeyEC, Label: "key", ID: []byte{0, 2}, Bits: 521, Consent: consent, Algorithms: algorithms}.Bytes(3)
		if err != nil {
			t.Fatal(err)
		}
		label := "another"
		rewritten, err := wire.Rewrite(description, &label, []byte{0, 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, content := range [][]byte{description, rewritten} {
			if d, err := wire.ParsePrKD(content); err != nil || d.Consent != consent || !bytes.Equal(d.Algorithms, algorithms) || d.Bits != 521 || len(d.ID) != 2 {
				t.Errorf("% X is %+v, %v", content, d, err)
			}
		}
	}
}
