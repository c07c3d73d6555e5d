package quorum

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"conclave/internal/secret"

	"pgregory.net/rapid"
)

// TestDraw64 checks sheets as sc-hsm-tool prints and takes them.
func TestDraw64(t *testing.T) {
	printed := regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){0,7}$`)
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(3, 30).Draw(t, "total")
		set, err := Draw(rand.Reader, Scheme{rapid.IntRange(2, total).Draw(t, "threshold"), total, Strength64})
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Password) != 8 || set.Password[0] == 0 || set.Password[0] > 0x7F {
			t.Fatal("password is not 63 bits in 8 bytes without a leading zero")
		}
		prime := set.Shares[0].Prime
		if half := new(big.Int).Rsh(prime, 1); prime.BitLen() != 64 || !prime.ProbablyPrime(20) || !half.ProbablyPrime(20) {
			t.Fatalf("%v is not a safe prime of 64 bits", prime)
		}
		checkSheets(t, set, printed)
	})
}

// TestDraw128 checks that the longer sheets are of the same form.
func TestDraw128(t *testing.T) {
	printed := regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){0,16}$`)
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(3, 30).Draw(t, "total")
		set, err := Draw(rand.Reader, Scheme{rapid.IntRange(2, total).Draw(t, "threshold"), total, Strength128})
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Password) != 16 || set.Password[0] == 0 {
			t.Fatal("password is not 16 bytes without a leading zero")
		}
		if got := set.Shares[0].Sheet().Prime; got != "01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:33" {
			t.Fatalf("prime %s", got)
		}
		checkSheets(t, set, printed)
	})
}

// checkSheets checks that each sheet says the same in lines and in code.
func checkSheets(t *rapid.T, set *Set, printed *regexp.Regexp) {
	if len(set.Shares) != set.Total {
		t.Fatalf("%d shares, want %d", len(set.Shares), set.Total)
	}
	for i, share := range set.Shares {
		s := share.Sheet()
		if s.ID != strconv.Itoa(i+1) || !printed.MatchString(s.Prime) || !printed.MatchString(s.Value) {
			t.Fatalf("sheet %d: prime %s, ID %s, value %s", i+1, s.Prime, s.ID, s.Value)
		}
		if want := strconv.FormatInt(int64(i+1), 16); (s.OldToolID == "") != (want == s.ID) || s.OldToolID != "" && s.OldToolID != want {
			t.Fatalf("sheet %s: sc-hsm-tool is told %q", s.ID, s.OldToolID)
		}
		lines, err := ParseShare(s.Prime, s.ID, s.Value)
		if err != nil {
			t.Fatal(err)
		}
		code, err := ParseCode(s.Code)
		if err != nil {
			t.Fatal(err)
		}
		if code.ID != lines.ID || code.Prime.Cmp(lines.Prime) != 0 || !code.Value.Equal(lines.Value) ||
			code.Set != set.ID || code.Threshold != set.Threshold || code.Total != set.Total {
			t.Fatalf("sheet %s: code and lines differ", s.ID)
		}
		if !strings.HasPrefix(s.Code, set.ID+" ") || len(s.Code) != 48+11 {
			t.Fatalf("the code is not 12 groups, the set identifier %s first", set.ID)
		}
	}
}

// TestPrime128: it is a prime, and the smallest above 2^128.
func TestPrime128(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), 128)
	for n.Add(n, big.NewInt(1)); !n.ProbablyPrime(64); n.Add(n, big.NewInt(1)) {
		if n.Cmp(Prime128()) >= 0 {
			t.Fatal("2^128+51 is not a prime")
		}
	}
	if n.Cmp(Prime128()) != 0 {
		t.Errorf("%v is a smaller prime above 2^128", n)
	}
}

func TestDrawLargest(t *testing.T) {
	for _, strength := range []Strength{Strength64, Strength128} {
		set, err := Draw(rand.Reader, Scheme{255, 255, strength})
		if err != nil || len(set.Shares) != 255 {
			t.Fatalf("%v", err)
		}
		if proof, err := set.Prove(rand.Reader, set.Shares); err != nil || proof != (Proof{1, true}) {
			t.Errorf("proof %v, %v", proof, err)
		}
	}
}

