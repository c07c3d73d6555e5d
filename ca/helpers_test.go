package ca_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/lint/zlint"
)

// memory is a ledger, and an archive, that notes the order of calls.
type memory struct {
	calls       []string
	intents     []ca.Intent
	signed      map[string][]byte // by kind and number
	revocations []ca.Revocation
	profiles    map[string]ca.Profile
	refuse      map[string]error // by the name of the method
}

func newMemory() *memory {
	return &memory{signed: map[string][]byte{}, profiles: map[string]ca.Profile{}, refuse: map[string]error{}}
}

func slot(kind ca.Kind, number *big.Int) string { return fmt.Sprint(kind, " ", number) }

func (m *memory) Begin(_ context.Context, intent ca.Intent) error {
	m.calls = append(m.calls, "begin")
	if slices.ContainsFunc(m.intents, func(i ca.Intent) bool { return slot(i.Kind, i.Number) == slot(intent.Kind, intent.Number) }) {
		return ca.ErrNumberUsed
	}
	if err := m.refuse["Begin"]; err != nil {
		return err
	}
	m.intents = append(m.intents, intent)
	return nil
}

func (m *memory) Finish(_ context.Context, intent ca.Intent, signed []byte) error {
	m.calls = append(m.calls, "finish")
	if err := m.refuse["Finish"]; err != nil {
		return err
	}
	m.signed[slot(intent.Kind, intent.Number)] = signed
	return nil
}

func (m *memory) Revocations(context.Context, []byte) ([]ca.Revocation, error) {
	return m.revocations, m.refuse["Revocations"]
}

func (m *memory) LastCRL(context.Context, []byte) (last *big.Int, err error) {
	for _, i := range m.intents {
		if i.Kind == ca.KindCRL && (last == nil || i.Number.Cmp(last) > 0) {
			last = i.Number
		}
	}
	return last, m.refuse["LastCRL"]
}

func (m *memory) Signed(_ context.Context, _ []byte, kind ca.Kind, number *big.Int) ([]byte, error) {
	if der, ok := m.signed[slot(kind, number)]; ok {
		return der, nil
	}
	return nil, errors.New("it is not here")
}

func (m *memory) NewestCRL(ctx context.Context, issuer []byte) ([]byte, error) {
	last, err := m.LastCRL(ctx, issuer)
	if last == nil || err != nil {
		return nil, cmp.Or(err, m.refuse["NewestCRL"])
	}
	return m.signed[slot(ca.KindCRL, last)], nil
}

func (m *memory) Profile(_ context.Context, issuer []byte) (ca.Profile, error) {
	return m.profiles[string(issuer)], m.refuse["Profile"]
}

func (m *memory) SetProfile(_ context.Context, issuer []byte, profile ca.Profile) error {
	if err := m.refuse["SetProfile"]; err != nil {
		return err
	}
	m.profiles[string(issuer)] = profile
	return nil
}

// keyKinds are the kinds of keys that an HSM has.
var keyKinds = []string{"P-256", "P-384", "P-521", "rsa2048", "rsa3072", "rsa4096"}

// makeKeys gives two keys of a kind.
func makeKeys(t testing.TB, kind string) (keys [2]crypto.Signer) {
	t.Helper()
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	rest, _ := os.ReadFile(filepath.Join("testdata", kind+".pem")) // those of curves are made
	var err error
	for i := range keys {
		if curve := curves[kind]; curve != nil {
			keys[i], err = ecdsa.GenerateKey(curve, rand.Reader)
		} else {
			var block *pem.Block
			block, rest = pem.Decode(rest)
			var key any
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
			keys[i] = key.(crypto.Signer)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func newKey(t testing.TB) crypto.Signer { return makeKeys(t, "P-256")[0] }

// began is when all that tests issue has begun to be valid.
var began = time.Now().UTC().Truncate(time.Hour).Add(-24 * time.Hour)

func published() ca.Publication {
	return ca.Publication{CRL: ca.URLs{"http://pki.example.com/root.crl"}, Certificate: ca.URLs{"http://pki.example.com/root.cer"}}
}

// spec is a good one of a profile.
func spec(profile ca.Profile) ca.Spec {
	s := ca.Spec{
		Profile: profile, NotBefore: began, NotAfter: began.AddDate(10, 0, 0),
		Subject: ca.Name{CommonName: "Example " + string(profile), Organization: "Beispiel & Söhne", Country: "CH", Province: "Bern", Locality: "Thun"},
	}
	switch profile {
	case ca.Root, ca.CABFRoot:
		s.NotAfter = began.AddDate(20, 0, 0)
	case ca.OCSP, ca.CABFOCSP:
		s.NotAfter = began.AddDate(1, 0, 0)
	}
	return s
}

// newAuthority makes a root of a profile with a key.
func newAuthority(t testing.TB, profile ca.Profile, key crypto.Signer) ca.Authority {
	t.Helper()
	a := ca.Authority{Signer: key, Publication: published(), Ledger: newMemory(), Linter: zlint.Linter{}}
	a.Certificate = issue(t, a, spec(profile), key.Public())
	return a
}

func issue(t testing.TB, a ca.Authority, s ca.Spec, public crypto.PublicKey) *x509.Certificate {
	t.Helper()
	draft, err := a.Prepare(s, public)
	if err != nil {
		t.Fatalf("prepare %s: %v", s.Profile, err)
	}
	return sign(t, a, draft)
}

func sign(t testing.TB, a ca.Authority, draft *ca.Draft) *x509.Certificate {
	t.Helper()
	cert, err := a.Sign(t.Context(), draft)
	if err != nil {
		t.Fatalf("sign %x: %v", draft.Number(), err)
	}
	return cert
}

// newLeaf makes a server's certificate under a CA.
func newLeaf(t testing.TB, issuer *x509.Certificate, key crypto.Signer, host string) *x509.Certificate {
	t.Helper()
	serial, err := ca.NewSerial(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Int(), RawSubject: ca.Name{CommonName: host}.DER(), DNSNames: []string{host},
		NotBefore: began, NotAfter: began.AddDate(0, 1, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	subject := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, subject.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// folder is a directory of files for judges.
type folder struct {
	t   testing.TB
	dir string
}

func newFolder(t testing.TB) folder { return folder{t, t.TempDir()} }

// certificates writes certificates as PEM, and returns the path.
func (f folder) certificates(name string, certs ...*x509.Certificate) string {
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return f.file(name, b.Bytes())
}

func (f folder) crls(name string, crls ...*x509.RevocationList) string {
	var b bytes.Buffer
	for _, c := range crls {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: c.Raw}))
	}
	return f.file(name, b.Bytes())
}

func (f folder) key(name string, key crypto.Signer) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.file(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func (f folder) file(name string, content []byte) string {
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// run gives what a program prints, and whether it succeeded.
func run(t testing.TB, program string, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if failure := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failure) {
		t.Fatal(err)
	}
	return string(out), err == nil
}

func mustRun(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, ok := run(t, program, args...)
	if !ok {
		t.Fatalf("%s %q: %s", program, args, out)
	}
	return out
}

// mustFail wants a program to refuse, and to say why.
func mustFail(t testing.TB, why, program string, args ...string) {
	t.Helper()
	out, ok := run(t, program, args...)
	if ok || !bytes.Contains([]byte(out), []byte(why)) {
		t.Errorf("%s %q: success is %v; a refusal because of %q was expected: %s", program, args, ok, why, out)
	}
}
