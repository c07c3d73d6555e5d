package preflight_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"

	"conclave/apdu"
	"conclave/ca"
	"conclave/ca/lint/zlint"
	"conclave/ca/register"
	"conclave/card"
	"conclave/ceremony/plan"
	"conclave/ceremony/preflight"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/pqx509"
	"conclave/internal/secret"
	"conclave/wire"
)

// room is where a ceremony is checked.
type room struct {
	preflight.Check
	home device.Home
}

// newRoom is one in which nothing is wrong with the ceremony of one root.
func newRoom(t *testing.T) *room {
	t.Helper()
	return newRoomOf(t, "offline-root")
}

// newRoomOf is one in which nothing is wrong with the ceremony of an example.
func newRoomOf(t *testing.T, example string) *room {
	t.Helper()
	content, err := os.ReadFile("../../examples/" + example + "/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := device.NewHome(filepath.Join(dir, "home"))
	h.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	r := &room{preflight.Check{
		Plan: p, Base: dir, Dir: filepath.Join(dir, "plan.ceremony"), Linter: zlint.Linter{}, Now: p.Start,
		Connect: func(d plan.Device) (apdu.Conn, error) { return h.Open(d.Name) },
	}, h}
	for _, c := range p.Certificates {
		if c.Request != "" {
			r.requestAs(t, c.Request, x509.CertificateRequest{RawSubject: c.Subject.DER()})
		}
	}
	return r
}

// request writes the issuing CA's request.
func (r *room) request(t *testing.T, template x509.CertificateRequest) {
	t.Helper()
	r.requestAs(t, "issuing.csr", template)
}

func (r *room) requestAs(t *testing.T, name string, template x509.CertificateRequest) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	if err := os.WriteFile(filepath.Join(r.Base, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// withName is a request that asks for a name, too.
func (r *room) withName() x509.CertificateRequest {
	return x509.CertificateRequest{RawSubject: r.Plan.FindCertificate("issuing").Subject.DER(), DNSNames: []string{"ca.example.com"}}
}

// device makes the primary device, with a key in it.
func (r *room) device(t *testing.T) {
	t.Helper()
	if _, err := r.home.Create("primary"); err != nil {
		t.Fatal(err)
	}
	conn, err := r.home.Open("primary")
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	pin := secret.Bytes("648219")
	if err := h.Initialize(wire.Initialization{UserPIN: pin, SOPIN: secret.Bytes("57621880"), Retries: 3, DKEKShares: wire.NoDKEK}, ""); err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, pin); err != nil {
		t.Fatal(err)
	}
	template, err := wire.ParseKeyType("ec:secp256r1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.GenerateKey(hsm.NewKey{Key: template, Label: "precious"}); err != nil {
		t.Fatal(err)
	}
}

// register writes a register in which something was about to be signed.
func (r *room) register(t *testing.T) {
	t.Helper()
	path := filepath.Join(r.Base, "register.sqlite")
	reg, err := register.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	issuer := []byte{0x30, 0}
	err = reg.Begin(t.Context(), ca.Intent{Kind: ca.KindCertificate, Issuer: issuer, Number: big.NewInt(7), Subject: "CN=Lost", Time: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
	r.Plan.Register = "register.sqlite"
}

// problems are those of a check, a line each.
func (r *room) problems() string {
	var all []string
	for _, f := range r.Run(context.Background()) {
		if f.Problem {
			all = append(all, f.What+": "+f.Detail)
		}
	}
	return strings.Join(all, "\n")
}

func TestNothingIsWrong(t *testing.T) {
	for _, example := range []string{"offline-root", "two-roots"} {
		if problems := newRoomOf(t, example).problems(); problems != "" {
			t.Errorf("%s: problems:\n%s", example, problems)
		}
	}
}

// TestPostQuantum: what the lints cannot judge is told, also on paper; a request whose
// signature was changed is refused.
func TestPostQuantum(t *testing.T) {
	r := newRoomOf(t, "two-roots")
	const want = "the lints do not know ML-DSA: they have judged all but its keys and signatures"
	for _, f := range r.Run(t.Context()) {
		if told := strings.Contains(f.Detail, want); told != slices.Contains([]string{
			"certificate root-pq", "certificate pq-by-classical", "certificate classical-by-pq", "certificate issuing-pq", "CRL root-pq-crl-1",
		}, f.What) {
			t.Errorf("%s: %s", f.What, f.Detail)
		}
	}
	if lines := r.Lines(t.Context()); !slices.Contains(lines["certificate-root-pq"], "Note: "+want) || !slices.Contains(lines["certificate-root-pq"], "Key: ML-DSA-87") {
		t.Errorf("the paper says %q", lines["certificate-root-pq"])
	}
	key, err := mldsa.GenerateKey(mldsa.MLDSA65())
	if err != nil {
		t.Fatal(err)
	}
	der, err := pqx509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: r.Plan.FindCertificate("issuing-pq").Subject.DER()}, key)
	if err != nil {
		t.Fatal(err)
	}
	der[len(der)-1] ^= 1
	if err := os.WriteFile(filepath.Join(r.Base, "issuing-pq.csr"), der, 0o600); err != nil {
		t.Fatal(err)
	}
	if problems := r.problems(); !strings.HasPrefix(problems, "certificate issuing-pq: request: ") {
		t.Errorf("with a forged request: %q", problems)
	}
}

// TestCrossSigned: what is below a root that cannot be issued is told to have problems.
func TestCrossSigned(t *testing.T) {
	r := newRoomOf(t, "two-roots")
	r.Plan.Keys[1].Type = "ec:secp256k1"
	if problems, want := r.problems(), "certificate pq-by-classical: the root root-pq, which it cross-signs, has problems"; !strings.Contains(problems, want) {
		t.Errorf("problems:\n%s\nexpected:\n%s", problems, want)
	}
}

// TestLeftOut: what the plan decides to leave out of a request is told, also on paper.
func TestLeftOut(t *testing.T) {
	r := newRoom(t)
	r.request(t, r.withName())
	r.Plan.FindCertificate("issuing").LeaveOut = []string{"subjectAltName"}
	all := fmt.Sprint(r.Run(t.Context()), r.Lines(t.Context()))
	for _, want := range []string{"request: left out: subjectAltName (DNS ca.example.com)", "Note: left out of what the request may ask for: subjectAltName"} {
		if !strings.Contains(all, want) || r.problems() != "" {
			t.Errorf("%q is not told, or there are problems:\n%s", want, all)
		}
	}
}

// TestPublicRoot: what is planned for browsers passes every lint.
func TestPublicRoot(t *testing.T) {
	r := newRoom(t)
	r.Plan.Certificates[0].Profile, r.Plan.Certificates[1].Profile = ca.CABFRoot, ca.CABFSubordinate
	if problems := r.problems(); problems != "" {
		t.Errorf("problems:\n%s", problems)
	}
}

// yearly makes of the plan one for the CRL of a public root, whose certificate does not
// say that it is one: the register does.
func (r *room) yearly(t *testing.T, months int) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := register.Create(filepath.Join(r.Base, "register.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	a := ca.Authority{Signer: key, Ledger: reg, Linter: zlint.Linter{}}
	spec := r.Plan.Certificates[0].Spec
	spec.Profile = ca.CABFRoot
	draft, err := a.Prepare(spec, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Sign(t.Context(), draft)
	if err := errors.Join(err, reg.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Base, "root.cer"), cert.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	r.Plan.Register, r.Plan.Custody, r.Plan.Keys, r.Plan.People.Custodians = "register.sqlite", nil, nil, nil
	r.Plan.Devices = r.Plan.Devices[:1]
	r.Plan.Certificates = []plan.Certificate{{Name: "root", File: "root.cer", Device: r.Plan.Devices[0].Name}}
	from := r.Plan.CRLs[0].ThisUpdate
	r.Plan.CRLs = []plan.CRL{{Name: "root-crl-2", Issuer: "root", CRLSpec: ca.CRLSpec{ThisUpdate: from, NextUpdate: from.AddDate(0, months, 0)}}}
}

// TestYearlyCRLOfAPublicRoot: one that holds for twelve months is as it must be.
func TestYearlyCRLOfAPublicRoot(t *testing.T) {
	r := newRoom(t)
	r.yearly(t, 12)
	if problems := r.problems(); strings.Contains(problems, "CRL") || strings.Contains(problems, "plan") {
		t.Errorf("problems:\n%s", problems)
	}
}

// keyFile imports a key of a curve that is not encrypted.
func (r *room) keyFile(t *testing.T, c elliptic.Curve, mode os.FileMode) {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.Base, "old.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), mode); err != nil {
		t.Fatal(err)
	}
	r.Plan.Keys[0].Import = "old.key"
}

// existingRoot puts a root in place of the one that is made: that of the key file, or
// another one.
func (r *room) existingRoot(t *testing.T, own bool) {
	t.Helper()
	r.keyFile(t, elliptic.P384(), 0o600)
	content, err := os.ReadFile(filepath.Join(r.Base, "old.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err == nil && !own {
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	old := &r.Plan.Certificates[0]
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Root CA"}, NotBefore: old.NotBefore, NotAfter: old.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err == nil {
		err = os.WriteFile(filepath.Join(r.Base, "root.cer"), der, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	*old = plan.Certificate{Name: "root", File: "root.cer", Device: r.Plan.Custody.Device, Publication: old.Publication}
	r.Plan.CRLs[0].First = true
}

// TestExistingRootHasItsKey: the key of a root that exists comes to the device that is
// erased, or the room would find out that it is not there.
func TestExistingRootHasItsKey(t *testing.T) {
	r := newRoom(t)
	r.existingRoot(t, true)
	if problems := r.problems(); problems != "" {
		t.Errorf("problems:\n%s", problems)
	}
}

// TestKeyFile: what is known of a key file is told, without its password.
func TestKeyFile(t *testing.T) {
	r := newRoom(t)
	r.keyFile(t, elliptic.P384(), 0o600)
	if problems := r.problems(); problems != "" {
		t.Errorf("problems:\n%s", problems)
	}
	found := r.Run(t.Context())
	i := slices.IndexFunc(found, func(f preflight.Finding) bool { return f.What == "key root" })
	if i < 0 || found[i].Detail != "old.key, SEC 1, is not encrypted: whoever has it has the key" {
		t.Errorf("found %v", found)
	}
}

func TestProblems(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, r *room)
		want  string
	}{
		"plan": {func(_ *testing.T, r *room) { r.Plan.Custody.Threshold = 9 }, "plan: custody.threshold: 9; 2 to 5 was expected"},
		"long name": {func(_ *testing.T, r *room) { r.Plan.People.Custodians[4] = strings.Repeat("Щ", 61) },
			"people: custodian \"Щ"},
		"no request": {func(_ *testing.T, r *room) { os.Remove(filepath.Join(r.Base, "issuing.csr")) }, "certificate issuing: open "},
		"another's request": {func(t *testing.T, r *room) {
			r.request(t, x509.CertificateRequest{Subject: pkix.Name{CommonName: "Eve"}})
		}, "certificate issuing: "},
		"a request for more": {func(t *testing.T, r *room) { r.request(t, r.withName()) },
			"certificate issuing: request: it asks for subjectAltName (DNS ca.example.com), which the certificate will not have: leave it out with --leave-out subjectAltName (in a plan: leaveOut)"},
		"a request of someone else for more": {func(t *testing.T, r *room) {
			r.request(t, x509.CertificateRequest{Subject: pkix.Name{CommonName: "Eve"}, DNSNames: []string{"ca.example.com"}})
		}, `in the place of the name; it asks for subjectAltName (DNS ca.example.com)`},
		"nothing to leave out": {func(_ *testing.T, r *room) { r.Plan.Certificates[0].LeaveOut = []string{"keyUsage"} },
			"plan: certificates[0].leaveOut: there is no request that asks for anything; leave it out"},
		"keys on the device": {func(t *testing.T, r *room) { r.device(t) },
			"keys in it: 1, which the ceremony would erase"},
		"no such card": {func(_ *testing.T, r *room) { r.Plan.Devices[0] = plan.Device{Name: "primary", Serial: "DENK0100042"} },
			`device primary: there is no device "primary"`},
		"another card": {func(t *testing.T, r *room) {
			r.device(t)
			r.Plan.Devices[0].Serial = "DENK0100042"
		}, "and the plan says DENK0100042"},
		"clock before the program": {func(_ *testing.T, r *room) { r.Built = r.Now.Add(time.Hour) }, "clock: it shows 2026-11-01T09:00:00Z, before this program was built"},
		"clock years ago":          {func(_ *testing.T, r *room) { r.Now = r.Now.AddDate(-3, 0, 0) }, "clock: 2023-11-01 09:00:00 UTC is not a time of this ceremony, which is to begin at 2026-11-01 09:00:00 UTC"},
		"a plan of years ago":      {func(_ *testing.T, r *room) { r.Now = r.Now.AddDate(3, 0, 0) }, "CRL root-crl-1: its next update, 2027-11-01, is past"},
		"no such printer":          {func(_ *testing.T, r *room) { r.Plan.Custody.Printer = "Nowhere" }, "printer: "},
		"curve":                    {func(_ *testing.T, r *room) { r.Plan.Keys[0].Type = "ec:secp256k1" }, "certificate root: certificates are issued with RSA, P-256, P-384, P-521 and ML-DSA, but not with "},
		"small key":                {func(_ *testing.T, r *room) { r.Plan.Keys[0].Type = "rsa:1024" }, "plan: keys[0].type: RSA with 1024 bits is no longer safe"},
		"a root whose key is none": {func(t *testing.T, r *room) {
			content, err := os.ReadFile("../../internal/keycheck/testdata/prime-root.pem")
			if err == nil {
				err = os.WriteFile(filepath.Join(r.Base, "old.pem"), content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			r.Plan.Certificates[0] = plan.Certificate{Name: "root", File: "old.pem", Device: r.Plan.Devices[0].Name, Publication: r.Plan.Certificates[0].Publication}
			r.Plan.CRLs[0].First = true
		}, "certificate root: nothing can be issued under it: key: its RSA modulus is a prime number"},
		"path length": {func(_ *testing.T, r *room) {
			zero := 0
			r.Plan.Certificates[0].PathLen = &zero
		}, "certificate issuing: "},
		"register that was continued": {func(t *testing.T, r *room) {
			r.register(t)
			if err := register.Continue(filepath.Join(r.Base, "register.sqlite"), "someone", "elsewhere"); err != nil {
				t.Fatal(err)
			}
		}, "was continued in elsewhere; use the register there"},
		"register that this ceremony has continued": {func(t *testing.T, r *room) {
			r.register(t)
			r.Begun = "someone"
			if err := register.Continue(filepath.Join(r.Base, "register.sqlite"), r.Begun, r.Dir); err != nil {
				t.Fatal(err)
			}
		}, "may have been signed, and no one has said so"},
		"CRL of years later": {func(_ *testing.T, r *room) {
			crl := &r.Plan.CRLs[0]
			crl.ThisUpdate, crl.NextUpdate = crl.ThisUpdate.AddDate(3, 0, 0), crl.NextUpdate.AddDate(3, 0, 0)
		}, "CRL root-crl-1: thisUpdate: 2029-11-01T00:00:00Z, but now it is 2026-11-01T09:00:00Z"},
		"CRL for ten years": {func(_ *testing.T, r *room) {
			r.Plan.CRLs[0].NextUpdate = r.Plan.CRLs[0].ThisUpdate.AddDate(10, 0, 0)
		}, "CRL root-crl-1: nextUpdate: 2036-11-01T00:00:00Z, more than 5 years after thisUpdate"},
		"CRL of a public root for 13 months": {func(t *testing.T, r *room) { r.yearly(t, 13) }, "CRL root-crl-2: nextUpdate: 2027-12-01T00:00:00Z; at most 12 months after thisUpdate"},
		"CRL of an existing root, and no register": {func(t *testing.T, r *room) {
			r.existingRoot(t, true)
			r.Plan.CRLs[0].First = false
		}, "crls[0].first: root exists already, and no register is continued"},
		"register":                      {func(t *testing.T, r *room) { r.register(t) }, "may have been signed, and no one has said so"},
		"no key file":                   {func(_ *testing.T, r *room) { r.Plan.Keys[0].Import = "old.key" }, "key root: open "},
		"a root of another key":         {func(t *testing.T, r *room) { r.existingRoot(t, false) }, "certificate root: its key would not be in the device primary, which the ceremony erases"},
		"a root whose key is made anew": {func(t *testing.T, r *room) { r.existingRoot(t, true); r.Plan.Keys[0].Import = "" }, "certificate root: its key would not be in the device primary"},
		"a key file that others read":   {func(t *testing.T, r *room) { r.keyFile(t, elliptic.P384(), 0o644) }, "key root: others on this machine can read old.key"},
		"a key of another type":         {func(t *testing.T, r *room) { r.keyFile(t, elliptic.P256(), 0o600) }, "key root: old.key: the key is not of the type ec:secp384r1"},
		"a request as key file": {func(_ *testing.T, r *room) {
			r.Plan.Keys[0].Import = "copy.csr"
			os.Rename(filepath.Join(r.Base, "issuing.csr"), filepath.Join(r.Base, "copy.csr"))
		}, "key root: copy.csr: it holds a certificate request and no private key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			test.spoil(t, r)
			if problems := r.problems(); !strings.Contains(problems, test.want) {
				t.Errorf("problems:\n%s\nexpected:\n%s", problems, test.want)
			}
		})
	}
}

// TestWhatGoesOn: in a drill or a change nothing is issued, so that no request need be
// there, and devices have the keys that they are to have.
func TestWhatGoesOn(t *testing.T) {
	r := newRoom(t)
	r.device(t)
	if err := os.Remove(filepath.Join(r.Base, "issuing.csr")); err != nil {
		t.Fatal(err)
	}
	before := plan.Sequel{Closing: strings.Repeat("ab", 32)}
	for i, thing := range r.Plan.Bags() {
		before.Bags = append(before.Bags, plan.Bag{Thing: thing, Number: fmt.Sprintf("B%03d", i+1)})
	}
	first := r.Plan
	for name, test := range map[string]struct {
		plan *plan.Plan
		want string
	}{
		"drill":       {first.DrillOf(before, r.Now), ""},
		"new sheets":  {first.ChangeOf(plan.Change{Kind: plan.NewSheets, Sequel: before}, r.Now), ""},
		"new PINs":    {first.ChangeOf(plan.Change{Kind: plan.ChangePIN, Sequel: before}, r.Now), "device standby: "},
		"replacement": {first.ChangeOf(plan.Change{Kind: plan.ReplaceDevice, Device: "primary", Replaces: "ZZ1", Sequel: before}, r.Now), "device primary: serial number"},
	} {
		r.Plan = test.plan
		if problems := r.problems(); (problems == "") != (test.want == "") || !strings.HasPrefix(problems, test.want) || strings.Contains(problems, "\n") {
			t.Errorf("%s: problems: %q; %q was expected", name, problems, test.want)
		}
	}
}
