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

	"conclave/shamir"

	"pgregory.net/rapid"
)

// TestSplit checks sheets as sc-hsm-tool prints and takes them.
func TestSplit(t *testing.T) {
	printed := regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){0,7}$`)
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(3, 30).Draw(t, "total")
		password, sheets, err := Split(rand.Reader, rapid.IntRange(2, total).Draw(t, "threshold"), total)
		if err != nil {
			t.Fatal(err)
		}
		if len(password) != 8 || password[0] == 0 || password[0] > 0x7F {
			t.Fatal("password is not 63 bits in 8 bytes without a leading zero")
		}
		prime := number(strings.ReplaceAll(sheets[0].Prime, ":", ""))
		if half := new(big.Int).Rsh(prime, 1); prime.BitLen() != 64 || !prime.ProbablyPrime(20) || !half.ProbablyPrime(20) {
			t.Fatalf("%s is not a safe prime of 64 bits", sheets[0].Prime)
		}
		for i, s := range sheets {
			if s.Prime != sheets[0].Prime || s.ID != strconv.Itoa(i+1) || !printed.MatchString(s.Prime) || !printed.MatchString(s.Value) {
				t.Fatalf("sheet %d: prime %s, ID %s, value %s", i+1, s.Prime, s.ID, s.Value)
			}
		}
		if len(sheets) != total {
			t.Fatalf("%d sheets, want %d", len(sheets), total)
		}
	})
}

func TestSplitLargest(t *testing.T) {
	if _, sheets, err := Split(rand.Reader, 255, 255); err != nil || len(sheets) != 255 {
		t.Errorf("%d sheets, %v", len(sheets), err)
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, test := range []struct {
		threshold, total int
		want             string
	}{
		{2, 2, "total must be 3 or larger"},
		{2, 256, "total must be 255 or smaller"},
		{1, 3, "threshold must be 2 or larger"},
		{4, 3, "threshold must be smaller than total, or equal"},
	} {
		if _, _, err := Split(rand.Reader, test.threshold, test.total); err == nil || err.Error() != test.want {
			t.Errorf("%d of %d: error %v, want %q", test.threshold, test.total, err, test.want)
		}
	}
}

// TestSplitWithBrokenGenerator: a generator that stops at any point, or gives
// zeros, must not lead to a password.
func TestSplitWithBrokenGenerator(t *testing.T) {
	gone := errors.New("the generator is gone")
	for n := range 24 {
		random := &failing{left: n, err: gone}
		if password, _, err := Split(random, 2, 3); !errors.Is(err, gone) || password != nil {
			t.Errorf("after %d bytes: error %v", n, err)
		}
	}
	if _, _, err := Split(zeros{}, 2, 3); err == nil || !strings.Contains(err.Error(), "zeros only") {
		t.Errorf("zeros: error %v", err)
	}
	if _, _, err := Split(iotest.OneByteReader(rand.Reader), 2, 3); err != nil {
		t.Errorf("one byte at a time: %v", err)
	}
}

// TestVerify: a wrong share is noticed, wherever it is.
func TestVerify(t *testing.T) {
	prime, secret := number("dc5f8eb51a1987ff"), big.NewInt(1234567)
	for wrong := range 5 {
		shares, err := shamir.Split(rand.Reader, secret, prime, 3, 5)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(shares, secret, prime, 3); err != nil {
			t.Fatal(err)
		}
		shares[wrong].Y.Add(shares[wrong].Y, big.NewInt(1)).Mod(shares[wrong].Y, prime)
		if err := verify(shares, secret, prime, 3); err == nil {
			t.Errorf("share %d is wrong and was not noticed", wrong+1)
		}
	}
}

func TestSheetDoesNotPrint(t *testing.T) {
	sheet := Sheet{Prime: "aa:bb", ID: "3", Value: "01:23"}
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
