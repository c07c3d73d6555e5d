package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"conclave/apdu"
	"conclave/ca/lint/zlint"
	"conclave/card"
	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/device"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
	"conclave/quorum/paper"
	"conclave/web"
)

// home has embedded devices alone.
type home struct{ device.Home }

func (h home) Connect(d plan.Device) (apdu.Conn, error) { return h.Open(d.Name) }

// newCeremony sets up the example's ceremony, or its rehearsal, with simulated people. PINs
// are kept on sheets too, and by custodians.
func newCeremony(t *testing.T, practice bool) ceremony.Ceremony {
	t.Helper()
	p, err := plan.ReadFile("../examples/offline-root/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p.Plan.Custody.Printer, p.Plan.FindDevice("primary").UserPIN, p.Plan.FindDevice("primary").SOPIN = "office", &plan.PIN{Kept: plan.OnSheet}, &plan.PIN{Kept: plan.ByQuorum}
	if p.Content, err = p.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeRequest(t, filepath.Join(dir, "issuing.csr"), p.Plan)
	built, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build info")
	}
	program, err := ceremony.ThisProgram(built.Main.Version)
	if err != nil {
		t.Fatal(err)
	}
	h := device.NewHome(filepath.Join(dir, "home"))
	h.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	c := ceremony.Ceremony{
		Plan: p.Plan, Source: p.Content, Base: dir, Dir: ceremony.Folder(filepath.Join(dir, "ceremony")), Devices: home{h}, Room: &ceremony.SimulatedRoom{},
		Program: program, Linter: zlint.Linter{}, Now: time.Now,
	}
	if practice {
		rehearse(t, &c)
	}
	return c
}

// rehearse makes a ceremony its rehearsal.
func rehearse(t *testing.T, c *ceremony.Ceremony) {
	t.Helper()
	original, base := c.Plan, c.Base
	var err error
	if c.Plan, err = original.Rehearsal(); err != nil {
		t.Fatal(err)
	}
	if c.Source, err = c.Plan.Bytes(); err != nil {
		t.Fatal(err)
	}
	c.Base = filepath.Join(base, "practice")
	if err := c.Practise(original, base); err != nil {
		t.Fatal(err)
	}
}

// writeRequest writes one by a new key.
func writeRequest(t *testing.T, path string, p *plan.Plan) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{RawSubject: p.FindCertificate("issuing").Subject.DER()}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hold holds a ceremony that is shown on a wall to its end.
func hold(t *testing.T, c ceremony.Ceremony, w *web.Wall) {
	t.Helper()
	c.Room, c.Written = w.Room(c.Room), w.Written
	run := c.Run
	if c.Plan.Practice {
		run = ceremony.Rehearsal{Ceremony: c, Auto: true, Faults: ceremony.Faults()}.Run
	}
	err := run(dkektest.Practising(t.Context()))
	w.Close(err)
	if err != nil {
		t.Fatal(err)
	}
}

// moment is what happens in the room while people look at the wall.
type moment struct {
	step     step.Step
	question *ceremony.Question    // to whom it is put
	pin      *ceremony.PINQuestion // who types one
	visitor  string                // who is alone at the screen
}

// audience are people who look at the wall at every moment, and the room that they are
// in. They know every secret of it.
type audience struct {
	ceremony.Room
	look    func(moment)
	secrets map[string]string // by what they are
	moment  moment
}

func (a *audience) at(m moment) {
	m.step = a.moment.step
	a.look(m)
}

func (a *audience) ShowStep(n, of int, s step.Step) {
	a.moment.step = s
	a.at(moment{})
	a.Room.ShowStep(n, of, s)
}

func (a *audience) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	a.at(moment{question: &q, visitor: a.moment.visitor})
	return a.Room.Answer(ctx, q)
}

func (a *audience) Secret(ctx context.Context, q ceremony.PINQuestion) (secret.Bytes, error) {
	pin, err := a.Room.Secret(ctx, q)
	a.secrets[q.What] = string(pin)
	a.at(moment{pin: &q, visitor: q.Who})
	return pin, err
}

func (a *audience) PrintPIN(ctx context.Context, sheet paper.PINSheet) error {
	a.secrets["the PIN sheet of "+sheet.Device] = sheet.PIN
	a.at(moment{visitor: sheet.Person})
	return a.Room.PrintPIN(ctx, sheet)
}

func (a *audience) Come(ctx context.Context, turn custody.Turn) error {
	a.moment.visitor = turn.Name
	a.at(moment{visitor: turn.Name})
	return a.Room.Come(ctx, turn)
}

func (a *audience) Show(ctx context.Context, handout custody.Handout) error {
	a.secrets["the code of "+handout.Name] = handout.Sheet.Code
	a.secrets["the share value of "+handout.Name] = handout.Sheet.Value
	a.secrets["the prime"] = handout.Sheet.Prime
	a.at(moment{visitor: handout.Name})
	return a.Room.Show(ctx, handout)
}

func (a *audience) Ask(ctx context.Context, field custody.Field, problem error) (string, error) {
	a.at(moment{visitor: a.moment.visitor})
	text, err := a.Room.Ask(ctx, field, problem)
	a.at(moment{visitor: a.moment.visitor})
	return text, err
}

func (a *audience) Leave() {
	a.at(moment{visitor: a.moment.visitor})
	a.moment.visitor = ""
	a.Room.Leave()
}

func (a *audience) Tell(text string) {
	a.at(moment{visitor: a.moment.visitor})
	a.Room.Tell(text)
}
