package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"conclave/custody"
	"conclave/internal/safefile"
	"conclave/internal/smalldisk"
	"conclave/internal/testrun"
)

// withTwoKeys gives the test a device of its own with a DKEK and two keys, in a folder
// with the vectors and the sheets of the DKEK.
func withTwoKeys(t *testing.T) {
	t.Helper()
	home(t)
	dir := t.TempDir()
	writeVectors(t, dir)
	t.Chdir(dir)
	if err := os.WriteFile("sheets", []byte("prime dc:5f:8e:b5:1a:19:87:ff\nshare 2 9c:95:b7:e2:b3:92:fc:e3\nshare 4 46:cb:c3:f1:3e:cc:37:8e\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conclave(t, "dkek", "import", "dkek.pbe", "--sheets-file", "sheets")
	for _, label := range []string{"root", "tls"} {
		conclave(t, "key", "generate", "--type", "ec:P-256", "--label", label, "--pin", "env:PIN")
	}
}

// checkBackup wants a folder whose manifest lists so many keys, all of them whole.
func checkBackup(t *testing.T, dir string, keys int) {
	t.Helper()
	m, err := custody.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	current := 0
	for _, k := range m.Keys {
		if _, err := k.Read(dir); err != nil {
			t.Error(err)
		}
		if k.Current() {
			current++
		}
	}
	if current != keys || len(m.NotBackedUp) > 0 {
		t.Errorf("%s has %d of %d keys: %+v", dir, current, keys, m)
	}
}

// TestBackupCutOff: wherever a backup is killed, the folder holds nothing that is not
// whole, and the same command goes on.
func TestBackupCutOff(t *testing.T) {
	withTwoKeys(t)
	testrun.Cuts(t, 8, func(at int) int {
		dir := filepath.Join(t.TempDir(), "card")
		calls := testrun.Cut(t, exec.Command("conclave", "backup", dir, "--pin", "env:PIN"), at)
		if safefile.Exists(filepath.Join(dir, custody.ManifestFile)) {
			if m, err := custody.ReadManifest(dir); err != nil {
				t.Error(err)
			} else {
				checkBackup(t, dir, len(m.Keys))
			}
		}
		conclave(t, "backup", dir, "--pin", "env:PIN")
		checkBackup(t, dir, 2)
		if left, err := filepath.Glob(filepath.Join(dir, "*"+safefile.Unfinished)); err != nil || len(left) > 0 {
			t.Errorf("cut off before call %d, and run again: %v are left", at, left)
		}
		return calls
	})
}

// TestRestoreCutOff: wherever a restore is killed, the same command brings the device to
// have each key once, where it was.
func TestRestoreCutOff(t *testing.T) {
	withTwoKeys(t)
	conclave(t, "backup", "card", "--pin", "env:PIN")
	want := conclave(t, "key", "list")
	testrun.Cuts(t, 8, func(at int) int {
		name := filepath.Base(t.TempDir()) + "-restored"
		conclave(t, "hsm", "create", name)
		conclave(t, "hsm", "init", "--device", name, "--pin", "env:PIN", "--so-pin", "env:SOPIN", "--dkek-shares", "1")
		restore := []string{"restore", "card", "--device", name, "--pin", "env:PIN", "--dkek", "dkek.pbe", "--sheets-file", "sheets"}
		calls := testrun.Cut(t, exec.Command("conclave", restore...), at)
		conclave(t, restore...)
		if got := conclave(t, "key", "list", "--device", name); got != want {
			t.Errorf("cut off before call %d, and run again, the device has\n%s", at, got)
		}
		return calls
	})
}

// TestBackupsAtOnce: of two processes at one folder one does the work, or both do one
// after the other.
func TestBackupsAtOnce(t *testing.T) {
	withTwoKeys(t)
	var done sync.WaitGroup
	for range 3 {
		done.Go(func() {
			out, err := exec.Command("conclave", "backup", "card", "--pin", "env:PIN").CombinedOutput()
			if err != nil && !strings.Contains(string(out), "another program is at work here") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	done.Wait()
	checkBackup(t, "card", 2)
	files, err := filepath.Glob("card/*")
	if err != nil || len(files) != 4 { // with manifest and lock
		t.Errorf("%v, %v", files, err)
	}
}

// TestBackupOnAFullDisk: a full disk ends a backup before anything is half written, and
// costs nothing that was there; where only the note of it has no room, it is made.
func TestBackupOnAFullDisk(t *testing.T) {
	withTwoKeys(t)
	disk := smalldisk.Mount(t, 1<<20)
	dir := filepath.Join(disk, "card")
	conclave(t, "backup", dir, "--pin", "env:PIN")
	conclave(t, "key", "generate", "--type", "ec:P-256", "--pin", "env:PIN")
	free := smalldisk.Fill(t, disk, 0)
	out, err := exec.Command("conclave", "backup", dir, "--pin", "env:PIN").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no space left on device") {
		t.Errorf("%v: %s", err, out)
	}
	checkBackup(t, dir, 2)
	free()
	if err := os.RemoveAll(os.Getenv("XDG_DATA_HOME") + "/conclave/backups.jsonl"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(os.Getenv("XDG_DATA_HOME")+"/conclave/backups.jsonl", 0o700); err != nil { // nothing can be noted there
		t.Fatal(err)
	}
	if out := conclave(t, "backup", dir, "--pin", "env:PIN"); !strings.Contains(out, "warning: the backup is made, but not noted for conclave status: ") {
		t.Errorf("it told %s", out)
	}
	checkBackup(t, dir, 3)
}
