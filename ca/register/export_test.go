package register

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"conclave/ca"
)

// TestExport reads the JSON as any other program would.
func TestExport(t *testing.T) {
	b := export(t, filled(t))
	var got struct {
		Format  string
		Entries []map[string]any
		Issuers []map[string]any
	}
	must(t, json.Unmarshal(b, &got))
	if got.Format != "conclave register 1" || len(got.Entries) != 7 {
		t.Fatalf("format %q with %d entries; 7 were expected", got.Format, len(got.Entries))
	}
	a := newAuthority(t, "Root")
	s := a.certificate(t, 2)
	want := map[string]any{
		"kind": "certificate", "state": "issued", "issuer": "CN=Root", "issuerName": base64.StdEncoding.EncodeToString(a.name()),
		"subject": "CN=<leaf> & co", "number": "02", "time": "2026-03-01T12:00:00Z", "tbsSHA256": hex.EncodeToString(s.TBS[:]),
		"sha256": hashOf(s.der), "der": base64.StdEncoding.EncodeToString(s.der),
		"revocations": []any{
			map[string]any{"time": "2026-03-01T12:00:00Z", "reason": 6.0},
			map[string]any{"time": "2026-03-02T12:00:00Z", "reason": 8.0},
			map[string]any{"time": "2026-03-03T12:00:00Z", "reason": 1.0},
		},
	}
	if !reflect.DeepEqual(got.Entries[0], want) {
		t.Errorf("the first entry is %v; %v was expected", got.Entries[0], want)
	}
	name := base64.StdEncoding.EncodeToString(a.name())
	if want := (map[string]any{"issuer": "CN=Root", "issuerName": name, "profile": "cabf-root", "crlsUnknown": true}); len(got.Issuers) != 4 || !reflect.DeepEqual(got.Issuers[2], want) {
		t.Errorf("the issuers are %v; 4 were expected, the third %v", got.Issuers, want)
	}
	if !bytes.Contains(b, []byte(`"subject": "CN=<leaf> & co",`)) {
		t.Error("the text of names is not as people read it")
	}
}

func hashOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func TestExportIsDeterministic(t *testing.T) {
	r := filled(t)
	want := export(t, r)
	for range 3 {
		if !bytes.Equal(export(t, r), want) || !bytes.Equal(export(t, filled(t)), want) {
			t.Error("the same content has two exports")
		}
		r = open(t, closed(t, r))
	}
}

func TestParseExport(t *testing.T) {
	ctx, r := context.Background(), filled(t)
	want, err := r.Entries(ctx)
	must(t, err)
	got, err := ParseExport(export(t, r))
	must(t, err)
	for i := range want {
		want[i].id = 0
	}
	if !reflect.DeepEqual(got.Entries, want) {
		t.Errorf("entries %v; %v were expected", got.Entries, want)
	}
	root := newAuthority(t, "Root").name()
	if last, known := got.Issuer(root); !reflect.DeepEqual(got.Issuers, issuersOf(t)) || !known || last.Profile != ca.CABFRoot || last.CRLsUnknown {
		t.Errorf("issuers %v, the last of the root %v; %v were expected", got.Issuers, last, issuersOf(t))
	}
	if _, known := got.Issuer(nil); known {
		t.Error("an issuer without a name is known")
	}
	empty, err := ParseExport(export(t, newRegister(t)))
	if err != nil || len(empty.Entries) != 0 {
		t.Errorf("an empty register: %v, %v", empty, err)
	}
}

