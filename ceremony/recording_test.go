package ceremony_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/dkek/dkektest"
)

// TestRecording: the close has the hash of the recording's file, also of one in the
// evidence, or what people have typed of it; that there is none is an exception where
// one was planned.
func TestRecording(t *testing.T) {
	elsewhere := filepath.Join(t.TempDir(), "camera.mp4")
	sum := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct {
		answers    []string
		name, sum  string
		exceptions int
	}{
		{[]string{"None."}, "none", "none", 1},
		{[]string{filepath.Dir(elsewhere), filepath.Join(filepath.Dir(elsewhere), "missing.mp4"), elsewhere}, "camera.mp4", hashOf([]byte("moving pictures")), 0},
		{[]string{"EVIDENCE/photos/camera.mp4"}, "photos/camera.mp4", hashOf([]byte("moving pictures")), 0},
		{[]string{"cameras 1 to 3.mp4  " + strings.ToUpper(sum)}, "cameras 1 to 3.mp4", sum, 0},
		{[]string{"tape 2027/14", "tape 14"}, "tape 14", "none", 0},
	} {
		s := onlyRecorded(t)
		for i, answer := range test.answers {
			test.answers[i] = strings.Replace(answer, "EVIDENCE", s.evidence(), 1)
		}
		photos := filepath.Join(s.evidence(), evidence.PhotosDir)
		if err := os.MkdirAll(photos, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{elsewhere, filepath.Join(photos, "camera.mp4")} {
			if err := os.WriteFile(path, []byte("moving pictures"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.Room = &answers{s.players, map[string][]string{"Recording of the whole": test.answers}}
		if err := s.Run(dkektest.Practising(t.Context())); err != nil {
			t.Fatal(err)
		}
		report := s.verified(t)
		closing := evidence.Of[step.CloseFacts](report.Facts, step.Close.ID())
		if closing.Recording != test.name || closing.RecordingSum != test.sum || len(report.Exceptions) != test.exceptions {
			t.Errorf("%q: it is %q with SHA-256 %s, exceptions: %v", test.answers, closing.Recording, closing.RecordingSum, report.Exceptions)
		}
	}
}

// onlyRecorded is a ceremony that makes no key, issues nothing, and is recorded.
func onlyRecorded(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, nil)
	p := s.Plan
	p.Custody, p.Keys, p.Certificates, p.CRLs, p.People.Custodians, p.Recording = nil, nil, nil, nil, nil, true
	var err error
	if s.Source, err = p.Bytes(); err != nil {
		t.Fatal(err)
	}
	return s
}
