package repair

import (
	"bytes"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/quorum"
	"conclave/shamir"
)

// scribe makes mistakes as people do who copy, hear or type numbers. It knows
// nothing of the corrections that are tried.
type scribe struct {
	*mathrand.Rand
	drafts []Draft
}

// onValue makes a mistake in the value of any sheet, which how does to digits. It
// says whether they allow it.
func onValue(how func(s scribe, digits []byte) []byte) func(scribe) bool {
	return func(s scribe) bool {
		i := s.IntN(len(s.drafts))
		digits := bare(s.drafts[i].Value)
		wrong := string(how(s, []byte(digits)))
		s.drafts[i].Value = wrong
		return wrong != "" && wrong != digits
	}
}

// other is any digit but one.
func (s scribe) other(than byte) byte {
	for {
		if d := "0123456789abcdef"[s.IntN(16)]; d != than {
			return d
		}
	}
}

// misread changes so many digits that are so far from each other.
func misread(distances ...int) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		i := s.IntN(len(d) - slices.Max(distances))
		for _, distance := range distances {
			d[i+distance] = s.other(d[i+distance])
		}
		return d
	}
}

func wholeGroup(s scribe, d []byte) []byte {
	i := 2 * s.IntN(len(d)/2)
	d[i], d[i+1] = s.other(d[i]), s.other(d[i+1])
	return d
}

// twin changes two equal digits in the same way.
func twin(distance int) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		i := s.IntN(len(d) - distance)
		if d[i] != d[i+distance] {
			return nil
		}
		d[i] = s.other(d[i])
		d[i+distance] = d[i]
		return d
	}
}

// swap exchanges two runs of digits, that begin at multiples of their length.
func swap(size int, distances ...int) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		distance := distances[s.IntN(len(distances))]
		i := size * s.IntN((len(d)-distance)/size)
		for n := range size {
			d[i+n], d[i+distance+n] = d[i+distance+n], d[i+n]
		}
		return d
	}
}

// hear takes one of two words for the other.
func hear(words ...string) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		a, b, _ := strings.Cut(words[s.IntN(len(words))], "/")
		if s.IntN(2) == 0 {
			a, b = b, a
		}
		i := s.IntN(len(d) - len(a) + 1)
		if string(d[i:i+len(a)]) != a {
			return nil
		}
		copy(d[i:], b)
		return d
	}
}

// dump writes a value as a program does that takes it for numbers of so many
// bytes, the lowest first.
func dump(size int) func(scribe, []byte) []byte {
	return func(_ scribe, d []byte) (wrong []byte) {
		size := size
		if size == 0 {
			size = len(d) / 2
		}
		for number := range slices.Chunk(d, 2*size) {
			for i := len(number) - 2; i >= 0; i -= 2 {
				wrong = append(wrong, number[i:i+2]...)
			}
		}
		return wrong
	}
}

func halves(_ scribe, d []byte) []byte { return append(slices.Clone(d[len(d)/2:]), d[:len(d)/2]...) }

func nibbles(_ scribe, d []byte) []byte {
	for i := 0; i < len(d); i += 2 {
		d[i], d[i+1] = d[i+1], d[i]
	}
	return d
}

// besideRight are what the keys to the right of the digits give.
var besideRight = strings.NewReplacer("1", "2", "2", "3", "3", "4", "4", "5", "5", "6", "6", "7", "7", "8", "8", "9", "9", "0", "0", "-",
	"a", "s", "b", "n", "c", "v", "d", "f", "e", "r", "f", "g")

func lineBeside(_ scribe, d []byte) []byte { return []byte(besideRight.Replace(string(d))) }

func digitsBeside(_ scribe, d []byte) []byte {
	for i, c := range d {
		switch {
		case c == '0':
			return nil
		case c == '9':
			d[i] = '0'
		case c < '9':
			d[i]++
		}
	}
	return d
}

func groupBesideRight(s scribe, d []byte) []byte {
	i := 2 * s.IntN(len(d)/2)
	wrong := besideRight.Replace(string(d[i : i+2]))
	if strings.Trim(wrong, "0123456789abcdef") != "" {
		return nil
	}
	copy(d[i:], wrong)
	return d
}

// leaveOut leaves a run of digits out, and type2 types one twice.
func leaveOut(size int) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		i := size * s.IntN(len(d)/size)
		return append(d[:i], d[i+size:]...)
	}
}

func typeTwice(size int) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		i := size * s.IntN(len(d)/size)
		return slices.Insert(d, i, bytes.Clone(d[i:i+size])...)
	}
}

