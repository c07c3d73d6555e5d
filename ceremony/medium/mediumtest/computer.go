// Package mediumtest gives tests a computer whose drives they put in and take out.
package mediumtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony/medium"
)

// Computer has a disk, and drives. What it says of them is in files.
type Computer struct {
	medium.System
	Home   string // a folder on its disk
	tb     testing.TB
	mounts []string
}

// New is a computer without drives, whose disk has the number 8:1.
func New(tb testing.TB) *Computer {
	tb.Helper()
	root, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	c := &Computer{System: medium.System{Root: root}, Home: filepath.Join(root, "home"), tb: tb}
	c.folder("home")
	c.folder("proc/self")
	c.device("8:1", "devices/ata1/block/sda/sda1", "0d6f61f7-5b4d-4f4e-9d0e-0a4c0f6c1a2b")
	c.mount("/", "8:1", "ext4", "/dev/sda1")
	return c
}

// Drive puts in a drive with a file system, whose UUID udev finds if it has one, and
// gives the folder that it is mounted at.
func (c *Computer) Drive(label, device, uuid string) (folder string) {
	c.tb.Helper()
	name := "sd" + strings.ReplaceAll(device, ":", "-")
	folder = c.folder("media/" + label)
	c.device(device, "devices/usb1/1-1/block/"+name+"/"+name+"1", uuid)
	c.mount(folder, device, "vfat", "/dev/"+name+"1")
	if !strings.Contains(c.fstab(), folder) {
		c.write("etc/fstab", c.fstab()+"# a drive\nLABEL="+escaped(label)+" "+escaped(folder)+" vfat noauto 0 0\n")
	}
	return folder
}

// Take takes out what is mounted at a folder, which stays.
func (c *Computer) Take(folder string) {
	c.mounts = slices.DeleteFunc(c.mounts, func(line string) bool { return strings.Contains(line, " "+escaped(folder)+" ") })
	c.writeMounts()
}

func (c *Computer) fstab() string {
	content, _ := os.ReadFile(filepath.Join(c.Root, "etc/fstab"))
	return string(content)
}

func (c *Computer) mount(point, device, kind, source string) {
	c.mounts = append(c.mounts, fmt.Sprintf("%d 1 %s / %s rw,relatime shared:1 - %s %s rw\n", 20+len(c.mounts), device, escaped(point), kind, source))
	c.writeMounts()
}

func (c *Computer) writeMounts() { c.write("proc/self/mountinfo", strings.Join(c.mounts, "")) }

// device is one of /sys, and in /dev/disk/by-uuid.
func (c *Computer) device(device, path, uuid string) {
	c.write("sys/"+path+"/size", "15625000\n")
	c.write("sys/"+filepath.Dir(path)+"/removable", "0\n")
	c.link("sys/dev/block/"+device, "../../"+path)
	if uuid != "" {
		c.link("dev/disk/by-uuid/"+uuid, "../../"+filepath.Base(path))
	}
}

func (c *Computer) folder(name string) string {
	path := filepath.Join(c.Root, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		c.tb.Fatal(err)
	}
	return path
}

func (c *Computer) write(name, content string) {
	c.folder(filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(c.Root, name), []byte(content), 0o600); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *Computer) link(name, target string) {
	c.folder(filepath.Dir(name))
	if err := os.Symlink(target, filepath.Join(c.Root, name)); err != nil && !os.IsExist(err) {
		c.tb.Fatal(err)
	}
}

// escaped writes a path as the system's tables have it.
func escaped(path string) string { return strings.ReplaceAll(path, " ", `\040`) }
