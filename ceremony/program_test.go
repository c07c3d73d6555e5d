package ceremony

import (
	"crypto/sha256"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"conclave/ceremony/sbom"
)

func TestThisProgram(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ThisProgram("v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != "v1.2.3" || p.SHA256 != sha256.Sum256(content) {
		t.Errorf("version %s, SHA-256 %x", p.Version, p.SHA256)
	}
	if d, err := sbom.Parse(p.SBOM); err != nil || d.SHA256 != p.SHA256 {
		t.Errorf("the bill of materials is of %x, %v", d.SHA256, err)
	}
}

func TestRevisionTime(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.time", Value: "2026-02-03T04:05:06Z"}}}
	if got, want := revisionTime(info), time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC); !got.Equal(want) {
		t.Errorf("built at %v; %v was expected", got, want)
	}
	if got := revisionTime(&debug.BuildInfo{}); !got.Equal(time.Unix(0, 0)) {
		t.Errorf("built at %v without a revision; always the same was expected", got)
	}
}
