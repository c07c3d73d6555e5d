package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/lint"
	"conclave/ca/lint/zlint"
	"conclave/internal/foreign"
)

func revoke(a ca.Authority, cert *x509.Certificate, hours, reason int) {
	m := a.Ledger.(*memory)
	when := began.Add(time.Duration(hours) * time.Hour)
	for i, r := range m.revocations {
		if r.Serial.Cmp(cert.SerialNumber) == 0 {
			m.revocations[i] = ca.Revocation{Serial: cert.SerialNumber, Time: when, Reason: reason}
			return
		}
	}
	m.revocations = append(m.revocations, ca.Revocation{Serial: cert.SerialNumber, Time: when, Reason: reason})
}

// list signs a CRL that begins so many hours after all.
func list(t testing.TB, a ca.Authority, hours int, s ca.CRLSpec) *x509.RevocationList {
	t.Helper()
	s.ThisUpdate = began.Add(time.Duration(hours) * time.Hour)
	s.NextUpdate = s.ThisUpdate.AddDate(0, 6, 0)
	return signCRL(t, a, s)
}

func signCRL(t testing.TB, a ca.Authority, s ca.CRLSpec) *x509.RevocationList {
	t.Helper()
	draft, err := a.PrepareCRL(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	crl, err := a.SignCRL(t.Context(), draft)
	if err != nil {
		t.Fatal(err)
	}
	return crl
}

// TestCRL revokes one of two certificates, for each kind of key; OpenSSL, GnuTLS
// and zlint judge.
func TestCRL(t *testing.T) {
	foreign.Need(t, "openssl", "certtool")
	for _, kind := range keyKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t, ca.CABFRoot, makeKeys(t, kind)[0])
			good, bad := issue(t, a, spec(ca.CABFSubordinate), newKey(t).Public()), issue(t, a, spec(ca.CABFSubordinate), newKey(t).Public())
			f := newFolder(t)
			root, goodFile, badFile := f.certificates("root.pem", a.Certificate), f.certificates("good.pem", good), f.certificates("bad.pem", bad)
			clean := list(t, a, 1, ca.CRLSpec{Profile: ca.CABFRoot})
			revoke(a, bad, 2, 1)
			crl := list(t, a, 3, ca.CRLSpec{Profile: ca.CABFRoot})
			for number, c := range map[int64]*x509.RevocationList{1: clean, 2: crl} {
				if found, err := (zlint.Linter{}).CRL(c.Raw, lint.Public); err != nil || len(found) > 0 || c.Number.Int64() != number {
					t.Errorf("CRL %d: zlint found %v, %v", c.Number, found, err)
				}
				file := f.crls("crl.pem", c)
				mustRun(t, "certtool", "--verify-crl", "--load-ca-certificate", root, "--infile", file)
				if out := mustRun(t, "openssl", "crl", "-in", file, "-noout", "-CAfile", root); !strings.Contains(out, "verify OK") {
					t.Errorf("openssl crl: %s", out)
				}
			}
			verify := []string{"verify", "-x509_strict", "-crl_check_all", "-CAfile", root, "-CRLfile"}
			mustRun(t, "openssl", append(verify, f.crls("clean.pem", clean), goodFile, badFile)...)
			mustRun(t, "openssl", append(verify, f.crls("crl.pem", crl), goodFile)...)
			mustFail(t, "certificate revoked", "openssl", append(verify, f.crls("crl.pem", crl), badFile)...)
			if out := mustRun(t, "openssl", "crl", "-in", f.crls("crl.pem", crl), "-noout", "-text"); !strings.Contains(out, "Key Compromise") {
				t.Errorf("openssl crl: %s", out)
			}
		})
	}
}

