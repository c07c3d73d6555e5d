package ceremony_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/ca"
	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/report"
	"conclave/dkek/dkektest"
	"conclave/wire"
)

// TestTwoRoots: two roots of one ceremony have one custody, cross-sign each other, and
// come back together.
func TestTwoRoots(t *testing.T) {
	s := newStageOf(t, "two-roots", nil)
	f := s.forge(t)
	shown := s.verified(t)
	wantShown(t, shown, "certificate pq-by-classical: CN=Example Root CA Q1,", "certificate classical-by-pq: CN=Example Root CA C1,",
		"CRL root-classical-crl-1: number 1,", "CRL root-pq-crl-1: number 1,", "restore: every key was proved on the device standby", "steps: 23 of the plan's 23 are done")
	t.Run("crossed", s.crossed)
	t.Run("report", s.reported)
	t.Run("due", s.due)
	t.Run("year later", s.bothListed)
	t.Run("drill", func(t *testing.T) {
		_, shown := s.holdDrill(t, s.evidence(), s.players)
		wantShown(t, shown, "drill: 4 of 4 sheets are good, the backup opens, the devices are as they were")
	})
	for _, c := range ofTwoRoots() {
		t.Run(c.what, func(t *testing.T) { held{f, s.Plan}.contradicts(t, c) })
	}
	t.Run("mutated", held{f, s.Plan}.mutated)
	t.Run("accepted by the page", held{f, s.Plan}.accepted)
}

