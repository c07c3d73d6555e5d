package register

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"conclave/ca"
)

// adoptionOf is that of a root with a certificate, one that is lost, a CRL whose number
// alone is known, and the last one; both certificates are revoked.
func adoptionOf(t testing.TB, a authority) Adoption {
	t.Helper()
	return Adoption{
		Issuer:       Issuer{Name: a.name()},
		Certificates: []*x509.Certificate{a.cert, parse(t, a.certificate(t, 14).der)},
		Lost: []Lost{
			{ca.KindCertificate, big.NewInt(15), "CN=lost", "adopted without it", day},
			{ca.KindCRL, big.NewInt(7), "not known", "adopted without it", day},
		},
		Revocations: []ca.Revocation{{Serial: big.NewInt(14), Time: day, Reason: certificateHold}, {Serial: big.NewInt(15), Time: day, Reason: keyCompromise}},
		CRL:         a.crl(t, 6).der,
	}
}

func adopt(t testing.TB, r *Register, adoption Adoption) Adopted {
	t.Helper()
	done, err := r.Adopt(context.Background(), adoption)
	must(t, err)
	return done
}

// TestAdopt adopts twice, with a certificate that turns up, and goes on from there.
func TestAdopt(t *testing.T) {
	ctx, a, r := context.Background(), newAuthority(t, "Root"), newRegister(t)
	adoption := adoptionOf(t, a)
	if done, want := adopt(t, r, adoption), (Adopted{Certificates: 2, Lost: 1, Revocations: 2}); !reflect.DeepEqual(done, want) {
		t.Errorf("%+v; %+v was expected", done, want)
	}
	wantIssuer(t, r, Issuer{a.name(), ca.Root, false}, a.name(), true)
	before := export(t, r)
	if _, err := ParseExport(before); err != nil {
		t.Error(err)
	}
	if done, want := adopt(t, r, adoption), (Adopted{Known: 5}); !reflect.DeepEqual(done, want) {
		t.Errorf("the second time %+v; %+v was expected", done, want)
	}
	if after := export(t, r); !bytes.Equal(before, after) {
		t.Errorf("the second time it became\n%s\nfrom\n%s", after, before)
	}
	if last, err := r.LastCRL(ctx, a.name()); err != nil || last.Int64() != 7 {
		t.Errorf("the last CRL is %v, %v; 7 was expected", last, err)
	}
	adoption.Certificates = append(adoption.Certificates, parse(t, a.certificate(t, 15).der))
	if done, want := adopt(t, r, adoption), (Adopted{Certificates: 1, Known: 5}); !reflect.DeepEqual(done, want) {
		t.Errorf("with what has turned up %+v; %+v was expected", done, want)
	}
	r = open(t, closed(t, r))
	if _, err := ParseExport(export(t, r)); err != nil {
		t.Error(err)
	}
	must(t, r.Revoke(ctx, a.name(), ca.Revocation{Serial: big.NewInt(14), Time: day, Reason: removeFromCRL}))
	must(t, r.Revoke(ctx, a.name(), ca.Revocation{Serial: big.NewInt(14), Time: day, Reason: keyCompromise}))
	if done := adopt(t, r, adoption); done.Revocations != 0 || len(done.Findings) != 0 {
		t.Errorf("what was on hold once is adopted again: %+v", done)
	}
}

// TestAdoptNoRoot adopts an issuer whose own certificate is another's, and has the number
// of one that it has issued.
func TestAdoptNoRoot(t *testing.T) {
	ctx, root, sub, r := context.Background(), newAuthority(t, "Root"), newAuthority(t, "Sub"), newRegister(t)
	own := parse(t, root.certificate(t, 14).der) // which stands for that of the issuer
	done := adopt(t, r, Adoption{Issuer: Issuer{Name: sub.name()}, Certificates: []*x509.Certificate{own, parse(t, sub.certificate(t, 14).der)}})
	if done.Certificates != 2 {
		t.Errorf("%+v; two certificates were expected", done)
	}
	if _, err := r.LastCRL(ctx, root.name()); !errors.Is(err, errUnknown) {
		t.Errorf("a CRL of the CA above could follow: %v", err)
	}
	for _, issuer := range [][]byte{root.name(), sub.name()} {
		if _, err := r.Signed(ctx, issuer, ca.KindCertificate, big.NewInt(14)); err != nil {
			t.Error(err)
		}
	}
}

// TestManyRevocations wants no list of all entries to go through all revocations for each
// of them: 100,000 would take an hour.
func TestManyRevocations(t *testing.T) {
	r := newRegister(t)
	for _, where := range []string{"TRUE", ofIssuer} {
		err := r.view(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, "EXPLAIN QUERY PLAN "+entriesQuery(where), []any{[]byte("name")}[:strings.Count(where, "?")]...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					return err
				}
				if strings.Contains(step, "SCAN revocation") {
					t.Errorf("%s: SQLite's plan has %q", where, step)
				}
			}
			return rows.Err()
		})
		must(t, err)
	}
}