// TestDeltaCRL changes what a full CRL says with a delta CRL: OpenSSL applies
// it.
func TestDeltaCRL(t *testing.T) {
	foreign.Need(t, "openssl")
	a := newAuthority(t, ca.Root, newKey(t))
	a.Publication.DeltaCRL = ca.URLs{"http://pki.example.com/delta.crl"}
	var certs [4]*x509.Certificate
	for i := range certs {
		certs[i] = issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	}
	good, late, held, old := certs[0], certs[1], certs[2], certs[3]
	revoke(a, held, 1, 6)
	revoke(a, old, 1, 5)
	full := list(t, a, 2, ca.CRLSpec{})
	revoke(a, held, 3, 8)
	revoke(a, late, 1, 4) // noted late: it is not in the full one
	delta := list(t, a, 4, ca.CRLSpec{DeltaOf: 1})

	f := newFolder(t)
	root, lists, fullOnly := f.certificates("root.pem", a.Certificate), f.crls("both.pem", full, delta), f.crls("full.pem", full)
	text := mustRun(t, "openssl", "crl", "-noout", "-text", "-in", f.crls("delta.pem", delta))
	for _, want := range []string{"X509v3 Delta CRL Indicator: critical", "Remove From CRL", "Superseded"} {
		if !strings.Contains(text, want) {
			t.Errorf("openssl crl: %q was expected: %s", want, text)
		}
	}
	if text := mustRun(t, "openssl", "crl", "-noout", "-text", "-in", fullOnly); !strings.Contains(text, "Freshest CRL") || !strings.Contains(text, "URI:http://pki.example.com/delta.crl") {
		t.Errorf("openssl crl: %s", text)
	}
	if n := len(delta.RevokedCertificateEntries); n != 2 {
		t.Errorf("the delta CRL has %d entries; the two changes were expected", n)
	}
	verify := func(crls string, cert *x509.Certificate) []string {
		return []string{"verify", "-x509_strict", "-crl_check", "-use_deltas", "-extended_crl", "-CAfile", root, "-CRLfile", crls, f.certificates("cert.pem", cert)}
	}
	for _, cert := range []*x509.Certificate{good, late} {
		mustRun(t, "openssl", verify(fullOnly, cert)...)
	}
	mustFail(t, "certificate revoked", "openssl", verify(fullOnly, held)...)
	for _, cert := range []*x509.Certificate{good, held} {
		mustRun(t, "openssl", verify(lists, cert)...)
	}
	for _, cert := range []*x509.Certificate{late, old} {
		mustFail(t, "certificate revoked", "openssl", verify(lists, cert)...)
	}
}

// TestCRLIsRefused names what does not fit.
func TestCRLIsRefused(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	sub := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	list(t, a, 1, ca.CRLSpec{})
	list(t, a, 2, ca.CRLSpec{DeltaOf: 1})
	revoke(a, sub, 5, 1)
	at := func(hours int) ca.CRLSpec {
		from := began.Add(time.Duration(hours) * time.Hour)
		return ca.CRLSpec{ThisUpdate: from, NextUpdate: from.AddDate(0, 1, 0)}
	}
	with := func(s ca.CRLSpec, change func(*ca.CRLSpec)) ca.CRLSpec { change(&s); return s }
	noArchive := a
	noArchive.Ledger = struct{ ca.Ledger }{a.Ledger}
	responder := a
	responder.Certificate = issue(t, a, spec(ca.OCSP), newKey(t).Public())
	responder.Certificate.PublicKey = a.Signer.Public()
	leaf := responder
	leaf.Certificate = &x509.Certificate{}
	*leaf.Certificate = *responder.Certificate
	leaf.Certificate.BasicConstraintsValid, leaf.Certificate.KeyUsage = true, 0
	for _, tc := range []struct {
		by   ca.Authority
		spec ca.CRLSpec
		want string
	}{
		{ca.Authority{Signer: a.Signer}, at(6), "CRL: the authority has no certificate yet"},
		{responder, at(6), "may not sign CRLs"},
		{a, at(4), "certificate " + sub.SerialNumber.Text(16) + " has been revoked since"},
		{leaf, at(6), "is not a CA, and its key may not sign CRLs"},
		{a, at(24 * 365 * 100), "; make it new first: conclave ca renew"},
		{a, at(-1), "a time within the issuer's validity"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.Number = 2 }), "number: 2, but the issuer has used 2; a greater one was expected"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.Number = -1 }), "number: -1"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.NextUpdate = s.ThisUpdate }), "nextUpdate: "},
		{a, with(at(6), func(s *ca.CRLSpec) { s.Profile = "toor" }), `profile: "toor" is not known`},
		{a, with(at(6), func(s *ca.CRLSpec) { s.DeltaOf = -1 }), "deltaOf: -1"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.DeltaOf, s.Number = 7, 7 }), "deltaOf: 7; the number of a full CRL before this one"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.DeltaOf, s.Profile = 1, ca.CABFRoot }), "a public CA should sign no delta CRLs"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.DeltaOf = 2 }), "CRL number 2 is a delta CRL; a full one was expected"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.DeltaOf = 9 }), "deltaOf: CRL number 9: it is not here"},
		{noArchive, with(at(6), func(s *ca.CRLSpec) { s.DeltaOf = 1 }), "deltaOf: the ledger does not keep CRLs"},
		{a, with(at(6), func(s *ca.CRLSpec) {
			s.Profile, s.NextUpdate = ca.CABFRoot, s.ThisUpdate.AddDate(0, 12, 0).Add(time.Second)
		}), "at most 12 months after thisUpdate"},
		{a, with(at(6), func(s *ca.CRLSpec) { s.NextUpdate = s.ThisUpdate.AddDate(5, 0, 0).Add(time.Second) }), "more than 5 years after thisUpdate"},
	} {
		_, err := tc.by.PrepareCRL(t.Context(), tc.spec)
		mustSay(t, "PrepareCRL", err, tc.want)
	}
}

