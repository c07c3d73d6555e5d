package quorum

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"conclave/internal/testrun"
)

// codeMistakes are mistakes with the groups of a code, as a sheet shows them in
// three lines of four, beyond what its checksum corrects.
var codeMistakes = []struct {
	name string
	make func(r *rand.Rand, groups []string) []string
}{
	{"groups exchanged", func(r *rand.Rand, g []string) []string {
		two := r.Perm(12)[:2]
		g[two[0]], g[two[1]] = g[two[1]], g[two[0]]
		return g
	}},
	{"groups exchanged, and one character misread", func(r *rand.Rand, g []string) []string {
		two := r.Perm(12)[:3]
		g[two[0]], g[two[1]] = g[two[1]], g[two[0]]
		g[two[2]] = "?" + g[two[2]][1:]
		return g
	}},
	{"a group typed late", func(r *rand.Rand, g []string) []string {
		from := r.IntN(9)
		to := from + 2 + r.IntN(10-from)
		return slices.Concat(g[:from], g[from+1:to], []string{g[from]}, g[to:])
	}},
	{"lines exchanged", func(r *rand.Rand, g []string) []string {
		return [][]string{slices.Concat(g[4:8], g[:4], g[8:]), slices.Concat(g[8:], g[4:8], g[:4]), slices.Concat(g[4:], g[:4])}[r.IntN(3)]
	}},
	{"a line typed twice", func(r *rand.Rand, g []string) []string {
		line := 4 * r.IntN(3)
		return slices.Concat(g[:line+4], g[line:])
	}},
	{"a group typed twice, and one left out", func(r *rand.Rand, g []string) []string {
		out := 3 + r.IntN(9)
		twice := r.IntN(out - 1)
		return slices.Concat(g[:twice+1], g[twice:out], g[out+1:])
	}},
	{"read down the columns", func(_ *rand.Rand, g []string) []string {
		return []string{g[0], g[4], g[8], g[1], g[5], g[9], g[2], g[6], g[10], g[3], g[7], g[11]}
	}},
	{"letters for digits", func(r *rand.Rand, g []string) []string {
		b := []string{"8", "6"}[r.IntN(2)]
		for i := range g {
			g[i] = strings.NewReplacer("0", "O", "L", "1", b, "B").Replace(g[i])
		}
		return g
	}},
	{"twins", func(r *rand.Rand, g []string) []string {
		two := r.Perm(12)[:2]
		for _, i := range two {
			g[i] = "QQ" + g[i][2:]
		}
		return g
	}},
}

// TestCodeMistakes: each is found, and never taken for another share.
func TestCodeMistakes(t *testing.T) {
	random := testrun.Random(t)
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(random.Uint32())
	}
	draws := rand.NewChaCha8(seed)
	for _, test := range codeMistakes {
		for range 20 {
			set, err := Draw(draws, Scheme{2, 4, Strength64 << random.IntN(2)})
			if err != nil {
				t.Fatal(err)
			}
			share := set.Shares[random.IntN(4)]
			groups := strings.Fields(share.Sheet().Code)
			wrong := strings.Join(test.make(random, slices.Clone(groups)), " ")
			got, err := ParseCode(wrong)
			var doubt *Doubt
			if errors.As(err, &doubt) {
				got, err = doubt.Share, nil
			}
			if err != nil || !same(got, share) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

// TestTooManyMistakes: what is beyond all that is refused, and not taken for
// another code.
func TestTooManyMistakes(t *testing.T) {
	random := testrun.Random(t)
	for _, set := range someSets(t) {
		for range 20 {
			groups := strings.Fields(set.Shares[0].Sheet().Code)
			other := strings.Fields(set.Shares[1].Sheet().Code)
			line := 4 * (1 + random.IntN(2))
			wrong := strings.Join(slices.Concat(groups[:line], other[line:line+4], groups[line+4:]), " ")
			if _, err := ParseCode(wrong); err == nil || !strings.Contains(err.Error(), "too many characters") {
				t.Errorf("a line of another code: %v", err)
			}
		}
	}
}
