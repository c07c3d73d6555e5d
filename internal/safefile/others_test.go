//go:build unix

package safefile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/internal/safefile"
	"conclave/internal/testrun"
)

// alice is another user than the one of the tests, and her group.
const alice = 4242

// tree makes above/home/file with a change to one of them, and links to them of which
// those in links are alice's.
func tree(t *testing.T, change func(path func(string) string) error) (path func(string) string) {
	t.Helper()
	dir := t.TempDir()
	path = func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.MkdirAll(path("above/home"), 0o700), os.Chmod(path("above"), 0o755),
		os.WriteFile(path("above/home/file"), nil, 0o600),
		os.Mkdir(path("links"), 0o755),
		os.Symlink("../above/home", path("links/home")),
		os.Symlink(path("above/home/file"), path("links/file")),
		os.Symlink("file", path("links/file of a link")),
		os.Symlink("circle", path("links/circle")),
		change(path),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestOthersAreKeptOut(t *testing.T) {
	testrun.NeedRoot(t, "no other user to test with")
	mode := func(name string, mode os.FileMode) func(func(string) string) error {
		return func(path func(string) string) error { return os.Chmod(path(name), mode) }
	}
	owned := func(name string, uid, gid int) func(func(string) string) error {
		return func(path func(string) string) error { return os.Lchown(path(name), uid, gid) }
	}
	both := func(a, b func(func(string) string) error) func(func(string) string) error {
		return func(path func(string) string) error { return errors.Join(a(path), b(path)) }
	}
	const file, write, owner = "above/home/file", "others can write to ", " belongs to uid 4242, who can put something else in its place, and this runs as uid 0 (root); "
	for _, test := range []struct {
		name   string
		change func(path func(string) string) error
		path   string
		// what is refused, as the way or as one's own, {} being the folder of the test
		way, own string
	}{
		{"as it is made", mode(file, 0o600), file, "", ""},
		{"that others read", mode(file, 0o644), file, "", ""},
		{"that others write", mode(file, 0o602), file, "", write + "{}/above/home/file (mode -rw-----w-)"},
		{"that its group writes", both(owned(file, 0, alice), mode(file, 0o660)), file, "", write},
		{"that the group of its owner alone writes", mode(file, 0o660), file, "", ""},
		{"of alice", owned(file, alice, 0), file, "{}/above/home/file" + owner, "{}/above/home/file" + owner},
		{"of root and alice's group", owned(file, 0, alice), file, "", ""},
		{"in a folder that others write", mode("above/home", 0o703), file, write + "{}/above/home (mode drwx----wx), and put something else in its place; type: chmod go-w {}/above/home", ""},
		{"in a folder that its group writes", both(owned("above/home", 0, alice), mode("above/home", 0o770)), file, write + "{}/above/home ", ""},
		{"in a sticky folder", mode("above/home", 0o777|os.ModeSticky), file, "", ""},
		{"in alice's folder", owned("above/home", alice, 0), file, "{}/above/home" + owner, ""},
		{"below a folder that others write", mode("above", 0o777), file, write + "{}/above (", ""},
		{"below a sticky folder", mode("above", 0o777|os.ModeSticky), file, "", ""},
		{"below alice's folder", owned("above", alice, alice), file, "{}/above" + owner, ""},
		{"that does not exist below alice's folder", owned("above", alice, alice), "above/home/new/file", "{}/above" + owner, ""},
		{"that does not exist", mode(file, 0o600), "above/new/file", "", ""},
		{"a link", mode(file, 0o600), "links/file", "", ""},
		{"a link to one that others write", mode(file, 0o606), "links/file", "", write + "{}/links/file (mode -rw----rw-)"},
		{"a link below one that others write", mode("above", 0o777), "links/file", write + "{}/above (", ""},
		{"a link in a folder that others write", mode("links", 0o777), "links/file", write + "{}/links (", ""},
		{"alice's link", owned("links/file", alice, alice), "links/file", "{}/links/file" + owner, ""},
		{"a link to alice's link", owned("links/file", alice, alice), "links/file of a link", "{}/links/file" + owner, ""},
		{"a link in alice's folder", owned("links", alice, alice), "links/file", "{}/links" + owner, ""},
		{"behind a link", mode(file, 0o600), "links/home/file", "", ""},
		{"behind a link, below alice's folder", owned("above", alice, alice), "links/home/file", "{}/above" + owner, ""},
		{"behind alice's link", owned("links/home", alice, alice), "links/home/file", "{}/links/home" + owner, ""},
		{"a link in a circle", mode(file, 0o600), "links/circle", "too many", "too many"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := tree(t, test.change)
			for what, checked := range map[string]struct {
				err  error
				want string
			}{
				"the way": {safefile.CheckWay(path(test.path)), test.way}, "the file": {safefile.CheckOwn(path(test.path)), test.own},
			} {
				want := strings.ReplaceAll(checked.want, "{}", path(""))
				if (checked.err == nil) != (want == "") || !strings.Contains(fmt.Sprint(checked.err), want) {
					t.Errorf("%s: error %v; %q was expected", what, checked.err, want)
				}
			}
		})
	}
}

func TestExposed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if safefile.Exposed(path) {
		t.Error("others can read what does not exist")
	}
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o700: false, 0o640: true, 0o604: true, 0o622: false} {
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if got := safefile.Exposed(path); got != want {
			t.Errorf("with mode %v: %t", mode, got)
		}
	}
}

// TestRelativeWay: a path is looked at from the root.
func TestRelativeWay(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := safefile.CheckWay("file"); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := safefile.CheckWay("file"); err == nil || !strings.Contains(err.Error(), "others can write to "+dir) {
		t.Errorf("error %v; one that names %s was expected", err, dir)
	}
}

func TestQuoted(t *testing.T) {
	for path, want := range map[string]string{"/it's here": `'/it'\''s here'`, "a b": "'a b'", "~": "'~'", "-f": "'-f'", "": "''", "/home/x/root-1.pem": "/home/x/root-1.pem"} {
		if got := safefile.Quoted(path); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}
