package ceremony_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/dkek/dkektest"
)

// importing sets up a ceremony whose key is in a file, under the password that
// simulated people know.
func importing(t *testing.T, c elliptic.Curve) (s *stage, key *ecdsa.PrivateKey) {
	t.Helper()
	s = newStage(t, func(p *plan.Plan) { p.Keys[0].Type, p.Keys[0].Import = "ec:secp256r1", "old.key" })
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 it is what old files have, and costs little
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("648219"), x509.PEMCipherAES128)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Base, "old.key"), pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, key
}

func TestKeyIsImported(t *testing.T) {
	s, key := importing(t, elliptic.P256())
	ctx, cut := context.WithCancel(dkektest.Practising(t.Context()))
	s.Room = &cutAt{s.players, "Public key root", cut} // the device has the key, and the transcript does not say so
	if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.Room = s.players
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	report := s.verified(t)
	shown := strings.Join(report.Shown, "\n")
	if !strings.Contains(shown, "key root: imported from old.key, public key ") || strings.Contains(shown, "key root: made by") {
		t.Errorf("the evidence says:\n%s", shown)
	}
	cert, err := ca.ReadCertificate(filepath.Join(s.evidence(), evidence.CertificateFile("root")))
	if err != nil || !key.PublicKey.Equal(cert.PublicKey) {
		t.Errorf("the certificate is of another key (%v)", err)
	}

	// No file of the ceremony holds the key file, or the key.
	content, err := os.ReadFile(filepath.Join(s.Base, "old.key"))
	if err != nil {
		t.Fatal(err)
	}
	private, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.Split(content, []byte("\n"))[4]
	err = fs.WalkDir(os.DirFS(string(s.Dir)), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found, err := os.ReadFile(filepath.Join(string(s.Dir), path))
		if bytes.Contains(found, line) || bytes.Contains(found, private) {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// carryingOn is importing with the root that there was, of the key.
func carryingOn(t *testing.T) (s *stage, root *x509.Certificate) {
	t.Helper()
	s, key := importing(t, elliptic.P256())
	old := &s.Plan.Certificates[0]
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Root CA"}, NotBefore: old.NotBefore, NotAfter: old.NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err == nil {
		root, err = x509.ParseCertificate(der)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Base, "root.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	*old = plan.Certificate{Name: "root", File: "root.crt", Device: s.Plan.Custody.Device, Publication: old.Publication}
	s.Plan.CRLs[0].First = true
	if err := s.Plan.Check(); err != nil {
		t.Fatal(err)
	}
	if s.Source, err = s.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
	return s, root
}

// TestRootIsCarriedOn: a root that there was, and whose key is imported, certifies; so
// does the one in its place in a rehearsal, in which the true key is not opened.
func TestRootIsCarriedOn(t *testing.T) {
	s, root := carryingOn(t)
	var err error
	rehearsed := *s
	if rehearsed.Plan, err = s.Plan.Rehearsal(); err == nil {
		rehearsed.Source, err = rehearsed.Plan.Bytes()
	}
	rehearsed.Base, rehearsed.Dir = t.TempDir(), ceremony.Folder(filepath.Join(t.TempDir(), "rehearsal"))
	if err == nil {
		err = os.Rename(filepath.Join(s.Base, "old.key"), filepath.Join(s.Base, "away.key"))
	}
	if err == nil {
		err = rehearsed.Practise(s.Plan, s.Base)
	}
	if err == nil {
		err = rehearsed.Run(dkektest.Practising(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
	rehearsed.verified(t)

	if err := os.Rename(filepath.Join(s.Base, "away.key"), filepath.Join(s.Base, "old.key")); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
	issued, err := ca.ReadCertificate(filepath.Join(s.evidence(), evidence.CertificateFile("issuing")))
	if err != nil {
		t.Fatal(err)
	}
	if err := issued.CheckSignatureFrom(root); err != nil {
		t.Errorf("the root in the file has not issued it: %v", err)
	}
}

// TestKeyFileIsAsPlanned: another key than was planned, or another file than was
// compared with the papers, does not come to the device.
func TestKeyFileIsAsPlanned(t *testing.T) {
	other, _ := importing(t, elliptic.P384())
	if err := other.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "old.key: the key is not of the type ec:secp256r1") {
		t.Errorf("a key of another type: %v", err)
	}
	swapped, _ := carryingOn(t)
	another, _ := importing(t, elliptic.P256())
	if err := os.Rename(filepath.Join(another.Base, "old.key"), filepath.Join(swapped.Base, "old.key")); err != nil {
		t.Fatal(err)
	}
	if err := swapped.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "old.key: it is not the key of root.crt") {
		t.Errorf("the key of another root: %v", err)
	}
	changed, _ := importing(t, elliptic.P256())
	changed.Room = &onStep{changed.Room, "key-root", func() {
		path := filepath.Join(changed.Base, "old.key")
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, append(content, '\n'), 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}}
	if err := changed.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "when it was compared with the papers; put that file back") {
		t.Errorf("another file: %v", err)
	}
}

// ofImports are stories about a key that was imported: the rehearsal's.
func ofImports() []contradiction {
	const id = "key-root"
	return []contradiction{
		{"the plan imports no key", func(s *story) { s.replan(func(p *plan.Plan) { p.Keys[0].Import = "" }) }, `step key-root, fact "key file sha256": it is `, 4},
		{"from another file than was read aloud", func(s *story) { s.facts("open")["key file old.key"] = hashOf(nil) }, `as the fact "key file old.key"`, 0},
		{"without custodians", func(s *story) { delete(s.facts(id), "custodians") }, `step key-root, fact "custodians": `, 2},
		{"by too few custodians", func(s *story) {
			for _, kind := range []transcript.Kind{transcript.Note, transcript.Done} {
				facts := s.last(kind, id).Facts
				facts["custodians"], _, _ = strings.Cut(facts["custodians"], ",")
			}
		}, `step key-root, fact "custodians": 1 custodians; 3 were expected`, 0},
		{"a key that the device has made", func(s *story) {
			s.facts(id)["attestation sha256"] = s.write(evidence.AttestationFile("root"), s.read(evidence.ProofFile("primary")))
		}, "attestations/root.cvc: the device's signature: the signature does not verify", 2},
	}
}

// onStep does something when a step is shown.
type onStep struct {
	ceremony.Room
	id string
	do func()
}

// ShowStep implements ceremony.Room.
func (o *onStep) ShowStep(n, of int, s step.Step) {
	if s.ID == o.id {
		o.do()
	}
	o.Room.ShowStep(n, of, s)
}

// cutAt cuts the power when something is to be read aloud.
type cutAt struct {
	ceremony.Room
	label string
	cut   context.CancelFunc
}

// Answer implements ceremony.Room.
func (c *cutAt) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Label == c.label {
		c.cut()
		return "", ctx.Err()
	}
	return c.Room.Answer(ctx, q)
}
