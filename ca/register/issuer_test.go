package register

import (
	"context"
	"database/sql"
	"reflect"
	"testing"

	"conclave/ca"
)

func TestIssuer(t *testing.T) {
	ctx, r := context.Background(), newRegister(t)
	root := newAuthority(t, "Root").name()
	wantIssuer(t, r, Issuer{}, root, false)
	for _, issuer := range issuersOf(t) {
		must(t, r.setIssuer(issuer))
		r = open(t, closed(t, r))
		wantIssuer(t, r, issuer, issuer.Name, true)
	}
	must(t, r.setIssuer(Issuer{root, "", true}), r.SetProfile(ctx, root, ca.Root))
	wantIssuer(t, r, Issuer{root, ca.Root, true}, root, true)
	if profile, err := r.Profile(ctx, root); err != nil || profile != ca.Root {
		t.Errorf("profile %q, %v; root was expected", profile, err)
	}
	wantError(t, r, r.setIssuer(Issuer{Name: root, Profile: "toor"}), `issuer "CN=Root": profile: "toor" is not known`)
	wantError(t, r, r.SetProfile(ctx, nil, ca.Root), "is not a distinguished name")
}

// setIssuer notes anything of an issuer.
func (r *Register) setIssuer(issuer Issuer) error {
	if err := issuer.check(); err != nil {
		return r.explain(err)
	}
	return r.update(context.Background(), func(ctx context.Context, tx *sql.Tx) error { return issuer.insert(ctx, tx) })
}

func wantIssuer(t *testing.T, r *Register, want Issuer, name []byte, known bool) {
	t.Helper()
	got, found, err := r.Issuer(context.Background(), name)
	if err != nil || found != known || !reflect.DeepEqual(got, want) {
		t.Errorf("issuer %v, %v, %v; %v, %v was expected", got, found, err, want, known)
	}
}
