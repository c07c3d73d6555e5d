package adopt_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ca/adopt"
	"conclave/ca/register"
	"conclave/internal/foreign"
)

// now is when everything is adopted.
var now = began.AddDate(1, 0, 0)

func line(t testing.TB, text string) adopt.Line {
	t.Helper()
	lines, err := adopt.ParseIndex("index.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return lines[0]
}

const (
	validLine   = "V\t360301120000Z\t\t%X\tunknown\t/CN=Sub %x"
	revokedLine = "R\t360301120000Z\t%s\t%X\tunknown\t/CN=Sub %x"
)

// TestMerge merges what says the same, and what does not.
func TestMerge(t *testing.T) {
	i := newIssuer(t, "Root")
	one, two := i.issue(t, 0x1001), i.issue(t, 0x1002)
	other := newIssuer(t, "Root").issue(t, 0x1003)
	may, june, later := began.AddDate(0, 2, 0), began.AddDate(0, 3, 0), began.AddDate(0, 7, 0)
	valid := func(serial int64) adopt.Line { return line(t, fmt.Sprintf(validLine, serial, serial)) }
	revoked := func(serial int64, at time.Time, more string) adopt.Line {
		return line(t, fmt.Sprintf(revokedLine, at.Format("060102150405Z")+more, serial, serial))
	}
	for _, tc := range []struct {
		name        string
		source      adopt.Source
		revocations []ca.Revocation
		findings    []string
	}{
		{"all the same", adopt.Source{Certificates: found(i.cert, one, two), Index: []adopt.Line{valid(0x1001), revoked(0x1002, may, ",superseded")}, CRL: i.crl(t, 5, entry(0x1002, may, 4)), NextSerial: big.NewInt(0x1003), NextCRL: big.NewInt(6)},
			[]ca.Revocation{{Serial: big.NewInt(0x1002), Time: may, Reason: 4}}, nil},
		{"the CRL revokes more", adopt.Source{Certificates: found(one), Index: []adopt.Line{valid(0x1001)}, CRL: i.crl(t, 5, entry(0x1001, may, 1))},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: may, Reason: 1}}, []string{"index.txt, line 1: certificate 1001 is not revoked there, but the CRL has it as revoked since 2026-05-01T12:00:00Z (keyCompromise), which holds"}},
		{"the CRL says when and why", adopt.Source{Certificates: found(one), Index: []adopt.Line{revoked(0x1001, june, "")}, CRL: i.crl(t, 5, entry(0x1001, may, 1))},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: may, Reason: 1}}, []string{"since 2026-06-01T12:00:00Z (unspecified), but in the CRL since 2026-05-01T12:00:00Z (keyCompromise), which holds"}},
		{"a hold has ended", adopt.Source{Certificates: found(one), Index: []adopt.Line{revoked(0x1001, june, ",keyCompromise")}, CRL: i.crl(t, 5, entry(0x1001, may, 6))},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: june, Reason: 1}}, []string{"since 2026-06-01T12:00:00Z (keyCompromise), but in the CRL it is on hold; that ends"}},
		{"a reason that there is not", adopt.Source{Certificates: found(one), CRL: i.crl(t, 5, entry(0x1001, may, 7))},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: may}}, []string{"last.crl: certificate 1001 is revoked with reason 7, which there is not (RFC 5280 section 5.3.1); it is taken as unspecified"}},
		{"a number below zero", adopt.Source{Certificates: found(one), CRL: i.crl(t, -5, entry(0x1001, may, 1))},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: may, Reason: 1}}, []string{"last.crl: it has no number that a CRL can have"}},
		{"the CRL lacks one", adopt.Source{Certificates: found(one), Index: []adopt.Line{revoked(0x1001, may, "")}, CRL: i.crl(t, 5)},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: may}}, []string{"but the CRL of 2026-09-01T12:00:00Z does not list it; the next one will"}},
		{"revoked since the CRL", adopt.Source{Certificates: found(one), Index: []adopt.Line{revoked(0x1001, later, "")}, CRL: i.crl(t, 5)},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: later}}, nil},
		{"in the future", adopt.Source{Certificates: found(one), Index: []adopt.Line{revoked(0x1001, now.AddDate(1, 0, 0), "")}},
			[]ca.Revocation{{Serial: big.NewInt(0x1001), Time: now}}, []string{"certificate 1001 is revoked from 2028-03-01T12:00:00Z on, which is in the future; it is taken as revoked now"}},
		{"taken off", adopt.Source{Certificates: found(one), Index: []adopt.Line{revoked(0x1001, may, ",removeFromCRL")}},
			nil, []string{"was taken off the CRL (removeFromCRL); it is not revoked"}},
		{"another name and end", adopt.Source{Certificates: found(one), Index: []adopt.Line{line(t, "V\t350301120000Z\t\t1001\tunknown\t/CN=Else")}},
			nil, []string{"certificate 1001 ends on 2035-03-01T12:00:00Z, but the one in 1.pem on 2036-03-01T12:00:00Z, which holds", "certificate 1001 is for CN=Else, but the one in 1.pem for CN=Sub 1001, which holds"}},
		{"another's", adopt.Source{Certificates: found(other, newIssuer(t, "Other").cert)},
			nil, []string{"1.pem: it names CN=Root as its issuer, but is not signed with the key of that certificate; left", "2.pem: it is from CN=Other; left"}},
		{"numbers between", adopt.Source{Certificates: found(one), Index: []adopt.Line{valid(0x1001)}, NextSerial: big.NewInt(0x1010)},
			nil, []string{"serial numbers 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 100a, 100b and 4 more lie before the next one, 1010, and nothing is known of what bears them"}},
		{"numbers at random", adopt.Source{Certificates: found(one), NextSerial: new(big.Int).Lsh(big.NewInt(1), 120)}, nil, nil},
		{"a later CRL", adopt.Source{CRL: i.crl(t, 5), NextCRL: big.NewInt(8)},
			nil, []string{"8 was to be the number of the next CRL, but the one in last.crl has 5: is there a later one, which revokes more?"}},
		{"an earlier number", adopt.Source{CRL: i.crl(t, 5), NextCRL: big.NewInt(5)},
			nil, []string{"5 was to be the number of the next CRL, but the one in last.crl has 5 already; the next one follows that"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.source.Issuer = i.cert
			adoption, findings, err := tc.source.Merge(now)
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) != len(tc.findings) {
				t.Fatalf("findings %q; %q were expected", findings, tc.findings)
			}
			for n, want := range tc.findings {
				if !strings.Contains(findings[n], want) {
					t.Errorf("%q; %q was expected", findings[n], want)
				}
			}
			if fmt.Sprint(adoption.Revocations) != fmt.Sprint(tc.revocations) {
				t.Errorf("revocations %v; %v were expected", adoption.Revocations, tc.revocations)
			}
			if adoption.Issuer.CRLsUnknown != (tc.source.CRL == nil) {
				t.Errorf("CRLs are unknown: %v", adoption.Issuer.CRLsUnknown)
			}
		})
	}
}

