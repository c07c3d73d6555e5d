package quorum

import (
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"
	"conclave/shamir"

	"pgregory.net/rapid"
)

// The vectors: how many shares they need, and how they must be read. One in
// hundreds of ceremonies ends with a file like the last three.
var vectors = []struct {
	name      string
	threshold int
	how       string
	defects   []Defect
}{
	{"2-of-4", 2, "combined secret", nil},
	{"leading-zero", 2, "combined secret with its leading zero bytes, which sc-hsm-tool drops", []Defect{DefectLeadingZero}},
	{"two-leading-zeros", 3, "combined secret with its leading zero bytes, which sc-hsm-tool drops", []Defect{DefectLeadingZero}},
	{"prime-below-secret", 2, "combined secret plus 1 times the prime, as in files made before OpenSC 0.16", []Defect{DefectPrimeBelowSecret}},
}

func TestOpenVectors(t *testing.T) {
	for _, test := range vectors {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := readVector(t, test.name)
			opened, err := Open(dkektest.Practising(t.Context()), v.practice, v.entered[len(v.entered)-test.threshold:], nil)
			if err != nil {
				t.Fatal(err)
			}
			if !opened.Share.Equal(v.share) || opened.How != test.how || !slices.Equal(opened.Defects, test.defects) {
				t.Errorf("opened by %q with %v, want %q with %v", opened.How, opened.Defects, test.how, test.defects)
			}
		})
	}
}

// TestCandidatesOfVectors: every subset that is large enough has the password
// among its candidates, no smaller one has.
func TestCandidatesOfVectors(t *testing.T) {
	for _, test := range vectors {
		v := readVector(t, test.name)
		for size := 2; size <= len(v.entered); size++ {
			for _, subset := range subsets(v.entered, size) {
				candidates, err := Candidates(subset)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(candidates, func(c Candidate) bool { return c.Password.Equal(v.password) })
				switch {
				case size < test.threshold && i >= 0:
					t.Errorf("%s: %d shares are enough", test.name, size)
				case size >= test.threshold && (i < 0 || candidates[i].How != test.how):
					t.Errorf("%s: shares %s: password is candidate %d of %v", test.name, ids(subset), i, candidates)
				case len(candidates) > 3:
					t.Errorf("%s: %d candidates, each of which takes seconds", test.name, len(candidates))
				}
			}
		}
	}
}

// TestOpenFromOurSheets is a ceremony with more than nine custodians, two of
// whom enter their IDs in hexadecimal, as sc-hsm-tool would need them.
func TestOpenFromOurSheets(t *testing.T) {
	t.Parallel()
	set, err := Draw(rand.Reader, Scheme{3, 12, Strength128})
	if err != nil {
		t.Fatal(err)
	}
	want := secret.Bytes(strings.Repeat("s", dkek.ShareSize))
	ctx := dkektest.Practising(t.Context())
	file, err := dkek.EncryptShare(ctx, rand.Reader, want, set.Password, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(ctx, file, []CustodianShare{enter(t, set.Shares[11], "c"), enter(t, set.Shares[2], "3"), enter(t, set.Shares[9], "A")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !opened.Share.Equal(want) || opened.How != "combined secret" {
		t.Errorf("opened by %q", opened.How)
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	v := readVector(t, "2-of-4")
	misread := slices.Clone(v.entered[1:3])
	misread[1].Value = misread[1].Value.Clone()
	misread[1].Value[3] ^= 1
	_, err := Open(dkektest.Practising(t.Context()), v.practice, misread, nil)
	if !errors.Is(err, dkek.ErrPassword) || !strings.Contains(err.Error(), "ID 2, 3") {
		t.Errorf("error %v", err)
	}
	if _, err := Open(t.Context(), v.practice, v.entered[:1], nil); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("one share: error %v", err)
	}
}

// TestIDReadings: both ways in which people write IDs from 10 up.
func TestIDReadings(t *testing.T) {
	set, err := Draw(rand.Reader, Scheme{2, 20, Strength64})
	if err != nil {
		t.Fatal(err)
	}
	const hexadecimal = "combined secret, share IDs read as hexadecimal"
	for _, test := range []struct {
		first, second     int // numbers of the sheets
		firstID, secondID string
		how               string
	}{
		{10, 12, "10", "12", "combined secret"},
		{3, 9, "3", "09", "combined secret"},
		{10, 12, "a", "C", "combined secret"},
		{10, 12, "a", "12", "combined secret"},
		{16, 18, "10", "12", hexadecimal},
		{16, 10, "10", "a", hexadecimal},
		{3, 20, "3", "14", hexadecimal},
	} {
		candidates, err := Candidates([]CustodianShare{enter(t, set.Shares[test.first-1], test.firstID), enter(t, set.Shares[test.second-1], test.secondID)})
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(candidates, func(c Candidate) bool { return c.How == test.how && c.Password.Equal(set.Password) })
		if !found {
			t.Errorf("sheets %d, %d entered as %s, %s: not %q among %v", test.first, test.second, test.firstID, test.secondID, test.how, candidates)
		}
	}
}

// TestEverySubset: any threshold of our own sheets, in any order, gives the
// password as the first candidate.
func TestEverySubset(t *testing.T) {
	for threshold := 2; threshold <= 6; threshold++ {
		set, err := Draw(rand.Reader, Scheme{threshold, 6, Strength128})
		if err != nil {
			t.Fatal(err)
		}
		for _, subset := range subsets(set.Shares, threshold) {
			var entered []CustodianShare
			for _, s := range slices.Backward(subset) {
				entered = append(entered, enter(t, s, s.ID))
			}
			candidates, err := Candidates(entered)
			if err != nil {
				t.Fatal(err)
			}
			if !candidates[0].Password.Equal(set.Password) {
				t.Errorf("%d of 6, shares %s: another password", threshold, ids(entered))
			}
		}
	}
}

// TestCandidatesOfAnySecret: whatever 8 bytes were shared out over a prime of
// 64 bits, above or below it, they are found again, and few others.
func TestCandidatesOfAnySecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prime := rapid.SampledFrom([]*big.Int{number("dc5f8eb51a1987ff"), number("800fe5aa419e8aef"), number("bcf292070d7f429b")}).Draw(t, "prime")
		password := secret.Bytes(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "password"))
		clear(password[:rapid.IntRange(0, 3).Draw(t, "leading zeros")])
		candidates := share(t, new(big.Int).SetBytes(password), prime)
		if !slices.ContainsFunc(candidates, func(c Candidate) bool { return c.Password.Equal(password) }) {
			t.Fatal("the password is not among the candidates")
		}
		if len(candidates) > 3 {
			t.Fatalf("%d candidates", len(candidates))
		}
	})
}

