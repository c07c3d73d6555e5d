package ceremony_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/ca"
	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/medium/mediumtest"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/dkek/dkektest"
	"conclave/wire"
)

// begin runs an act until someone is asked a question with this text, where the
// power fails.
func (s *stage) begin(t *testing.T, question string) {
	t.Helper()
	room := s.Room
	s.Room = &fails{Room: room, at: question}
	if err := s.Run(dkektest.Practising(t.Context())); !errors.Is(err, errPower) {
		t.Fatalf("it ended with %v", err)
	}
	s.Room = room
}

// fails is a room in which the power fails at a question.
type fails struct {
	ceremony.Room
	at string
}

func (f *fails) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if strings.Contains(q.Text+q.Label, f.at) {
		return "", errPower
	}
	return f.Room.Answer(ctx, q)
}

// TestPowerCutAtTheBeginning: what the first moments can leave is begun anew.
func TestPowerCutAtTheBeginning(t *testing.T) {
	for name, left := range map[string]func(s *stage) error{
		"an empty transcript": func(s *stage) error { return os.Truncate(filepath.Join(s.evidence(), evidence.TranscriptFile), 0) },
		"a torn first line":   func(s *stage) error { return os.Truncate(filepath.Join(s.evidence(), evidence.TranscriptFile), 40) },
		"an empty key": func(s *stage) error {
			return errors.Join(os.Remove(filepath.Join(s.evidence(), evidence.TranscriptFile)), os.Truncate(filepath.Join(string(s.Dir), "ceremony.key"), 0),
				os.Remove(filepath.Join(s.evidence(), evidence.KeyFile)))
		},
		"a temporary file": func(s *stage) error {
			return os.WriteFile(filepath.Join(s.evidence(), ".conclave-123"), []byte("half"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			s.begin(t, "Press <enter> to begin")
			if err := left(s); err != nil {
				t.Fatal(err)
			}
			s.begin(t, "Time by the watch")
			if _, err := os.Stat(filepath.Join(s.evidence(), ".conclave-123")); err == nil {
				t.Error("the temporary file is still there")
			}
		})
	}
}

// TestSheetsAreVoid: the power fails while sheets are copied. Whoever has one is
// told that it is void, also where there was no share file yet.
func TestSheetsAreVoid(t *testing.T) {
	s := newStage(t, nil)
	ctx, cut := context.WithCancel(dkektest.Practising(t.Context()))
	s.Room = &dies{s.players, cut}
	if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}
	s.Room = s.players
	s.begin(t, "Public key root")
	content, err := os.ReadFile(filepath.Join(s.evidence(), evidence.TranscriptFile))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), "every sheet made so far is void") {
		t.Error("the transcript does not say that the sheets are void")
	}
}

// dies is a room in which the power fails when the third custodian comes.
type dies struct {
	*ceremony.SimulatedRoom
	cut context.CancelFunc
}

func (d *dies) Come(ctx context.Context, turn custody.Turn) error {
	if turn.Number == 3 {
		d.cut()
		return ctx.Err()
	}
	return d.SimulatedRoom.Come(ctx, turn)
}

// answers are players who answer some questions otherwise, each answer once.
type answers struct {
	*ceremony.SimulatedRoom
	to map[string][]string
}

func (a *answers) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	for text, all := range a.to {
		if strings.Contains(q.Text, text) && len(all) > 0 {
			a.to[text] = all[1:]
			return all[0], nil
		}
	}
	return a.SimulatedRoom.Answer(ctx, q)
}

