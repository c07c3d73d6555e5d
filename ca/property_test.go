package ca_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"conclave/ca"
)

func names() *rapid.Generator[ca.Name] {
	// No &: what looks like an HTML entity is refused by a lint.
	text := rapid.StringMatching(`[A-Za-z0-9ÄÖÜäöüß,+"\\;<>=#'()./:?éЖ語-]( ?[A-Za-z0-9ÄÖÜäöüß,+"\\;<>=#'()./:?éЖ語-]){0,30}`)
	return rapid.Custom(func(t *rapid.T) ca.Name {
		return ca.Name{
			CommonName: text.Draw(t, "common name"), Organization: text.Draw(t, "organization"),
			Country:  rapid.SampledFrom([]string{"CH", "DE", "IS", ""}).Draw(t, "country"),
			Province: rapid.OneOf(rapid.Just(""), text).Draw(t, "province"), Locality: rapid.OneOf(rapid.Just(""), text).Draw(t, "locality"),
		}
	})
}

// specs are good ones of a private CA.
func specs() *rapid.Generator[ca.Spec] {
	some := func(values ...string) *rapid.Generator[[]string] {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 0, len(values), rapid.ID)
	}
	return rapid.Custom(func(t *rapid.T) ca.Spec {
		from := began.Add(time.Duration(rapid.IntRange(0, 1e8).Draw(t, "from")) * time.Second)
		s := ca.Spec{
			Profile: rapid.SampledFrom([]ca.Profile{ca.Subordinate, ca.OCSP}).Draw(t, "profile"), Subject: names().Draw(t, "subject"),
			NotBefore: from, NotAfter: from.Add(time.Duration(rapid.IntRange(1, 3e7).Draw(t, "length")) * time.Second),
			Policies: some("1.2.3", "2.999.1", "2.23.140.1.2.1").Draw(t, "policies"),
		}
		if s.Profile == ca.OCSP {
			return s
		}
		s.PathLen = rapid.Ptr(rapid.IntRange(0, 5), true).Draw(t, "path length")
		s.ExtKeyUsage = some("serverAuth", "clientAuth", "codeSigning").Draw(t, "usages")
		c := ca.Constraints{
			PermittedDNS: some("example.com", "example.org").Draw(t, "dns"), ExcludedDNS: some("a.example.com").Draw(t, "no dns"),
			PermittedIP: some("192.0.2.0/24", "2001:db8::/32").Draw(t, "ip"), ExcludedIP: some("0.0.0.0/0", "::/0").Draw(t, "no ip"),
			PermittedEmail: some("example.com", ".example.org").Draw(t, "mail"),
		}
		if len(slices.Concat(c.PermittedDNS, c.ExcludedDNS, c.PermittedIP, c.ExcludedIP, c.PermittedEmail)) > 0 {
			s.Constraints = &c
		}
		return s
	})
}

// TestRebuilt issues certificates of all sorts: a verifier that has the spec
// builds the same bytes, and others for another spec. Each name reads back as it
// was written.
func TestRebuilt(t *testing.T) {
	a, key := newAuthority(t, ca.Root, newKey(t)), newKey(t).Public()
	rapid.Check(t, func(rt *rapid.T) {
		s := specs().Draw(rt, "spec")
		draft, err := a.Prepare(s, key)
		if err != nil {
			rt.Fatalf("prepare: %v", err)
		}
		cert, err := a.Sign(t.Context(), draft)
		if err != nil {
			rt.Fatalf("sign: %v", err)
		}
		s.Serial = ca.SerialOf(cert)
		tbs, err := ca.TBS(s, key, a.Certificate, a.Publication)
		if err != nil || !bytes.Equal(tbs, cert.RawTBSCertificate) || !bytes.Equal(tbs, draft.TBS()) {
			rt.Fatalf("rebuilt, it is not what was signed, %v", err)
		}
		s.NotAfter = s.NotAfter.Add(time.Second)
		if other, err := ca.TBS(s, key, a.Certificate, a.Publication); err == nil && bytes.Equal(other, tbs) {
			rt.Fatal("another spec gives the same bytes")
		}
		if name, err := ca.ParseName(s.Subject.String()); err != nil || name != s.Subject {
			rt.Fatalf("the name %s reads as %+v, %v", s.Subject, name, err)
		}
		if cert.Subject.CommonName != s.Subject.CommonName {
			rt.Fatalf("the common name is %q", cert.Subject.CommonName)
		}
	})
}

