package repair

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/secret"

	"pgregory.net/rapid"
)

// TestProgress: a search that tries 18 passwords a second says so, and ends
// about when it said it would.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, err := Sheets(arbitrary(2))
		if err != nil {
			t.Fatal(err)
		}
		o := &oracle{password: secret.Bytes("none")}
		slow := func(ctx context.Context, candidates iter.Seq[secret.Bytes], tried func(int)) (secret.Bytes, int, error) {
			return o.search(ctx, candidates, func(n int) {
				time.Sleep(lanes * time.Second / 18)
				tried(n)
			})
		}
		start, stages := time.Now(), map[string]bool{}
		var first, last Progress
		_, _, err = plan.Run(t.Context(), slow, func(p Progress) {
			if p.Tried < last.Tried || p.Total < p.Tried || p.Stage == "" {
				t.Errorf("%+v after %+v", p, last)
			}
			if last = p; first.Tried == 0 {
				first = p
			}
			stages[p.Stage] = true
		})
		if !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		if last.Tried != o.tried || last.Total != o.tried || last.Remaining != 0 || len(stages) < 8 {
			t.Errorf("at the end: %+v, %d tried", last, o.tried)
		}
		took := time.Since(start)
		if first.Rate < 17 || first.Rate > 19 || first.Remaining < took*3/4 || first.Remaining > took*5/4 {
			t.Errorf("took %v, at the beginning: %+v", took, first)
		}
	})
}

// TestRunEnds: when it is told to, and when the search fails.
func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := &oracle{password: secret.Bytes("none")}
	_, _, err := Password(secret.Bytes("remembered")).Run(ctx, o.search, func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) || o.tried > 2*lanes {
		t.Errorf("%v after %d", err, o.tried)
	}
	broken := errors.New("the disk is gone")
	fails := func(context.Context, iter.Seq[secret.Bytes], func(int)) (secret.Bytes, int, error) {
		return nil, 0, broken
	}
	if _, _, err := Password(secret.Bytes("remembered")).Run(t.Context(), fails, nil); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestNothingTwice: no password comes twice, and those that were tried are
// wiped.
func TestNothingTwice(t *testing.T) {
	plan, err := Sheets(arbitrary(2))
	if err != nil {
		t.Fatal(err)
	}
	seen, given := map[string]bool{}, []secret.Bytes(nil)
	search := func(_ context.Context, candidates iter.Seq[secret.Bytes], _ func(int)) (secret.Bytes, int, error) {
		for c := range candidates {
			if seen[string(c)] {
				t.Fatal("a password came twice")
			}
			seen[string(c)] = true
			given = append(given, c)
		}
		return nil, 0, dkek.ErrPassword
	}
	if _, _, err := plan.Run(t.Context(), search, nil); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	for _, c := range given {
		if strings.Trim(string(c), "\x00") != "" {
			t.Fatal("a password was not wiped")
		}
	}
}

// TestNothingShown: nothing that is formatted has a digit of a value in it.
func TestNothingShown(t *testing.T) {
	s := readSet(t, "2-of-4")
	drafts := s.of(1, 2)
	drafts[1].Value = put(drafts[1].Value, 3, anyOther)
	plan, err := Sheets(drafts)
	if err != nil {
		t.Fatal(err)
	}
	reading, _ := repaired(t, drafts, s.password)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{drafts, drafts[0], plan, *plan, reading, &reading} {
			shown := fmt.Sprintf(verb, v)
			if strings.Contains(shown, "594a") || strings.Contains(shown, "59:4a") || strings.Contains(shown, "0x59") || strings.Contains(shown, "16001d") || strings.Contains(shown, "22, 0") {
				t.Errorf("%s: %s", verb, shown)
			}
		}
	}
	reading.Wipe()
	if !reading.Password.Equal(make(secret.Bytes, 8)) || !reading.Shares[0].Value.Equal(make(secret.Bytes, 8)) {
		t.Error("not wiped")
	}
}