// certificate reads one that was issued.
func (s *stage) certificate(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	cert, err := ca.ReadCertificate(filepath.Join(s.evidence(), evidence.CertificateFile(name)))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// crossed wants whoever trusts one root to trust what is below the other.
func (s *stage) crossed(t *testing.T) {
	for _, one := range [][4]string{
		{"pq-by-classical", "root-pq", "root-classical", "issuing-pq"}, {"classical-by-pq", "root-classical", "root-pq", "issuing-classical"},
	} {
		cross, root, by, below := s.certificate(t, one[0]), s.certificate(t, one[1]), s.certificate(t, one[2]), s.certificate(t, one[3])
		if !bytes.Equal(cross.RawSubject, root.RawSubject) || !bytes.Equal(cross.RawSubjectPublicKeyInfo, root.RawSubjectPublicKeyInfo) || !bytes.Equal(cross.SubjectKeyId, root.SubjectKeyId) {
			t.Errorf("%s is not for the name and the key of %s", one[0], one[1])
		}
		if err := errors.Join(ca.CheckIssued(cross, by), ca.CheckIssued(below, cross)); err != nil {
			t.Errorf("%s: %v", one[0], err)
		}
	}
}

// reported wants the report to have each root with both of its certificates.
func (s *stage) reported(t *testing.T) {
	page, err := report.HTML(report.Source{Evidence: s.verified(t), Tool: "1.4.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Key root-pq", "certificates/pq-by-classical.pem, CN=Example Root CA Q1,O=Example Ltd,C=CH, by root-classical, serial number"} {
		if !strings.Contains(html.UnescapeString(string(page)), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// due wants each root to have a CRL that is due, which calendars can tell apart.
func (s *stage) due(t *testing.T) {
	dates, err := s.Dir.Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var crls, ids []string
	for _, d := range dates {
		ids = append(ids, d.ID)
		if strings.HasPrefix(d.What, "next CRL of ") {
			crls = append(crls, d.What)
		}
	}
	slices.Sort(ids)
	if len(crls) != 2 || crls[0] == crls[1] || len(slices.Compact(ids)) != len(dates) {
		t.Errorf("due: %v", dates)
	}
}

// bothListed lets both roots sign their next CRLs a year later, after a rehearsal.
func (s *stage) bothListed(t *testing.T) {
	n := *s
	n.Base, n.Room = t.TempDir(), s.players
	n.Dir = ceremony.Folder(filepath.Join(n.Base, "ceremony"))
	from := s.Plan.Start.AddDate(0, 11, 0)
	n.Plan = &plan.Plan{
		Format: plan.Format, Ceremony: "CRLs of 2027", Start: from, Register: "register.sqlite", Devices: s.Plan.Devices[:1], Retention: s.Plan.Retention,
		People: plan.People{Administrator: "Ada", Witnesses: []string{"Wim"}},
	}
	files := []string{"register.sqlite"}
	for _, name := range []string{"root-classical", "root-pq"} {
		files = append(files, "evidence/certificates/"+name+".pem")
		n.Plan.Certificates = append(n.Plan.Certificates, plan.Certificate{Name: name, File: name + ".pem", Device: "primary", Publication: s.Plan.FindCertificate(name).Publication})
		n.Plan.CRLs = append(n.Plan.CRLs, plan.CRL{Name: name + "-crl-2", Issuer: name, CRLSpec: ca.CRLSpec{ThisUpdate: from, NextUpdate: from.AddDate(1, 0, 0)}})
	}
	for _, from := range files {
		content, err := os.ReadFile(filepath.Join(string(s.Dir), from))
		if err == nil {
			err = os.WriteFile(filepath.Join(n.Base, filepath.Base(from)), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if n.Source, err = n.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
	r := n.rehearsal(t)
	if err := (ceremony.Rehearsal{Ceremony: r.Ceremony, Auto: true}).Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	r.verified(t)
	if err := n.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	wantShown(t, n.verified(t), "CRL root-classical-crl-2: number 2,", "CRL root-pq-crl-2: number 2,")
}

// ofTwoRoots are stories in which the roots are mixed up, or the post-quantum one has not
// signed.
func ofTwoRoots() []contradiction {
	const file = "certificates/pq-by-classical.pem"
	forged := func(name string, forge func(*story, []byte) []byte) func(*story) {
		return func(s *story) {
			block, _ := pem.Decode(s.read(evidence.CertificateFile(name)))
			block.Bytes = forge(s, block.Bytes)
			s.certified(name, pem.EncodeToMemory(block))
		}
	}
	return []contradiction{
		{"a bit of a signature of the post-quantum root", forged("root-pq", flipped), "certificates/root-pq.pem: its signature: ", 3},
		{"another post-quantum key", forged("issuing-pq", signedWith(mldsa.MLDSA87())), "certificates/issuing-pq.pem: its signature: ", 2},
		{"another parameter set", forged("classical-by-pq", signedWith(mldsa.MLDSA65())), "certificates/classical-by-pq.pem: its signature: ", 2},
		{"a CRL of which a bit is changed", func(s *story) {
			s.facts("crl-root-pq-crl-1")["crl sha256"] = s.write("crls/root-pq-crl-1.crl", flipped(s, s.read("crls/root-pq-crl-1.crl")))
		}, "crls/root-pq-crl-1.crl: its signature: ", 2},
		{"a cross-signed certificate of the other root", func(s *story) {
			s.certified("pq-by-classical", s.read("certificates/classical-by-pq.pem"))
		}, file + ": key: it is the issuer's; a key of the subject's own was expected", 4},
		{"a root in place of its cross-signed certificate", func(s *story) { s.certified("pq-by-classical", s.read("certificates/root-pq.pem")) },
			file + ": it does not say what the plan says", 4},
	}
}

// certified puts a certificate in place of another one, and says so where it was issued.
func (s *story) certified(name string, content []byte) {
	s.write(evidence.CertificateFile(name), content)
	block, _ := pem.Decode(content)
	s.facts("certificate-" + name)["certificate sha256"] = hashOf(block.Bytes)
}

// flipped is a signed content of which the last bit is another one, which is the
// signature's.
func flipped(_ *story, der []byte) []byte {
	der = bytes.Clone(der)
	der[len(der)-1] ^= 1
	return der
}

// signedWith signs the content of a certificate with another key.
func signedWith(set mldsa.Parameters) func(*story, []byte) []byte {
	return func(s *story, der []byte) []byte {
		s.t.Helper()
		var signed struct {
			Content   asn1.RawValue
			Algorithm pkix.AlgorithmIdentifier
			Signature asn1.BitString
		}
		_, err := asn1.Unmarshal(der, &signed)
		var key *mldsa.PrivateKey
		if err == nil {
			key, err = mldsa.GenerateKey(set)
		}
		if err == nil {
			signed.Signature.Bytes, err = key.Sign(nil, signed.Content.FullBytes, crypto.Hash(0))
			signed.Signature.BitLength = 8 * len(signed.Signature.Bytes)
		}
		if err == nil {
			der, err = asn1.Marshal(signed)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return der
	}
}

// signs wants keys on a device to sign what verifies with the certificates of the first
// ceremony.
func (y *years) signs(t *testing.T, device string, names ...string) {
	t.Helper()
	h := y.openDevice(t, device)
	defer h.Close()
	pin, err := y.players.Secret(t.Context(), ceremony.PINQuestion{})
	if err == nil {
		err = h.Login(wire.UserPIN, pin)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		cert := y.certificate(t, name)
		signer, err := h.FindSigner(cert.RawSubjectPublicKeyInfo)
		if err == nil {
			err = ca.Authority{Certificate: cert, Signer: signer}.Prove()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
