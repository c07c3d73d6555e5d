package ceremony_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
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
	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/sbom"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/device"
	"conclave/dkek/dkektest"
	"conclave/hsm"
	"conclave/internal/pqx509"
	"conclave/internal/secret"
)

// home has embedded devices alone.
type home struct{ device.Home }

func (h home) Connect(d plan.Device) (apdu.Conn, error) { return h.Open(d.Name) }

// stage is a folder with a plan, its request and its devices.
type stage struct {
	ceremony.Ceremony
	players *ceremony.SimulatedRoom
}

// newStage sets up the ceremony of one root with players.
func newStage(t testing.TB, change func(*plan.Plan)) *stage {
	t.Helper()
	return newStageOf(t, "offline-root", change)
}

// newStageOf sets up the ceremony of an example.
func newStageOf(t testing.TB, example string, change func(*plan.Plan)) *stage {
	t.Helper()
	dir := t.TempDir()
	content, err := os.ReadFile("../examples/" + example + "/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Keys { // its own P-384 is several times as slow
		p.Keys[i].Type = strings.Replace(p.Keys[i].Type, "ec:secp384r1", "ec:secp256r1", 1)
	}
	for i := range p.Certificates {
		if p.Certificates[i].Request != "" {
			p.Certificates[i].LeaveOut = []string{"subjectAltName"}
		}
	}
	if change != nil {
		change(p)
	}
	if content, err = p.Bytes(); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	for i := range p.Certificates {
		if c := &p.Certificates[i]; c.Request != "" {
			writeRequest(t, filepath.Join(dir, c.Request), c)
		}
	}
	h := device.NewHome(filepath.Join(dir, "home"))
	h.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	players := &ceremony.SimulatedRoom{}
	return &stage{ceremony.Ceremony{
		Plan: p, Source: content, Path: filepath.Join(dir, "plan.json"), Base: dir, Dir: ceremony.Folder(filepath.Join(dir, "ceremony")), Devices: home{h}, Room: players, Program: testProgram(t),
		Linter: zlint.Linter{}, Now: time.Now,
	}, players}
}