func TestSheetsRefuses(t *testing.T) {
	good := readSet(t, "2-of-4").drafts
	const value = "59:4a:ea:80:e0:e9:9b:8e"
	for _, test := range []struct {
		name   string
		drafts []Draft
		want   string
	}{
		{"one", good[:1], "sheets entered: 1; 2 to 255 were expected"},
		{"no value", []Draft{good[0], {good[0].Prime, "2", ""}}, "2: the share value is empty"},
		{"no prime", []Draft{good[0], {"", "2", value}}, "2: the prime is empty"},
		{"no prime near", []Draft{{"1234", "1", value}, {"1234", "2", value}}, "prime: no prime is like what was typed"},
		{"too long", []Draft{good[0], {good[0].Prime, "2", strings.Repeat(value, 10)}}, "sheet 2: the share value has 160 digits"},
		{"nothing readable", []Draft{{good[0].Prime, "1", "????????????????"}, {good[0].Prime, "2", "????????????????"}}, "too many digits are unreadable"},
		{"too much in both", []Draft{{good[0].Prime, "1", value + value}, {good[0].Prime, "2", value + value}}, "values are not below the prime"},
		{"a value for an ID", []Draft{good[0], {good[0].Prime, value, ""}}, "sheet typed as number 2: the share value is empty"},
	} {
		_, err := Sheets(test.drafts)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "59") {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// TestConsistent: sheets that agree with each other are not searched.
func TestConsistent(t *testing.T) {
	s := readSet(t, "2-of-4")
	plan, err := Sheets(s.of(1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	if !plan.Consistent || plan.Total() != 1 {
		t.Errorf("%v, %v", plan, plan.Stages)
	}
	repaired(t, s.of(1, 2, 3, 4), s.password)
	if plan, err = Sheets(s.of(1, 2)); err != nil || plan.Consistent {
		t.Errorf("%v, %v", plan, err)
	}
}

// TestPasswordsAsCandidates: the passwords of a combined secret are those that
// quorum.Candidates knows.
func TestPasswordsAsCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prime := number(rapid.SampledFrom([]string{"dc5f8eb51a1987ff", "800fe5aa419e8aef", "100000000000000000000000000000033", "1fffffffffffffff"}).Draw(t, "prime"))
		y := number(rapid.StringMatching(`0{0,6}[0-9a-f]{1,16}`).Draw(t, "value"))
		b := &base{input: &input{sheets: make([]entered, 2)}, prime: prime, sheets: []sheet{{x: 3, text: fmt.Sprintf("%x", y.Mod(y, prime))}, {x: 7, text: "1d"}}}
		secretNumber := b.combine(hypothesis{})
		got := passwords(secretNumber, prime, likely|remote)
		want := candidatesOf(t, b)
		for _, p := range got {
			if !want[string(p)] {
				t.Fatal("a password that quorum does not know")
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d passwords, want %d", len(got), len(want))
		}
		if n := len(passwords(secretNumber, prime, likely)) + len(passwords(secretNumber, prime, remote)); n != len(want) {
			t.Fatalf("%d passwords of both sorts, want %d", n, len(want))
		}
	})
}

// TestRealFile is a share file of sc-hsm-tool, and a misread digit on one of its
// sheets: as many as are needed, at the cost of practice, and all four.
func TestRealFile(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds for each group of candidates")
	}
	v := dkektest.ReadVector(t, "../testdata/2-of-4")
	group := 64 * runtime.GOMAXPROCS(0) // at most; how fast the kernels are decides
	for _, test := range []struct {
		sheets []int
		most   int // candidates, in whole groups
		ctx    context.Context
		file   dkek.ShareFile
	}{{[]int{3, 1}, 2 * group, dkektest.Practising(t.Context()), v.Practice}, {[]int{1, 2, 3, 4}, group, t.Context(), v.File}} {
		drafts := readSet(t, "2-of-4").of(test.sheets...)
		third := slices.Index(test.sheets, 3)
		drafts[third].Value = put(drafts[third].Value, 4, confusable)
		plan, err := Sheets(drafts)
		if err != nil {
			t.Fatal(err)
		}
		var last Progress
		got, reading, err := plan.Run(test.ctx, test.file.Search, func(p Progress) { last = p })
		if err != nil {
			t.Fatal(err)
		}
		if !reading.isExplained("sheet 3: digit 4 of the share value was misread") || !got.Equal(v.Share) || last.Tried > test.most {
			t.Errorf("%q after %d candidates", reading.explanations(), last.Tried)
		}
		t.Logf("%q, %+v", reading.explanations(), last)
	}
}
