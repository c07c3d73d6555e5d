package ceremony_test

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"conclave/ceremony"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// linkFiles are those of a link, by their names in its own bundle.
type linkFiles map[string][]byte

func linkNames() []string {
	return []string{evidence.PlanFile, evidence.TranscriptFile, evidence.KeyFile, evidence.HeadFile}
}

// linkOf is what those after a bundle keep of it.
func linkOf(bundle fstest.MapFS) linkFiles {
	link := linkFiles{}
	for _, name := range linkNames() {
		link[name] = bundle[name].Data
	}
	return link
}

// forgeNext holds a drill or a change, whose ceremony key someone keeps.
func (y *years) forgeNext(t *testing.T, plan func(*ceremony.Before) *plan.Plan) held {
	t.Helper()
	next := y.prepare(t, 3, plan)
	f := next.forge(t)
	y.newest = next.evidence()
	if !next.Plan.LeavesBackup() {
		y.backup = next.Dir.Backup()
	}
	return held{f, next.Plan}
}

// planned is the bundle with another plan, all of it signed anew.
func (h held) planned(t *testing.T, change func(*plan.Plan)) fstest.MapFS {
	t.Helper()
	p, err := plan.Parse(h.bundle[evidence.PlanFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	change(p)
	content, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	entries := rewrite(h.entries, 0, func(facts map[string]string) { facts["plan sha256"] = hashOf(content) })
	return h.sign(t, named(entries, evidence.PlanFile, content), map[string][]byte{evidence.PlanFile: content})
}

// named lets the close name a file as it is; not at all if there is none.
func named(entries []transcript.Entry, name string, content []byte) []transcript.Entry {
	i := slices.IndexFunc(entries, func(e transcript.Entry) bool { return e.Kind == transcript.Done && e.Step == step.Close.ID() })
	return rewrite(entries, i, func(facts map[string]string) {
		delete(facts, "file "+name)
		if content != nil {
			facts["file "+name] = hashOf(content)
		}
	})
}

// with is the bundle with other files of the chain, nil for none, which whoever has its
// ceremony key lets the close name.
func (h held) with(t *testing.T, files map[string][]byte) fstest.MapFS {
	t.Helper()
	entries := h.entries
	for _, name := range slices.Sorted(maps.Keys(files)) {
		entries = named(entries, name, files[name])
	}
	return h.sign(t, entries, files)
}

// at are the files of a link in a folder of the chain; of no link, to be removed.
func (l linkFiles) at(dir string) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range linkNames() {
		files[path.Join(dir, name)] = l[name]
	}
	return files
}

func together(all ...map[string][]byte) map[string][]byte {
	files := map[string][]byte{}
	for _, some := range all {
		maps.Copy(files, some)
	}
	return files
}

// TestForgedLinks: whoever has the key of the last evidence, and of the change before it,
// cannot make a chain that is not the one that there was.
func TestForgedLinks(t *testing.T) {
	y := newYears(t, nil)
	drill := func(b *ceremony.Before) *plan.Plan { return b.Drill(y.day) }
	drilled := linkOf(y.forgeNext(t, drill).bundle)
	reshared := y.forgeNext(t, func(b *ceremony.Before) *plan.Plan {
		return y.change(b, plan.NewSheets, func(p *plan.Plan) { p.People.Custodians[2] = "Xenia" })
	})
	again := linkOf(y.forgeNext(t, drill).bundle)
	last := y.forgeNext(t, drill)
	change := linkOf(reshared.bundle)

	o := newYears(t, nil)
	otherDrill := o.forgeNext(t, drill).bundle
	other := linkFiles{}
	for name := range drilled {
		other[name] = otherDrill[path.Join(evidence.OriginDir, name)].Data
	}

	one, two, three, four := evidence.LinkDir(1), evidence.LinkDir(2), evidence.LinkDir(3), evidence.LinkDir(4)
	replanned := func(change func(*plan.Plan)) map[string][]byte { return linkOf(reshared.planned(t, change)).at(three) }
	bent := linkFiles(maps.Clone(change))
	bent[evidence.HeadFile] = bytes.Replace(bent[evidence.HeadFile], []byte("\n"), []byte("x\n"), 1)
	short := linkOf(reshared.sign(t, reshared.entries[:len(reshared.entries)-1], nil))
	const gap = "something is missing between them, or was put there"
	for what, test := range map[string]struct {
		forged fstest.MapFS
		want   string
	}{
		"nothing":                          {last.with(t, nil), ""},
		"the first ceremony left out":      {last.with(t, linkFiles{}.at(one)), one + "/transcript.jsonl: it is missing"},
		"a link left out":                  {last.with(t, linkFiles{}.at(three)), gap},
		"a link left out, no gap":          {last.with(t, together(again.at(three), linkFiles{}.at(four))), three + "/transcript.jsonl: the closing of the evidence before it is "},
		"the last one left out":            {last.with(t, linkFiles{}.at(four)), gap},
		"two of them swapped":              {last.with(t, together(change.at(two), drilled.at(three))), two + "/transcript.jsonl: the closing of the evidence before it is "},
		"twice the same":                   {last.with(t, together(drilled.at(three), change.at(four), again.at(evidence.LinkDir(5)))), three + "/transcript.jsonl: the closing of the evidence before it is "},
		"another number":                   {last.with(t, together(linkFiles{}.at(three), change.at("chain/9"))), gap},
		"one too many":                     {last.with(t, change.at("chain/9")), "chain/9/"},
		"another ceremony's drill":         {last.with(t, linkOf(otherDrill).at(two)), two + "/transcript.jsonl: the closing of the first ceremony is "},
		"another ceremony's beginning":     {last.with(t, other.at(three)), three + "/transcript.jsonl: it is a first ceremony"},
		"the first one of another root":    {last.with(t, other.at(one)), two + "/transcript.jsonl: the closing of the first ceremony is "},
		"a drill as the first one":         {last.with(t, drilled.at(one)), one + "/transcript.jsonl: it goes on from earlier evidence"},
		"a bit of a checkpoint":            {last.with(t, bent.at(three)), "the transcript in " + three + ": "},
		"another one's checkpoint":         {last.with(t, map[string][]byte{three + "/checkpoint": drilled[evidence.HeadFile]}), "the transcript in " + three + ": "},
		"another one's plan":               {last.with(t, map[string][]byte{three + "/plan.json": drilled[evidence.PlanFile]}), "the transcript in " + three + ": it is not of that plan"},
		"not brought to its end":           {last.with(t, short.at(three)), three + "/transcript.jsonl: it was not brought to its end"},
		"a plan after something else":      {last.with(t, replanned(func(p *plan.Plan) { p.Change.Last = strings.Repeat("0", 64) })), three + "/transcript.jsonl: the closing of the evidence before it is "},
		"a plan of another root's":         {last.with(t, replanned(func(p *plan.Plan) { p.Change.Closing = strings.Repeat("0", 64) })), three + "/transcript.jsonl: the closing of the first ceremony is "},
		"a plan that leaves something out": {last.with(t, replanned(func(p *plan.Plan) { p.CRLs = nil })), "crls: it is not as it was before, and a plan of the kind reshare leaves it as it is"},
		"a plan with another key":          {last.with(t, replanned(func(p *plan.Plan) { p.Keys[0].Type = "ec:secp521r1" })), "keys: it is not as it was before"},
		"a plan with other people before":  {last.with(t, replanned(func(p *plan.Plan) { p.Change.Before.Custodians[0] = "Mallory" })), "change.before: it does not name the custodians before the change"},
		"a plan with another bag":          {last.with(t, replanned(func(p *plan.Plan) { p.Change.Bags[0].Number = "Z-1" })), "its plan says that the bags were "},
		"signed anew":                      {last.with(t, linkOf(reshared.sign(t, rewrite(reshared.entries, 0, func(facts map[string]string) { facts["program version"] = "0" }), nil)).at(three)), four + "/transcript.jsonl: the closing of the evidence before it is "},
		"a drill over the change":          {last.planned(t, func(p *plan.Plan) { p.Drill.Last = hashOf(drilled[evidence.HeadFile]) }), "plan.json: the closing of the evidence before it is "},
	} {
		_, err := evidence.Verify(test.forged, last.paper)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v; %q was expected", what, err, test.want)
		}
	}
}
