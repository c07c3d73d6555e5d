package repair

import (
	"io"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"conclave/internal/secret"
	"conclave/internal/testrun"
)

// arbitrary are sheets of a set whose threshold is their number: any values
// are.
func arbitrary(threshold int) (drafts []Draft) {
	const prime = "dc:5f:8e:b5:1a:19:87:ff" // of a vector
	values := []string{
		"59:4a:ea:80:e0:e9:9b:8e", "9c:95:b7:e2:b3:92:fc:e3", "3d:49:03:dc:db:2d:88:27", "86:1c:28:26:3a:a4:42:5a", "25:69:fb:c5:9a:2d:ff:37",
	}
	for i, value := range values[:threshold] {
		drafts = append(drafts, Draft{prime, "47928"[i : i+1], value})
	}
	return drafts
}

// stagesOf are the stages for arbitrary sheets, as the comment on Sheets says:
// for 2, 3 and 5 sheets.
var stagesOf = []struct {
	name   string
	counts [3]int
}{
	{"as typed", [3]int{1, 1, 1}},
	{"one sheet left out", [3]int{0, 3, 6}},
	{"two sheets left out", [3]int{0, 0, 5}},
	{"share values of another sheet", [3]int{0, 4, 15}},
	{"share IDs up to 16", [3]int{17, 23, 32}},
	{"numbers that sound alike", [3]int{0, 1, 1}},
	{"one digit misread as one like it", [3]int{27, 73, 140}},
	{"neighbouring digits or groups exchanged", [3]int{42, 2, 98}},
	{"one digit misheard", [3]int{15, 30, 80}},
	{"one other digit", [3]int{114, 208, 548}},
	{"another prime", [3]int{19, 26, 19}},
	{"two digits misread alike, or exchanged over another one", [3]int{49, 69, 158}},
	{"values in another order, or on the keys beside", [3]int{9, 19, 38}},
	{"values that go on in another line", [3]int{1, 9, 49}},
	{"one digit, or an exchange, with passwords that old files have", [3]int{337, 572, 476}},
	{"a group of another line", [3]int{0, 0, 361}},
	{"groups exchanged, missing or too many", [3]int{41, 26, 116}},
	{"share IDs up to 255", [3]int{278, 417, 695}},
	{"one digit typed twice, and one left out", [3]int{100, 306, 804}},
	{"one sheet left out, and one digit", [3]int{0, 900, 2813}},
	{"all else so far with passwords that old files have", [3]int{91, 199, 178}},
	{"two digits misread as ones like them", [3]int{1383, 4308, 16673}},
	{"two digits misheard", [3]int{574, 1689, 4882}},
	{"one group misread", [3]int{2091, 3137, 5228}},
	{"one digit, and values or IDs of other sheets", [3]int{279, 1255, 6970}},
	{"an exchange, and one digit like it", [3]int{3872, 8662, 21651}},
	{"an exchange, and one other digit", [3]int{8118, 18104, 51535}},
	{"two digits", [3]int{36270, 109628, 455040}},
}

func TestStages(t *testing.T) {
	for i, threshold := range []int{2, 3, 5} {
		p, err := Sheets(arbitrary(threshold))
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]int)
		for _, s := range p.Stages {
			got[s.Name] = s.Candidates
		}
		for _, want := range stagesOf {
			if got[want.name] != want.counts[i] {
				t.Errorf("%d sheets: %q has %d candidates, want %d", threshold, want.name, got[want.name], want.counts[i])
			}
		}
		if len(got) > len(stagesOf) {
			t.Errorf("%d sheets: stages %v", threshold, p.Stages)
		}
	}
}

// TestEstimates: as many candidates are tried as was said before, up to a third
// more or half less.
func TestEstimates(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of searches")
	}
	for _, threshold := range []int{2, 3, 5} {
		p, err := Sheets(arbitrary(threshold))
		if err != nil {
			t.Fatal(err)
		}
		tried := make([]int, len(p.Stages))
		for stage := range p.all(t.Context()) {
			tried[stage]++
		}
		for i, s := range p.Stages {
			const few = 10
			if n := tried[i]; n > s.Candidates*4/3+few || n < s.Candidates/2-few {
				t.Errorf("%d sheets: %q: %d candidates, estimated %d", threshold, s.Name, n, s.Candidates)
			}
		}
	}
}

// TestWithinAMinute: any wrong digit of a value is found within a minute of 18
// passwords a second if up to three sheets are needed; of four and five nine in
// ten, and more, are. What they take at the worst is that every guess is another
// password, and possible: then four sheets take 65 seconds, and five 82.
func TestWithinAMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of searches")
	}
	const rounds, minute = 60, 60 * 18
	random := testrun.Random(t)
	late := 0
	most := make(map[int]int)
	for range rounds {
		threshold := 2 + random.IntN(4)
		var used []int
		for _, n := range random.Perm(9)[:threshold] {
			used = append(used, n+1)
		}
		s := splitSet(t, bytesFrom(random), threshold, used...)
		drafts := s.of(used...)
		wrong := random.IntN(threshold)
		drafts[wrong].Value = put(drafts[wrong].Value, 1+random.IntN(16), anyOther)
		_, o := repaired(t, drafts, s.password)
		most[threshold] = max(most[threshold], o.tried)
		if o.tried > minute {
			late++
		}
		if o.tried > worst(threshold) {
			t.Errorf("%d sheets: %d passwords, %d at most expected", threshold, o.tried, worst(threshold))
		}
	}
	if late > rounds/10 {
		t.Errorf("%d of %d took more than a minute", late, rounds)
	}
	t.Logf("passwords at most: %v; more than a minute: %d of %d", most, late, rounds)
}

// worst is how many passwords any one wrong digit takes on so many sheets: those
// of the sheets as typed, of one or two left out, of exchanged values, of other
// IDs up to 16, of all digits, of digits and groups that are exchanged, and ten
// numbers on each sheet that sound like others.
func worst(sheets int) int { return []int{0, 0, 575, 868, 1166, 1467}[sheets] }

// TestWorst: over a prime just above 2^63 nearly every guess is possible.
func TestWorst(t *testing.T) {
	prime := number("800fe5aa419e8aef")
	random := bytesFrom(testrun.Random(t))
	for sheets := 2; sheets <= 5; sheets++ {
		used := []int{9, 7, 5, 8, 4}[:sheets]
		s := splitOver(t, random, prime, secret.Bytes("\x7Fpasswor"), sheets, used...)
		plan, err := Sheets(s.of(used...))
		if err != nil {
			t.Fatal(err)
		}
		last := slices.IndexFunc(plan.Stages, func(s Stage) bool { return s.Name == "one other digit" })
		tried := 0
		for stage := range plan.all(t.Context()) {
			if stage > last {
				break
			}
			tried++
		}
		if tried > worst(sheets) || tried < worst(sheets)*3/4 {
			t.Errorf("%d sheets: %d passwords, %d at the worst expected", sheets, tried, worst(sheets))
		}
	}
}

// bytesFrom is as random as the numbers, and the same again with their seed.
func bytesFrom(random *mathrand.Rand) io.Reader {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(random.Uint32())
	}
	return mathrand.NewChaCha8(seed)
}
