package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"reflect"
	"slices"
	"strings"
	"testing"

	"conclave/ca"
	"conclave/internal/foreign"
)

// identified is a request by a key for a name, made by OpenSSL, and the certificate
// that it gets under an authority.
func identified(t *testing.T, a ca.Authority, key, subject, identifier string, leaveOut ...string) (*x509.Certificate, string) {
	t.Helper()
	content := mustRun(t, "openssl", "req", "-new", "-key", key, "-subj", subject, "-addext", "subjectKeyIdentifier="+identifier)
	s := spec(ca.Subordinate)
	s.Subject, s.LeaveOut = name(t, "request"), leaveOut
	request, err := ca.CheckRequest([]byte(content), s)
	if err != nil {
		t.Fatal(err)
	}
	s = request.Complete(s)
	draft, err := a.Prepare(s, request.Public)
	if err != nil {
		t.Fatal(err)
	}
	cert := sign(t, a, draft)
	s.Serial = ca.SerialOf(cert)
	if tbs, err := ca.TBS(s, cert.PublicKey, a.Certificate, a.Publication); err != nil || !bytes.Equal(tbs, cert.RawTBSCertificate) {
		t.Errorf("%s: rebuilt, it is not what was signed, %v", identifier, err)
	}
	return cert, strings.Join(request.Remarks(s), "\n")
}

// TestLikeRequest: a request for practice leaves the same to be decided, and asks for its
// own key's identifier.
func TestLikeRequest(t *testing.T) {
	foreign.Need(t, "openssl")
	content := request(t, planned, "subjectAltName=DNS:a.example.com", "basicConstraints=critical,CA:TRUE,pathlen:0", "subjectKeyIdentifier=hash", "2.25.329800735698586629295641978511506172918=DER:0500")
	original, err := ca.ParseRequest(content)
	if err != nil {
		t.Fatal(err)
	}
	s := spec(ca.Subordinate)
	key := newKey(t)
	der, err := original.Like(s.Subject.DER(), key)
	if err != nil {
		t.Fatal(err)
	}
	like, err := ca.ParseRequest(der)
	if err != nil || !key.Public().(*ecdsa.PublicKey).Equal(like.Public) {
		t.Fatalf("it is by another key, %v", err)
	}
	want, err := original.Undecided(s)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := like.Undecided(s); err != nil || !reflect.DeepEqual(got, want[:2]) {
		t.Errorf("undecided: %v, %v; %v was expected", got, err, want[:2])
	}
	if like.Complete(s).KeyID == nil || bytes.Equal(like.Complete(s).KeyID, original.Complete(s).KeyID) {
		t.Errorf("its key identifier is %x", like.Complete(s).KeyID)
	}
}

// TestRequestedKeyIdentifier follows the identifier that a request asks for if it is
// one of the key, so that OpenSSL goes on from what that CA has issued before.
func TestRequestedKeyIdentifier(t *testing.T) {
	foreign.Need(t, "openssl")
	a := newAuthority(t, ca.Root, newKey(t))
	f := newFolder(t)
	sub := newKey(t)
	key := f.key("sub.key", sub)
	mustRun(t, "openssl", "req", "-x509", "-key", key, "-subj", "/CN=Acme Sub CA", "-out", f.dir+"/old.pem", "-addext", "subjectKeyIdentifier=hash")
	mustRun(t, "openssl", "req", "-new", "-key", f.key("leaf.key", newKey(t)), "-subj", "/CN=leaf", "-out", f.dir+"/leaf.csr")
	extensions := f.file("leaf.cnf", []byte("authorityKeyIdentifier=keyid:always\n"))
	mustRun(t, "openssl", "x509", "-req", "-in", f.dir+"/leaf.csr", "-CA", f.dir+"/old.pem", "-CAkey", key, "-extfile", extensions, "-out", f.dir+"/leaf.pem")
	root := f.certificates("root.pem", a.Certificate)

	own, _ := identified(t, a, key, "/CN=Another", "0102")
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(own.RawSubjectPublicKeyInfo, &info); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(info.Key.Bytes)
	short := slices.Concat([]byte{0x40 | sum[12]&15}, sum[13:])
	for _, tc := range []struct {
		identifier, remark string
		leaveOut           []string
		want               []byte
	}{
		{"hash", "followed: the key identifier", nil, sum[:]},
		{hex.EncodeToString(short), "followed: the key identifier", nil, short},
		{hex.EncodeToString(own.SubjectKeyId), "followed: the key identifier", nil, own.SubjectKeyId},
		{"010203", "passed over: the key identifier", nil, own.SubjectKeyId},
		{hex.EncodeToString(sum[:19]), "passed over: the key identifier", nil, own.SubjectKeyId},
		{"hash", "left out: subjectKeyIdentifier (" + hex.EncodeToString(sum[:]) + ")", []string{"subjectKeyIdentifier"}, own.SubjectKeyId},
		{"hash", "left out: subjectKeyIdentifier", []string{"2.5.29.14"}, own.SubjectKeyId},
	} {
		cert, remarks := identified(t, a, key, "/CN=Acme Sub CA", tc.identifier, tc.leaveOut...)
		if !bytes.Equal(cert.SubjectKeyId, tc.want) || !strings.Contains(remarks, tc.remark) {
			t.Errorf("%s: the certificate has %x; %x was expected; remarks: %s", tc.identifier, cert.SubjectKeyId, tc.want, remarks)
		}
		out, ok := run(t, "openssl", "verify", "-no_check_time", "-CAfile", root, "-untrusted", f.certificates("sub.pem", cert), f.dir+"/leaf.pem")
		if followed := bytes.Equal(tc.want, sum[:]); ok != followed {
			t.Errorf("%s: OpenSSL says of what was issued before: %s", tc.identifier, out)
		}
	}
}