// TestMistakesOfPeople: what people get wrong is refused, and asked again.
func TestMistakesOfPeople(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) { p.Custody.EraseStandby = true })
	computer := mediumtest.New(t)
	medium := computer.Drive("BACKUP", "8:17", "6A3F-11B2")
	s.Media = computer.System
	var told []string
	s.players.Shown = func(text string) { told = append(told, text) }
	s.Room = &answers{s.players, map[string][]string{
		"Is Cora here":                   {"no", "no", "no"},
		"Who stands in for Cora?":        {"carla ", "Wim  Witness", "Dora"},
		"Folder of backup medium":        {medium, medium, filepath.Join(string(s.Dir), "backup"), filepath.Join(medium, "missing"), "done"},
		"Number of the bag of":           {"A1", "A1", "A2"},
		"Is this what the runbook says?": {"perhaps", "no"},
		"Is that all?":                   {"no"},
		"What has happened":              {"the lamp went out"},
	}}
	s.Devices = closing{s.Devices.(home)}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
	all := strings.Join(told, "\n")
	for _, want := range []string{
		"carla cannot stand in for Cora, and has a part in this ceremony already (Carla)",
		"Wim  Witness cannot stand in for Cora",
		medium + " holds the backup already",
		filepath.Join(string(s.Dir), "backup") + " holds the backup already",
		"missing: no such file or directory",
		"Done: copies of the backup: 1; fewer than two",
		"Bag A1 is that of the device primary; read the number once more.",
		"Exception 3: the lamp went out.",
		"Wim Witness has answered no to: Is this what the runbook says?",
		"Done: the device standby holds no key and no DKEK",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no one was told %q", want)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
}

// closing are devices that a card in a reader is like: once closed, they answer
// no more.
type closing struct{ home }

func (c closing) Connect(d plan.Device) (apdu.Conn, error) {
	conn, err := c.home.Connect(d)
	return &closed{Conn: conn}, err
}

type closed struct {
	apdu.Conn
	is bool
}

func (c *closed) Close() error {
	c.is = true
	return c.Conn.Close()
}

func (c *closed) Transmit(command []byte) ([]byte, error) {
	if c.is {
		return nil, errors.New("the connection is closed")
	}
	return c.Conn.Transmit(command)
}

// TestPlannedNumberIsLost: the power fails after the signature. The number that
// was planned is not used again, and the ceremony goes on with the next one.
func TestPlannedNumberIsLost(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) {
		if err := p.Certificates[0].Serial.UnmarshalText([]byte("4a3b2c1d4a3b2c1d4a3b")); err != nil {
			panic(err)
		}
		p.Practice = true
	})
	r := ceremony.Rehearsal{Ceremony: s.Ceremony, Auto: true, Faults: []ceremony.Fault{ceremony.PowerCut}}
	if err := r.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.verified(t)
	content, err := os.ReadFile(filepath.Join(s.evidence(), evidence.CertificateFile("root")))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.ParseCertificate(content)
	if err != nil {
		t.Fatal(err)
	}
	if ca.SerialOf(cert).String() == "4a3b2c1d4a3b2c1d4a3b" {
		t.Error("the number that may be on another certificate was used again")
	}
}

// TestTwoPrograms: a second one is kept out, and leaves nothing behind.
func TestTwoPrograms(t *testing.T) {
	s := newStage(t, nil)
	second := *s
	s.Room = &visited{s.players, func() {
		if err := second.Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "another program is at work here") {
			t.Errorf("the second program ended with %v", err)
		}
	}}
	s.begin(t, "Is Ada Admin here")
}

// visited lets something happen at each step.
type visited struct {
	*ceremony.SimulatedRoom
	visit func()
}

func (v *visited) ShowStep(n, of int, s step.Step) {
	v.visit()
	v.SimulatedRoom.ShowStep(n, of, s)
}

// TestRealPlanIsNotRehearsed: the program never plays people of a real ceremony.
func TestRealPlanIsNotRehearsed(t *testing.T) {
	s := newStage(t, nil)
	if err := (ceremony.Rehearsal{Ceremony: s.Ceremony, Auto: true}).Run(dkektest.Practising(t.Context())); err == nil || !strings.Contains(err.Error(), "this is the plan of a real ceremony") {
		t.Errorf("it ended with %v", err)
	}
}

