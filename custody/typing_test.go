package custody_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"conclave/custody"
	"conclave/internal/testrun"
	"conclave/quorum"
)

// scribblers type what is on their sheets in lines that are cut anywhere, with a
// mistake now and then, undo some, and say yes to what they are asked.
type scribblers struct {
	custody.Simulated
	random *mathrand.Rand
	set    *quorum.Set
	number int
	lines  []string // still to be typed
	codes  bool     // everyone types codes
	code   bool
	asked  int
	agreed int
}

func (s *scribblers) Come(_ context.Context, turn custody.Turn) error {
	s.number, s.lines, s.code = (s.number+1)%s.set.Total, nil, s.codes || s.random.IntN(2) == 0
	return nil
}

func (s *scribblers) Ask(_ context.Context, field custody.Field, problem error) (string, error) {
	if s.asked++; s.asked > 300 {
		return "", errors.New("there is no end to it")
	}
	sheet := s.set.Shares[s.number].Sheet()
	text := map[custody.Field]string{custody.Prime: sheet.Prime, custody.ShareID: sheet.ID, custody.ShareValue: sheet.Value, custody.ReadBack: sheet.Code}[field]
	if s.code {
		text = sheet.Code
	}
	switch {
	case field == custody.Rest && len(s.lines) == 0:
		return []string{"", "undo"}[s.random.IntN(2)], nil // a value that begins with zeros ends here; or type it again
	case field != custody.Rest:
		s.lines = s.scribbled(text)
	case s.random.IntN(8) == 0:
		s.lines = slices.Insert(s.lines, 0, "1234 undo me", "undo")
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line, nil
}

// scribbled is a text in lines, with a wrong character in it or two, or not.
func (s *scribblers) scribbled(text string) []string {
	chars := []byte(text)
	for range s.random.IntN(5) - 2 {
		if i := s.random.IntN(len(chars)); chars[i] != ' ' && chars[i] != ':' {
			chars[i] = "?0123456789acdefZ"[s.random.IntN(17)]
		}
	}
	text = string(chars)
	if s.random.IntN(2) == 0 {
		text = strings.NewReplacer(":", "", " ", "-").Replace(text)
	}
	var lines []string
	for len(text) > 20 && s.random.IntN(3) > 0 {
		at := 4 + s.random.IntN(len(text)-8)
		lines, text = append(lines, text[:at]), text[at:]
	}
	return append(lines, text)
}

func (s *scribblers) Confirm(context.Context, string) (bool, error) {
	s.agreed++
	return true, nil
}

// TestHoweverItIsTyped: whatever lines sheets are typed in, and whichever characters are
// wrong, a code or a record lets only right shares pass, each custodian's once.
func TestHoweverItIsTyped(t *testing.T) {
	random := testrun.Random(t)
	agreed := 0
	for range 40 {
		set := draw(t, 2+random.IntN(2), 4, []quorum.Strength{quorum.Strength64, quorum.Strength128}[random.IntN(2)])
		entry := &quorum.Entry{}
		people := &scribblers{random: random, set: set, codes: random.IntN(2) == 0}
		if !people.codes {
			entry.Records = []*quorum.Record{cheapRecord(t, set)}
		}
		collection := &custody.Collection{Entry: entry, Custodians: people}
		if err := collection.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, share := range entry.Shares() {
			right := func(s quorum.CustodianShare) bool { return s.ID == share.ID && s.Value.Equal(share.Value) }
			if !slices.ContainsFunc(set.Shares, right) || slices.Contains(ids, share.ID) {
				t.Fatalf("%v was taken, after %v", share, ids)
			}
			ids = append(ids, share.ID)
		}
		if len(ids) != set.Threshold {
			t.Fatalf("%d sheets for %d", len(ids), set.Threshold)
		}
		agreed += people.agreed
	}
	if agreed < 10 {
		t.Errorf("%d mistakes were asked about", agreed)
	}
}

// cheapRecord is the record of a set whose fingerprints cost next to nothing.
func cheapRecord(t *testing.T, set *quorum.Set) *quorum.Record {
	t.Helper()
	record, err := quorum.NewRecord(rand.Reader, set, quorum.Issuance{ReadBack: make([]bool, set.Total)})
	if err != nil {
		t.Fatal(err)
	}
	cost := quorum.FingerprintCost{Passes: 1, Memory: 8, Threads: 1}
	record.Cost = cost
	for i, share := range set.Shares {
		value := make([]byte, (share.Prime.BitLen()+7)/8)
		copy(value[len(value)-len(share.Value):], share.Value)
		c := &record.Custodians[i]
		c.Fingerprint = hex.EncodeToString(argon2.IDKey(value, c.Salt, cost.Passes, cost.Memory, cost.Threads, 32))
	}
	return record
}
