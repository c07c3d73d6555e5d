package ceremony

import (
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"conclave/ceremony/sbom"
	"conclave/internal/safefile"
)

// Program is what runs the ceremony.
type Program struct {
	Version string
	SHA256  [32]byte // of the executable
	SBOM    []byte   // CycloneDX, JSON
}

// ThisProgram tells what runs, for transcript and papers. Its version is for
// people; what it is, its SHA-256 says.
func ThisProgram(version string) (Program, error) {
	path, err := os.Executable()
	if err != nil {
		return Program{}, err
	}
	return ProgramAt(path, version)
}

// ProgramAt tells the same of another program, which go build has made.
func ProgramAt(path, version string) (Program, error) {
	f, err := safefile.Open(path, 1<<30)
	if err != nil {
		return Program{}, err
	}
	defer f.Close()
	info, err := buildinfo.Read(f)
	if err != nil {
		return Program{}, fmt.Errorf("%s does not say what it was built from: %w; build it with go build", path, err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return Program{}, err
	}
	p := Program{Version: version, SHA256: [sha256.Size]byte(hash.Sum(nil))}
	p.SBOM, err = sbom.Of(info, p.SHA256[:], revisionTime(info))
	return p, err
}

// Built is when this program was built, if it is known: no later than
// that; zero if nothing is known.
func Built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	return revisionTime(info)
}

// revisionTime is that of the revision, so that the same program has the same
// bill of materials.
func revisionTime(info *debug.BuildInfo) time.Time {
	for _, s := range info.Settings {
		if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
			return t
		}
	}
	return time.Unix(0, 0).UTC()
}