// TestCRLTBS rebuilds full and delta CRLs from what a verifier has.
func TestCRLTBS(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	a.Publication.DeltaCRL = ca.URLs{"http://pki.example.com/delta.crl"}
	revoke(a, issue(t, a, spec(ca.Subordinate), newKey(t).Public()), 1, 6)
	full := list(t, a, 2, ca.CRLSpec{})
	revoke(a, issue(t, a, spec(ca.Subordinate), newKey(t).Public()), 3, 0)
	delta := list(t, a, 4, ca.CRLSpec{DeltaOf: 1})
	m := a.Ledger.(*memory)
	tbs := func(crl, base *x509.RevocationList, deltaOf int64, revocations []ca.Revocation) []byte {
		s := ca.CRLSpec{Number: crl.Number.Int64(), ThisUpdate: crl.ThisUpdate, NextUpdate: crl.NextUpdate, DeltaOf: deltaOf}
		der, err := ca.CRLTBS(s, revocations, base, a.Certificate, a.Publication)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	if !bytes.Equal(tbs(full, nil, 0, m.revocations[:1]), full.RawTBSRevocationList) || !bytes.Equal(tbs(delta, full, 1, m.revocations), delta.RawTBSRevocationList) {
		t.Error("what was rebuilt is not what was signed")
	}
	if bytes.Equal(tbs(delta, full, 1, m.revocations[:1]), delta.RawTBSRevocationList) {
		t.Error("with one revocation less the CRL is the same")
	}
}

// TestCRLTBSIsRefused names what a verifier lacks, or has too much of.
func TestCRLTBSIsRefused(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	base, strange := list(t, a, 1, ca.CRLSpec{}), list(t, newAuthority(t, ca.Root, newKey(t)), 1, ca.CRLSpec{})
	from := began.Add(2 * time.Hour)
	for _, tc := range []struct {
		number, deltaOf int64
		base            *x509.RevocationList
		from            time.Time
		want            string
	}{
		{0, 0, nil, from, "number: it is missing"},
		{2, 0, base, from, "deltaOf: it is missing, but there is a base CRL"},
		{9, 1, nil, from, "deltaOf: the full CRL number 1 was expected, but there is none"},
		{9, 2, base, from, "deltaOf: the full CRL number 2 was expected, but this is number 1"},
		{9, 1, base, began, "deltaOf: CRL number 1, of "},
		{9, 1, strange, from, "deltaOf: CRL number 1 is not signed by CN=Example root,"},
		{2, 0, nil, time.Time{}, "thisUpdate: it is missing"},
	} {
		s := ca.CRLSpec{Number: tc.number, DeltaOf: tc.deltaOf, ThisUpdate: tc.from, NextUpdate: from.AddDate(0, 1, 0)}
		_, err := ca.CRLTBS(s, nil, tc.base, a.Certificate, a.Publication)
		mustSay(t, "CRLTBS", err, tc.want)
	}
}

// TestCRLText names each certificate that is revoked, and why.
func TestCRLText(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	sub := issue(t, a, spec(ca.Subordinate), newKey(t).Public())
	list(t, a, 1, ca.CRLSpec{})
	revoke(a, sub, 2, 1)
	from := began.Add(3 * time.Hour)
	for deltaOf, kind := range map[int64]string{0: "full CRL", 1: "delta CRL to number 1"} {
		draft, err := a.PrepareCRL(t.Context(), ca.CRLSpec{ThisUpdate: from, NextUpdate: from.AddDate(0, 1, 0), DeltaOf: deltaOf})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"CRL: " + kind + "\n", "Issuer: CN=Example root,", "CRL number: 2, after number 1 of " + began.Add(time.Hour).Format(time.RFC3339) + ", whose next update is ", "This update: " + from.Format(time.RFC3339) + "\n", "Certificates: 1\n",
			"Certificate " + ca.SerialOf(sub).String() + ": " + began.Add(2*time.Hour).Format(time.RFC3339) + ", keyCompromise\n",
		} {
			if !strings.Contains(draft.Text(), want) {
				t.Errorf("%q was expected in\n%s", want, draft.Text())
			}
		}
		if draft.Number().Int64() != 2 {
			t.Errorf("number %d", draft.Number())
		}
	}
}

