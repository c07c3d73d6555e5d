package register

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"conclave/ca"
)

func TestNumberIsUsedOnce(t *testing.T) {
	ctx, root, other := context.Background(), newAuthority(t, "Root"), newAuthority(t, "Other")
	for _, test := range []struct {
		name string
		use  func(r *Register, s signed) error
	}{
		{"intended", func(r *Register, s signed) error { return r.Begin(ctx, s.Intent) }},
		{"issued", func(r *Register, s signed) error {
			return errors.Join(r.Begin(ctx, s.Intent), r.Finish(ctx, s.Intent, s.der))
		}},
		{"settled", func(r *Register, s signed) error {
			return errors.Join(r.Begin(ctx, s.Intent), r.Settle(ctx, s.Issuer, s.Kind, s.Number, "never signed"))
		}},
		{"imported", func(r *Register, s signed) error { return r.Import(ctx, parse(t, s.der)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, s := newRegister(t), root.certificate(t, 2)
			must(t, test.use(r, s))
			before := export(t, r)
			again := s.Intent
			again.Subject, again.TBS = "CN=someone else", [32]byte{1}
			for _, err := range []error{r.Begin(ctx, s.Intent), r.Begin(ctx, again), r.Import(ctx, parse(t, s.der))} {
				if !errors.Is(err, ca.ErrNumberUsed) {
					t.Errorf("error %v; ErrNumberUsed was expected", err)
				}
				wantError(t, r, err, `certificate 02 of "CN=Root"`, "the number is used")
			}
			if !bytes.Equal(export(t, r), before) {
				t.Error("a refused number changed the register")
			}
			must(t, r.Begin(ctx, root.crl(t, 2).Intent), r.Begin(ctx, root.certificate(t, 3).Intent), r.Begin(ctx, other.certificate(t, 2).Intent))
		})
	}
}

func parse(t tester, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

func TestBeginRefuses(t *testing.T) {
	r, s := newRegister(t), newAuthority(t, "Root").certificate(t, 2)
	for _, test := range []struct {
		name  string
		spoil func(i *ca.Intent)
		want  string
	}{
		{"kind", func(i *ca.Intent) { i.Kind = "letter" }, `kind is "letter"`},
		{"no number", func(i *ca.Intent) { i.Number = nil }, "number is <nil>"},
		{"negative number", func(i *ca.Intent) { i.Number = big.NewInt(-1) }, "number is -1"},
		{"no issuer", func(i *ca.Intent) { i.Issuer = nil }, "not a distinguished name"},
		{"long issuer", func(i *ca.Intent) { i.Issuer = append(slices.Clone(i.Issuer), 0) }, "1 bytes follow"},
		{"subject", func(i *ca.Intent) { i.Subject = "CN=\xff" }, "not UTF-8"},
		{"no time", func(i *ca.Intent) { i.Time = time.Time{} }, "check the clock"},
		{"late time", func(i *ca.Intent) { i.Time = day.AddDate(8000, 0, 0) }, "check the clock"},
	} {
		t.Run(test.name, func(t *testing.T) {
			intent := s.Intent
			test.spoil(&intent)
			wantError(t, r, r.Begin(context.Background(), intent), test.want)
		})
	}
	wantStates(t, r)
}

func wantStates(t testing.TB, r *Register, want ...State) {
	t.Helper()
	entries, err := r.Entries(context.Background())
	must(t, err)
	var got []State
	for _, e := range entries {
		got = append(got, e.State())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the states are %v; %v were expected", got, want)
	}
}

func TestFinish(t *testing.T) {
	ctx, root, other := context.Background(), newAuthority(t, "Root"), newAuthority(t, "Other")
	for _, kind := range []ca.Kind{ca.KindCertificate, ca.KindCRL} {
		s := root.make(t, kind, 2)
		unsigned := slices.Clone(s.der)
		unsigned[len(unsigned)-1] ^= 1 // the signature's last byte: the TBS part is the same
		changed := bytes.Replace(s.der, []byte("260301"), []byte("260302"), 1)
		for _, test := range []struct {
			name, want string
			der        []byte
		}{
			{"nothing", "cannot be read", nil},
			{"no DER", "cannot be read", []byte("certificate")},
			{"more", "trailing data", append(slices.Clone(s.der), 0)},
			{"other kind", "cannot be read", root.make(t, otherKind(kind), 2).der},
			{"other number", "has number 3", root.make(t, kind, 3).der},
			{"other issuer", "names another issuer", other.make(t, kind, 2).der},
			{"other content", "was intended", changed},
		} {
			t.Run(fmt.Sprint(kind, " ", test.name), func(t *testing.T) {
				r := newRegister(t)
				wantError(t, r, r.Finish(ctx, s.Intent, s.der), "has nothing with that number")
				must(t, r.Begin(ctx, s.Intent))
				wantError(t, r, r.Finish(ctx, s.Intent, test.der), string(kind)+` 02 of "CN=Root"`, test.want)
				wantStates(t, r, Intended)
				must(t, r.Finish(ctx, s.Intent, s.der), r.Finish(ctx, s.Intent, s.der))
				wantStates(t, r, Issued)
				wantError(t, r, r.Finish(ctx, s.Intent, unsigned), "two were signed with the same number")
			})
		}
	}
}

func otherKind(kind ca.Kind) ca.Kind {
	if kind == ca.KindCRL {
		return ca.KindCertificate
	}
	return ca.KindCRL
}

func TestSettle(t *testing.T) {
	ctx, r, s := context.Background(), newRegister(t), newAuthority(t, "Root").certificate(t, 2)
	settle := func(note string) error { return r.Settle(ctx, s.Issuer, s.Kind, s.Number, note) }
	wantError(t, r, settle("never signed"), "has nothing with that number")
	must(t, r.Begin(ctx, s.Intent))
	wantError(t, r, settle(" \n"), "say in UTF-8")
	wantError(t, r, settle("\xff"), "say in UTF-8")
	must(t, settle("may have been signed"))
	wantError(t, r, settle("never signed"), "settled before", "may have been signed")
	wantStates(t, r, Settled)
	must(t, r.Finish(ctx, s.Intent, s.der)) // it turned up
	wantStates(t, r, Issued)
	wantError(t, r, settle("never signed"), "nothing to settle")
	entries, err := r.Entries(ctx)
	must(t, err)
	if entries[0].Note != "may have been signed" {
		t.Errorf("the note is now %q", entries[0].Note)
	}
}

func TestUnfinishedIsWhatFinishTakes(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	late, early := a.certificate(t, 2), a.crl(t, 300)
	late.Time = day.Add(90*time.Minute + 400*time.Millisecond).In(time.FixedZone("", 7200))
	must(t, r.Begin(ctx, late.Intent), r.Begin(ctx, early.Intent))
	entries, err := r.Unfinished(ctx)
	must(t, err)
	if len(entries) != 2 || entries[0].Kind != ca.KindCRL || !entries[1].Time.Equal(day.Add(90*time.Minute)) {
		t.Fatalf("unfinished: %v; the CRL and then the certificate were expected", entries)
	}
	must(t, r.Finish(ctx, entries[0].Intent, early.der), r.Finish(ctx, entries[1].Intent, late.der))
	if entries, err = r.Unfinished(ctx); err != nil || len(entries) > 0 {
		t.Errorf("unfinished at the end: %v, %v", entries, err)
	}
}

func TestImportRefuses(t *testing.T) {
	ctx, r := context.Background(), newRegister(t)
	wantError(t, r, r.Import(ctx, &x509.Certificate{SerialNumber: big.NewInt(2)}), "has no DER")
}

// TestImportOfWhatIsKnown takes a certificate whose number alone was adopted, and says
// of one that the register has that it has it.
func TestImportOfWhatIsKnown(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	cert := parse(t, a.certificate(t, 2).der)
	adopt(t, r, Adoption{Issuer: Issuer{Name: a.name()}, Lost: []Lost{{ca.KindCertificate, cert.SerialNumber, "not known", "lost", day}}})
	must(t, r.Import(ctx, cert))
	if der, err := r.Signed(ctx, a.name(), ca.KindCertificate, cert.SerialNumber); err != nil || !bytes.Equal(der, cert.Raw) {
		t.Errorf("%x, %v; the certificate was expected", der, err)
	}
	err := r.Import(ctx, cert)
	wantError(t, r, err, "by this certificate: it is in the register already")
	if !errors.Is(err, ca.ErrNumberUsed) {
		t.Errorf("%v is not ErrNumberUsed", err)
	}
}

// TestImportNamesAll gives the name of an imported certificate as people write it.
func TestImportNamesAll(t *testing.T) {
	ctx, r := context.Background(), newRegister(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(5), NotBefore: day, NotAfter: day.AddDate(1, 0, 0),
		Subject: pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "ca@x.example"}}}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	must(t, r.Import(ctx, parse(t, der)))
	entries, err := r.Entries(ctx)
	must(t, err)
	if got := entries[0]; got.Subject != "emailAddress=ca@x.example" || got.String() != `certificate 05 of "emailAddress=ca@x.example"` {
		t.Errorf("%s for %s", got, got.Subject)
	}
}

