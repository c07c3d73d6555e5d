//go:build unix

package evidence_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"conclave/ceremony/evidence"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
)

// hostile is a folder that someone has made to do harm to whoever verifies it, and
// what must be said of it.
type hostile struct {
	what string
	make func(dir string) error
	want string
}

func fifo(name string) func(string) error {
	return func(dir string) error {
		os.Remove(filepath.Join(dir, name))
		return syscall.Mkfifo(filepath.Join(dir, name), 0o600)
	}
}

func linkTo(target, name string) func(string) error {
	return func(dir string) error {
		os.RemoveAll(filepath.Join(dir, name))
		return os.Symlink(target, filepath.Join(dir, name))
	}
}

// sparse makes a file of a size, which takes no room on a disk.
func sparse(size int64, names ...string) func(string) error {
	return func(dir string) error {
		for _, name := range names {
			os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				return err
			}
			if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
				return err
			}
		}
		return nil
	}
}

func content(name string, content []byte) func(string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), content, 0o600) }
}

// socket makes a socket, whose path may not be long.
func socket(dir string) error {
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		return err
	}
	defer os.RemoveAll(short)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(short, "s")})
	if err != nil {
		return err
	}
	defer l.Close()
	return os.Link(filepath.Join(short, "s"), filepath.Join(dir, "photos.sock"))
}

// crowd makes 20,000 files.
func crowd(dir string) error {
	photos := filepath.Join(dir, "photos")
	if err := errors.Join(os.Mkdir(photos, 0o700), os.WriteFile(filepath.Join(photos, "0"), nil, 0o600)); err != nil {
		return err
	}
	for i := 1; i < 20_000; i++ {
		if err := os.Link(filepath.Join(photos, "0"), filepath.Join(photos, fmt.Sprint(i))); err != nil {
			return err
		}
	}
	return nil
}

func photos(total, each int64) func(string) error {
	var names []string
	for i := int64(0); i*each < total; i++ {
		names = append(names, fmt.Sprintf("photos/%d.jpg", i))
	}
	return sparse(each, names...)
}

