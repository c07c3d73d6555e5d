package ceremony_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"html"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/ceremony/evidence"
	"conclave/ceremony/report"
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
	t.Run("drill", func(t *testing.T) {
		_, shown := s.holdDrill(t, s.evidence(), s.players)
		wantShown(t, shown, "drill: 4 of 4 sheets are good, the backup opens, the devices are as they were")
	})
	for _, c := range ofTwoRoots() {
		t.Run(c.what, func(t *testing.T) { held{f, s.Plan}.contradicts(t, c) })
	}
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

// ofTwoRoots are stories in which the roots are mixed up.
func ofTwoRoots() []contradiction {
	const file = "certificates/pq-by-classical.pem"
	return []contradiction{
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
