package ceremony_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// mutant changes evidence at random, so that a verifier that trusts any of it
// comes to fall.
type mutant struct {
	*rand.Rand
	files   fstest.MapFS
	entries []transcript.Entry
	values  []any // that stand somewhere in the evidence
}

// mutated verifies many mutants of the evidence. None of them may end the program;
// what is wrong is told in the same words each time.
func (h held) mutated(t *testing.T) {
	n := 60
	if testing.Short() {
		n = 15
	}
	for seed := range n {
		m := &mutant{Rand: rand.New(rand.NewPCG(uint64(seed), 7)), files: maps.Clone(h.bundle)}
		s := h.retell(t)
		m.entries = s.entries
		for range 1 + m.IntN(3) {
			m.mutate()
		}
		first, again := m.preview(t, seed), m.preview(t, seed)
		if first != again {
			t.Errorf("mutant %d: %s\nand then\n%s", seed, first, again)
		}
	}
}

// preview verifies as before a close, where no signature is looked at.
func (m *mutant) preview(t *testing.T, seed int) (problems string) {
	t.Helper()
	defer func() {
		if cause := recover(); cause != nil {
			t.Fatalf("mutant %d: %v\n%s", seed, cause, debug.Stack())
		}
	}()
	delete(m.files, evidence.SumsFile)
	delete(m.files, evidence.HeadFile)
	entries := slices.Clone(m.entries)
	closing := transcript.Entry{Kind: transcript.Done, Step: step.Close.ID(), Time: time.Now()}
	for i, e := range entries {
		if e.Kind == transcript.Done && e.Step == step.Close.ID() {
			entries, closing = entries[:i], e
			break
		}
	}
	for i := range entries {
		entries[i].Index = int64(i)
	}
	closing.Facts = maps.Clone(closing.Facts)
	maps.DeleteFunc(closing.Facts, func(name, _ string) bool { return strings.HasPrefix(name, "file ") })
	for name, file := range m.files {
		if name != evidence.TranscriptFile && closing.Facts != nil {
			closing.Facts["file "+name] = hashOf(file.Data)
		}
	}
	if len(entries) > 0 && m.files[evidence.PlanFile] != nil && entries[0].Facts != nil {
		entries[0].Facts = maps.Clone(entries[0].Facts)
		entries[0].Facts["plan sha256"] = hashOf(m.files[evidence.PlanFile].Data)
	}
	return fmt.Sprint(evidence.Preview(m.files, entries, closing))
}

// mutate changes a file, or the entries.
func (m *mutant) mutate() {
	names := slices.Sorted(maps.Keys(m.files))
	name := names[m.IntN(len(names))]
	switch m.IntN(5) {
	case 0, 1:
		m.entries = m.retold(m.entries)
	case 2: // the plan decides what is looked at
		m.write(evidence.PlanFile, m.changed(m.files[evidence.PlanFile].Data))
	case 3:
		m.write(name, m.changed(m.files[name].Data))
	case 4:
		if other := names[m.IntN(len(names))]; m.IntN(2) == 0 {
			m.write(name, m.files[other].Data)
		} else if name != evidence.PlanFile {
			delete(m.files, name)
		}
	}
}

func (m *mutant) write(name string, content []byte) {
	m.files[name] = &fstest.MapFile{Data: content}
}

// changed is a content that is a little different, and read as far as can be.
func (m *mutant) changed(content []byte) []byte {
	var tree any
	if json.Unmarshal(content, &tree) == nil {
		m.values = append(m.values, nil, "", 0.0, -1.0, 1e300, "0", "none", true, []any{}, map[string]any{}, "2026-11-29T18:24:50Z", strings.Repeat("00", 32))
		m.collect(tree)
		changed, err := json.MarshalIndent(m.pruned(tree), "", "  ")
		if err == nil {
			return append(changed, '\n')
		}
	}
	if block, _ := pem.Decode(content); block != nil {
		block.Bytes = m.flipped(block.Bytes)
		return pem.EncodeToMemory(block)
	}
	return m.flipped(content)
}

// flipped changes a byte, or cuts some out or off.
func (m *mutant) flipped(content []byte) []byte {
	changed := bytes.Clone(content)
	if len(changed) == 0 {
		return []byte("x")
	}
	i := m.IntN(len(changed))
	switch m.IntN(4) {
	case 0:
		return changed[:i]
	case 1:
		return slices.Delete(changed, i, min(len(changed), i+1+m.IntN(8)))
	case 2:
		return slices.Insert(changed, i, changed[i])
	}
	changed[i] = byte(m.IntN(256))
	return changed
}

// collect notes the values of a tree.
func (m *mutant) collect(tree any) {
	m.values = append(m.values, tree)
	switch tree := tree.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(tree)) {
			m.collect(tree[name])
		}
	case []any:
		for _, value := range tree {
			m.collect(value)
		}
	}
}

// pruned is a tree of which one node is another one, or is not there.
func (m *mutant) pruned(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		if names := slices.Sorted(maps.Keys(tree)); len(names) > 0 {
			name := names[m.IntN(len(names))]
			if m.IntN(12) == 0 {
				delete(tree, name)
			} else {
				tree[name] = m.pruned(tree[name])
			}
			return tree
		}
	case []any:
		if len(tree) > 0 {
			switch i := m.IntN(len(tree)); m.IntN(8) {
			case 0:
				return slices.Delete(tree, i, i+1)
			case 1:
				return append(tree, tree[i])
			default:
				tree[i] = m.pruned(tree[i])
				return tree
			}
		}
	}
	return m.values[m.IntN(len(m.values))]
}

// retold are entries of which some are left out, doubled, exchanged, or say
// something else.
func (m *mutant) retold(entries []transcript.Entry) []transcript.Entry {
	if len(entries) == 0 {
		return entries
	}
	i, j := m.IntN(len(entries)), m.IntN(len(entries))
	switch m.IntN(9) {
	case 0:
		return slices.Delete(entries, i, i+1)
	case 1:
		return slices.Insert(entries, i, entries[j])
	case 2:
		entries[i], entries[j] = entries[j], entries[i]
	case 3:
		entries[i].Step = entries[j].Step
	case 4:
		entries[i].Kind = entries[j].Kind
	case 5:
		entries[i].Facts = entries[j].Facts
	case 6:
		entries[i].Facts = nil
	case 7:
		return entries[:i]
	case 8:
		facts := maps.Clone(entries[i].Facts)
		for _, name := range slices.Sorted(maps.Keys(facts)) {
			facts[name] = []string{"", "0", "-1", "99999999999", path.Base(name), hashOf(nil), "1, , 2", "no;  stands in"}[m.IntN(8)]
		}
		entries[i].Facts = facts
	}
	return entries
}
