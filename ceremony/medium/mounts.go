package medium

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"conclave/internal/safefile"
)

// mount is a line of mountinfo: see proc_pid_mountinfo(5).
type mount struct{ device, point, kind, source string }

// maxFile is how many bytes a file of the system may have.
const maxFile = 4 << 20

func (s System) mounts() (mounts []mount, err error) {
	content, err := safefile.Read(s.path("/proc/self/mountinfo"), maxFile)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(content)) {
		before, after, _ := strings.Cut(line, " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if len(where) < 5 || len(what) < 2 {
			return nil, fmt.Errorf("mountinfo has the line %q, which is not as it should be", line)
		}
		mounts = append(mounts, mount{where[2], unescaped(where[4]), what[0], unescaped(what[1])})
	}
	return mounts, nil
}

// unescaped undoes \040 for a space, and the like.
func unescaped(text string) string {
	var plain strings.Builder
	for {
		before, after, found := strings.Cut(text, `\`)
		plain.WriteString(before)
		if !found {
			return plain.String()
		}
		if n, err := strconv.ParseUint(after[:min(3, len(after))], 8, 8); err == nil && len(after) >= 3 {
			plain.WriteByte(byte(n))
			after = after[3:]
		} else {
			plain.WriteByte('\\')
		}
		text = after
	}
}

// mountOf is the mount that a path is on: the innermost, and of those at one place the
// last, which hides the others.
func mountOf(mounts []mount, path string) (found mount) {
	for _, m := range mounts {
		if within(path, m.point) && len(m.point) >= len(found.point) {
			found = m
		}
	}
	return found
}

// within says whether a path is a folder, or in it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// unmounted says whether a path is where media are mounted, and none is.
func (s System) unmounted(path, point string) bool {
	places := []string{"/media", "/run/media", "/mnt"}
	content, _ := safefile.Read(s.path("/etc/fstab"), maxFile) // which need not be there
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 1 && filepath.IsAbs(fields[1]) {
			places = append(places, filepath.Clean(unescaped(fields[1])))
		}
	}
	for _, place := range places {
		if within(path, place) && !within(point, place) {
			return true
		}
	}
	return false
}
