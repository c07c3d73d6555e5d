package register

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"conclave/ca"

	"pgregory.net/rapid"
)

// model is a register in a map, and the oracle for the one in a file.
type model struct {
	entries map[string]*modelEntry
	order   []string // in which they came in; all have the same time
	issuers []Issuer
}

type modelEntry struct {
	signed
	state   State
	noted   bool
	reasons []int
	days    []int // when it was revoked
}

func (m *model) add(s signed, state State) bool {
	key := fmt.Sprint(s.Issuer, s.Kind, s.Number)
	if m.entries[key] != nil {
		return false
	}
	m.entries[key] = &modelEntry{signed: s, state: state}
	m.order = append(m.order, key)
	return true
}

func (m *model) entry(s signed) *modelEntry { return m.entries[fmt.Sprint(s.Issuer, s.Kind, s.Number)] }

func (m *model) finish(s signed) bool {
	e := m.entry(s)
	if e != nil {
		e.state = Issued
	}
	return e != nil
}

func (m *model) settle(s signed) bool {
	e := m.entry(s)
	if e == nil || e.state != Intended {
		return false
	}
	e.state, e.noted = Settled, true
	return true
}

// revoke is the table of RFC 5280 section 5.3.1, and of BR section 7.2.2: what may
// follow what, and what not before it in time.
func (m *model) revoke(s signed, reason, day int) bool {
	e := m.entry(s)
	if e == nil {
		return false
	}
	last, since := -1, 0
	if n := len(e.reasons); n > 0 {
		last, since = e.reasons[n-1], e.days[n-1]
	}
	first := []int{0, 1, 2, 3, 4, 5, 6, 9, 10}
	follow := map[int][]int{-1: first, 8: first, 6: {0, 1, 2, 3, 4, 5, 8, 9, 10}}
	sooner := map[int][]int{0: {0}, 1: {1}, 2: {2}, 3: {3}, 4: {4}, 5: {5}, 6: {6}, 9: {9}, 10: {10}}
	notLater := map[int][]int{0: {1, 2, 3, 4, 5, 9, 10}, 2: {1}, 3: {1}, 4: {1}, 5: {1}, 9: {1}, 10: {1}}
	if !slices.Contains(follow[last], reason) && !(day < since && slices.Contains(sooner[last], reason)) && !(day <= since && slices.Contains(notLater[last], reason)) {
		return false
	}
	e.reasons, e.days = append(e.reasons, reason), append(e.days, day)
	return true
}

// machine runs both.
type machine struct {
	model
	*Register
	pool []signed
}

func (m *machine) draw(t *rapid.T) signed { return rapid.SampledFrom(m.pool).Draw(t, "what") }

// check compares what an operation did with what it should have done.
func (m *machine) check(t *rapid.T, what string, s signed, want bool, err error) {
	if (err == nil) != want {
		t.Fatalf("%s of %s: %v; success %v was expected", what, title(s.Intent), err, want)
	}
}

func (m *machine) Begin(t *rapid.T) {
	s := m.draw(t)
	err := m.Register.Begin(context.Background(), s.Intent)
	if want := m.add(s, Intended); !want && !errors.Is(err, ca.ErrNumberUsed) {
		t.Fatalf("a used number gives %v", err)
	} else {
		m.check(t, "Begin", s, want, err)
	}
}

func (m *machine) Finish(t *rapid.T) {
	s := m.draw(t)
	m.check(t, "Finish", s, m.finish(s), m.Register.Finish(context.Background(), s.Intent, s.der))
}

func (m *machine) Settle(t *rapid.T) {
	s := m.draw(t)
	m.check(t, "Settle", s, m.settle(s), m.Register.Settle(context.Background(), s.Issuer, s.Kind, s.Number, "note"))
}

func (m *machine) Import(t *rapid.T) {
	s := m.draw(t)
	if s.Kind == ca.KindCertificate {
		isNew := m.add(s, Issued)
		if isNew {
			m.mark(s.Issuer)
		}
		m.check(t, "Import", s, isNew, m.Register.Import(context.Background(), parse(t, s.der)))
	}
}

