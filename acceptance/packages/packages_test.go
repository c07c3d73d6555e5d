package packages

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conclave/internal/foreign"
)

// run runs a program to its end, which must be a success, and gives its output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestPackages makes the packages, looks at them, installs them in a fresh Debian,
// uses what they hold, and takes them away again.
func TestPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole Debian")
	}
	foreign.Need(t, "cc", "mmdebstrap", "dpkg-deb", "lintian", "rpm", "rpmlint", "systemd-analyze", "unshare", "git", "mandoc")
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: a root of its own needs root")
	}
	debian := make(chan debianRoot)
	go func() { debian <- bootstrap(t) }()
	made := makePackages(t)
	t.Run("judges", func(t *testing.T) { judge(t, made) })
	t.Run("make install", func(t *testing.T) { install(t, made.bin) })
	root := <-debian
	if root.problem != nil {
		t.Fatal(root.problem)
	}
	t.Run("deb", func(t *testing.T) { installDeb(t, root, made.deb) })
	t.Run("rpm", func(t *testing.T) { installRPM(t, root, made.rpm) })
	t.Run("tarball", func(t *testing.T) { unpackTarball(t, made.tarball) })
}

// made are the folder of the programs and the packages, by their paths.
type made struct{ bin, deb, rpm, tarball string }

func makePackages(t *testing.T) made {
	t.Helper()
	dir := t.TempDir()
	run(t, "make", "-C", "../..", "packages", "BIN="+filepath.Join(dir, "bin"), "OUT="+dir)
	one := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("make packages has made %q of %s; one was expected (%v)", found, pattern, err)
		}
		return found[0]
	}
	return made{filepath.Join(dir, "bin"), one("*.deb"), one("*.rpm"), one("*.tar.gz")}
}

// judge looks at the packages as their distributions do, and at the unit.
func judge(t *testing.T, m made) {
	if out := run(t, "lintian", "--fail-on", "error", "--allow-root", m.deb); strings.Contains(out, "E:") {
		t.Errorf("lintian:\n%s", out)
	}
	run(t, "rpmlint", "--config", "../../packaging/rpmlint.toml", m.rpm)
	dir := t.TempDir()
	run(t, "dpkg-deb", "-x", m.deb, dir)
	run(t, "gunzip", "-r", filepath.Join(dir, "usr/share/man"))
	run(t, "mandoc", append([]string{"-Tlint", "-Wwarning"}, glob(t, dir, "usr/share/man/man?/*")...)...)
	judgeUnits(t, dir)
}

