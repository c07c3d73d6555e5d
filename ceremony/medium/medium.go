// Package medium recognises the media that a backup is copied to: two folders are on
// two media if their file systems are two. Begin with [System.Of]; [System.Removable]
// are the drives that can be offered. On Linux the system is asked for mounts and for
// the identifiers of file systems; elsewhere nothing is known of any folder.
package medium

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"conclave/internal/safefile"
)

// System is where media are mounted: /proc, /sys, /dev and /etc below Root, which is
// empty for those of this computer.
type System struct{ Root string }

// Medium is a file system that is mounted.
type Medium struct {
	Folder string // that it is mounted at
	Type   string // as the system calls it
	// Identity is its UUID, or else the device that it is on, by number; empty where
	// the system does not tell. A number is that of a place: another medium that is
	// put in there has it too.
	Identity string
	// Unmounted says that nothing is mounted where a medium would be: the folder is
	// one of the computer's own disk.
	Unmounted bool
	Size      int64 // in bytes; 0 if it is not known
}

// Of is the medium that a folder is on.
func (s System) Of(folder string) (Medium, error) {
	path, err := filepath.Abs(folder)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return Medium{}, err
	}
	mounts, err := s.mounts()
	if err != nil {
		return Medium{Folder: path}, nil // the system does not tell
	}
	found := mountOf(mounts, path)
	m := s.medium(found)
	m.Unmounted = s.unmounted(path, found.point)
	return m, nil
}

// Removable are the media that can be taken out of the computer, the system's own
// apart.
func (s System) Removable() (all []Medium) {
	mounts, err := s.mounts()
	if err != nil {
		return nil
	}
	seen := map[string]bool{mountOf(mounts, "/").device: true, mountOf(mounts, "/boot").device: true}
	for _, m := range mounts {
		if !seen[m.device] && s.canBeTaken(m.device) {
			seen[m.device] = true
			all = append(all, s.medium(m))
		}
	}
	return all
}

// String tells a medium to those who must choose one.
func (m Medium) String() string {
	parts := []string{m.Folder}
	if m.Size > 0 {
		parts = append(parts, fmt.Sprintf("%.1f GB", float64(m.Size)/1e9))
	}
	names := map[string]string{"vfat": "FAT", "exfat": "exFAT", "ntfs": "NTFS", "ntfs3": "NTFS", "fuseblk": "NTFS or exFAT"}
	if name, ok := names[m.Type]; ok {
		parts = append(parts, name)
	} else if m.Type != "" {
		parts = append(parts, m.Type)
	}
	if m.Identity != "" {
		parts = append(parts, m.Identity)
	}
	return strings.Join(parts, ", ")
}

func (s System) medium(m mount) Medium {
	return Medium{Folder: m.point, Type: m.kind, Identity: s.identity(m), Size: s.size(m.device)}
}

// identity is the UUID that udev has found on a mounted device, or its number.
func (s System) identity(m mount) string {
	if m.device == "" {
		return ""
	}
	names := []string{filepath.Base(m.source), s.target(m.source)}
	if link, err := os.Readlink(s.block(m.device)); err == nil {
		names = append(names, filepath.Base(link))
	}
	const uuids = "/dev/disk/by-uuid"
	entries, _ := os.ReadDir(s.path(uuids)) // without udev there is no such folder
	for _, e := range entries {
		target := s.target(filepath.Join(uuids, e.Name()))
		for _, name := range names {
			if target != "" && target == name {
				return "UUID " + e.Name()
			}
		}
	}
	return "device " + m.device
}

// target is the name of the device that a link in /dev leads to.
func (s System) target(link string) string {
	target, err := os.Readlink(s.path(link))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// canBeTaken says whether a device is removable, or on USB, where a disk does not say
// that it is.
func (s System) canBeTaken(device string) bool {
	link, err := os.Readlink(s.block(device))
	if err != nil {
		return false
	}
	if strings.Contains(link, "/usb") {
		return true
	}
	dir := filepath.Join(filepath.Dir(s.block(device)), link)
	return s.number(filepath.Join(dir, "removable")) == 1 || s.number(filepath.Join(filepath.Dir(dir), "removable")) == 1
}

// size is that of a device, which /sys has in sectors of 512 bytes.
func (s System) size(device string) int64 {
	return 512 * s.number(filepath.Join(s.block(device), "size"))
}

// number is what a file of /sys says; 0 if it says none.
func (s System) number(path string) int64 {
	content, err := safefile.Read(path, maxFile)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	return n
}

func (s System) block(device string) string { return s.path("/sys/dev/block/" + device) }

func (s System) path(path string) string { return filepath.Join("/", s.Root, path) }