// TestLongCRLText shows what is new in a CRL that no one could read.
func TestLongCRLText(t *testing.T) {
	a := newAuthority(t, ca.Root, newKey(t))
	m := a.Ledger.(*memory)
	lines := func() (certificates, hidden int) {
		draft, err := a.PrepareCRL(t.Context(), at(2, asItIs))
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, more := strings.Cut(draft.Text(), "Certificates that are not shown: "); more {
			fmt.Sscan(rest, &hidden)
		}
		return strings.Count(draft.Text(), "\nCertificate "), hidden
	}
	for serial := range int64(1200) {
		m.revocations = append(m.revocations, ca.Revocation{Serial: big.NewInt(serial), Time: began, Reason: 4})
	}
	if certificates, hidden := lines(); certificates != 1000 || hidden != 200 {
		t.Errorf("%d certificates are shown, and %d not", certificates, hidden)
	}
	list(t, a, 1, ca.CRLSpec{})
	m.revocations = append(m.revocations, ca.Revocation{Serial: big.NewInt(5000), Time: began, Reason: 1})
	m.revocations[7].Reason = 1
	if certificates, hidden := lines(); certificates != 2 || hidden != 1199 {
		t.Errorf("after the first CRL %d certificates are shown, and %d not", certificates, hidden)
	}
}

// TestLedgerCannotTell makes no CRL if the ledger cannot be read: it would
// lack revocations, or have a number for a second time.
func TestLedgerCannotTell(t *testing.T) {
	for _, method := range []string{"Revocations", "LastCRL", "NewestCRL", "Profile"} {
		a := newAuthority(t, ca.Root, newKey(t))
		a.Ledger.(*memory).refuse[method] = errors.New("the disk is gone")
		_, err := a.PrepareCRL(t.Context(), ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)})
		mustSay(t, method, err, "the disk is gone")
	}
}

