package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"conclave/ca"
	"conclave/ca/lint"
	"conclave/ca/register"
	"conclave/hsm"
	"conclave/internal/tty"
)

type caCommands struct {
	Root    caRoot    `cmd:"" help:"Make a root: a key of the device signs its own certificate."`
	Issue   caIssue   `cmd:"" help:"Issue a certificate for a request (PKCS #10)."`
	Cross   caCross   `cmd:"" help:"Cross-sign another root: a certificate of ours for its name and key."`
	Renew   caRenew   `cmd:"" help:"Make a root, or a CA below it, new: the same name and key, another validity and hash."`
	Revoke  caRevoke  `cmd:"" help:"Note that a certificate is revoked; the next CRL says so."`
	CRL     caCRL     `cmd:"" name:"crl" help:"Sign a CRL, or a delta CRL."`
	Request caRequest `cmd:"" help:"Make a request (PKCS #10) for a key of the device."`
	List    caList    `cmd:"" help:"List what the register has."`
	Export  caExport  `cmd:"" help:"Write the register as JSON."`
	Adopt   caAdopt   `cmd:"" help:"Take a CA that was kept elsewhere into the register: what it has issued and revoked, and its last CRL."`
	Import  caImport  `cmd:"" help:"Take a certificate that was made elsewhere into the register."`
	Settle  caSettle  `cmd:"" help:"Say what became of something that was about to be signed when the power failed."`
}

// registerFlag is the option of the commands that work with a register.
type registerFlag struct {
	Register string `default:"register.sqlite" placeholder:"FILE" help:"The register of what was signed. Default: register.sqlite."`
}

// open opens the register; with make, it makes one where there isn't one.
func (f registerFlag) open(make bool) (*register.Register, error) {
	r, err := register.Open(f.Register)
	if errors.Is(err, fs.ErrNotExist) {
		if make {
			return register.Create(f.Register)
		}
		return nil, missing{fmt.Errorf("there is no register %s; name it with --register, or begin one with: conclave ca import ROOT", f.Register)}
	}
	return r, err
}

// with runs fn with the register, and closes it, so that it is one file. One that a
// ceremony has continued is not used any more: its numbers would be used twice.
func (f registerFlag) with(make bool, fn func(*register.Register) error) error {
	if err := register.CheckContinued(f.Register, ""); err != nil {
		return err
	}
	return f.look(make, fn)
}

// look runs fn with a register that may be an old one.
func (f registerFlag) look(make bool, fn func(*register.Register) error) (err error) {
	r, err := f.open(make)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return fn(r)
}

// publicationFlags say where what an issuer publishes is.
type publicationFlags struct {
	CRLURL  []string `name:"crl-url" sep:"none" placeholder:"URL" help:"Where the issuer's CRL is published: http, or ldap. Several places: the option several times."`
	CertURL []string `name:"cert-url" sep:"none" placeholder:"URL" help:"Where the issuer's certificate is published; as --crl-url."`
	OCSPURL []string `name:"ocsp-url" sep:"none" placeholder:"URL" help:"Where the issuer's OCSP responder answers: http. Several: the option several times."`
}

func (f publicationFlags) publication() ca.Publication {
	return ca.Publication{CRL: f.CRLURL, Certificate: f.CertURL, OCSP: f.OCSPURL}
}

// validityFlags say from when to when a certificate is valid.
type validityFlags struct {
	From  day `placeholder:"DATE" help:"First day of validity, such as 2027-01-15 (from 00:00 UTC), or a time in RFC 3339. Default: today, or the issuer's first day if that is later."`
	Until day `required:"" placeholder:"DATE" help:"Its last day (to 23:59:59 UTC), or a time in RFC 3339."`
}

// validity gives the bounds, whole days where days were named.
func (f validityFlags) validity() (from, until time.Time) {
	from, until = f.From.Time, f.Until.Time
	if from.IsZero() {
		from = time.Now().UTC().Truncate(24 * time.Hour)
	}
	if f.Until.whole {
		until = until.AddDate(0, 0, 1).Add(-time.Second)
	}
	return from, until
}