// judgeUnits lets systemd look at the units below a folder.
func judgeUnits(t *testing.T, dir string) {
	units := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", units) // without which there is no manager of a user
	for _, path := range glob(t, dir, "usr/lib/systemd/*/conclave*") {
		unit, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(units, filepath.Base(filepath.Dir(path)))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		unit = bytes.ReplaceAll(unit, []byte("/usr/bin/conclave"), []byte(dir+"/usr/bin/conclave"))
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(path)), unit, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for manager, names := range map[string][]string{
		"system": {"conclave-card@test.service", "conclave-agent.socket", "conclave-agent.service"}, "user": {"conclave-agent.socket", "conclave-agent.service"},
	} {
		for _, name := range names {
			if out := run(t, "systemd-analyze", "--"+manager, "verify", "--man=no", filepath.Join(units, manager, name)); out != "" {
				t.Errorf("systemd-analyze verify, %s %s:\n%s", manager, name, out)
			}
		}
	}
	for _, name := range []string{"conclave-card@.service", "conclave-agent.service"} {
		// Of ten, for a service that may do anything; above 2.0 it fails.
		out := run(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", filepath.Join(units, "system", name))
		t.Log(name, regexp.MustCompile("Overall exposure level.*").FindString(out))
	}
}

// install lays the programs down below a folder that is named from here, where they work,
// and takes them away again.
func install(t *testing.T, bin string) {
	stage := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(root, stage)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-C", "../..", "BIN=" + bin, "PREFIX=/opt/conclave", "DESTDIR=" + relative}
	run(t, "make", append(args, "install")...)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	if shown := run(t, filepath.Join(stage, "opt/conclave/bin/conclave"), "pkcs11", "info"); !strings.Contains(shown, stage+"/opt/conclave/lib/pkcs11/conclave-pkcs11.so\n") {
		t.Errorf("the module is not found where it was installed:\n%s", shown)
	}
	for _, named := range glob(t, stage, "opt/conclave/lib/systemd/*/*.service") {
		if content, err := os.ReadFile(named); err != nil || !bytes.Contains(content, []byte("ExecStart=/opt/conclave/bin/conclave ")) {
			t.Errorf("%s does not start what was installed (%v):\n%s", named, err, content)
		}
	}
	run(t, "make", append(args, "uninstall")...)
	if left, err := os.ReadDir(filepath.Join(stage, "opt")); err != nil || len(left) != 0 {
		t.Errorf("this is left: %v, %v", left, err)
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("there is no %s (%v)", pattern, err)
	}
	return found
}

// debianRoot is the root of a Debian that holds nothing of ours.
type debianRoot struct {
	dir     string
	problem error
}

// visitor is an ordinary user of it.
const visitor = "visitor"

// bootstrap makes a root that holds what every Debian has, with man, p11-kit and what
// makes system users.
func bootstrap(t *testing.T) debianRoot {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		return debianRoot{problem: err}
	}
	release, err := exec.Command("sh", "-c", `. /etc/os-release; echo "$VERSION_CODENAME"`).Output()
	if err != nil {
		return debianRoot{problem: err}
	}
	out, err := exec.Command("mmdebstrap", "--quiet", "--variant=minbase", "--include=man-db,systemd-standalone-sysusers,p11-kit,p11-kit-modules", strings.TrimSpace(string(release)), dir).CombinedOutput()
	if err == nil {
		out, err = exec.Command("chroot", dir, "useradd", "--create-home", "--shell", "/bin/bash", visitor).CombinedOutput()
	}
	if err != nil {
		t.Logf("%s", out)
	}
	return debianRoot{dir, err}
}

// command is one of the root, of a user who has just logged in.
func (r debianRoot) command(user, script string) *exec.Cmd {
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--root", r.dir, "--wd", "/",
		"setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--reset-env", "--", "bash", "--login", "-c", "cd; "+script)
	return cmd
}