// TestShareOutKeepsThePassword: new sheets for an old file, old ones valid.
func TestShareOutKeepsThePassword(t *testing.T) {
	v := readVector(t, "2-of-4")
	set, err := ShareOut(rand.Reader, v.password, Scheme{3, 5, Strength64})
	if err != nil {
		t.Fatal(err)
	}
	candidates, err := Candidates(set.Shares[1:4])
	if err != nil || !candidates[0].Password.Equal(v.password) {
		t.Errorf("the new sheets give another password (%v)", err)
	}
	for name, password := range map[string]secret.Bytes{"leading zero": {0, 1, 2, 3, 4, 5, 6, 7}, "five bytes": {1, 2, 3, 4, 5}, "none": nil} {
		if _, err := ShareOut(rand.Reader, password, Scheme{3, 5, Strength64}); !errors.Is(err, ErrNotShareable) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	high := secret.Bytes{0xF0, 1, 2, 3, 4, 5, 6, 7}
	if set, err := ShareOut(rand.Reader, high, Scheme{2, 3, Strength64}); err != nil || set.Shares[0].Prime.Cmp(new(big.Int).SetBytes(high)) <= 0 {
		t.Errorf("a password above 2^63, as before OpenSC 0.16: %v", err)
	}
}

func TestSchemeRefuses(t *testing.T) {
	for _, test := range []struct {
		scheme Scheme
		want   string
	}{
		{Scheme{2, 2, 64}, "total must be 3 or larger"},
		{Scheme{2, 256, 64}, "total must be 255 or smaller"},
		{Scheme{1, 3, 64}, "threshold must be 2 or larger"},
		{Scheme{4, 3, 128}, "threshold must be smaller than total, or equal"},
		{Scheme{2, 3, 96}, "strength of 96 bits; 64 or 128 expected"},
	} {
		if _, err := Draw(rand.Reader, test.scheme); err == nil || err.Error() != test.want {
			t.Errorf("%v: error %v, want %q", test.scheme, err, test.want)
		}
	}
}

// TestDrawWithBrokenGenerator: a generator that stops at any point, or gives
// zeros, must not lead to a password.
func TestDrawWithBrokenGenerator(t *testing.T) {
	gone := errors.New("the generator is gone")
	for n := range 24 {
		random := &failing{left: n, err: gone}
		if set, err := Draw(random, Scheme{2, 3, Strength64}); !errors.Is(err, gone) || set != nil {
			t.Errorf("after %d bytes: error %v", n, err)
		}
	}
	if _, err := Draw(zeros{}, Scheme{2, 3, Strength128}); err == nil || !strings.Contains(err.Error(), "only zeros") {
		t.Errorf("zeros: error %v", err)
	}
	if _, err := Draw(iotest.OneByteReader(rand.Reader), Scheme{2, 3, Strength64}); err != nil {
		t.Errorf("one byte at a time: %v", err)
	}
}

// TestProve: a wrong share is noticed, wherever it is.
func TestProve(t *testing.T) {
	for wrong := range 5 {
		set, err := Draw(rand.Reader, Scheme{3, 5, Strength128})
		if err != nil {
			t.Fatal(err)
		}
		if proof, err := set.Prove(rand.Reader, set.Shares); err != nil || proof != (Proof{10, true}) {
			t.Fatalf("proof %v, %v", proof, err)
		}
		set.Shares[wrong].Value[3] ^= 1
		if _, err := set.Prove(rand.Reader, set.Shares); err == nil {
			t.Errorf("share %d is wrong and was not noticed", wrong+1)
		}
	}
	set, err := Draw(rand.Reader, Scheme{10, 30, Strength64})
	if err != nil {
		t.Fatal(err)
	}
	if proof, err := set.Prove(rand.Reader, set.Shares); err != nil || proof != (Proof{10_000, false}) {
		t.Errorf("10-of-30: proof %v, %v", proof, err)
	}
}

func TestSheetDoesNotPrint(t *testing.T) {
	sheet := Sheet{Prime: "aa:bb", ID: "3", Value: "01:23", Code: "01:23"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if out := fmt.Sprintf(verb, []Sheet{sheet}); strings.Contains(out, "01:23") {
			t.Errorf("%s: %s", verb, out)
		}
	}
}

func TestColons(t *testing.T) {
	for n, want := range map[int64]string{0: "00", 1: "01", 0x1FF: "01:ff", 0x10000: "01:00:00"} {
		if got := colons(big.NewInt(n)); got != want {
			t.Errorf("%x: %s, want %s", n, got, want)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// failing gives random bytes, but no more than it has left.
type failing struct {
	left int
	err  error
}

func (f *failing) Read(b []byte) (int, error) {
	if f.left == 0 {
		return 0, f.err
	}
	n, err := rand.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}