// TestJava lets Java's PKIX judge chains, with revocation checked by our CRLs.
func TestJava(t *testing.T) {
	foreign.Need(t, "java")
	dir := t.TempDir()
	want := map[string]string{}
	add := func(name, verdict string, root *x509.Certificate, crls []*x509.RevocationList, chain ...*x509.Certificate) {
		f := folder{t, filepath.Join(dir, name)}
		if err := os.Mkdir(f.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f.certificates("root.pem", root)
		f.certificates("chain.pem", chain...)
		f.crls("crls.pem", crls...)
		want[name] = verdict
	}
	for _, kind := range keyKinds {
		keys := makeKeys(t, kind)
		a := newAuthority(t, ca.Root, keys[0])
		sub := issue(t, a, constrained(ca.Subordinate), keys[1].Public())
		clean := list(t, a, 1, ca.CRLSpec{})
		revoke(a, sub, 2, 1)
		crls := []*x509.RevocationList{clean, emptyCRL(t, sub, keys[1])}
		revoked := []*x509.RevocationList{list(t, a, 3, ca.CRLSpec{}), crls[1]}
		inside, outside := newLeaf(t, sub, keys[1], "www.example.com"), newLeaf(t, sub, keys[1], "www.example.org")
		add(kind+" good", "valid", a.Certificate, crls, inside, sub)
		add(kind+" outside", "INVALID_NAME", a.Certificate, crls, outside, sub)
		add(kind+" revoked", "REVOKED", a.Certificate, revoked, inside, sub)
	}
	for _, kind := range []string{"debian", "sha1", "v1", "id"} {
		key, root, sub := oldRoots()[kind].make(t)
		a := carryOn(root, key)
		crl := firstCRL(t, a)
		renewed, verdict := renew(t, a, root), "valid"
		if ca.NamesNumberOf(sub, root) {
			verdict = "NO_TRUST_ANCHOR"
		}
		add(kind+" renewed", verdict, renewed, []*x509.RevocationList{crl}, sub)
		add(kind+" renewed, both", "valid", renewed, []*x509.RevocationList{crl}, renew(t, carryOn(renewed, key), sub))
	}
	out := mustRun(t, "java", filepath.Join("testdata", "Validate.java"), dir)
	for name, verdict := range want {
		if !strings.Contains(out, name+": "+verdict) {
			t.Errorf("Java: %s: %s was expected: %s", name, verdict, out)
		}
	}
}

// emptyCRL is one of a CA that is not ours.
func emptyCRL(t *testing.T, issuer *x509.Certificate, key crypto.Signer) *x509.RevocationList {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: began, NextUpdate: began.AddDate(0, 1, 0)}, issuer, key)
	if err != nil {
		t.Fatal(err)
	}
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return crl
}

// TestProfileOfTheIssuer notes profiles at signing, and keeps CRLs to them.
func TestProfileOfTheIssuer(t *testing.T) {
	a := newAuthority(t, ca.CABFRoot, newKey(t))
	key := newKey(t)
	sub := issue(t, a, spec(ca.CABFSubordinate), key.Public())
	issue(t, a, spec(ca.CABFOCSP), newKey(t).Public())
	again := spec(ca.Subordinate)
	again.Subject = spec(ca.CABFSubordinate).Subject
	issue(t, a, again, newKey(t).Public())
	m := a.Ledger.(*memory)
	if len(m.profiles) != 2 || m.profiles[string(a.Certificate.RawSubject)] != ca.CABFRoot || m.profiles[string(sub.RawSubject)] != ca.CABFSubordinate {
		t.Errorf("profiles %v; the root's and the stricter one of the CA below it were expected", m.profiles)
	}
	below := ca.Authority{Certificate: sub, Signer: key, Ledger: m, Linter: zlint.Linter{}}
	long := ca.CRLSpec{ThisUpdate: began, NextUpdate: began.AddDate(0, 13, 0)}
	for _, by := range []ca.Authority{a, below} {
		_, err := by.PrepareCRL(t.Context(), long)
		mustSay(t, "PrepareCRL", err, "at most 12 months after thisUpdate")
	}
	long.Profile = ca.Root
	_, err := a.PrepareCRL(t.Context(), long)
	mustSay(t, "PrepareCRL", err, "profile: root, but CN=Example cabf-root")
	for _, method := range []string{"Profile", "SetProfile"} {
		b := newAuthority(t, ca.Root, newKey(t))
		b.Ledger.(*memory).refuse[method] = errors.New("the disk is full")
		draft, err := b.Prepare(spec(ca.Subordinate), newKey(t).Public())
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Sign(t.Context(), draft)
		mustSay(t, "Sign", err, "it was not signed: the profile: the disk is full")
	}
}
