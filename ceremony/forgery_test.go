package ceremony_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/evidence/evidencetest"
	"conclave/ceremony/medium/mediumtest"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/dkek/dkektest"
	"conclave/internal/testrun"
)

// forger has the evidence of a ceremony, and the ceremony key: whatever they write
// is signed as it should be.
type forger struct {
	bundle  fstest.MapFS
	key     *transcript.Key
	entries []transcript.Entry
	paper   evidence.Options
	second  *evidencetest.Verifier
}

// keeper is a room in which someone keeps a copy of the ceremony key.
type keeper struct {
	ceremony.Room
	dir string
	key []byte
}

func (k *keeper) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	if k.key == nil {
		k.key, _ = os.ReadFile(filepath.Join(k.dir, "ceremony.key"))
	}
	return k.Room.Answer(ctx, q)
}

// forge holds the ceremony to its end, and gives its evidence to a forger. After
// a power cut it goes on, with another program and an earlier clock.
func (s *stage) forge(t *testing.T) *forger {
	t.Helper()
	return s.forgeBy(t, func(a ceremony.Ceremony) func(context.Context) error {
		return func(ctx context.Context) error {
			for {
				err := a.Run(ctx)
				if !errors.Is(err, errPower) {
					return err
				}
				a.Program.SHA256[0] ^= 1
				a.Now = func() time.Time { return time.Now().Add(-time.Hour) }
			}
		}
	})
}