// do lets a user do something in the root, which must succeed, and gives what it shows.
func (r debianRoot) do(t *testing.T, user, script string) string {
	t.Helper()
	out, err := r.command(user, script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// bring puts a package where the root has it, and gives its path there.
func (r debianRoot) bring(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inside := "/srv/" + filepath.Base(path)
	if err := os.WriteFile(r.dir+inside, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return inside
}

// files are those of the root, without what package managers and users keep.
func (r debianRoot) files(t *testing.T) (all []string) {
	t.Helper()
	theirs := regexp.MustCompile(`^/(proc|srv|home/visitor|var/(lib/(dpkg|rpm)|log|cache)|root/\.rpmdb)(/|$)|^/etc/(passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)-?$`)
	err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		inside := strings.TrimPrefix(path, r.dir)
		if theirs.MatchString(inside) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		all = append(all, inside)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// added are the files that came since.
func (r debianRoot) added(t *testing.T, before []string) (added []string) {
	t.Helper()
	for _, path := range r.files(t) {
		if _, was := slices.BinarySearch(before, path); !was {
			added = append(added, path)
		}
	}
	return added
}

func (r debianRoot) sorted(t *testing.T) []string {
	all := r.files(t)
	slices.Sort(all)
	return all
}

// installDeb installs the package, lets an ordinary user try what it brings, and purges
// it: what is left is what users have made.
func installDeb(t *testing.T, root debianRoot, deb string) {
	before := root.sorted(t)
	inside := root.bring(t, deb)
	root.do(t, "root", "dpkg -i "+inside)
	use(t, root)
	if out := root.do(t, visitor, "p11-kit list-modules"); !regexp.MustCompile(`(?m)^conclave: conclave-pkcs11.so\n +library-description: Client of conclave agent`).MatchString(out) {
		t.Errorf("p11-kit does not know the module:\n%s", out)
	}
	meetConclave(t, root)
	if id := root.do(t, "root", "getent passwd conclave"); !strings.Contains(id, ":/var/lib/conclave:/usr/sbin/nologin") {
		t.Errorf("the user of the service is %s", id)
	}
	root.do(t, "root", "dpkg --purge conclave")
	if left := root.added(t, before); len(left) != 0 {
		t.Errorf("after a purge this is left: %q", left)
	}
	root.do(t, "root", "! getent passwd conclave")

	root.do(t, "root", "dpkg -i "+inside+"; install -d -o conclave -m 700 /var/lib/conclave; touch /var/lib/conclave/card")
	root.do(t, "root", "dpkg --purge conclave")
	if left := root.added(t, before); !slices.Equal(left, []string{"/var/lib/conclave", "/var/lib/conclave/card"}) {
		t.Errorf("after a purge this is left of a card, and the rest: %q", left)
	}
	root.do(t, "root", "getent passwd conclave && rm -r /var/lib/conclave && userdel conclave")
}

// installRPM does the same with the other package.
func installRPM(t *testing.T, root debianRoot, rpm string) {
	before := root.sorted(t)
	root.bring(t, rpm)
	run(t, "rpm", "--root", root.dir, "--nodeps", "-i", rpm)
	use(t, root)
	run(t, "rpm", "--root", root.dir, "-V", "--nodeps", "conclave")
	run(t, "rpm", "--root", root.dir, "-e", "conclave")
	left := slices.DeleteFunc(root.added(t, before), func(path string) bool {
		info, err := os.Stat(root.dir + path)
		return err == nil && info.IsDir() // a Fedora has these folders
	})
	if len(left) != 0 {
		t.Errorf("this is left: %q", left)
	}
}

// use is what someone does with it on the first day.
func use(t *testing.T, root debianRoot) {
	t.Helper()
	for _, one := range []struct{ script, shows string }{
		{"conclave --version", `^conclave `},
		{"man -w conclave conclave-dkek-create", `(?m)^/usr/share/man/man1/conclave\.1\.gz\n/usr/share/man/man1/conclave-dkek-create\.1\.gz$`},
		{"man -w 5 conclave-plan", `/man5/conclave-plan\.5\.gz`},
		{". /usr/share/bash-completion/completions/conclave && complete -p conclave", ` conclave\n$`},
		{"conclave hsm create && conclave hsm list", `default`},
		{"conclave pkcs11 info", `(?m)^Module +/usr/lib(64|/[a-z0-9_-]+)/pkcs11/conclave-pkcs11.so\np11-kit +/usr/share/p11-kit/modules/conclave.module$`},
		{"export PIN=648219 SOPIN=3537363231383830; conclave hsm init --pin env:PIN --so-pin env:SOPIN && conclave pkcs11 test --pin env:PIN", `(?m)^log out`},
		{"rm -r ~/.local && test -s /usr/share/doc/conclave/conclave.cdx.json && zcat /usr/share/doc/conclave/third-party-licences.gz", `Permission is hereby granted`},
		{"/usr/libexec/conclave/sc-hsm-tool --help 2>&1 || :", `(?m)^Usage: sc-hsm-tool`},
		{"conclave help offline-root", `^AN OFFLINE ROOT CA`},
	} {
		if out := root.do(t, visitor, one.script); !regexp.MustCompile(one.shows).MatchString(out) {
			t.Errorf("%s does not show %s:\n%s", one.script, one.shows, out)
		}
	}
}

// unpackTarball unpacks it as people do.
func unpackTarball(t *testing.T, tarball string) {
	dir := t.TempDir()
	run(t, "tar", "-C", dir, "--strip-components=1", "-xf", tarball)
	run(t, filepath.Join(dir, "bin", "conclave"), "--version")
	if told, err := os.ReadFile(filepath.Join(dir, "share/p11-kit/modules/conclave.module")); err != nil || !bytes.Contains(told, []byte("\nmodule: /usr/local/lib/pkcs11/conclave-pkcs11.so\n")) {
		t.Errorf("p11-kit is told of another module (%v):\n%s", err, told)
	}
	glob(t, dir, "lib/pkcs11/conclave-pkcs11.so")
	unit := glob(t, dir, "lib/systemd/system/*.service")
	if content, err := os.ReadFile(unit[0]); err != nil || !bytes.Contains(content, []byte("ExecStart=/usr/local/bin/conclave ")) {
		t.Errorf("%s does not start what was unpacked to /usr/local (%v):\n%s", unit[0], err, content)
	}
}