// writeRequest writes one by a new key; that of a CA below a post-quantum root is one, too.
func writeRequest(t testing.TB, path string, c *plan.Certificate) {
	t.Helper()
	var key crypto.Signer
	var err error
	if c.Issuer == "root-pq" {
		key, err = mldsa.GenerateKey(mldsa.MLDSA65())
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, issuingRequest(t, c, key, keyIdentifier(t, key)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issuingRequest asks for a name, as much software does, which the plan leaves out.
func issuingRequest(t testing.TB, c *plan.Certificate, key crypto.Signer, extensions ...pkix.Extension) []byte {
	t.Helper()
	der, err := pqx509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		RawSubject: c.Subject.DER(), DNSNames: []string{"ca.example.com"}, ExtraExtensions: extensions,
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// keyIdentifier is that of a key with SHA-1, which keytool and Windows ask for.
func keyIdentifier(t testing.TB, key crypto.Signer) pkix.Extension {
	t.Helper()
	var encoded []byte
	var err error
	switch public := key.Public().(type) {
	case *mldsa.PublicKey:
		encoded = public.Bytes()
	case *ecdsa.PublicKey:
		encoded, err = public.Bytes()
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(encoded)
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 14}, Value: append([]byte{4, 20}, sum[:]...)}
}

func testProgram(t testing.TB) ceremony.Program { return programOf(t, "the program") }

// programOf is a program with this content.
func programOf(t testing.TB, content string) ceremony.Program {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build info")
	}
	sum := sha256.Sum256([]byte(content))
	document, err := sbom.Of(info, sum[:], time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return ceremony.Program{Version: info.Main.Version, SHA256: sum, SBOM: document}
}

// openDevice opens one of the plan's devices.
func (s *stage) openDevice(t *testing.T, name string) *hsm.HSM {
	t.Helper()
	conn, err := s.Devices.Connect(*s.Plan.FindDevice(name))
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *stage) evidence() string { return filepath.Join(string(s.Dir), "evidence") }

// verified fails the test unless the evidence verifies.
func (s *stage) verified(t testing.TB) *evidence.Report {
	t.Helper()
	report, err := evidence.Verify(os.DirFS(s.evidence()), evidence.Options{})
	if err != nil {
		t.Fatalf("the evidence does not verify: %v", err)
	}
	return report
}

func TestCeremonyAndDrill(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.People.Custodians[4] = "Zoë Müller" })
	photos := filepath.Join(s.evidence(), evidence.PhotosDir)
	if err := os.MkdirAll(photos, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(photos, "bag-1.jpg"), []byte("a photograph"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	report := s.verified(t)
	if sums, err := os.ReadFile(filepath.Join(s.evidence(), evidence.SumsFile)); err != nil || !strings.Contains(string(sums), "photos/bag-1.jpg") {
		t.Errorf("the photograph is not in the evidence: %v", err)
	}
	if len(report.Exceptions) != 1 || !strings.HasPrefix(report.Exceptions[0].Text, "copies of the backup: 0; fewer than two") {
		t.Errorf("exceptions: %v", report.Exceptions)
	}
	if _, err := evidence.Verify(os.DirFS(s.evidence()), evidence.Options{Key: report.Key[:]}); err != nil {
		t.Errorf("with the key on the paper: %v", err)
	}
	other := sha256.Sum256([]byte("another key"))
	if _, err := evidence.Verify(os.DirFS(s.evidence()), evidence.Options{Key: other[:]}); err == nil || !strings.Contains(err.Error(), "ceremony-key.txt: its fingerprint is") {
		t.Errorf("with another key on the paper: %v", err)
	}
	if err := s.Run(dkektest.Practising(t.Context())); !errors.Is(err, ceremony.ErrClosed) {
		t.Errorf("once more: %v; ErrClosed was expected", err)
	}
	if _, err := os.Stat(filepath.Join(string(s.Dir), "ceremony.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ceremony key after the close: %v", err)
	}
	s.keepsKeyIdentifier(t)
	t.Run("drill", s.drill)
	t.Run("next", s.next)
}

// next holds the ceremony of a year later: the same root revokes, cross-signs
// another one and signs CRLs, and the register is continued. It is rehearsed
// first.
func (s *stage) next(t *testing.T) {
	n := s.yearLater(t)
	n.certifyAsRequested(t)
	n.rehearse(t)
	if err := n.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	again := *n
	again.Dir = ceremony.Folder(filepath.Join(n.Base, "again"))
	if err := again.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "register.sqlite was continued in ") {
		t.Errorf("the register was continued twice: %v", err)
	}
	shown := strings.Join(n.verified(t).Shown, "\n")
	for _, want := range []string{"CRL full: number 2, certificates revoked: 1", "CRL delta: number 3, certificates revoked: 1", "certificate cross: ", "certificate sub: CN=Müller Sub CA,O=Acme,C=CH, serial number "} {
		if !strings.Contains(shown, want) {
			t.Errorf("the report does not say %q:\n%s", want, shown)
		}
	}
	n.keepsName(t)
	if out, err := exec.Command("openssl", "crl", "-in", filepath.Join(n.evidence(), "crls/delta.crl"), "-noout", "-text").CombinedOutput(); err != nil || !strings.Contains(string(out), "Delta CRL Indicator: critical") {
		t.Errorf("openssl shows %v\n%s", err, out)
	}
}

// yearLater sets up the ceremony of a year later.
func (s *stage) yearLater(t *testing.T) *stage {
	t.Helper()
	base := t.TempDir()
	for from, to := range map[string]string{"evidence/certificates/root.pem": "root.pem", "register.sqlite": "register.sqlite"} {
		content, err := os.ReadFile(filepath.Join(string(s.Dir), from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(base, to), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.revoke(t, filepath.Join(base, "register.sqlite"))
	n := *s
	n.Plan = s.nextPlan(t)
	if err := n.Plan.Check(); err != nil {
		t.Fatal(err)
	}
	var err error
	if n.Source, err = n.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
	n.Base, n.Dir = base, ceremony.Folder(filepath.Join(base, "ceremony"))
	return &n
}

// revoke revokes the issuing CA in a register.
func (s *stage) revoke(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.evidence(), "certificates/issuing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.ParseCertificate(content)
	if err != nil {
		t.Fatal(err)
	}
	r, err := register.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Revoke(t.Context(), cert.RawIssuer, ca.Revocation{Serial: cert.SerialNumber, Time: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC), Reason: 4})
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) nextPlan(t *testing.T) *plan.Plan {
	t.Helper()
	root := s.Plan.FindCertificate("root")
	from := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	return &plan.Plan{
		Format: plan.Format, Ceremony: "Example Root CA, one year later", Start: from, Register: "register.sqlite",
		People:  plan.People{Administrator: "Ada", Witnesses: []string{"Wim"}},
		Devices: []plan.Device{{Name: "primary", Embedded: true}},
		Certificates: []plan.Certificate{
			{Name: "root", File: "root.pem", Device: "primary", Publication: root.Publication},
			{Name: "cross", Issuer: "root", Spec: ca.Spec{Profile: ca.Cross, Existing: otherRoot(t), NotBefore: from, NotAfter: from.AddDate(5, 0, 0)}},
		},
		CRLs: []plan.CRL{
			{Name: "full", Issuer: "root", CRLSpec: ca.CRLSpec{ThisUpdate: from, NextUpdate: from.AddDate(1, 0, 0)}},
			{Name: "delta", Issuer: "root", CRLSpec: ca.CRLSpec{DeltaOf: 1, ThisUpdate: from, NextUpdate: from.AddDate(0, 1, 0)}},
		},
		Retention: plan.Retention{Years: 10, DrillMonths: 12},
	}
}

// certifyAsRequested adds a CA to the plan whose name only its request says.
func (s *stage) certifyAsRequested(t *testing.T) {
	t.Helper()
	name, err := ca.ParseName("request")
	if err != nil {
		t.Fatal(err)
	}
	request, err := os.ReadFile("../ca/testdata/names/bmp.csr")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Base, "bmp.csr"), request, 0o600); err != nil {
		t.Fatal(err)
	}
	from := s.Plan.Start
	s.Plan.Certificates = append(s.Plan.Certificates, plan.Certificate{Name: "sub", Issuer: "root", Request: "bmp.csr", Spec: ca.Spec{
		Profile: ca.Subordinate, Subject: name, NotBefore: from, NotAfter: from.AddDate(5, 0, 0),
	}})
	if s.Source, err = s.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
}

// keepsName wants the certificate of a request to have its name byte for byte.
func (s *stage) keepsName(t *testing.T) {
	t.Helper()
	cert, err := ca.ReadCertificate(filepath.Join(s.evidence(), "certificates/sub.pem"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(s.Base, "bmp.csr"))
	if err != nil {
		t.Fatal(err)
	}
	if request, err := ca.ParseRequest(content); err != nil || !bytes.Equal(cert.RawSubject, request.Subject) {
		t.Errorf("the certificate's name is %s, %v", ca.DistinguishedName(cert.RawSubject), err)
	}
}

// keepsKeyIdentifier wants the certificate of a request to have the one that it asks
// for.
func (s *stage) keepsKeyIdentifier(t *testing.T) {
	t.Helper()
	cert, err := ca.ReadCertificate(filepath.Join(s.evidence(), "certificates/issuing.pem"))
	if err != nil {
		t.Fatal(err)
	}
	point, err := cert.PublicKey.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha1.Sum(point); !bytes.Equal(cert.SubjectKeyId, sum[:]) {
		t.Errorf("the key identifier is %x; %x was asked for", cert.SubjectKeyId, sum)
	}
}

// otherRoot is a root of someone else.
func otherRoot(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), RawSubject: ca.Name{CommonName: "Other Root", Organization: "Other Ltd"}.DER(), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// rehearsal sets up the rehearsal of a ceremony.
func (s *stage) rehearsal(t *testing.T) *stage {
	t.Helper()
	r := *s
	var err error
	if r.Plan, err = s.Plan.Rehearsal(); err != nil {
		t.Fatal(err)
	}
	if r.Source, err = r.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := device.NewHome(filepath.Join(dir, "home"))
	h.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	r.Base, r.Dir, r.Devices = filepath.Join(dir, "practice"), ceremony.Folder(filepath.Join(dir, "rehearsal")), home{h}
	if err := r.Practise(s.Plan, s.Base); err != nil {
		t.Fatal(err)
	}
	return &r
}

// rehearse holds the rehearsal of a ceremony with a root that there is.
func (s *stage) rehearse(t *testing.T) {
	t.Helper()
	r := s.rehearsal(t)
	if err := (ceremony.Rehearsal{Ceremony: r.Ceremony, Auto: true}).Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	report := r.verified(t)
	if !report.Practice {
		t.Error("the evidence of the rehearsal does not say that it is one")
	}
	wantShown(t, report, "certificate sub: CN=PRACTICE Müller Sub CA,O=PRACTICE Acme,C=CH")
	r.keepsName(t)
}

// drill holds two drills of the ceremony with the same people.
func (s *stage) drill(t *testing.T) {
	d, report := s.holdDrill(t, s.evidence(), &reluctant{SimulatedRoom: s.players, absent: "Cora", opened: plan.Media})
	var exceptions []string
	for _, e := range report.Exceptions {
		exceptions = append(exceptions, e.Text)
	}
	if want := []string{"the sheet of Cora is not here", "the bag of the backup media was not closed, or its number is not PRACTICE-3"}; !slices.Equal(exceptions, want) {
		t.Errorf("exceptions: %v", exceptions)
	}
	wantShown(t, report, "drill: 4 of 5 sheets are good, the backup opens, the devices are as they were", "bags: 6 of 8 were closed, and had their numbers; NOT AS THEY WERE: the backup media; not seen: the sheet of Cora")
	if number := (&plan.Sequel{Bags: readBefore(t, d.evidence()).Chain.State.Bags}).Number("the sheet of Cora"); number != "PRACTICE-7" {
		t.Errorf("the bag that was not opened has the number %s now", number)
	}
	d.leftOut(t)
	again, report := s.holdDrill(t, d.evidence(), s.players)
	wantShown(t, report, "bags: 8 of 8 were closed")
	again.invented(t)
	s.changedBackup(t, again.evidence())
	if list, _ := s.Devices.(home).List(); strings.Join(list, " ") != "primary standby" {
		t.Errorf("devices left: %v", list)
	}
}

// changedBackup is a drill for which the files of the backup were opened in an editor.
func (s *stage) changedBackup(t *testing.T, before string) {
	for _, name := range []string{"dkek.pbe", s.Plan.Keys[0].Name + ".wrap"} {
		path := filepath.Join(string(s.Dir), "backup", name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var text []rune
		for _, b := range content {
			text = append(text, rune(b))
		}
		if err := os.WriteFile(path, []byte(string(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		d := s.drillOf(t, before)
		d.Room = s.players
		if err := d.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), name+" was changed in transfer: it was saved as UTF-8 text. ") {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// holdDrill holds a drill that goes on from evidence; its own must verify.
func (s *stage) holdDrill(t *testing.T, before string, room ceremony.Room) (*stage, *evidence.Report) {
	t.Helper()
	d := s.drillOf(t, before)
	d.Room = room
	if err := d.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	return d, d.verified(t)
}

// drillOf is a drill that goes on from evidence.
func (s *stage) drillOf(t *testing.T, before string) *stage {
	t.Helper()
	b := readBefore(t, before)
	return s.goingOn(t, b, b.Drill(time.Now()))
}

// goingOn is a drill or a change in a folder of its own, with the backup of this stage.
func (s *stage) goingOn(t testing.TB, before *ceremony.Before, p *plan.Plan) *stage {
	t.Helper()
	d := *s
	d.Dir = ceremony.Folder(filepath.Join(t.TempDir(), string(p.Kind())))
	f, err := d.Dir.PrepareSequel(before, p)
	if err == nil {
		d.Before, err = d.Dir.Sequel(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.Plan, d.Source = f.Plan, f.Content
	d.Before.Backup, d.Before.Throwaway = filepath.Join(string(s.Dir), "backup"), s.Devices.(home)
	return &d
}

// invented gives a bag another number in the plan of a drill.
func (s *stage) invented(t *testing.T) {
	t.Helper()
	other := *s.Plan
	drill := *other.Drill
	drill.Bags = slices.Clone(drill.Bags)
	drill.Bags[2].Number = "A000042"
	other.Drill = &drill
	s.refused(t, &other, "plan.json: its plan says that the bags were [{the device primary PRACTICE-9} {the device standby PRACTICE-10} {the backup media A000042}")
}

func wantShown(t *testing.T, report *evidence.Report, texts ...string) {
	t.Helper()
	shown := strings.Join(report.Shown, "\n")
	for _, want := range texts {
		if !strings.Contains(shown, want) {
			t.Errorf("the report does not say %q:\n%s", want, shown)
		}
	}
}

// leftOut changes the plan of a drill so that it looks at less.
func (s *stage) leftOut(t *testing.T) {
	t.Helper()
	less := *s.Plan
	custody := *less.Custody
	custody.EraseStandby = true
	less.Custody = &custody
	drill := *less.Drill
	drill.Bags = slices.DeleteFunc(slices.Clone(drill.Bags), func(b plan.Bag) bool { return b.Thing == plan.TheDevice("standby") })
	less.Drill = &drill
	s.refused(t, &less, "plan.json: its plan does not go on from what was in force: custody: it is not as it was before")
}

// refused puts another plan into the evidence, which is then refused.
func (s *stage) refused(t *testing.T, other *plan.Plan, want string) {
	t.Helper()
	content, err := other.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.evidence())); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, evidence.PlanFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.Verify(os.DirFS(dir), evidence.Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; %q was expected", err, want)
	}
}

// reluctant are players of whom one is absent, and a thing whose bag was opened.
type reluctant struct {
	*ceremony.SimulatedRoom
	absent, opened string
}

func (r *reluctant) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if q.Wants == ceremony.YesNo && (q.About == r.absent || r.opened != "" && strings.Contains(q.Text, "bag of "+r.opened)) {
		return "no", nil
	}
	return r.SimulatedRoom.Answer(ctx, q)
}

// faint are players who give up at each question once: the power fails there.
type faint struct {
	ceremony.Room
	asked  map[string]bool
	step   string
	faints int
}

var errPower = errors.New("the power failed")

func (f *faint) ShowStep(n, of int, s step.Step) {
	f.step = s.ID
	f.Room.ShowStep(n, of, s)
}

func (f *faint) fails(where string) error {
	where = f.step + ": " + where
	if f.asked[where] {
		return nil
	}
	f.asked[where] = true
	f.faints++
	return fmt.Errorf("%s: %w", where, errPower)
}

func (f *faint) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	where := q.Text + q.Label
	if q.Word > 0 { // whichever it is
		where = q.Label + ": a word"
	}
	if again := q.About != "" || q.Label == "Program"; again && f.asked[where] { // in each sitting
		return f.Room.Answer(ctx, q)
	}
	f.asked[where] = true
	if err := f.fails(where); err != nil {
		return "", err
	}
	return f.Room.Answer(ctx, q)
}

func (f *faint) Secret(ctx context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	if err := f.fails(q.What); err != nil {
		return nil, err
	}
	return f.Room.Secret(ctx, q)
}

// Come fails once in each step that custodians come to, after the first of them
// has been there.
func (f *faint) Come(ctx context.Context, turn custody.Turn) error {
	if turn.Number == 2 {
		if err := f.fails("the second custodian"); err != nil {
			return err
		}
	}
	return f.Room.Come(ctx, turn)
}

// Show fails once in each step that makes sheets, when the second one is to be shown.
func (f *faint) Show(ctx context.Context, handout custody.Handout) error {
	if handout.Number == 2 {
		if err := f.fails("the second sheet"); err != nil {
			return err
		}
	}
	return f.Room.Show(ctx, handout)
}

// hold holds a ceremony to its end, through all interruptions, after each of which there
// is something to look at.
func (f *faint) hold(t *testing.T, s *stage, look func()) {
	t.Helper()
	for n := 0; ; n++ {
		err := s.Run(dkektest.Practising(t.Context()))
		if err == nil {
			break
		}
		if !errors.Is(err, errPower) || n > 200 {
			t.Fatalf("interruption %d: %v", n, err)
		}
		look()
	}
	if f.faints < 40 {
		t.Errorf("only %d interruptions", f.faints)
	}
}

// TestInterruptions lets the power fail at every question: the ceremony goes on
// where it was, no step is done twice, and the evidence says what happened.
func TestInterruptions(t *testing.T) {
	for _, example := range []string{"offline-root", "two-roots"} {
		t.Run(example, func(t *testing.T) { interruptions(t, newStageOf(t, example, withPINs)) })
	}
}

func interruptions(t *testing.T, s *stage) {
	f := &faint{Room: s.players, asked: map[string]bool{}}
	s.Room = f
	f.hold(t, s, func() {})
	s.verified(t) // each step is done once, in order
}