func (s *stage) forgeBy(t *testing.T, how func(ceremony.Ceremony) func(context.Context) error) *forger {
	t.Helper()
	k := &keeper{Room: s.Room, dir: string(s.Dir)}
	s.Room = k
	if err := how(s.Ceremony)(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	return newForger(t, s.evidence(), k.key)
}

func newForger(t *testing.T, folder string, key []byte) *forger {
	t.Helper()
	f := &forger{bundle: fstest.MapFS{}, second: evidencetest.NewVerifier(t)}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		f.bundle[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err == nil {
		f.key, err = transcript.ParseKey(key)
	}
	var verified *transcript.Transcript
	if err == nil {
		verified, err = transcript.Verify(f.bundle[evidence.TranscriptFile].Data, f.key.Public().String())
	}
	if err != nil {
		t.Fatal(err)
	}
	f.entries = verified.Entries
	fingerprint := f.key.Public().Fingerprint()
	f.paper.Key = fingerprint[:]
	return f
}

// sign gives a bundle with these entries, signed anew, and with these files in
// place of others; nil removes one.
func (f *forger) sign(t *testing.T, entries []transcript.Entry, files map[string][]byte) fstest.MapFS {
	t.Helper()
	path := filepath.Join(fastDir(t), "transcript.jsonl")
	w, err := transcript.Create(path, f.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := maps.Clone(f.bundle)
	b[evidence.TranscriptFile] = &fstest.MapFile{Data: text}
	b[evidence.HeadFile] = &fstest.MapFile{Data: []byte(w.Head())}
	for name, content := range files {
		b[name] = &fstest.MapFile{Data: content}
		if content == nil {
			delete(b, name)
		}
	}
	sums, err := evidence.Sums(b)
	if err != nil {
		t.Fatal(err)
	}
	b[evidence.SumsFile] = &fstest.MapFile{Data: sums}
	return b
}

// fastDir is a folder in memory, where there is one: a transcript is synced after
// each entry.
func fastDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "conclave-forger")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// rewrite changes the facts of an entry.
func rewrite(entries []transcript.Entry, i int, change func(map[string]string)) []transcript.Entry {
	changed := slices.Clone(entries)
	changed[i].Facts = maps.Clone(changed[i].Facts)
	if changed[i].Facts == nil {
		changed[i].Facts = map[string]string{}
	}
	change(changed[i].Facts)
	return changed
}

// otherValue is another value of the same kind.
func otherValue(value string) string {
	if n, err := strconv.Atoi(value); err == nil {
		return strconv.Itoa(n + 1)
	}
	last := value[len(value)-1]
	if last == '0' {
		return value[:len(value)-1] + "1"
	}
	if strings.ContainsRune("123456789abcdefABCDEF", rune(last)) {
		return value[:len(value)-1] + "0"
	}
	return value + "x"
}

// ownWords says whether a fact of a step is what people say, and nothing else in
// the evidence tells.
func ownWords(p *plan.Plan, e transcript.Entry, name string) bool {
	if e.Kind != transcript.Done {
		return false
	}
	for _, s := range p.Steps() {
		if s.ID != e.Step {
			continue
		}
		for _, f := range step.Fields(s.Action.New()) {
			if f.OwnWords && (f.Name == name || f.Family && strings.HasPrefix(name, f.Name)) {
				return true
			}
		}
	}
	return false
}

// TestEveryFact: whoever has the ceremony key, and leaves out, changes or adds a
// fact, is refused, and the reason names step and fact. It is so for every fact
// of a ceremony with all that can happen, of the one after it and of a drill.
func TestEveryFact(t *testing.T) {
	actions := map[step.Action]bool{}
	for name, held := range eventful(t) {
		t.Run(name, func(t *testing.T) { held.everyFact(t, actions) })
		t.Run(name+"/reported", held.reported)
	}
	for _, a := range []step.Action{
		step.Open, step.RollCall, step.Prepare, step.Share, step.Import, step.SealPIN, step.Generate, step.Backup, step.Restore, step.Certify, step.SignCRL,
		step.Erase, step.Copy, step.Seal, step.Close, step.LoneSheet, step.Inspect, step.OpenBackup, step.Compare, step.PINs,
	} {
		if !actions[a] {
			t.Errorf("there was no step with the action %s", a)
		}
	}
}

// held is a ceremony that was held, in the hands of a forger.
type held struct {
	*forger
	plan *plan.Plan
}

func (h held) everyFact(t *testing.T, actions map[step.Action]bool) {
	if report, err := evidence.Verify(h.sign(t, h.entries, nil), h.paper); err != nil || report.Level() != evidence.Proved {
		t.Fatalf("unchanged it is %s: %v %q", report.Level(), err, report.Unproved)
	}
	for _, s := range h.plan.Steps() {
		actions[s.Action] = true
	}
	n := 0
	drawn := testrun.OneIn(t, 3)
	for i, e := range h.entries {
		for _, name := range slices.Sorted(maps.Keys(e.Facts)) {
			if n++; testing.Short() && n%5 != 0 || !drawn() {
				continue
			}
			h.refused(t, e, name, "left out", rewrite(h.entries, i, func(facts map[string]string) { delete(facts, name) }))
			if !ownWords(h.plan, e, name) {
				h.refused(t, e, name, "changed", rewrite(h.entries, i, func(facts map[string]string) { facts[name] = otherValue(facts[name]) }))
			}
		}
		if n%5 == 0 {
			h.refused(t, e, "weather", "added", rewrite(h.entries, i, func(facts map[string]string) { facts["weather"] = "fair" }))
		}
	}
	if n < 40 && !testing.Short() {
		t.Errorf("only %d facts", n)
	}
}

// refused wants a problem that names the step and the fact.
func (h held) refused(t *testing.T, e transcript.Entry, fact, how string, entries []transcript.Entry) {
	t.Helper()
	report, err := evidence.Verify(h.sign(t, entries, nil), h.paper)
	where := "step " + e.Step
	if e.Step == "" {
		where = fmt.Sprintf("entry %d (%s)", e.Index, e.Kind)
	}
	if e.Kind == transcript.Opened && fact == "schema" && how == "left out" {
		where, fact = "", "in schema 1" // it is then an earlier one, which has less
	}
	named := slices.ContainsFunc(report.Problems, func(p evidence.Problem) bool {
		return strings.Contains(p.Text, where) && strings.Contains(p.Text, fact)
	})
	if err == nil || !named {
		t.Errorf("entry %d, %s of %s, fact %q %s: %v", e.Index, e.Kind, where, fact, how, err)
	}
}

// eventful holds a ceremony in which much happens, the one a year later, a drill
// and a rehearsal with all its troubles.
func eventful(t *testing.T) map[string]held {
	s := newStage(t, func(p *plan.Plan) {
		withPINs(p)
		p.Custody.Media = 3
	})
	computer := mediumtest.New(t)
	media := []string{computer.Drive("BACKUP 1", "8:17", "6A3F-11B2"), computer.Drive("BACKUP 2", "8:33", "6A3F-11B3")}
	s.Media = computer.System
	all := map[string]held{}
	s.Room = &powerCuts{at: map[string]bool{}, Room: &answers{s.players, map[string][]string{
		"Time by the watch":                       {"soon", time.Now().Add(10 * time.Minute).UTC().Format("15:04 UTC")},
		"Is Cora here":                            {"no"},
		"Who stands in for Cora?":                 {"Dora"},
		"Folder of backup medium 1":               {media[0]},
		"Folder of backup medium 2":               {filepath.Join(string(s.Dir), "backup"), "2"},
		"Folder of backup medium 3":               {t.TempDir()},
		"Number of the bag of the device primary": {"none"},
		"Press <enter> to begin":                  {"entered Eve Electrician"},
		"Is that all?":                            {"Left Eve Electrician"},
		"Recording of the whole":                  {"camera 1.mp4 " + strings.Repeat("AB", 32)},
	}}}
	all["ceremony"] = held{s.forge(t), s.Plan}
	s.Now, s.Room = time.Now, s.players
	n := s.yearLater(t)
	all["year later"] = held{n.forge(t), n.Plan}
	d := s.drillOf(t, s.evidence())
	d.Room = &answers{s.players, map[string][]string{
		"Is Cora here":                         {"no"},
		"Is the bag of the sheet of Cora":      {"no"},
		"Was the bag of backup medium 1":       {"no"},
		"Folder of backup medium 1":            {media[0]},
		"Folder of backup medium 2":            {t.TempDir()}, // where nothing is
		"Folder of backup medium 3":            {media[1]},    // which another drill has copied it to
		"Was the bag of the sheet of Carla":    {"no"},
		"Number of the bag of the sheet of Ca": {"A-1000"},
		"Was the bag of the second half":       {"no"},
	}}
	all["drill"] = held{d.forge(t), d.Plan}
	all["rehearsal"] = newStage(t, func(p *plan.Plan) { // whose key is imported
		p.Custody.EraseStandby = true
		p.Keys[0].Import = "old.key"
	}).troubled(t)
	return all
}

// troubled rehearses with all troubles.
func (s *stage) troubled(t *testing.T) held {
	r := *s
	var err error
	if r.Plan, err = s.Plan.Rehearsal(); err == nil {
		r.Source, err = r.Plan.Bytes()
	}
	if err == nil {
		r.Base = filepath.Join(t.TempDir(), "practice")
		err = r.Practise(s.Plan, s.Base)
	}
	if err != nil {
		t.Fatal(err)
	}
	return held{r.forgeBy(t, func(a ceremony.Ceremony) func(context.Context) error {
		return ceremony.Rehearsal{Ceremony: a, Faults: ceremony.Faults(), Auto: true}.Run
	}), r.Plan}
}

// powerCuts is a room in which the power fails where it hurts: once each.
type powerCuts struct {
	ceremony.Room
	at map[string]bool
}

func (p *powerCuts) Answer(ctx context.Context, q ceremony.Question) (string, error) {
	for _, where := range []string{"Public key root", "Certificate root"} {
		if strings.Contains(q.Label, where) && !p.at[where] {
			p.at[where] = true
			return "", errPower
		}
	}
	return p.Room.Answer(ctx, q)
}
