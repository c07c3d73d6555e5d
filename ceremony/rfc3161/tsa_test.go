package rfc3161

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"conclave/internal/foreign"

	"github.com/digitorus/timestamp"
)

// config makes OpenSSL an authority: `openssl ca` for the certificates,
// `openssl ts` for the stamps. The working directory is the authority's.
const config = `
[req]
distinguished_name = name
[name]
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
serial = certificates.serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[good]
extendedKeyUsage = critical,timeStamping
[eku-not-critical]
extendedKeyUsage = timeStamping
[eku-two]
extendedKeyUsage = critical,timeStamping,codeSigning
[eku-none]
keyUsage = critical,digitalSignature
[tsa]
default_tsa = stamps
[stamps]
serial = serial
certs = sub.pem
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
ess_cert_id_chain = no
`

// authority is a folder with a root, root.pem, a CA below it, sub.pem, and the
// certificates of time-stamping that it issued.
type authority struct {
	dir string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	foreign.Need(t, "openssl")
	a := authority{t.TempDir()}
	a.write(t, "openssl.cnf", []byte(config))
	a.write(t, "index.txt", nil)
	a.write(t, "serial", []byte("0A01"))
	a.write(t, "certificates.serial", []byte("1001"))
	a.issue(t, "root", "", "root", "20000101", "20991231")
	a.issue(t, "other", "", "root", "20000101", "20991231")
	a.issue(t, "sub", "root", "root", "20000101", "20991231")
	return a
}

func (a authority) write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a authority) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(a.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// try runs openssl, and says how it went.
func (a authority) try(args ...string) error {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("openssl %v: %w\n%s", args, err, out)
	}
	return nil
}

func (a authority) run(t *testing.T, args ...string) {
	t.Helper()
	if err := a.try(args...); err != nil {
		t.Fatal(err)
	}
}

// issue makes name.key and name.pem, signed by issuer, or by itself; from and
// until are days, YYYYMMDD.
func (a authority) issue(t *testing.T, name, issuer, extensions, from, until string) {
	t.Helper()
	a.run(t, "req", "-new", "-config", "openssl.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-subj", "/CN="+name, "-keyout", name+".key", "-out", name+".csr")
	a.certify(t, name, name, issuer, extensions, from, until)
}

// certify makes name.pem for the key of a request.
func (a authority) certify(t *testing.T, name, request, issuer, extensions, from, until string) {
	t.Helper()
	signer := []string{"-selfsign", "-keyfile", request + ".key"}
	if issuer != "" {
		signer = []string{"-cert", issuer + ".pem", "-keyfile", issuer + ".key"}
	}
	a.run(t, append([]string{"ca", "-batch", "-notext", "-config", "openssl.cnf", "-extensions", extensions,
		"-startdate", from + "000000Z", "-enddate", until + "000000Z", "-in", request + ".csr", "-out", name + ".pem"}, signer...)...)
}

// stamp lets OpenSSL answer our request, with a certificate that was issued.
func (a authority) stamp(t *testing.T, signer string, content []byte, options ...string) []byte {
	t.Helper()
	request, err := Request(content)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, "request.tsq", request)
	a.run(t, append([]string{"ts", "-reply", "-config", "openssl.cnf", "-section", "stamps", "-queryfile", "request.tsq",
		"-signer", signer + ".pem", "-inkey", signer + ".key", "-out", "answer.tsr"}, options...)...)
	return a.read(t, "answer.tsr")
}

// forge stamps as OpenSSL would not: at any time, with any certificate.
func (a authority) forge(t *testing.T, signer string, content []byte, at time.Time) []byte {
	t.Helper()
	block, _ := pem.Decode(a.read(t, signer+".key"))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(content)
	stamp := timestamp.Timestamp{
		HashAlgorithm:     crypto.SHA256,
		HashedMessage:     digest[:],
		Time:              at,
		Policy:            asn1.ObjectIdentifier{1, 2, 3, 4, 1},
		AddTSACertificate: true,
		Certificates:      []*x509.Certificate{a.certificate(t, "sub")},
	}
	answer, err := stamp.CreateResponseWithOpts(a.certificate(t, signer), key.(*ecdsa.PrivateKey), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (a authority) certificate(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(a.read(t, name+".pem"))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a authority) roots(t *testing.T, name string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate(t, name))
	return pool
}

// judge is what OpenSSL says of a TimeStampResp.
func (a authority) judge(t *testing.T, answer, content []byte, root string, at time.Time) error {
	t.Helper()
	a.write(t, "judged.tsr", answer)
	a.write(t, "content", content)
	return a.try("ts", "-verify", "-in", "judged.tsr", "-data", "content", "-CAfile", root+".pem", "-attime", fmt.Sprint(at.Unix()))
}
