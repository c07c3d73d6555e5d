package repair

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/dkek"
	"conclave/internal/secret"
	"conclave/quorum"
	"conclave/shamir"

	"pgregory.net/rapid"
)

// oracle is a share file that costs nothing to try: it compares with the
// password. It counts what was tried.
type oracle struct {
	password secret.Bytes
	tried    int
}

// lanes is how many passwords are tried at a time.
const lanes = 16

func (o *oracle) search(ctx context.Context, candidates iter.Seq[secret.Bytes], tried func(int)) (secret.Bytes, int, error) {
	n := 0
	for c := range candidates {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		o.tried++
		if c.Equal(o.password) {
			return secret.Bytes("the DKEK share"), n, nil
		}
		if n++; n%lanes == 0 {
			tried(n)
		}
	}
	tried(n)
	return nil, 0, dkek.ErrPassword
}

// set is sheets as they should be typed.
type set struct {
	password secret.Bytes
	drafts   []Draft
}

// of gives the drafts of these custodians.
func (s set) of(numbers ...int) (drafts []Draft) {
	for _, n := range numbers {
		drafts = append(drafts, s.drafts[n-1])
	}
	return drafts
}

// readSet reads a vector.
func readSet(t testing.TB, name string) (s set) {
	var prime string
	for _, words := range readWords(t, name, "shares.txt") {
		switch words[0] {
		case "prime":
			prime = words[1]
		case "share":
			s.drafts = append(s.drafts, Draft{prime, words[1], words[2]})
		}
	}
	for _, words := range readWords(t, name, "dkek.txt") {
		if words[0] == "password" {
			s.password = number(words[1]).FillBytes(make([]byte, len(words[1])/2))
		}
	}
	return s
}

func readWords(t testing.TB, name, file string) (lines [][]string) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", name, file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// sameEachTime is random and the same in each run of a test: a mistake that is
// expected at one place may, in a set in thousands, be explained at another.
func sameEachTime(t testing.TB) io.Reader {
	return mathrand.NewChaCha8(sha256.Sum256([]byte(t.Name())))
}

// splitSet makes a set of 18 as sc-hsm-tool does: 63 bits over a safe prime
// whose two top bits are set.
func splitSet(t testing.TB, random io.Reader, threshold int, used ...int) set {
	prime := new(big.Int)
	for prime.Bit(62) == 0 {
		var err error
		if prime, err = shamir.SafePrime(random, 64); err != nil {
			t.Fatal(err)
		}
	}
	password := make(secret.Bytes, 8)
	if _, err := io.ReadFull(random, password); err != nil {
		t.Fatal(err)
	}
	password[0] = password[0]&0x7F | 1
	return splitOver(t, random, prime, password, threshold, used...)
}

// splitOver splits until the sheets that are used have full length, and no digit
// twice in a row: an exchange of those would be no mistake.
func splitOver(t testing.TB, random io.Reader, prime *big.Int, password secret.Bytes, threshold int, used ...int) set {
	for {
		shares, err := shamir.Split(random, new(big.Int).SetBytes(password), prime, threshold, 18)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(used, func(n int) bool { return !isPlain(shares[n-1].Y, len(password)) }) {
			continue
		}
		s := set{password: password}
		for _, share := range shares {
			s.drafts = append(s.drafts, Draft{printed(prime), share.X.String(), printed(share.Y)})
		}
		return s
	}
}

func isPlain(y *big.Int, size int) bool {
	text := fmt.Sprintf("%x", y)
	for i := 1; i < len(text); i++ {
		if size == 8 && text[i] == text[i-1] {
			return false
		}
	}
	return len(text) == 2*size
}

func printed(n *big.Int) string {
	var pairs []string
	for _, b := range n.Bytes() {
		pairs = append(pairs, fmt.Sprintf("%02x", b))
	}
	return strings.Join(pairs, ":")
}

// repaired runs a plan until it finds the password, and checks the reading.
func repaired(t testing.TB, drafts []Draft, password secret.Bytes) (Reading, *oracle) {
	t.Helper()
	plan, err := Sheets(drafts)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{password: password}
	share, reading, err := plan.Run(t.Context(), o.search, nil)
	if err != nil {
		t.Fatalf("%v, after %d candidates of %v", err, o.tried, plan.Stages)
	}
	if string(share) != "the DKEK share" || !reading.Password.Equal(password) {
		t.Fatal("another share or password is returned")
	}
	checkShares(t, reading)
	return reading, o
}

// checkShares: the corrected shares give the password, as reading says.
func checkShares(t testing.TB, r Reading) {
	t.Helper()
	candidates, err := quorum.Candidates(r.Shares)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(candidates, func(c quorum.Candidate) bool { return c.How == r.How && c.Password.Equal(r.Password) }) {
		t.Fatalf("the corrected shares do not give the password by %q", r.How)
	}
}

// said is findings in words.
func said(findings []Finding) string {
	var words []string
	for _, f := range findings {
		words = append(words, f.String())
	}
	return strings.Join(words, "; ")
}

// explanations are all that a reading says, each in words.
func (r Reading) explanations() []string {
	all := []string{said(r.Findings)}
	for _, other := range r.Otherwise {
		all = append(all, said(other))
	}
	return all
}

// isExplained says whether one explanation is this one, or has it in it, and
// none is given if there is no mistake.
func (r Reading) isExplained(want string) bool {
	return slices.ContainsFunc(r.explanations(), func(s string) bool { return strings.Contains(s, want) && (want == "") == (s == "") })
}

// TestOracleStops: the tests are worth something only if a wrong password is
// not found.
func TestOracleStops(t *testing.T) {
	o := &oracle{password: bytes.Repeat([]byte{1}, 8)}
	plan := Password(secret.Bytes("something else"))
	if _, _, err := plan.Run(t.Context(), o.search, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if o.tried == 0 {
		t.Error("nothing was tried")
	}
}

// candidatesOf is what quorum makes of a base.
func candidatesOf(t rapid.TB, b *base) map[string]bool {
	var shares []quorum.CustodianShare
	for _, s := range b.sheets {
		shares = append(shares, quorum.CustodianShare{Prime: b.prime, ID: fmt.Sprint(s.x), Value: number(s.text).Bytes()})
	}
	candidates, err := quorum.Candidates(shares)
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string]bool)
	for _, c := range candidates {
		list[string(c.Password)] = true
	}
	return list
}