// TestLongPassword: 16 bytes over GF(2^128+51), which sc-hsm-tool can import.
func TestLongPassword(t *testing.T) {
	prime := number("100000000000000000000000000000033")
	for _, test := range []struct{ secret, first string }{
		{"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"},
		{"23456789abcdef0123456789abcdef", "0023456789abcdef0123456789abcdef"},
		{"100000000000000000000000000000002", "0100000000000000000000000000000002"},
	} {
		candidates := share(t, number(test.secret), prime)
		if want, _ := new(big.Int).SetString(test.first, 16); new(big.Int).SetBytes(candidates[0].Password).Cmp(want) != 0 || 2*len(candidates[0].Password) != len(test.first) {
			t.Errorf("secret %s: the first candidate is another one", test.secret)
		}
	}
}

func TestCandidatesRefuses(t *testing.T) {
	v, other := readVector(t, "2-of-4"), readVector(t, "leading-zero")
	for _, test := range []struct {
		name    string
		entered []CustodianShare
		want    string
	}{
		{"none", nil, "too few shares: 0 entered"},
		{"one", v.entered[:1], "too few shares: 1 entered, at least 2"},
		{"one sheet twice", []CustodianShare{v.entered[2], v.entered[2]}, "share 3 is given twice"},
		{"two files", []CustodianShare{v.entered[0], other.entered[3]}, "the primes of shares 1 and 4 differ"},
	} {
		if _, err := Candidates(test.entered); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// share splits a number in three, and returns the candidates of two shares.
func share(t rapid.TB, number, prime *big.Int) []Candidate {
	shares, err := shamir.Split(rand.Reader, number.Mod(number, prime), prime, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	var entered []CustodianShare
	for i, s := range shares[:2] {
		custodian, err := ParseShare(colons(prime), strconv.Itoa(i+1), colons(s.Y))
		if err != nil {
			t.Fatal(err)
		}
		entered = append(entered, custodian)
	}
	candidates, err := Candidates(entered)
	if err != nil {
		t.Fatal(err)
	}
	return candidates
}

// enter is a custodian who types the lines of a sheet, but with this ID.
func enter(t *testing.T, share CustodianShare, id string) CustodianShare {
	t.Helper()
	s := share.Sheet()
	typed, err := ParseShare(s.Prime, id, s.Value)
	if err != nil {
		t.Fatal(err)
	}
	return typed
}

func number(hexadecimal string) *big.Int {
	n, ok := new(big.Int).SetString(hexadecimal, 16)
	if !ok {
		panic(hexadecimal)
	}
	return n
}
