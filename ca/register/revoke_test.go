package register

import (
	"context"
	"fmt"
	"math/big"
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