// TestRequestIsExchanged: what was compared with the papers is what is
// certified.
func TestRequestIsExchanged(t *testing.T) {
	s := newStage(t, nil)
	s.begin(t, "Public key root")
	before, err := os.ReadFile(filepath.Join(s.evidence(), evidence.InputFile("issuing.csr")))
	if err != nil {
		t.Fatal(err)
	}
	writeRequest(t, filepath.Join(s.Base, "issuing.csr"), s.Plan.FindCertificate("issuing"))
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	if report := s.verified(t); !slices.Contains(report.Shown, "request of issuing: left out: subjectAltName (DNS ca.example.com)") {
		t.Errorf("it is not told what was left out:\n%s", strings.Join(report.Shown, "\n"))
	}
	request, err := ca.CheckRequest(before, s.Plan.FindCertificate("issuing").Spec)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(s.evidence(), evidence.CertificateFile("issuing")))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.ParseCertificate(content)
	if err != nil {
		t.Fatal(err)
	}
	if !cert.PublicKey.(*ecdsa.PublicKey).Equal(request.Public) {
		t.Error("the exchanged request was certified")
	}
}

// cutter lets the power fail right after the signature of the first CRL.
type cutter struct {
	home
	*ceremony.SimulatedRoom
	listing bool
	cut     context.CancelFunc
}

func (c *cutter) ShowStep(n, of int, s step.Step) {
	c.listing = s.Action == step.SignCRL
	c.SimulatedRoom.ShowStep(n, of, s)
}

func (c *cutter) Connect(d plan.Device) (apdu.Conn, error) {
	conn, err := c.home.Connect(d)
	return &cuttable{conn, c}, err
}

type cuttable struct {
	apdu.Conn
	cutter *cutter
}

func (c *cuttable) Transmit(command []byte) ([]byte, error) {
	response, err := c.Conn.Transmit(command)
	if c.cutter.listing && c.cutter.cut != nil && command[1] == wire.InsSign {
		c.cutter.cut()
		c.cutter.cut = nil
		return nil, errPower
	}
	return response, err
}

// TestLostCRL: the power fails after a full CRL was signed, which a delta CRL of
// the same plan is for. The next number takes its place for both.
func TestLostCRL(t *testing.T) {
	s := newStage(t, func(p *plan.Plan) {
		full := p.CRLs[0]
		delta := full
		delta.Name, delta.DeltaOf = "delta", 1
		p.CRLs = []plan.CRL{full, delta}
	})
	ctx, cut := context.WithCancel(dkektest.Practising(t.Context()))
	c := &cutter{home: s.Devices.(home), SimulatedRoom: s.players, cut: cut}
	s.Devices, s.Room = c, c
	if err := s.Run(ctx); !errors.Is(err, errPower) {
		t.Fatalf("it ended with %v", err)
	}
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	shown := strings.Join(s.verified(t).Shown, "\n")
	for _, want := range []string{"CRL root-crl-1: number 2", "CRL delta: number 3"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the report does not say %q:\n%s", want, shown)
		}
	}
}

// TestMediaAtOnePlace: sticks are seen at the same place one after the other.
func TestMediaAtOnePlace(t *testing.T) {
	s := newStage(t, nil)
	place := t.TempDir()
	taken := 0
	s.Room = &swapping{s.players, func(q ceremony.Question) string {
		if !strings.Contains(q.Text, "Folder of backup medium") {
			return ""
		}
		if taken++; taken > 2 {
			return "done"
		}
		for _, name := range []string{"dkek.pbe", "root.wrap"} {
			os.Remove(filepath.Join(place, name)) // another stick is empty
		}
		return place
	}}
	s.begin(t, "Is this what the runbook says?")
	content, err := os.ReadFile(filepath.Join(s.evidence(), evidence.TranscriptFile))
	if err != nil || !strings.Contains(string(content), "copies of the backup: 2") {
		t.Errorf("the second stick was not written (%v)", err)
	}
}

type swapping struct {
	*ceremony.SimulatedRoom
	answer func(ceremony.Question) string
}

func (s *swapping) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if text := s.answer(q); text != "" {
		return text, nil
	}
	return s.SimulatedRoom.Answer(ctx, q)
}