// under gives the beginning of a validity under an issuer, which may have begun
// later today.
func (f validityFlags) under(issuer *x509.Certificate, from time.Time) time.Time {
	if f.From.IsZero() && issuer.NotBefore.After(from) {
		return issuer.NotBefore
	}
	return from
}

// day is a date, or a time, on the command line.
type day struct {
	time.Time
	whole bool
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *day) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err == nil {
		d.whole = true
		return nil
	}
	if d.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		return fmt.Errorf("%q is not a date; one such as 2027-01-15, or 2027-01-15T09:00:00Z, was expected", text)
	}
	return nil
}

// distinguishedName is a subject on the command line.
type distinguishedName struct{ ca.Name }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *distinguishedName) UnmarshalText(text []byte) (err error) {
	n.Name, err = ca.ParseName(string(text))
	return err
}

// certificateFlags say what a certificate is to be.
type certificateFlags struct {
	validityFlags
	Subject distinguishedName `required:"" placeholder:"NAME" help:"CN=…,O=…,C=…: common name, organisation, country; also ST, L, OU, DC and any other of RFC 4514, what is encoded last first. request: as it is in the request."`
	PathLen *int              `placeholder:"N" help:"CAs that may follow this one in a chain."`
	Policy  []string          `placeholder:"OID" help:"Certificate policies."`
	constraintFlags
	Usage  []string  `name:"usage" placeholder:"NAME" help:"Extended key usages: serverAuth, clientAuth, emailProtection, codeSigning, timeStamping, documentSigning, smartcardLogon, encryptingFileSystem, pkinitClient, pkinitKDC, ipsecIKE, or an object identifier. Absent: the profile's."`
	Serial ca.Serial `placeholder:"HEX" help:"Serial number. Absent: drawn at random."`
}

func (f certificateFlags) spec(profile string) ca.Spec {
	from, until := f.validity()
	spec := ca.Spec{
		Profile: ca.Profile(profile), Subject: f.Subject.Name, NotBefore: from, NotAfter: until, PathLen: f.PathLen,
		Policies: f.Policy, ExtKeyUsage: f.Usage, Serial: f.Serial,
	}
	spec.Constraints = f.constraints()
	return spec
}

// constraintFlags say what names a CA may issue for.
type constraintFlags struct {
	PermitDNS    []string `name:"permit-dns" placeholder:"NAME" help:"DNS names that it may issue for, and all below them. IP addresses stay open: see --exclude-ip."`
	ExcludeDNS   []string `name:"exclude-dns" placeholder:"NAME" help:"DNS names that it may not issue for."`
	PermitIP     []string `name:"permit-ip" placeholder:"CIDR" help:"IP addresses that it may issue for."`
	ExcludeIP    []string `name:"exclude-ip" placeholder:"CIDR" help:"IP addresses that it may not issue for; all are 0.0.0.0/0,::/0."`
	PermitEmail  []string `name:"permit-email" placeholder:"NAME" help:"Mailboxes, hosts or (after a dot) domains that it may issue for."`
	ExcludeEmail []string `name:"exclude-email" placeholder:"NAME" help:"Those that it may not issue for."`
}

// constraints are nil where there are none.
func (f constraintFlags) constraints() *ca.Constraints {
	if len(f.PermitDNS)+len(f.ExcludeDNS)+len(f.PermitIP)+len(f.ExcludeIP)+len(f.PermitEmail)+len(f.ExcludeEmail) == 0 {
		return nil
	}
	return &ca.Constraints{
		PermittedDNS: f.PermitDNS, ExcludedDNS: f.ExcludeDNS, PermittedIP: f.PermitIP, ExcludedIP: f.ExcludeIP,
		PermittedEmail: f.PermitEmail, ExcludedEmail: f.ExcludeEmail,
	}
}

// issuerFlags name the authority.
type issuerFlags struct {
	userLogin
	registerFlag
	Issuer string            `required:"" placeholder:"FILE" type:"input" help:"Certificate of the issuer, whose key is in the device."`
	issuer *x509.Certificate // once it is read, which standard input can be only once
}