// inTurn makes one mistake after the other in a line.
func inTurn(first, second func(scribe, []byte) []byte) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte {
		if d = first(s, d); d == nil {
			return nil
		}
		return second(s, d)
	}
}

// fromPrime takes so many groups from the line with the prime, up to the end if
// there are several.
func fromPrime(count int) func(scribe, []byte) []byte {
	return func(s scribe, d []byte) []byte { return slip(s, d, bare(s.drafts[0].Prime), count) }
}

// fromOther takes a group from the line of the other sheet.
func fromOther(s scribe, d []byte) []byte {
	other := bare(s.drafts[0].Value)
	if other == string(d) {
		other = bare(s.drafts[1].Value)
	}
	return slip(s, d, other, 1)
}

func slip(s scribe, d []byte, line string, count int) []byte {
	if len(line) != len(d) {
		return nil
	}
	i := 2 * s.IntN(len(d)/2)
	if count > 1 {
		i = len(d) - 2*count
	}
	for n := range count {
		if d[i+2*n] == line[i+2*n] || d[i+2*n+1] == line[i+2*n+1] {
			return nil
		}
	}
	copy(d[i:i+2*count], line[i:])
	return d
}

func exchangeTails(s scribe) bool {
	a, b := bare(s.drafts[0].Value), bare(s.drafts[1].Value)
	i := 2 + 2*s.IntN(len(a)/2-1)
	if len(a) != len(b) {
		return false
	}
	s.drafts[0].Value, s.drafts[1].Value = a[:i]+b[i:], b[:i]+a[i:]
	return true
}

// onBoth makes the same mistake on both sheets.
func onBoth(how func(scribe, []byte) []byte) func(scribe) bool {
	return func(s scribe) bool {
		for i := range s.drafts {
			s.drafts[i].Value = string(how(s, []byte(bare(s.drafts[i].Value))))
		}
		return true
	}
}

// inPrime makes a mistake in the prime, on both sheets.
func inPrime(how func(scribe, []byte) []byte) func(scribe) bool {
	return func(s scribe) bool {
		prime := string(how(s, []byte(bare(s.drafts[0].Prime))))
		s.drafts[0].Prime, s.drafts[1].Prime = prime, prime
		return true
	}
}

// then makes two mistakes.
func then(first, second func(scribe) bool) func(scribe) bool {
	return func(s scribe) bool { return first(s) && second(s) }
}

// The makes of sets, all 2-of-N.
const (
	usual = iota // 64 bits, as sc-hsm-tool makes them
	old          // whose password is above the prime
	long         // 128 bits
)

// mistakeClasses are mistakes, and how they are made.
var mistakeClasses = []struct {
	name string
	make func(scribe) bool
	only []int // makes of sets that it can be made with, all but old if nil
}{
	{"one digit misread", onValue(misread(0)), nil},
	{"one digit misheard (b for d, 8 for a)", onValue(hear("b/c", "b/d", "b/e", "b/3", "c/d", "c/e", "c/3", "d/e", "d/3", "e/3", "a/8", "5/9")), nil},
	{"13 for 30", onValue(hear("13/30", "14/40", "15/50", "16/60", "17/70", "18/80", "19/90")), nil},
	{"neighbouring digits exchanged", onValue(swap(1, 1)), nil},
	{"digits exchanged over another one (abc, cba)", onValue(swap(1, 2)), nil},
	{"twins misread (aa, bb)", onValue(twin(1)), nil},
	{"twins misread over another digit (aca, bcb)", onValue(twin(2)), nil},
	{"groups exchanged", onValue(swap(2, 2, 4, 6, 8)), nil},
	{"a digit left out", onValue(leaveOut(1)), nil},
	{"a digit typed twice", onValue(typeTwice(1)), nil},
	{"a group left out", onValue(leaveOut(2)), nil},
	{"a group typed twice", onValue(typeTwice(2)), nil},
	{"a digit typed twice, and one left out", onValue(inTurn(typeTwice(1), leaveOut(1))), nil},
	{"a group typed twice, and one left out", onValue(inTurn(typeTwice(2), leaveOut(2))), nil},
	{"one group misread", onValue(wholeGroup), nil},
	{"halves exchanged", onValue(halves), nil},
	{"bytes backwards, on both sheets", onBoth(dump(0)), nil},
	{"bytes in pairs backwards", onValue(dump(2)), nil},
	{"both digits of each group exchanged", onValue(nibbles), nil},
	{"a group on the keys beside", onValue(groupBesideRight), nil},
	{"digits of a line on the keys beside", onValue(digitsBeside), nil},
	{"a line on the keys beside", onValue(lineBeside), nil},
	{"a group of the prime's line", onValue(fromPrime(1)), []int{usual}},
	{"a group of another sheet's line", onValue(fromOther), nil},
	{"the last two groups of the prime's line", onValue(fromPrime(2)), []int{usual}},
	{"lines that go on in each other", exchangeTails, nil},
	{"an exchange of digits, and one digit misread", then(onValue(swap(1, 1)), onValue(misread(0))), nil},
	{"two digits misread", then(onValue(misread(0)), onValue(misread(0))), nil},
	{"one digit of the prime misread, on both sheets", inPrime(misread(0)), []int{usual}},
	{"one group of the prime misread, on both sheets", inPrime(wholeGroup), []int{usual}},
	{"an old file, and one digit misread", onValue(misread(0)), []int{old}},
	{"an old file, and neighbouring digits exchanged", onValue(swap(1, 1)), []int{old}},
}

