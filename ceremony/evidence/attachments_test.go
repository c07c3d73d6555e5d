package evidence_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"conclave/ceremony/evidence"
	"conclave/ceremony/rfc3161"
	"conclave/ceremony/step"
	"conclave/ceremony/transcript"
	"conclave/internal/foreign"
)

// bench is a folder with a copy of the fixture's bundle.
type bench struct {
	*testing.T
	dir string
}

func newBench(t *testing.T) bench {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "bundle"), os.DirFS(fixture)); err != nil {
		t.Fatal(err)
	}
	return bench{t, dir}
}

func (b bench) bundle() string { return filepath.Join(b.dir, "bundle") }

// sh runs a script in the folder.
func (b bench) sh(script string) {
	b.Helper()
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func (b bench) read(name string) []byte {
	b.Helper()
	content, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.Fatal(err)
	}
	return content
}

func (b bench) write(name string, content []byte) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o600); err != nil {
		b.Fatal(err)
	}
}

// attach attaches files, and gives what the report then shows.
func (b bench) attach(files map[string]string) (shown string, err error) {
	b.Helper()
	contents := map[string][]byte{}
	for name, file := range files {
		contents[name] = b.read(file)
	}
	if err := evidence.Attach(b.bundle(), contents); err != nil {
		if _, after := evidence.Verify(os.DirFS(b.bundle()), evidence.Options{}); after != nil {
			b.Fatalf("what was not attached has left: %v", after)
		}
		return "", err
	}
	report, err := evidence.Verify(os.DirFS(b.bundle()), evidence.Options{})
	return strings.Join(report.Shown, "\n"), err
}