// readExisting reads a certificate that exists, and tells what is wrong with it.
func (c *console) readExisting(path string) (*x509.Certificate, error) {
	cert, err := ca.ReadCertificate(path)
	if err != nil {
		return nil, err
	}
	for _, finding := range ca.Findings(cert) {
		c.warn("%s: %s", inputName(path), finding)
	}
	return cert, nil
}

// read reads the certificate of the issuer.
func (f *issuerFlags) read() (err error) {
	if f.issuer == nil {
		f.issuer, err = ca.ReadCertificate(f.Issuer)
	}
	return err
}

// withAuthority runs fn with the authority of the issuer's certificate.
func (c *console) withAuthority(f issuerFlags, fn func(ca.Authority) error) error {
	if err := f.read(); err != nil {
		return err
	}
	return f.with(false, func(r *register.Register) error {
		return c.withLogin(f.PIN, func(h *hsm.HSM) error {
			signer, err := signerOf(h, f.issuer)
			if err != nil {
				return err
			}
			return fn(ca.Authority{Certificate: f.issuer, Signer: signer, Ledger: r, Linter: lint.Program{}, Rand: h})
		})
	})
}

// signerOf finds the key of a certificate in a device that is logged in to.
func signerOf(h *hsm.HSM, cert *x509.Certificate) (*hsm.Signer, error) {
	signer, err := h.FindSigner(cert.RawSubjectPublicKeyInfo)
	var uncompared *hsm.UncomparedError
	switch {
	case errors.As(err, &uncompared):
		return nil, fmt.Errorf("the key of %s: %w; conclave key certificate %d FILE lets a key show it", ca.DistinguishedName(cert.RawSubject), err, uncompared.Refs[0])
	case errors.Is(err, hsm.ErrNotFound):
		return nil, missing{fmt.Errorf("the device does not hold the key of %s", ca.DistinguishedName(cert.RawSubject))}
	}
	return signer, err
}

// issueUnder lets the issuer of a certificate issue what prepare makes ready.
func (c *console) issueUnder(f issuerFlags, path string, prepare func(ca.Authority) (*ca.Draft, error)) error {
	out, err := c.reserveSigned(path, isDER(path))
	if err != nil {
		return err
	}
	defer out.release()
	return c.withAuthority(f, func(a ca.Authority) error {
		draft, err := prepare(a)
		if err != nil {
			return err
		}
		return c.issue(a, draft, out)
	})
}

// reserveSigned takes the place of what is to be signed. Whether an earlier run that
// was cut off has signed, the register knows.
func (c *console) reserveSigned(path string, binary bool) (output, error) {
	out, err := c.reserveOutput(path, certificateRoom, binary)
	if err == nil && out.place != nil && out.place.Left != nil {
		c.warn("it may have signed before; see: conclave ca list, conclave ca settle")
	}
	return out, err
}

// isDER says whether a certificate goes to the file as DER.
func isDER(path string) bool { return filepath.Ext(path) == ".cer" }

// certificateAnswer is a certificate that was signed, or taken into the register.
type certificateAnswer struct {
	output
	Serial    string    `json:"serial"` // hex
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	SHA256    string    `json:"sha256"` // of the DER
}

func newCertificateAnswer(out output, cert *x509.Certificate) certificateAnswer {
	sum := sha256.Sum256(cert.Raw)
	return certificateAnswer{
		out, cert.SerialNumber.Text(16), ca.DistinguishedName(cert.RawSubject), ca.DistinguishedName(cert.RawIssuer),
		cert.NotBefore.UTC(), cert.NotAfter.UTC(), hex.EncodeToString(sum[:]),
	}
}

// issue shows and signs a certificate, and writes it.
func (c *console) issue(a ca.Authority, draft *ca.Draft, out output) error {
	c.note("%s", tty.Lines(strings.TrimRight(draft.Text(), "\n")))
	cert, err := a.Sign(c.ctx, draft)
	if err != nil {
		return err
	}
	content := cert.Raw
	if !isDER(out.File) {
		content = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	}
	if err := c.write(&out, content); err != nil {
		return fmt.Errorf("%w; the certificate is signed, and in the register: conclave ca list", err)
	}
	return c.answerWritten(out, newCertificateAnswer(out, cert), "Certificate written to %s, serial number %x\n", out.File, cert.SerialNumber)
}