func TestParseExportRefuses(t *testing.T) {
	whole := string(export(t, filled(t)))
	first := strings.Index(whole, "    {\n      \"kind\"")
	second := first + 1 + strings.Index(whole[first+1:], "    {\n      \"kind\"")
	one, two := whole[first:second], whole[second:]
	change := func(from, to string) string { return strings.Replace(whole, from, to, 1) }
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "EOF"},
		{"other format", change("register 1", "register 2"), "was expected"},
		{"unknown field", change(`"kind"`, `"extra": 1, "kind"`), "unknown field"},
		{"field twice", change(`"state": "issued"`, `"state": "issued", "state": "issued"`), "edited"},
		{"other case", change(`"state"`, `"State"`), "edited"},
		{"spaces", whole + " ", "edited"},
		{"a second object", whole + whole, "edited"},
		{"escaped", change("<leaf>", `\u003cleaf>`), "edited"},
		{"other state", change(`"state": "issued"`, `"state": "intended"`), "edited"},
		{"other issuer text", change("CN=Root", "CN=Boot"), "edited"},
		{"other sum", change(`"sha256": "`, `"sha256": "0`), "edited"},
		{"offset", change("12:00:00Z", "12:00:00+00:00"), "edited"},
		{"other kind", change(`"certificate"`, `"letter"`), `kind is "letter"`},
		{"other number", change(`"number": "02"`, `"number": "63"`), "has number 2"},
		{"number", change(`"number": "02"`, `"number": "x"`), `number "x"`},
		{"long number", change(`"number": "02"`, `"number": "0002"`), "edited"},
		{"short hash", change(`"tbsSHA256": "`, `"tbsSHA256": "`+"\", \"x\": \""), "unknown field"},
		{"other hash", change(`"tbsSHA256": "`, `"tbsSHA256": "0000`), "32 bytes"},
		{"blank note", change("the card was never asked; A. and B., 2 March 2026", " "), "the note"},
		{"reason", change(`"reason": 6`, `"reason": 7`), "reason code 7"},
		{"final", change(`"reason": 6`, `"reason": 1`), "not on hold"},
		{"twice", whole[:first] + one + one + two, ca.ErrNumberUsed.Error()},
		{"order", change("2026-03-01", "2026-03-02"), "order of time"},
		{"long name", change(`"issuerName": "`, `"issuerName": "`+base64.StdEncoding.EncodeToString(make([]byte, 3<<13))), "a distinguished name of "},
		{"profile", change("cabf-root", "cabf-toor"), `profile: "cabf-toor"`},
		{"issuer's text", change(`"issuer": "CN=Other"`, `"issuer": "CN=Brother"`), "edited"},
		{"issuer's name", change(`"issuers": [`, `"issuers": [{"issuer": "", "issuerName": ""},`), "is not a distinguished name"},
		{"empty profile", change(`"crlsUnknown": true`, `"profile": "", "crlsUnknown": true`), "edited"},
		{"CRL revoked", change("\"subject\": \"full\",", "\"subject\": \"full\", \"revocations\": [{\"time\": \"2026-03-01T12:00:00Z\", \"reason\": 0}],"), "only certificates"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.text == whole {
				t.Fatal("the test changes nothing")
			}
			if _, err := ParseExport([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; one with %q was expected", err, test.want)
			}
		})
	}
}

// FuzzParseExport puts what was read into a register, which must take it and
// export it as it was.
func FuzzParseExport(f *testing.F) {
	f.Add(export(f, filled(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := ParseExport(b)
		if err != nil {
			return
		}
		r := newRegister(t)
		for _, e := range parsed.Entries {
			must(t, replay(r, e))
		}
		for _, issuer := range parsed.Issuers {
			must(t, r.setIssuer(issuer))
		}
		if got := export(t, r); !bytes.Equal(got, b) {
			t.Errorf("%s\nis exported again as\n%s", b, got)
		}
	})
}

func replay(r *Register, e Entry) error {
	ctx := context.Background()
	if err := r.Begin(ctx, e.Intent); err != nil {
		return err
	}
	if e.Note != "" {
		if err := r.Settle(ctx, e.Issuer, e.Kind, e.Number, e.Note); err != nil {
			return fmt.Errorf("note: %w", err)
		}
	}
	if e.DER != nil {
		if err := r.Finish(ctx, e.Intent, e.DER); err != nil {
			return err
		}
	}
	for _, revocation := range e.Revocations {
		if err := r.Revoke(ctx, e.Issuer, revocation); err != nil {
			return err
		}
	}
	return nil
}
