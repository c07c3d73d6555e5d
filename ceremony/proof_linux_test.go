package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/custody"
	"conclave/dkek/dkektest"
	"conclave/internal/smalldisk"
)

// TestProofCutOff: a share file that a kill has left inside the proof is not taken for
// one. That its sheets are void is in the transcript, and told.
func TestProofCutOff(t *testing.T) {
	s := newStage(t, nil)
	backup := s.Dir.Backup()
	unfinished := filepath.Join(backup, "dkek.pbe.unfinished")
	var left []byte
	s.Announce = func(what string) {
		if what == string(custody.OpeningAgain) {
			var err error
			if left, err = os.ReadFile(unfinished); err != nil {
				t.Error(err)
			}
			panic(errPower)
		}
	}
	func() {
		defer func() {
			if cut := recover(); cut != errPower {
				t.Fatalf("it ended with %v", cut)
			}
		}()
		s.Run(dkektest.Practising(t.Context()))
	}()
	if err := os.WriteFile(unfinished, left, 0o600); err != nil { // which a kill would not have cleared away
		t.Fatal(err)
	}
	s.Announce = nil
	var told []string
	s.players.Shown = func(text string) { told = append(told, text) }
	if err := s.Run(dkektest.Practising(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"dkek.pbe was cut off before it was proved", "every sheet made so far is void, and is to be destroyed"} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("no one is told: %s", want)
		}
	}
	s.verified(t)
	if names, err := filepath.Glob(filepath.Join(backup, "*.unfinished")); err != nil || len(names) > 0 {
		t.Errorf("left in the backup: %v, %v", names, err)
	}
}

// TestFullDisk is found before anyone is asked for anything.
func TestFullDisk(t *testing.T) {
	s := newStage(t, nil)
	s.Dir = ceremony.Folder(filepath.Join(smalldisk.Mount(t, 4<<20), "ceremony"))
	s.Room = nil
	err := s.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "needs 8 MB of room") || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("on a disk of 4 MB: %v", err)
	}
	if _, err := os.Stat(s.Dir.Evidence()); err == nil {
		t.Error("the ceremony was begun")
	}
}