func hostiles() []hostile {
	brackets := bytes.Repeat([]byte("["), 6_000_000)
	var many bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&many, "%064x  photos/%d.jpg\n", i, i)
	}
	return []hostile{
		{"a pipe", fifo("photo.jpg"), `"photo.jpg" is a named pipe; files and folders alone were expected`},
		{"a pipe as the plan", fifo(evidence.PlanFile), `"plan.json" is a named pipe`},
		{"a pipe as the transcript", fifo(evidence.TranscriptFile), `"transcript.jsonl" is a named pipe`},
		{"a pipe as SHA256SUMS", fifo(evidence.SumsFile), `"SHA256SUMS" is a named pipe`},
		{"a pipe deeper", fifo("custody/set.json"), `"custody/set.json" is a named pipe`},
		{"a socket", socket, `"photos.sock" is a socket`},
		{"a link to zeroes without end", linkTo("/dev/zero", evidence.RegisterFile), `"register.json" is a symbolic link`},
		{"a link to a file of the machine", linkTo("/etc/hostname", evidence.SumsFile), `"SHA256SUMS" is a symbolic link`},
		{"a link to a folder of the machine", linkTo("/etc", "certificates"), `"certificates" is a symbolic link`},
		{"a link within the folder", linkTo("plan.json", "photo.jpg"), `"photo.jpg" is a symbolic link`},
		{"a link to itself", linkTo("photo.jpg", "photo.jpg"), `"photo.jpg" is a symbolic link`},
		{"a file of three gibibytes", sparse(3<<30, "photo.jpg"), `"photo.jpg" has 3221225472 bytes; 536870912 at most were expected`},
		{"nine gibibytes in all", photos(9<<30, 512<<20), "it holds more than 8589934592 bytes"},
		{"20,000 files", crowd, "it holds more than 10000 files and folders"},
		{"1,000 folders, one in another", func(dir string) error { return os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", 1000)), 0o700) }, "folders are nested more than 8 deep"},
		{"a folder with nothing in it", func(dir string) error { return os.Mkdir(filepath.Join(dir, "photos"), 0o700) }, `the folder "photos" is empty; remove it`},
		{"a name that a terminal obeys", content("\x1b[2Jall is well", nil), `the name "\x1b[2Jall is well" has a character that cannot be printed`},
		{"a name of two lines", content("a\nPROBLEM none", nil), `the name "a\nPROBLEM none" has a character that cannot be printed`},
		{"a name that is written backwards", content("gpj.\u202ephoto", nil), `the name "gpj.\u202ephoto" has a character that cannot be printed`},
		{"a name that is no text", content("photo\x9b.jpg", nil), `the name "photo\x9b.jpg" has a character that cannot be printed`},
		{"a name with a backslash", content(`..\plan.json`, nil), `the name "..\\plan.json" has a character that cannot be printed, or a backslash`},
		{"six million brackets as the plan", content(evidence.PlanFile, brackets), "plan.json: it has 6000000 bytes; 1048576 at most were expected"},
		{"fewer brackets as the plan", content(evidence.PlanFile, brackets[:1_000_000]), "plan.json: plan, line 1: objects and lists are nested more than 20 deep"},
		{"brackets as the register", content(evidence.RegisterFile, brackets), "register.json: register export: "},
		{"brackets as the record", content(evidence.RecordFile, brackets), "custody/set.json: not a set record: "},
		{"brackets as the software", content(evidence.SoftwareFile, brackets), "software.cdx.json: bill of materials: "},
		{"brackets as the transcript", content(evidence.TranscriptFile, append(brackets[:6_000_000:6_000_000], '\n')), "transcript.jsonl: transcript line 1: "},
		{"brackets as SHA256SUMS", content(evidence.SumsFile, brackets), "SHA256SUMS: the line \"[[[["},
		{"a long transcript", sparse(17<<20, evidence.TranscriptFile), "transcript.jsonl: it has 17825792 bytes; 16777216 at most were expected"},
		{"a long register", sparse(65<<20, evidence.RegisterFile), "register.json: it has 68157440 bytes; 67108864 at most were expected"},
		{"a long request", sparse(300<<10, "inputs/issuing.csr"), "inputs/issuing.csr: it has 307200 bytes; 262144 at most were expected"},
		{"a request with a key that takes long", sparse(200<<10, "inputs/issuing.csr"), "inputs/issuing.csr has 204800 bytes; 65536 at most were expected"},
		{"certificates of a device that go on", sparse(65<<10, "devices/primary.cvc"), "devices/primary.cvc: it has 66560 bytes; 65536 at most were expected"},
		{"100,000 lines in SHA256SUMS", content(evidence.SumsFile, many.Bytes()), "there are more problems, which are not told"},
		{"a file twice in SHA256SUMS", content(evidence.SumsFile, bytes.Repeat([]byte(strings.Repeat("0", 64)+"  plan.json\n"), 2)), `plan.json" is not one that sha256sum writes`},
	}
}

// TestHostileFolders: what is not a bundle is refused before any of it is opened,
// and what is too much before all of it is read.
func TestHostileFolders(t *testing.T) {
	hostname, err := os.ReadFile("/etc/hostname")
	if err != nil || len(bytes.TrimSpace(hostname)) < 3 {
		hostname = []byte("there is no name")
	}
	for _, test := range hostiles() {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t)
			if err := test.make(b.bundle()); err != nil {
				t.Fatal(err)
			}
			before := allocated()
			report, err := evidence.VerifyFolder(b.bundle(), evidence.Options{Key: paperKey(t)})
			if err == nil || report.Level() != evidence.Refused || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%.2000v; %q was expected", err, test.want)
			}
			if n := allocated() - before; n > 256<<20 {
				t.Errorf("%d bytes of memory were asked for", n)
			}
			if strings.Contains(err.Error(), strings.TrimSpace(string(hostname))) {
				t.Errorf("the error tells what is in a file of the machine: %v", err)
			}
			if n := len(report.Problems); n > 1001 {
				t.Errorf("%d problems are told", n)
			}
		})
	}
}