// TestNumbersGoOn takes the higher of the last CRL's number and the one before the next.
func TestNumbersGoOn(t *testing.T) {
	i := newIssuer(t, "Root")
	for _, tc := range []struct {
		crl  *adopt.CRL
		next *big.Int
		want int64
	}{{i.crl(t, 5), nil, 5}, {i.crl(t, 5), big.NewInt(6), 5}, {i.crl(t, 5), big.NewInt(9), 8}, {i.crl(t, 5), big.NewInt(2), 5}, {i.crl(t, 5), new(big.Int), 5}} {
		r := newRegister(t)
		adoption, _, err := adopt.Source{Issuer: i.cert, CRL: tc.crl, NextCRL: tc.next}.Merge(now)
		if err == nil {
			_, err = r.Adopt(t.Context(), adoption)
		}
		if err != nil {
			t.Fatal(err)
		}
		if last, err := r.LastCRL(t.Context(), i.cert.RawSubject); err != nil || last.Int64() != tc.want {
			t.Errorf("next %v: the last number is %v, %v; %d was expected", tc.next, last, err, tc.want)
		}
	}
}

func newRegister(t testing.TB) *register.Register {
	t.Helper()
	r, err := register.Create(filepath.Join(t.TempDir(), "register"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestMergeRefuses refuses what no side of can be taken.
func TestMergeRefuses(t *testing.T) {
	i, other := newIssuer(t, "Root"), newIssuer(t, "Root")
	valid := line(t, fmt.Sprintf(validLine, 0x1001, 0x1001))
	for want, source := range map[string]adopt.Source{
		"certificate 1001 is in 1.pem, and another one with the same number in 2.pem":                                                                                                  {Certificates: found(i.issue(t, 0x1001), i.issue(t, 0x1001))},
		"index.txt, line 1 and line 1 have the same serial number, 1001":                                                                                                               {Index: []adopt.Line{valid, valid}},
		"last.crl: it is not signed with the key of CN=Root; is it of an earlier key?":                                                                                                 {CRL: other.crl(t, 1)},
		"9223372036854775808 (0x8000000000000000) was to be the number of the next CRL, which is far from the last one that is known (5); is it the file with the next serial number?": {CRL: i.crl(t, 5), NextCRL: new(big.Int).Lsh(big.NewInt(1), 63)},
		"last.crl: it is from CN=Else; the last CRL of CN=Root was expected":                                                                                                           {CRL: newIssuer(t, "Else").crl(t, 1)},
	} {
		source.Issuer = i.cert
		if _, _, err := source.Merge(now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
}

// TestMergeRefusesLeaf refuses the certificate of someone else than a CA.
func TestMergeRefusesLeaf(t *testing.T) {
	i := newIssuer(t, "Root")
	leaf := i.sign(t, &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Leaf"}, NotBefore: began, NotAfter: ended, BasicConstraintsValid: true})
	if _, _, err := (adopt.Source{Issuer: leaf}).Merge(now); err == nil || err.Error() != "the certificate of CN=Leaf is not a CA's; that of the CA which is adopted was expected" {
		t.Errorf("%v; a refusal was expected", err)
	}
}

// TestReadCRLRefuses refuses what is not the last full CRL of one issuer.
func TestReadCRLRefuses(t *testing.T) {
	i := newIssuer(t, "Root")
	whole := i.crl(t, 1, entry(2, began, 0)).DER
	delta, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(3), ThisUpdate: began, NextUpdate: ended,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 2}}}}, i.cert, i.key)
	if err != nil {
		t.Fatal(err)
	}
	for want, content := range map[string][]byte{
		"it is a delta CRL": delta,
		"CERTIFICATE was found in PEM; X509 CRL was expected": armour("CERTIFICATE", i.cert.Raw),
		"1 bytes follow it":        append(slices.Clone(whole), 0),
		"a CRL was expected: x509": i.cert.Raw,
	} {
		if _, err := adopt.ReadCRL(write(t, "crl", content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; %q was expected", err, want)
		}
	}
}

// TestReadCertificates reads a folder as people have it.
func TestReadCertificates(t *testing.T) {
	i, dir := newIssuer(t, "Root"), t.TempDir()
	one, two := i.issue(t, 2), i.issue(t, 3)
	for name, content := range map[string][]byte{
		"a-der.crt":    one.Raw,
		"b-bundle.pem": slices.Concat([]byte("Certificate:\r\n    Data:\n"), armour("CERTIFICATE", one.Raw), []byte("text\n"), armour("X509 CERTIFICATE", two.Raw), armour("X509 CRL", i.crl(t, 1).DER)),
		"c-empty":      nil,
		"d-cut.pem":    armour("CERTIFICATE", one.Raw)[:200],
		"e.key":        armour("EC PRIVATE KEY", []byte{1}),
		"f-long.pem":   armour("CERTIFICATE", make([]byte, ca.MaxFile+1)),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("h%d.csr", n)), armour("CERTIFICATE REQUEST", []byte{1}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "g-folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	certs, findings, err := adopt.ReadCertificates(dir)
	if err != nil || len(certs) != 3 || !certs[0].Parsed.Equal(one) || !certs[2].Parsed.Equal(two) {
		t.Errorf("%d certificates, %v; three were expected", len(certs), err)
	}
	want := []string{"b-bundle.pem: there is a X509 CRL; left", "c-empty: it is not a certificate", "d-cut.pem: it looks like PEM, but has no whole block", "e.key: there is a private key; should it be there?; left", "131073 bytes; 131072 at most were expected", "is a directory; a file was expected; left", "h0.csr, " + filepath.Join(dir, "h1.csr") + ", " + filepath.Join(dir, "h2.csr") + " and 2 more: there is a CERTIFICATE REQUEST; left"}
	if len(findings) != len(want) {
		t.Fatalf("%q; %q were expected", findings, want)
	}
	for n := range want {
		if !strings.Contains(findings[n], want[n]) {
			t.Errorf("%q; %q was expected", findings[n], want[n])
		}
	}
	if _, _, err := adopt.ReadCertificates(filepath.Join(dir, "missing")); err == nil {
		t.Error("a folder that does not exist is read")
	}
}

// TestFormsOfOneCertificate reads a certificate in several forms as the same one, that in
// the file of a Windows or Java program that has its issuer beside it too.
func TestFormsOfOneCertificate(t *testing.T) {
	foreign.Need(t, "openssl")
	i, dir := newIssuer(t, "Root"), t.TempDir()
	one := i.issue(t, 2)
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bundle := write("chain.pem", slices.Concat(armour("CERTIFICATE", i.cert.Raw), armour("CERTIFICATE", one.Raw)))
	write("one.cer", one.Raw)
	write("one.b64", []byte(base64.StdEncoding.EncodeToString(armour("CERTIFICATE", one.Raw))))
	for name, form := range map[string]string{"chain.p7b": "PEM", "chain.p7c": "DER"} {
		if out, err := exec.Command("openssl", "crl2pkcs7", "-nocrl", "-certfile", bundle, "-outform", form, "-out", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	certs, findings, err := adopt.ReadCertificates(dir)
	if err != nil || len(certs) != 8 || len(findings) > 0 {
		t.Fatalf("%d certificates, %q, %v; eight were expected", len(certs), findings, err)
	}
	adoption, findings, err := adopt.Source{Issuer: i.cert, Certificates: certs}.Merge(now)
	if err != nil || len(adoption.Certificates) != 3 || len(findings) > 0 { // the issuer's own comes first, and as one that it has issued
		t.Errorf("%d certificates, %q, %v; the issuer's own and one were expected", len(adoption.Certificates), findings, err)
	}
}

// BenchmarkAdopt adopts 10,000 certificates, half of which are revoked: it reads a folder
// and an index.txt, verifies all signatures, and writes the register.
func BenchmarkAdopt(b *testing.B) {
	const count = 10_000
	i, dir := newIssuer(b, "Root"), b.TempDir()
	var index strings.Builder
	for serial := range int64(count) {
		serial += 0x1000
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%X.pem", serial)), armour("CERTIFICATE", i.issue(b, serial).Raw), 0o600); err != nil {
			b.Fatal(err)
		}
		if serial%2 == 0 {
			fmt.Fprintf(&index, validLine+"\n", serial, serial)
		} else {
			fmt.Fprintf(&index, revokedLine+"\n", "260501120000Z,superseded", serial, serial)
		}
	}
	indexFile := write(b, "index.txt", []byte(index.String()))
	for b.Loop() {
		source := adopt.Source{Issuer: i.cert, NextSerial: big.NewInt(0x1000 + count)}
		var err error
		if source.Index, err = adopt.ReadIndex(indexFile); err != nil {
			b.Fatal(err)
		}
		if source.Certificates, _, err = adopt.ReadCertificates(dir); err != nil {
			b.Fatal(err)
		}
		adoption, findings, err := source.Merge(now)
		if err != nil || len(findings) > 0 {
			b.Fatal(findings, err)
		}
		done, err := newRegister(b).Adopt(context.Background(), adoption)
		if err != nil || done.Certificates != count+1 || done.Revocations != count/2 {
			b.Fatal(done, err)
		}
	}
}