// TestTimeStamp: a real authority stamps the checkpoint.
func TestTimeStamp(t *testing.T) {
	foreign.Need(t, "openssl")
	b := newBench(t)
	b.write("tsa.cnf", []byte("[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\ness_cert_id_alg = sha256\n"))
	b.write("ext.cnf", []byte("extendedKeyUsage = critical,timeStamping\n"))
	b.sh(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -subj "/CN=Stamp Root" -days 30
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj "/CN=Stamps"
		openssl x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile ext.cnf -out tsa.pem -days 20
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -subj "/CN=Other Root" -days 30`)
	request, err := rfc3161.Request(b.read("bundle/checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	b.write("request.tsq", request)
	b.sh(`openssl ts -reply -config tsa.cnf -queryfile request.tsq -signer tsa.pem -inkey tsa.key -out answer.tsr
		openssl ts -query -data bundle/README.txt -sha256 -cert -out else.tsq
		openssl ts -reply -config tsa.cnf -queryfile else.tsq -signer tsa.pem -inkey tsa.key -out else.tsr`)
	if _, err := b.attach(map[string]string{evidence.StampFile: "answer.tsr", evidence.RootsFile: "other.pem"}); err == nil {
		t.Error("a stamp under another root was attached")
	}
	if _, err := b.attach(map[string]string{evidence.StampFile: "else.tsr", evidence.RootsFile: "root.pem"}); err == nil || !strings.Contains(err.Error(), evidence.StampFile) {
		t.Errorf("a stamp of another content: %v", err)
	}
	shown, err := b.attach(map[string]string{evidence.StampFile: "answer.tsr", evidence.RootsFile: "root.pem"})
	if err != nil || !strings.Contains(shown, "time stamp: ") || !strings.Contains(shown, "by CN=Stamps, under the roots in the bundle, which no one has checked") {
		t.Errorf("%v; shown:\n%s", err, shown)
	}
	b.sh("cd bundle && sha256sum --quiet -c SHA256SUMS && openssl ts -verify -in attachments/checkpoint.tsr -data checkpoint -CAfile attachments/timestamp-roots.pem")
}

// TestSignatures: witnesses sign the checkpoint with keys of their own.
func TestSignatures(t *testing.T) {
	foreign.Need(t, "ssh-keygen")
	b := newBench(t)
	b.sh(`for who in wim wanda; do
			ssh-keygen -q -t ed25519 -N "" -C $who -f $who
			echo "$who@example.com $(cat $who.pub)" > $who.signers
			cp bundle/checkpoint $who.note
			ssh-keygen -q -Y sign -n conclave-ceremony -f $who $who.note
		done
		ssh-keygen -q -Y sign -n file -f wim bundle/README.txt && mv bundle/README.txt.sig other.sig`)
	for name, files := range map[string]map[string]string{
		"of another namespace": {evidence.SignatureFile("wim"): "other.sig", evidence.SignersFile("wim"): "wim.signers"},
		"of someone else":      {evidence.SignatureFile("wim"): "wanda.note.sig", evidence.SignersFile("wim"): "wim.signers"},
		"without a key":        {evidence.SignatureFile("wim"): "wim.note.sig"},
	} {
		if _, err := b.attach(files); err == nil {
			t.Errorf("a signature %s was attached", name)
		}
	}
	for _, who := range []string{"wim", "wanda"} {
		shown, err := b.attach(map[string]string{evidence.SignatureFile(who): who + ".note.sig", evidence.SignersFile(who): who + ".signers"})
		if err != nil || !strings.Contains(shown, "signed by "+who+"@example.com") {
			t.Errorf("%s: %v; shown:\n%s", who, err, shown)
		}
	}
	b.sh(`cd bundle && ssh-keygen -Y verify -f attachments/wim.allowed_signers -I wim@example.com -n conclave-ceremony -s attachments/wim.sig < checkpoint`)
}

// TestAttachAfterAPowerCut: what was half attached is taken out and attached
// again; what is missing or changed is told, and never made good.
func TestAttachAfterAPowerCut(t *testing.T) {
	foreign.Need(t, "ssh-keygen")
	b := newBench(t)
	b.sh(`ssh-keygen -q -t ed25519 -N "" -C wim -f wim
		echo "wim@example.com $(cat wim.pub)" > wim.signers
		cp bundle/checkpoint wim.note
		ssh-keygen -q -Y sign -n conclave-ceremony -f wim wim.note
		mkdir bundle/attachments
		cp wim.note.sig bundle/attachments/wim.sig
		echo half > bundle/.conclave-123`)
	files := map[string]string{evidence.SignatureFile("wim"): "wim.note.sig", evidence.SignersFile("wim"): "wim.signers"}
	if shown, err := b.attach(files); err != nil || !strings.Contains(shown, "signed by wim@example.com") {
		t.Errorf("attaching it again: %v; shown:\n%s", err, shown)
	}
	b.sh("rm bundle/attachments/wim.sig")
	if err := evidence.Attach(b.bundle(), map[string][]byte{evidence.SignersFile("eve"): []byte("x")}); err == nil || !strings.Contains(err.Error(), "attachments/wim.sig: it is missing") {
		t.Errorf("a signature that is missing: %v", err)
	}
}

// TestPreview: what the close would make final is told before it.
func TestPreview(t *testing.T) {
	bundle := load(t, fixture)
	var entries []transcript.Entry
	var closing transcript.Entry
	verified, err := transcript.Verify(bundle[evidence.TranscriptFile].Data, string(bundle[evidence.KeyFile].Data))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range verified.Entries {
		if e.Step == step.Close.ID() && e.Kind == transcript.Done {
			closing = e
			break
		}
		entries = append(entries, e)
	}
	for _, name := range []string{evidence.HeadFile, evidence.SumsFile} {
		delete(bundle, name)
	}
	if err := evidence.Preview(bundle, entries, closing); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
	for what, change := range map[string]func(*testing.T, fstest.MapFS){
		"ceremony-key.txt: public key of the ceremony: it is not written as the ceremony wrote it": replace(evidence.KeyFile, "\n", "\r\n"),
		"ceremony-key.txt: it is missing":                   remove(evidence.KeyFile),
		"attachments: it is for what comes after the close": add("attachments/photo.jpg", "x"),
		"photos/late.jpg: the transcript does not name it":  add("photos/late.jpg", "x"),
		"certificates/root.pem: its SHA-256 is":             replace("certificates/root.pem", "M", "N"),
	} {
		b := fstest.MapFS{}
		for name, file := range bundle {
			b[name] = file
		}
		change(t, b)
		if err := evidence.Preview(b, entries, closing); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v; %q was expected", err, what)
		}
	}
}