func TestLastCRL(t *testing.T) {
	ctx, r, a := context.Background(), newRegister(t), newAuthority(t, "Root")
	must(t, r.Begin(ctx, newAuthority(t, "Other").crl(t, 9999).Intent), r.Begin(ctx, a.certificate(t, 9999).Intent))
	want := func(want *big.Int) {
		t.Helper()
		last, err := r.LastCRL(ctx, a.name())
		if err != nil || (last == nil) != (want == nil) || last != nil && last.Cmp(want) != 0 {
			t.Errorf("the last CRL is %v, %v; %v was expected", last, err, want)
		}
	}
	want(nil)
	must(t, r.Begin(ctx, a.crl(t, 0).Intent))
	want(big.NewInt(0))
	for _, number := range []int64{255, 256, 3} { // 256 has more bytes than 255, and a lower first one
		must(t, r.Begin(ctx, a.crl(t, number).Intent))
	}
	want(big.NewInt(256))
	must(t, r.Settle(ctx, a.name(), ca.KindCRL, big.NewInt(256), "never signed"))
	want(big.NewInt(256))
	var newest []byte
	for _, number := range []int64{0, 255, 3} {
		s := a.crl(t, number)
		must(t, r.Finish(ctx, s.Intent, s.der))
		if number != 3 {
			newest = s.der
		}
		if got, err := r.NewestCRL(ctx, a.name()); err != nil || !bytes.Equal(got, newest) {
			t.Errorf("once number %d was signed: %x, %v", number, got, err)
		}
	}
	if got, err := r.NewestCRL(ctx, newAuthority(t, "Other").name()); got != nil || err != nil {
		t.Errorf("of an issuer that has signed none: %x, %v", got, err)
	}
}

func TestCancelledContextChangesNothing(t *testing.T) {
	r, s := newRegister(t), newAuthority(t, "Root").certificate(t, 2)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Begin(ctx, s.Intent); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; context.Canceled was expected", err)
	}
	must(t, r.Begin(context.Background(), s.Intent))
}