// TestRebuiltSelf is TestRebuilt for what signs itself.
func TestRebuiltSelf(t *testing.T) {
	for _, kind := range keyKinds {
		a := newAuthority(t, ca.CABFRoot, makeKeys(t, kind)[0])
		s := spec(ca.CABFRoot)
		_, err := ca.TBS(s, a.Signer.Public(), nil, a.Publication)
		mustSay(t, "TBS", err, "serial: it is missing")
		s.Serial = ca.SerialOf(a.Certificate)
		tbs, err := ca.TBS(s, a.Signer.Public(), nil, a.Publication)
		if err != nil || !bytes.Equal(tbs, a.Certificate.RawTBSCertificate) {
			t.Errorf("%s: rebuilt, it is not what was signed, %v", kind, err)
		}
	}
}

// TestDeltaCompletes notes revocations, holds and their ends at random: at each
// delta CRL, the base with it applied is the full CRL of that moment, and what
// has not changed is not repeated.
func TestDeltaCompletes(t *testing.T) {
	root := newAuthority(t, ca.Root, newKey(t))
	rapid.Check(t, func(rt *rapid.T) {
		a, m := root, newMemory()
		a.Ledger = m
		hours := 0
		change := func(reasons ...int) {
			hours++
			for n := range int64(6) {
				i := slices.IndexFunc(m.revocations, func(r ca.Revocation) bool { return r.Serial.Int64() == n })
				reason := rapid.SampledFrom(reasons).Draw(rt, "reason")
				r := ca.Revocation{Serial: big.NewInt(n), Time: began.Add(time.Duration(hours) * time.Hour), Reason: reason}
				switch {
				case reason < 0:
				case i < 0 && reason != 8:
					m.revocations = append(m.revocations, r)
				case i >= 0 && m.revocations[i].Reason == 6 && reason != 6, i >= 0 && m.revocations[i].Reason == 8 && reason != 8:
					m.revocations[i] = r
				}
			}
		}
		change(-1, 6, 1)
		base := list(t, a, hours, ca.CRLSpec{})
		for range rapid.IntRange(1, 3).Draw(rt, "deltas") {
			change(-1, -1, 0, 6, 8)
			delta := list(t, a, hours, ca.CRLSpec{DeltaOf: base.Number.Int64()})
			full := list(t, a, hours, ca.CRLSpec{})
			if err := completes(base, delta, full); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func completes(base, delta, full *x509.RevocationList) error {
	state := map[string]x509.RevocationListEntry{}
	for _, e := range base.RevokedCertificateEntries {
		state[e.SerialNumber.String()] = e
	}
	for _, e := range delta.RevokedCertificateEntries {
		before, ok := state[e.SerialNumber.String()]
		if ok && before.ReasonCode == e.ReasonCode && before.RevocationTime.Equal(e.RevocationTime) {
			return errors.New("the delta CRL repeats its base")
		}
		if e.ReasonCode == 8 {
			delete(state, e.SerialNumber.String())
		} else {
			state[e.SerialNumber.String()] = e
		}
	}
	if len(state) != len(full.RevokedCertificateEntries) {
		return errors.New("base and delta CRL do not make the full one")
	}
	for _, e := range full.RevokedCertificateEntries {
		if s := state[e.SerialNumber.String()]; s.ReasonCode != e.ReasonCode || !s.RevocationTime.Equal(e.RevocationTime) {
			return errors.New("base and delta CRL say something else than the full one")
		}
	}
	return nil
}
