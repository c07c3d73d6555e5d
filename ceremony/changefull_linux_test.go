package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/dkek/dkektest"
	"conclave/internal/smalldisk"
)

// filling is a room in which the disk of a change is full as each step begins: with no page
// left, and when it is begun again with one, and with two.
type filling struct {
	ceremony.Room
	t     *testing.T
	disk  string
	full  map[string]int // times, by step
	empty func()
}

func (f *filling) ShowStep(n, of int, s step.Step) {
	const times = 3
	f.makeRoom()
	if f.full[s.ID] < times {
		f.empty = smalldisk.Fill(f.t, f.disk, f.full[s.ID])
		f.full[s.ID]++
	}
	f.Room.ShowStep(n, of, s)
}

func (f *filling) makeRoom() {
	if f.empty != nil {
		f.empty()
		f.empty = nil
	}
}

// TestFullDiskInAChange: the disk of a rekey is full in each step, before its first write and
// after some; there is room, and it goes on. The old backup is as good as ever.
func TestFullDiskInAChange(t *testing.T) {
	first, room := onTwoMedia(t)
	y := first.elsewhere(t)
	s, people := y.any(t, plan.Rekey), &successors{SimulatedRoom: y.players, next: &ceremony.SimulatedRoom{}}
	disk := smalldisk.Mount(t, 16<<20)
	dir := filepath.Join(disk, "rekey")
	if err := os.CopyFS(dir, os.DirFS(string(s.Dir))); err != nil {
		t.Fatal(err)
	}
	f := &filling{Room: &drives{people, room.computer, room.written, map[string]string{}}, t: t, disk: disk, full: map[string]int{}}
	s.Dir, s.Room = ceremony.Folder(dir), f
	for n := 0; ; n++ {
		err := s.Run(dkektest.Practising(t.Context()))
		f.makeRoom()
		y.bringsAll(t, "the old backup", y.backup, y.players)
		if err == nil && n < 10 {
			t.Errorf("it was stopped %d times by a full disk", n)
		}
		if err == nil {
			break
		}
		if n > 100 || !strings.Contains(err.Error(), "no space left on device") {
			t.Fatalf("full %d times: %v", n, err)
		}
	}
	s.verified(t)
	s.bringsAll(t, "the new backup", s.Dir.Backup(), people.next)
}