// allocated is how much memory was asked for since the program began.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// TestLongFacts: of a fact that does not end, which many steps have, not all is
// told each time.
func TestLongFacts(t *testing.T) {
	bundle := load(t, fixture)
	read, err := transcript.Verify(bundle[evidence.TranscriptFile].Data, string(bundle[evidence.KeyFile].Data))
	if err != nil {
		t.Fatal(err)
	}
	key, err := transcript.NewKey(rand.Reader, "hostile")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "transcript")
	w, err := transcript.Create(path, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range read.Entries {
		if e.Step == step.Share.ID() && e.Kind == transcript.Done {
			e.Facts["key check value"] = strings.Repeat("é", 2<<20)
		}
		if _, err := w.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bundle[evidence.TranscriptFile] = &fstest.MapFile{Data: text}
	bundle[evidence.KeyFile] = &fstest.MapFile{Data: []byte(key.Public().String() + "\n")}
	bundle[evidence.HeadFile] = &fstest.MapFile{Data: []byte(w.Head())}
	report, err := evidence.Verify(bundle, evidence.Options{})
	if err == nil || !strings.Contains(err.Error(), `step restore, fact "key check value"`) {
		t.Errorf("%.2000v", err)
	}
	for _, p := range report.Problems {
		if len(p.Text) > 11_000 || !utf8.ValidString(p.Text) {
			t.Errorf("a problem of %d bytes: %.200s", len(p.Text), p.Text)
		}
	}
}

// TestHostileOrigin: a drill reads the evidence of its ceremony as carefully.
func TestHostileOrigin(t *testing.T) {
	b := newBench(t)
	if err := fifo(evidence.PlanFile)(b.bundle()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := evidence.ReadChain(b.bundle()); err == nil || !strings.Contains(err.Error(), `"plan.json" is a named pipe`) {
		t.Errorf("it is taken: %v", err)
	}
}

// TestHostileAttachments: where a link leads out of a bundle nothing is removed
// and nothing is written.
func TestHostileAttachments(t *testing.T) {
	for what, make := range map[string]func(dir string) error{
		`"attachments" is a symbolic link`: linkTo("../home", evidence.AttachmentsDir),
		`"SHA256SUMS" is a named pipe`:     fifo(evidence.SumsFile),
		`"attachments" is a named pipe`:    fifo(evidence.AttachmentsDir),
		"SHA256SUMS: file does not exist":  func(dir string) error { return os.Remove(filepath.Join(dir, evidence.SumsFile)) },
	} {
		b := newBench(t)
		b.sh("mkdir home && echo dear > home/letter")
		if err := make(b.bundle()); err != nil {
			t.Fatal(err)
		}
		err := evidence.Attach(b.bundle(), map[string][]byte{evidence.SignatureFile("wim"): []byte("x")})
		if err == nil || !strings.Contains(err.Error(), "nothing was attached: ") || !strings.Contains(err.Error(), what) {
			t.Errorf("%v; %q was expected", err, what)
		}
		if names, err := fs.Glob(os.DirFS(b.dir), "home/*"); err != nil || strings.Join(names, " ") != "home/letter" {
			t.Errorf("%s: beside the bundle there is now %q (%v)", what, names, err)
		}
	}
}

// TestEmptyFiles: a file with nothing in it is no file that says nothing wrong.
func TestEmptyFiles(t *testing.T) {
	good, key := load(t, fixture), paperKey(t)
	for name := range good {
		b := fstest.MapFS{}
		for other, file := range good {
			b[other] = file
		}
		b[name] = &fstest.MapFile{}
		sums, err := evidence.Sums(b)
		if err != nil {
			t.Fatal(err)
		}
		if name != evidence.SumsFile {
			b[evidence.SumsFile] = &fstest.MapFile{Data: sums}
		}
		report, err := evidence.Verify(b, evidence.Options{Key: key})
		if err == nil || report.Level() != evidence.Refused || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is empty: %v", name, err)
		}
	}
}

// TestOtherFolders: who names another folder than that of the evidence, or one
// that is not complete yet, is told what it is and what to do.
func TestOtherFolders(t *testing.T) {
	const unfinished = "rm SHA256SUMS checkpoint"
	for _, test := range []struct{ what, script, folder, want string }{
		{"the folder of the ceremony", "mkdir ../around && mv ../bundle ../around/evidence", "around", "@/around is the folder of a ceremony, and its evidence is @/around/evidence; verify that: conclave ceremony verify @/around/evidence"},
		{"a ceremony that is not closed", unfinished, "bundle", "@/bundle: this ceremony is not closed yet; go on with it: conclave ceremony run PLAN --dir @"},
		{"a drill that is not closed", unfinished + " && mkdir ceremony && cp transcript.jsonl ceremony", "bundle", "@/bundle: this drill, or change, is not closed yet; go on with it: conclave ceremony run @/plan.json --backup DIR"},
		{"nothing", "rm -r *", "bundle", "SHA256SUMS: it is missing"},
		{"no transcript", "rm transcript.jsonl", "bundle", "transcript.jsonl: it is missing"},
		{"no checkpoint", "rm checkpoint", "bundle", "checkpoint: it is missing"},
		{"a damaged ceremony key", "echo damaged > ceremony-key.txt", "bundle", "ceremony-key.txt: public key of the ceremony: "},
		{"an unfinished ceremony with a pipe", unfinished + " && rm transcript.jsonl && mkfifo transcript.jsonl", "bundle", `"transcript.jsonl" is a named pipe`},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t)
			b.sh("cd bundle && " + test.script)
			report, err := evidence.VerifyFolder(filepath.Join(b.dir, test.folder), evidence.Options{})
			want := strings.ReplaceAll(test.want, "@", b.dir)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; %q was expected", err, want)
			}
			if told := !strings.Contains(want, ": conclave ceremony"); told != (len(report.Problems) > 0) {
				t.Errorf("problems: %v", report.Problems)
			}
		})
	}
}