// mark notes that the CRLs of an issuer are unknown, of which nothing is known.
func (m *model) mark(issuer []byte) {
	for _, e := range m.entries {
		if e.Kind == ca.KindCRL && bytes.Equal(e.Issuer, issuer) {
			return
		}
	}
	if !slices.ContainsFunc(m.issuers, func(i Issuer) bool { return bytes.Equal(i.Name, issuer) }) {
		m.issuers = append(m.issuers, Issuer{Name: issuer, CRLsUnknown: true})
	}
}

func (m *machine) Revoke(t *rapid.T) {
	s, reason, days := m.draw(t), rapid.IntRange(-1, 11).Draw(t, "reason"), rapid.IntRange(0, 2).Draw(t, "days")
	if s.Kind == ca.KindCertificate {
		err := m.Register.Revoke(context.Background(), s.Issuer, ca.Revocation{Serial: s.Number, Time: day.AddDate(0, 0, days), Reason: reason})
		m.check(t, "Revoke", s, m.revoke(s, reason, days), err)
	}
}

func (m *machine) SetIssuer(t *rapid.T) {
	i := Issuer{m.draw(t).Issuer, rapid.SampledFrom([]ca.Profile{"", ca.Root, ca.CABFRoot, "toor"}).Draw(t, "profile"), rapid.Bool().Draw(t, "unknown")}
	err := m.Register.setIssuer(i)
	if good := i.Profile != "toor"; good != (err == nil) {
		t.Fatalf("SetIssuer of %s: %v", i.Profile, err)
	} else if good {
		m.model.issuers = append(m.model.issuers, i)
	}
}

func (m *machine) SetProfile(t *rapid.T) {
	i := Issuer{Name: m.draw(t).Issuer, Profile: ca.Subordinate}
	must(t, m.Register.SetProfile(context.Background(), i.Name, i.Profile))
	for _, before := range m.model.issuers {
		if bytes.Equal(before.Name, i.Name) {
			i.CRLsUnknown = before.CRLsUnknown
		}
	}
	m.model.issuers = append(m.model.issuers, i)
}

func (m *machine) Reopen(t *rapid.T) {
	path := m.path
	must(t, m.Close())
	r, err := Open(path)
	must(t, err)
	m.Register = r
	m.compare(t)
}

// compare reads all that is in the file.
func (m *machine) compare(t *rapid.T) {
	entries, err := m.Entries(context.Background())
	if err != nil || len(entries) != len(m.order) {
		t.Fatalf("%d entries, %v; %d were expected", len(entries), err, len(m.order))
	}
	for i, got := range entries {
		want := m.model.entries[m.order[i]]
		var reasons []int
		for _, revocation := range got.Revocations {
			reasons = append(reasons, revocation.Reason)
		}
		if got.String() != title(want.Intent) || got.TBS != want.TBS || got.Subject != want.Subject || got.State() != want.state ||
			(got.Note != "") != want.noted || !slices.Equal(reasons, want.reasons) || want.state == Issued && !bytes.Equal(got.DER, want.der) {
			t.Fatalf("entry %v, %s; %v was expected", got, got.State(), want)
		}
	}
	if got, err := m.Register.issuers(context.Background()); err != nil || !reflect.DeepEqual(got, m.model.issuers) {
		t.Fatalf("issuers %v, %v; %v were expected", got, err, m.model.issuers)
	}
}

func TestModel(t *testing.T) {
	var pool []signed
	for _, name := range []string{"Root", "Other"} {
		a := newAuthority(t, name)
		leaf, list := a.certificate(t, 1), a.crl(t, 1)
		leaf.Subject = parse(t, leaf.der).Subject.String() // as Import has it
		pool = append(pool, leaf, list)
	}
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "register")
		must(t, os.RemoveAll(path))
		r, err := Create(path)
		must(t, err)
		m := &machine{model: model{entries: map[string]*modelEntry{}}, Register: r, pool: pool}
		defer func() { m.Close() }()
		for range rapid.IntRange(1, 24).Draw(t, "steps") { // fewer than t.Repeat's: each one syncs the disk
			operations := []func(*rapid.T){m.Begin, m.Finish, m.Settle, m.Import, m.Revoke, m.Revoke, m.SetIssuer, m.SetProfile, m.Reopen}
			operations[rapid.IntRange(0, len(operations)-1).Draw(t, "operation")](t)
		}
		m.Reopen(t)
	})
}
