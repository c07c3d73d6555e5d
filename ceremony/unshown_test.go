package ceremony_test

import (
	"maps"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/dkek/dkektest"
)

// TestUnshown: a drill, and an emergency, come to their end without what is lost, however
// its bag was, and say so.
func TestUnshown(t *testing.T) {
	media := map[string][]string{"Folder of backup medium 1": {t.TempDir()}, "Folder of backup medium 2": {t.TempDir()}}
	y := yearsFrom(t, time.Now(), func(s *stage) ceremony.Room { return &answers{s.players, media} }, func(p *plan.Plan) { p.Custody.Media = 2 })
	drill := func(b *ceremony.Before) *plan.Plan { return b.Drill(y.day) }
	emergency := func(b *ceremony.Before) *plan.Plan { return y.change(b, plan.Emergency, nil) }
	const goOn = "type unshown to go on without it"
	for _, test := range []struct {
		what   string
		plan   func(*ceremony.Before) *plan.Plan
		lost   string // backup or primary
		answer map[string][]string
		want   []string
	}{
		{"the backup", drill, "backup", nil, []string{"bags: 8 of 8 were closed, and had their numbers"}},
		{"the backup, and a medium", drill, "backup", map[string][]string{"Is backup medium 2 here?": {"no"}}, []string{"bags: 7 of 8 were closed, and had their numbers; not seen: backup medium 2"}},
		{"a medium whose bag was opened", drill, "backup", map[string][]string{"Is backup medium 2 here?": {"no"}, "Is the bag of backup medium 2, which was not here": {"no"}}, []string{"NOT AS THEY WERE: backup medium 2"}},
		{"the backup, in an emergency", emergency, "backup", map[string][]string{"Was the bag of backup medium 1": {"no"}}, []string{"bags: 7 of 8 were closed, and had their numbers; NOT AS THEY WERE: backup medium 1"}},
		{"a device whose bag was closed", emergency, "primary", nil, []string{"bags: 8 of 8 were closed, and had their numbers", "emergency: 4 of 4 sheets are good"}},
		{"a device with its bag", emergency, "primary", map[string][]string{"Was the bag of the device primary": {"no"}, "Number of the bag of the device primary": {"none"}}, []string{"NOT AS THEY WERE: the device primary"}},
		{"a device, in a drill", drill, "primary", nil, []string{"bags: 8 of 8 were closed"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			next := y.prepare(t, 1, test.plan)
			if test.lost == "backup" {
				next.Before.Backup = t.TempDir()
			} else {
				y.Devices.(home).Delete("primary") // which only the first one finds
			}
			answer := map[string][]string{goOn: {"unshown", "unshown"}}
			maps.Copy(answer, test.answer)
			next.Room = &answers{y.players, answer}
			if err := next.Run(dkektest.Practising(t.Context())); err != nil {
				t.Fatal(err)
			}
			wantShown(t, next.verified(t), test.want...)
		})
	}
}
