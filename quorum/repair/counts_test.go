package repair

import (
	"conclave/internal/testrun"
	"testing"
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
	{"one digit misread as one like it", [3]int{28, 73, 140}},
	{"neighbouring digits or groups exchanged", [3]int{42, 2, 98}},
	{"one other digit", [3]int{131, 239, 628}},
	{"another prime", [3]int{19, 26, 19}},
	{"share IDs up to 255", [3]int{278, 417, 695}},
	{"one sheet left out, and one digit", [3]int{0, 903, 2827}},
	{"groups exchanged, missing or too many", [3]int{41, 26, 118}},
	{"the same with passwords that old files have", [3]int{369, 663, 559}},
	{"two digits misread as ones like them", [3]int{1410, 4322, 16673}},
	{"one digit, and values or IDs of other sheets", [3]int{279, 1255, 6970}},
	{"two digits", [3]int{36968, 109980, 455040}},
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
// candidates a second if up to three sheets are needed; of four and five nine
// in ten, and more, are. Of five, all guesses may be possible ones, and take 77
// seconds; four have no more of them.
func TestWithinAMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of searches")
	}
	const rounds, minute = 60, 60 * 18
	limits := map[int]int{2: minute, 3: minute, 4: 77 * 18, 5: 77 * 18}
	random := testrun.Random(t)
	late := 0
	most := make(map[int]int)
	for range rounds {
		threshold := 2 + random.IntN(4)
		var used []int
		for _, n := range random.Perm(9)[:threshold] {
			used = append(used, n+1)
		}
		s := splitSet(t, threshold, used...)
		drafts := s.of(used...)
		wrong := random.IntN(threshold)
		drafts[wrong].Value = put(drafts[wrong].Value, 1+random.IntN(16), anyOther)
		_, o := repaired(t, drafts, s.password)
		most[threshold] = max(most[threshold], o.tried)
		if o.tried > minute {
			late++
		}
		if o.tried > limits[threshold] {
			t.Errorf("%d sheets: %d candidates", threshold, o.tried)
		}
	}
	if late > rounds/10 {
		t.Errorf("%d of %d took more than a minute", late, rounds)
	}
	t.Logf("candidates at most: %v; more than a minute: %d of %d", most, late, rounds)
}
