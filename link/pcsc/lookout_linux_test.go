package pcsc_test

import (
	"errors"
	"testing"

	"conclave/internal/pcscdtest"
	"conclave/link/linktest"
	"conclave/link/pcsc"
)

// TestLookout sees cards come and go, also where pcscd was started again.
func TestLookout(t *testing.T) {
	var l pcsc.Lookout
	defer l.Close()
	if _, err := l.Look(); !errors.Is(err, pcsc.ErrNoService) {
		t.Errorf("without pcscd: %v", err)
	}
	daemon := pcscdtest.Start(t)
	look := func(want bool) uint16 {
		t.Helper()
		states, err := l.Look()
		if err != nil || len(states) != 2 || states[0].Name != pcscdtest.Reader || states[0].Card != want || states[1].Card {
			t.Fatalf("saw %+v, %v; a card in the first of two readers: %t", states, err, want)
		}
		return states[0].Changes
	}
	before := look(false)
	remove := insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	first := look(true)
	remove()
	remove = insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	if second := look(true); first == before || second == first {
		t.Errorf("%d, and then %d and %d changes: an exchange is not noticed", before, first, second)
	}
	remove()
	daemon.Restart(t)
	look(false)
}
