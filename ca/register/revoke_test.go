package register

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"conclave/ca"
)

func TestRevoke(t *testing.T) {
	const final, hold, held, unheld = "which is final", "it has been on hold since", "0 to 6 or 8 to 10", "it is not on hold"
	a := newAuthority(t, "Root")
	for _, test := range []struct {
		reasons []int  // all taken but the last, if there is something wrong
		want    string // what is wrong with the last
	}{
		{[]int{0}, ""}, {[]int{1}, ""}, {[]int{2}, ""}, {[]int{3}, ""}, {[]int{4}, ""}, {[]int{5}, ""}, {[]int{6}, ""}, {[]int{9}, ""}, {[]int{10}, ""},
		{[]int{-1}, held}, {[]int{7}, held}, {[]int{11}, held},
		{[]int{8}, unheld}, {[]int{1, 8}, unheld}, {[]int{6, 8, 8}, unheld}, {[]int{6, 1, 8}, unheld},
		{[]int{1, 1}, final}, {[]int{0, 6}, final}, {[]int{4, 1}, final}, {[]int{6, 4, 1}, final},
		{[]int{6, 6}, hold}, {[]int{6, 7}, held},
		{[]int{6, 8}, ""}, {[]int{6, 1}, ""}, {[]int{6, 8, 1}, ""}, {[]int{6, 8, 6, 8, 6, 10}, ""},
	} {
		t.Run(fmt.Sprint(test.reasons), func(t *testing.T) {
			ctx, r := context.Background(), newRegister(t)
			must(t, r.Begin(ctx, a.certificate(t, 2).Intent))
			var err error
			for i, reason := range test.reasons {
				must(t, err)
				err = r.Revoke(ctx, a.name(), ca.Revocation{Serial: big.NewInt(2), Time: day.AddDate(0, 0, i), Reason: reason})
			}
			taken := test.reasons
			if test.want == "" {
				must(t, err)
			} else {
				wantError(t, r, err, `certificate 02 of "CN=Root"`, test.want)
				taken = taken[:len(taken)-1]
			}
			wantRevocations(t, r, a, 2, taken)
		})
	}
}

