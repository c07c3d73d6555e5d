package agent

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestFollow: a thread is kept to its client's processor where each client can have one
// of its own, as long as that is so.
func TestFollow(t *testing.T) {
	l, err := newLobby()
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	s := &socket{fd: -1, lobby: l, processor: noProcessor}
	defer s.follow(noProcessor)
	first := 0
	for !isIn(first, &l.processors) {
		first++
	}
	var one unix.CPUSet
	one.Set(first)
	all, processors := l.processors, int64(l.share)
	for _, step := range []struct {
		name      string
		clients   int64
		processor int
		want      unix.CPUSet
	}{
		{"as many clients as processors", processors, first, one},
		{"again", processors, first, one},
		{"one client more", processors + 1, first, all},
		{"one client less again", processors, first, one},
		{"a client that does not say", processors, noProcessor, all},
		{"half as many clients", processors / 2, first, all},
		{"a processor that does not exist", processors, 1 << 14, all},
	} {
		l.outside.Store(step.clients)
		s.follow(step.processor)
		var now unix.CPUSet
		if err := unix.SchedGetaffinity(0, &now); err != nil {
			t.Fatal(err)
		}
		if now != step.want {
			t.Errorf("%s: the thread may use %d processors, and not the %d it should", step.name, now.Count(), step.want.Count())
		}
	}
}
