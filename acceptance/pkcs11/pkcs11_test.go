//go:build linux

package pkcs11

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// TestPage plays docs/pkcs11.md with the paths of this computer, as conclave pkcs11 info
// shows it. What a section needs around it, such as a server, testdata/page has. Of those
// who are shown, Debian 12 lacks pkcs11-provider.
func TestPage(t *testing.T) {
	needAll(t)
	d := newDesk(t)
	for _, name := range []string{"opensc", "engine", "curl", "nginx", "ssh", "java", "p11-kit", "remote", "openssl"} {
		t.Run(name, func(t *testing.T) {
			if len(d.pages[name]) == 0 {
				t.Fatal("the page has no script for it")
			}
			if config := strings.Join(d.pages[name], ""); name == "openssl" && !exists(between(config, "\nmodule = ", "\n")) {
				t.Skip("NOT TESTED: pkcs11-provider is not installed")
			}
			t.Logf("%s", d.play(t, d.around(t, name)))
		})
	}
}

// needAll skips a test where a program is missing that is judged by.
func needAll(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a dozen programs")
	}
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: servers, and files of p11-kit, need root")
	}
	foreign.Need(t, "cc", "unshare", "pkcs11-tool", "openssl", "curl", "nginx", "ssh", "/usr/sbin/sshd", "keytool", "p11tool", "certtool", "p11-kit")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

// around gives the scripts of a section with what testdata/page has around them: a line
// "PAGE N" there stands for script N, or "PAGE" for all.
func (d *desk) around(t *testing.T, name string) string {
	t.Helper()
	around, err := os.ReadFile(filepath.Join("testdata", "page", name+".sh"))
	if os.IsNotExist(err) {
		return strings.Join(d.pages[name], "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^PAGE( \d)?\n`).ReplaceAllStringFunc(string(around), func(line string) string {
		if n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "PAGE"))); err == nil {
			return d.pages[name][n-1]
		}
		return strings.Join(d.pages[name], "")
	})
}

// play runs a script, which fails with the first command that does. What it mounts goes
// with it.
func (d *desk) play(t *testing.T, script string) string {
	t.Helper()
	prelude, err := os.ReadFile("testdata/prelude.sh")
	if err != nil {
		t.Fatal(err)
	}
	return d.run(t, "unshare", "--mount", "bash", "-c", string(prelude)+script)
}

// TestClients does more with each program than the page shows.
func TestClients(t *testing.T) {
	needAll(t)
	d := newDesk(t)
	d.play(t, d.around(t, "opensc")+d.around(t, "engine"))
	scripts, err := filepath.Glob("testdata/clients/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	slices.Sort(scripts)
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".sh"), func(t *testing.T) {
			script, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s", d.play(t, string(script)))
		})
	}
}