// newSet makes two sheets of a set, and the password that they give.
func newSet(t *testing.T, random *mathrand.Rand, of int) (drafts []Draft, password secret.Bytes) {
	primes := strings.Fields("c7016d351df8c083 dc5f8eb51a1987ff")
	prime, size := number(primes[random.IntN(len(primes))]), 8
	if of == long {
		prime, size = quorum.Prime128(), 16
	}
	shared := new(big.Int)
	for accepted := false; !accepted; {
		password = make(secret.Bytes, size)
		bytesFrom(random).Read(password)
		shared.SetBytes(password)
		accepted = password[0] != 0 && (of == long || shared.Bit(63) == 0) || of == old && shared.Cmp(prime) > 0
	}
	shares, err := shamir.Split(bytesFrom(random), shared.Mod(shared, prime), prime, 2, 9)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range random.Perm(9)[:2] {
		drafts = append(drafts, Draft{printed(prime), shares[i].X.String(), printed(shares[i].Y)})
	}
	return drafts, password
}

// waited is how many passwords commands try that someone waits for.
const waited = 2000

// outcome is how many of so many mistakes were found.
type outcome struct{ rounds, soon, found, most int }

// tryClass makes mistakes in sets of a make. A search that is not whole ends
// where nobody waits any more.
func tryClass(t *testing.T, class func(scribe) bool, of, rounds int, whole bool) (o outcome) {
	random := mathrand.New(mathrand.NewPCG(1, uint64(of)))
	for o.rounds < rounds {
		drafts, password := newSet(t, random, of)
		if !class(scribe{random, drafts}) {
			continue
		}
		o.rounds++
		plan, err := Sheets(drafts)
		if err != nil {
			continue
		}
		limited := *plan
		if limited.Limit(waited); !whole {
			plan = &limited
		}
		if tried, stage := search(t, plan, password); stage != "" {
			o.found++
			o.most = max(o.most, tried)
			if slices.ContainsFunc(limited.Stages, func(s Stage) bool { return s.Name == stage }) {
				o.soon++
			}
		}
	}
	return o
}

// search counts the passwords until the right one, and says in which stage it
// is, if it is in one.
func search(t *testing.T, plan *Plan, password secret.Bytes) (tried int, stage string) {
	for stage, c := range plan.all(t.Context()) {
		tried++
		if !c.password.Equal(password) {
			continue
		}
		r := c.reading()
		checkShares(t, r)
		for _, f := range r.Findings {
			if f.Kind.String() == "" || strings.ContainsAny(f.String(), "#{}") {
				t.Errorf("%q is said of a %q", f, f.Kind)
			}
		}
		if len(r.Findings) == 0 {
			t.Errorf("nothing is said about what was found")
		}
		return tried, plan.Stages[stage].Name
	}
	return tried, ""
}

// TestShareOfMistakes makes mistakes of each class, and holds the table in
// docs/performance.md against what is found of them.
func TestShareOfMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of searches")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range testrun.Draw(t, mistakeClasses, len(mistakeClasses)/3) {
		t.Run(class.name, func(t *testing.T) {
			t.Parallel()
			of := usual
			if len(class.only) > 0 {
				of = class.only[0]
			}
			o := tryClass(t, class.make, of, 10, true)
			row := fmt.Sprintf("| %s | %d %% | %d %% | %d | ", class.name, o.soon*100/o.rounds, o.found*100/o.rounds, o.most)
			if class.only == nil {
				l := tryClass(t, class.make, long, 2, false)
				row += fmt.Sprintf("%d %% ", l.soon*100/l.rounds)
			}
			row += "|"
			t.Log(row)
			if !strings.Contains(string(page), "\n"+row+"\n") {
				t.Errorf("docs/performance.md has no row\n%s", row)
			}
		})
	}
}