// TestAdoptKeeps wants what the register says to stay, where the adoption says
// something else.
func TestAdoptKeeps(t *testing.T) {
	a, r := newAuthority(t, "Root"), newRegister(t)
	adoption := adoptionOf(t, a)
	adopt(t, r, adoption)
	adoption.Revocations[1].Time, adoption.Revocations[1].Reason = day.AddDate(0, 0, 1), 4
	if done := adopt(t, r, adoption); done.Revocations != 0 || len(done.Findings) != 1 {
		t.Errorf("%+v; a finding was expected", done)
	}
	adoption.Revocations = adoption.Revocations[:1]
	adoption.Revocations[0].Reason = keyCompromise
	if done := adopt(t, r, adoption); done.Revocations != 1 || len(done.Findings) != 0 {
		t.Errorf("%+v; what is on hold can be revoked", done)
	}
}

// TestAdoptRefuses wants nothing in the register where the last part of an adoption is
// not good, or contradicts what the register has.
func TestAdoptRefuses(t *testing.T) {
	a := newAuthority(t, "Root")
	for _, tc := range []struct {
		name   string
		change func(r *Register, adoption *Adoption)
		want   string
	}{
		{"revocation of nothing", func(_ *Register, d *Adoption) { d.Revocations[1].Serial = big.NewInt(16) }, "certificate 10 is revoked, but is neither here nor lost"},
		{"reason", func(_ *Register, d *Adoption) { d.Revocations[1].Reason = 7 }, "reason code 7"},
		{"note", func(_ *Register, d *Adoption) { d.Lost[1].Note = "" }, "the note is \"\""},
		{"CRL", func(_ *Register, d *Adoption) { d.CRL = d.CRL[1:] }, "CRL: "},
		{"another certificate", func(r *Register, _ *Adoption) {
			other := a.certificate(t, 14)
			other.der = bytes.Clone(other.der)
			other.der[len(other.der)-1] ^= 1 // of the signature
			must(t, r.Import(context.Background(), parse(t, other.der)))
		}, "the register has other bytes for it"},
		{"public", func(r *Register, d *Adoption) {
			must(t, r.SetProfile(context.Background(), a.name(), ca.CABFRoot))
			d.Issuer.Profile = ca.Root
		}, "the register has cabf-root for it, whose rules hold"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, adoption := newRegister(t), adoptionOf(t, a)
			tc.change(r, &adoption)
			before := export(t, r)
			_, err := r.Adopt(context.Background(), adoption)
			wantError(t, r, err, tc.want)
			if after := export(t, r); !bytes.Equal(before, after) {
				t.Errorf("the register has become %s", after)
			}
		})
	}
}

// TestUnknownCRLs: no CRL follows one that is missing, until it is there, or someone
// says that there was none.
func TestUnknownCRLs(t *testing.T) {
	ctx, a := context.Background(), newAuthority(t, "Root")
	const want = "give it with: conclave ca adopt --crl; if there never was one, say so with --first, to that or to conclave ca crl"
	adoption := adoptionOf(t, a)
	adoption.Issuer.CRLsUnknown, adoption.CRL = true, nil
	for name, known := range map[string]func(r *Register){
		"the CRL":   func(r *Register) { adopt(t, r, adoptionOf(t, a)) },
		"a promise": func(r *Register) { must(t, r.NoEarlierCRL(ctx, a.name())) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegister(t)
			adopt(t, r, adoption)
			_, err := r.LastCRL(ctx, a.name())
			wantError(t, r, err, want)
			known(r)
			last, err := r.LastCRL(ctx, a.name())
			must(t, err)
			if last.Int64() != 7 {
				t.Errorf("the last CRL is %v; 7 was expected", last)
			}
			adopt(t, r, adoption) // which knows less
			wantIssuer(t, r, Issuer{a.name(), ca.Root, false}, a.name(), true)
			wantError(t, r, r.NoEarlierCRL(ctx, a.name()), "no CRL of the issuer is missing")
		})
	}
	imported, begun := newRegister(t), newRegister(t)
	must(t, imported.Import(ctx, a.cert), imported.Import(ctx, parse(t, a.certificate(t, 2).der)))
	_, err := imported.LastCRL(ctx, a.name())
	wantError(t, imported, err, want)
	list := a.crl(t, 1)
	must(t, begun.Begin(ctx, list.Intent), begun.Import(ctx, parse(t, a.certificate(t, 2).der)))
	if _, err := begun.LastCRL(ctx, a.name()); err != nil {
		t.Errorf("an issuer that has signed a CRL here: %v", err)
	}
}