// TestRevokeMoreExactly notes revocations again: an earlier time, or a reason that
// says more.
func TestRevokeMoreExactly(t *testing.T) {
	const final = "only an earlier time can be noted"
	a := newAuthority(t, "Root")
	type noted struct{ reason, days int }
	for _, test := range []struct {
		first, next noted
		want        string
	}{
		{noted{1, 3650}, noted{1, 0}, ""}, {noted{0, 1}, noted{0, 0}, ""}, {noted{6, 3650}, noted{6, 0}, ""},
		{noted{0, 1}, noted{4, 1}, ""}, {noted{0, 1}, noted{1, 0}, ""}, {noted{4, 1}, noted{1, 1}, ""}, {noted{2, 1}, noted{1, 0}, ""},
		{noted{1, 1}, noted{1, 1}, final}, {noted{1, 1}, noted{1, 2}, final}, {noted{1, 1}, noted{4, 0}, final}, {noted{4, 1}, noted{5, 0}, final},
		{noted{0, 1}, noted{4, 2}, final}, {noted{4, 1}, noted{1, 2}, final}, {noted{0, 1}, noted{6, 0}, final}, {noted{0, 1}, noted{8, 0}, "not on hold"},
		{noted{6, 1}, noted{6, 1}, "on hold since"},
	} {
		t.Run(fmt.Sprint(test.first, test.next), func(t *testing.T) {
			ctx, r := context.Background(), newRegister(t)
			must(t, r.Begin(ctx, a.certificate(t, 2).Intent))
			revoke := func(n noted) error {
				return r.Revoke(ctx, a.name(), ca.Revocation{Serial: big.NewInt(2), Time: day.AddDate(0, 0, n.days), Reason: n.reason})
			}
			must(t, revoke(test.first))
			err := revoke(test.next)
			if test.want != "" {
				wantError(t, r, err, test.want)
				return
			}
			must(t, err)
			got, err := r.Revocations(ctx, a.name())
			if err != nil || len(got) != 1 || got[0].Reason != test.next.reason || !got[0].Time.Equal(day.AddDate(0, 0, test.next.days)) {
				t.Errorf("revocations %v, %v", got, err)
			}
			if _, err := ParseExport(export(t, r)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCheckRevocation looks at the time and at the reason of what someone wants to
// revoke.
func TestCheckRevocation(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	leaf, lost := a.certificate(t, 2), a.certificate(t, 3)
	early := a.certificate(t, 4) // signed long before it begins
	early.Time = day.AddDate(-1, 0, 0)
	must(t, r.Begin(ctx, leaf.Intent), r.Finish(ctx, leaf.Intent, leaf.der), r.Begin(ctx, lost.Intent), r.Import(ctx, a.cert),
		r.Begin(ctx, early.Intent), r.Finish(ctx, early.Intent, early.der))
	private, public := Issuer{Profile: ca.Root}, Issuer{Profile: ca.CABFRoot}
	now := day.AddDate(0, 1, 0)
	for _, test := range []struct {
		serial string
		issuer Issuer
		at     time.Time
		reason int
		now    time.Time
		want   string
	}{
		{"2", private, now, 1, now, ""}, {"2", private, day, 1, now, ""}, {"2", private, now.Add(9 * time.Minute), 1, now, ""},
		{"2", private, now.Add(time.Hour), 1, now, "a time from the beginning of the certificate, 2026-03-01T12:00:00Z, until now, 2026-04-01T12:00:00Z, was expected"},
		{"2", private, now.AddDate(10, 0, 0), 1, now, "check the clock"}, {"2", private, day.Add(-time.Hour), 1, now, "was expected"},
		{"3", private, day, 1, now, ""}, {"3", private, day.Add(-time.Hour), 1, now, "was expected"},
		{"2", private, day.AddDate(-1, 0, 0), 1, day.AddDate(-1, 0, 0), ""}, {"2", private, day.AddDate(-2, 0, 0), 1, day.AddDate(-1, 0, 0), "was expected"},
		{"4", private, day.AddDate(0, -6, 0), 1, day.AddDate(0, -6, 0), ""}, {"4", private, day.AddDate(-2, 0, 0), 1, day.AddDate(-2, 0, 0), "check the clock"},
		{"2", private, now, 7, now, "reason code 7"}, {"2", private, now, 8, now, "not on hold"}, {"2", private, now, 2, now, ""}, {"1", private, now, 0, now, ""},
		{"2", public, now, 0, now, ""}, {"1", public, now, 0, now, "a public CA gives a reason for the certificate of a CA"}, {"3", public, now, 0, now, "gives a reason"},
		{"1", public, now, 1, now, ""}, {"1", public, now, 2, now, "does not give the reason cACompromise"}, {"2", public, now, 6, now, "does not give the reason certificateHold"},
	} {
		e, err := r.Named(ctx, a.name(), ca.KindCertificate, test.serial)
		must(t, err)
		err = e.CheckRevocation(ca.Revocation{Time: test.at, Reason: test.reason}, test.issuer, test.now)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v: %v", test, err)
		}
	}
}

// TestNamed lets the register decide what digits alone mean.
func TestNamed(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	for _, serial := range []int64{0x10, 0x1003, 77, 0x77} {
		must(t, r.Begin(ctx, a.certificate(t, serial).Intent))
	}
	must(t, r.Begin(ctx, a.crl(t, 0x20).Intent))
	for text, want := range map[string]int64{"10": 0x10, "16": 0x10, "1003": 0x1003, "4099": 0x1003, "10:03": 0x1003, "0x77": 0x77, "decimal:77": 77, "4d": 77, "119": 0x77} {
		if e, err := r.Named(ctx, a.name(), ca.KindCertificate, text); err != nil || e.Number.Int64() != want {
			t.Errorf("%s: %v, %v; %d was expected", text, e.Number, err, want)
		}
	}
	if e, err := r.Named(ctx, a.name(), ca.KindCRL, "32"); err != nil || e.Number.Int64() != 0x20 {
		t.Errorf("%v, %v; CRL number 32 was expected", e, err)
	}
	for text, want := range map[string]string{"77": `both are in the register; write 0x77 or decimal:77`, "20": "has nothing with that number", "x": `number "x"`} {
		_, err := r.Named(ctx, a.name(), ca.KindCertificate, text)
		wantError(t, r, err, want)
	}
}

func wantRevocations(t *testing.T, r *Register, a authority, serial int64, taken []int) {
	t.Helper()
	got, err := r.Revocations(context.Background(), a.name())
	must(t, err)
	if len(taken) == 0 {
		if len(got) > 0 {
			t.Errorf("revocations %v; none was expected", got)
		}
		return
	}
	last := len(taken) - 1
	if len(got) != 1 || got[0].Serial.Int64() != serial || got[0].Reason != taken[last] || !got[0].Time.Equal(day.AddDate(0, 0, last)) {
		t.Errorf("revocations %v; that of %d with reason %d was expected", got, serial, taken[last])
	}
}

func TestRevokeRefuses(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	must(t, r.Begin(ctx, a.certificate(t, 2).Intent), r.Begin(ctx, a.crl(t, 3).Intent))
	for _, test := range []struct {
		name       string
		issuer     []byte
		revocation ca.Revocation
		want       string
	}{
		{"unknown serial", a.name(), ca.Revocation{Serial: big.NewInt(4), Time: day}, "has nothing with that number"},
		{"a CRL's number", a.name(), ca.Revocation{Serial: big.NewInt(3), Time: day}, "has nothing with that number"},
		{"other issuer", newAuthority(t, "Other").name(), ca.Revocation{Serial: big.NewInt(2), Time: day}, `"CN=Other"`},
		{"no issuer", nil, ca.Revocation{Serial: big.NewInt(2), Time: day}, "has nothing with that number"},
		{"no serial", a.name(), ca.Revocation{Time: day}, "number is <nil>"},
		{"negative serial", a.name(), ca.Revocation{Serial: big.NewInt(-2), Time: day}, "number is -2"},
		{"no time", a.name(), ca.Revocation{Serial: big.NewInt(2)}, "check the clock"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, r, r.Revoke(ctx, test.issuer, test.revocation), test.want)
		})
	}
}

func TestRevocationsAreInOrderOfSerial(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	other := newAuthority(t, "Other")
	must(t, r.Begin(ctx, other.certificate(t, 1).Intent), r.Revoke(ctx, other.name(), ca.Revocation{Serial: big.NewInt(1), Time: day}))
	for _, serial := range []int64{70000, 255, 256, 2} {
		at := day.Add(time.Duration(serial) * time.Millisecond).In(time.FixedZone("", -3600))
		must(t, r.Begin(ctx, a.certificate(t, serial).Intent), r.Revoke(ctx, a.name(), ca.Revocation{Serial: big.NewInt(serial), Time: at}))
	}
	got, err := r.Revocations(ctx, a.name())
	want := "[{2 2026-03-01 12:00:00 +0000 UTC 0} {255 2026-03-01 12:00:00 +0000 UTC 0} {256 2026-03-01 12:00:00 +0000 UTC 0} {70000 2026-03-01 12:01:10 +0000 UTC 0}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("revocations %v, %v; %s was expected", got, err, want)
	}
}
