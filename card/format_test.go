package card_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/card/store"
	"conclave/card/store/sqlite"
)

// released opens a copy of a device as an earlier release has left it.
func released(t *testing.T, name string) (s *sqlite.Store, path string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata/devices", name+".device"))
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "d")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return openFile(t, path), path
}

// TestReleasedFormats: devices of all releases open for ever, with all that is in
// them. A login brings them to the present format, and nothing is lost by it.
func TestReleasedFormats(t *testing.T) {
	const wrapped = "8072019200 0000 = 9000 /^"
	for name, lines := range map[string][]string{
		"format-1-factory": {"00200081 = 6A88", anew, login},
		"format-1": {
			"00200081 = 63C2", login, "00200081 = 9000",
			sign + "9000 /^30", "00B1C40104 5402000000 = 9000 6C616265", "00B1CD0104 5402000000 = 9000 53656372",
			strings.Repeat("8068027020 1111111111111111111111111111111111111111111111111111111111111111 00 = 9000 /^30\n", 4) +
				"8068027020 1111111111111111111111111111111111111111111111111111111111111111 00 = 6984",
			wrapped, "002C00810E 3537363231383830 393939393939 = 9000", "0020008106 393939393939 = 9000", sign + "9000 /^30", wrapped,
		},
		"format-1-unblock-only": {login, sign + "9000 /^30", wrapped, "002C00810E 3537363231383830 393939393939 = 6986",
			"0020008106000000000000 = 63C2", "002C018108 3537363231383830 = 9000", "00200081 = 63C3", anew},
		"format-2": {
			"00200081 = 63C2", login, sign + "9000 /^30", "00B1C40104 5402000000 = 9000 6C616265", "00B1CD0104 5402000000 = 9000 53656372",
			wrapped, "002C00810E 3537363231383830 393939393939 = 9000", "0020008106 393939393939 = 9000", sign + "9000 /^30", wrapped,
		},
		"format-2-pending": {"8052000000 = 9000 /^0100", login, sign + "9000 /^30", wrapped},
		"format-1-half-imported": {
			"8052000000 = 9000 02010000000000000000", login,
			"805200002000000000000000000000000000000000000000000000000000000000000000FF = 9000", "8052000000 = 9000 /^0200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := released(t, name)
			c := openCard(t, s)
			expect(t, c, strings.Split(strings.Join(lines, "\n"), "\n")...)
			before, err := os.ReadFile(filepath.Join("testdata/devices", name+".device"))
			kept, keptErr := os.ReadFile(path + ".format-1")
			switch earlier := strings.HasPrefix(name, "format-1"); {
			case err != nil:
				t.Error(err)
			case earlier && (keptErr != nil || !bytes.Equal(before[100:], kept[100:])):
				t.Errorf("the copy is not the file as it was: %v", keptErr)
			case !earlier && !errors.Is(keptErr, fs.ErrNotExist):
				t.Errorf("a copy of what was not changed: %v", keptErr)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			openFile(t, path)
		})
	}
}

// TestFormat1WithoutALogin: what the SO-PIN may do on a device of format 1, before
// its user has logged in.
func TestFormat1WithoutALogin(t *testing.T) {
	for name, lines := range map[string][]string{
		"a new user PIN":             {"002C00810E 3537363231383830 393939393939 = 9000", "0020008106 393939393939 = 9000", sign + "9000 /^30"},
		"its tries":                  {"002C018108 3537363231383830 = 9000", "00200081 = 63C3", login, sign + "9000 /^30"},
		"a new SO-PIN":               {"0024008810 3537363231383830 3132333435363738 = 9000", login, sign + "9000 /^30", "002C00810E 3132333435363738 393939393939 = 9000", "0020008106 393939393939 = 9000", sign + "9000 /^30"},
		"an initialisation":          {anew, login, "0046" + "0100 = 6700"},
		"the user's PIN, by himself": {"002400810C 363438323139 393939393939 = 9000", "0020008106 393939393939 = 9000", sign + "9000 /^30", strings.Replace(anew, "910103", "910102", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := released(t, "format-1")
			expect(t, openCard(t, s), lines...)
		})
	}
}

// forge changes the state's JSON as whoever can write the file can, checksum and
// all.
func forge(t *testing.T, s store.Store, old, new string) {
	t.Helper()
	err := s.Update(func(w store.Writer) error {
		b, err := w.Get(1, 1)
		if err != nil {
			return err
		}
		text := string(stateJSON(b))
		if !strings.Contains(text, old) {
			t.Fatalf("%s is not in the state", old)
		}
		return w.Put(1, 1, stateRecord([]byte(strings.Replace(text, old, new, 1))))
	})
	if err != nil {
		t.Fatal(err)
	}
}
