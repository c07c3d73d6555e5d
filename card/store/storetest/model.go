package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"conclave/card/store"
	"conclave/card/store/memory"

	"pgregory.net/rapid"
)

// errRefused makes an Update roll back.
var errRefused = errors.New("refused")

// step is one thing that a transaction does: it returns what it observed.
type step func(store.Writer) (observed string, err error)

// steps draws one, over few kinds and ids so that they meet.
func steps() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		kind := store.Kind(rapid.SampledFrom([]int{0, 1, 255}).Draw(t, "kind"))
		id := rapid.SampledFrom([]uint16{0, 1, 2, 256, 65535}).Draw(t, "id")
		switch rapid.SampledFrom([]string{"put", "put", "put", "get", "list", "delete", "clear"}).Draw(t, "what") {
		case "put":
			size := rapid.SampledFrom([]int{0, 1, 100, 5000, 20000}).Draw(t, "size")
			value := bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, size)
			return func(w store.Writer) (string, error) { return "", w.Put(kind, id, value) }
		case "get":
			return func(w store.Writer) (string, error) { return observe(w, kind, id) }
		case "list":
			return func(w store.Writer) (string, error) {
				ids, err := w.List(kind)
				return fmt.Sprint(ids), err
			}
		case "delete":
			return func(w store.Writer) (string, error) { return "", w.Delete(kind, id) }
		default:
			return func(w store.Writer) (string, error) { return "", w.Clear() }
		}
	})
}

// observe describes a record, or its absence.
func observe(r store.Reader, kind store.Kind, id uint16) (string, error) {
	value, err := r.Get(kind, id)
	if errors.Is(err, store.ErrNotFound) {
		return "(absent)", nil
	}
	return string(value), err
}

// model is a store under test beside one that is known to be right.
type model struct {
	tested, oracle store.Store
}

// update does the same steps in both and compares what they observe, and
// whether the version shows the change.
func (m *model) update(t *rapid.T, outcome error) {
	todo := rapid.SliceOfN(steps(), 1, 8).Draw(t, "steps")
	before, state := version(t, m.tested), describe(t, m.oracle)
	got, gotErr := run(m.tested, todo, outcome)
	want, wantErr := run(m.oracle, todo, outcome)
	if !slices.Equal(got, want) || gotErr != wantErr {
		t.Fatalf("the transaction observes %.60q (%v), the oracle %.60q (%v)", got, gotErr, want, wantErr)
	}
	changed := !slices.Equal(describe(t, m.oracle), state)
	moved := version(t, m.tested) != before
	if changed && !moved || outcome != nil && moved {
		t.Fatalf("the state changed: %v; the version did: %v", changed, moved)
	}
}

func run(s store.Store, todo []step, outcome error) (observed []string, err error) {
	err = s.Update(func(w store.Writer) error {
		for _, do := range todo {
			o, err := do(w)
			if err != nil {
				return err
			}
			observed = append(observed, o)
		}
		return outcome
	})
	return observed, err
}

// describe reads all records that the steps can reach, in one view.
func describe(t rapid.TB, s store.Store) (all []string) {
	err := s.View(func(r store.Reader) error {
		for _, kind := range []store.Kind{0, 1, 254, 255} {
			ids, err := r.List(kind)
			if err != nil {
				return err
			}
			for _, id := range ids {
				value, err := observe(r, kind, id)
				if err != nil {
					return err
				}
				all = append(all, fmt.Sprintf("%d/%d: ", kind, id)+value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (m *model) compare(t *rapid.T) {
	got, want := describe(t, m.tested), describe(t, m.oracle)
	if !slices.Equal(got, want) {
		t.Fatalf("the store holds %.60q, the oracle %.60q", got, want)
	}
}

// testModel runs random sequences of transactions, committed and refused, and
// of reopenings.
func testModel(t *testing.T, open Opener, reopen Reopener) {
	rapid.Check(t, func(rt *rapid.T) {
		m := model{tested: open(t), oracle: memory.New()}
		defer func() { m.tested.Close() }()
		actions := map[string]func(*rapid.T){
			"commit": func(t *rapid.T) { m.update(t, nil) },
			"refuse": func(t *rapid.T) { m.update(t, errRefused) },
			"":       m.compare,
		}
		if reopen != nil {
			actions["reopen"] = func(*rapid.T) { m.tested = reopen(t, m.tested) }
		}
		rt.Repeat(actions)
	})
}
