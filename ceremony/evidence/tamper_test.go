package evidence_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"conclave/ceremony/evidence"
	"conclave/internal/testrun"
)

// fixture is a bundle that an earlier version has made.
const fixture = "testdata/rehearsal-1"

// load reads a bundle into memory.
func load(t testing.TB, dir string) fstest.MapFS {
	t.Helper()
	bundle := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		bundle[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

// paperKey is the fingerprint of the fixture's ceremony key, as on its paper.
func paperKey(t testing.TB) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/rehearsal-1.key")
	if err != nil {
		t.Fatal(err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestEarlierRelease: what an earlier version has made stays verifiable, on a
// machine that knows nothing of it.
func TestEarlierRelease(t *testing.T) {
	report, err := evidence.Verify(load(t, fixture), evidence.Options{Key: paperKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	if report.Level() != evidence.Unproved || !report.Practice || len(report.Exceptions) == 0 {
		t.Errorf("the report is %+v", report)
	}
	for _, want := range []string{"device primary: that its certificate is its own", "device standby: ", `step copy, fact "copies": `} {
		if !strings.Contains(strings.Join(report.Unproved, "\n"), want) {
			t.Errorf("%q is not said to be unproved: %q", want, report.Unproved)
		}
	}
}

// TestClosingOnPaper: the closing alone tells this bundle from any other of the
// same ceremony key.
func TestClosingOnPaper(t *testing.T) {
	bundle := load(t, fixture)
	closing := sha256.Sum256(bundle[evidence.HeadFile].Data)
	if report, err := evidence.Verify(bundle, evidence.Options{Closing: closing[:]}); err != nil || !report.Anchored {
		t.Errorf("with the closing on the paper: %v", err)
	}
	closing[0] ^= 1
	if report, err := evidence.Verify(bundle, evidence.Options{Key: paperKey(t), Closing: closing[:]}); err == nil || report.Anchored {
		t.Errorf("with another closing on the paper: %v", err)
	}
}

// tampered is a bundle that someone has changed, and what must be said of it.
type tampered struct {
	what   string
	change func(t *testing.T, b fstest.MapFS)
	resum  bool   // SHA256SUMS is made anew, as who tampers would
	want   string // in the error: the file, and why
}

func replace(file, old, new string) func(*testing.T, fstest.MapFS) {
	return func(t *testing.T, b fstest.MapFS) {
		t.Helper()
		changed := strings.Replace(string(b[file].Data), old, new, 1)
		if changed == string(b[file].Data) {
			t.Fatalf("%s: there is no %q", file, old)
		}
		b[file] = &fstest.MapFile{Data: []byte(changed)}
	}
}

func remove(file string) func(*testing.T, fstest.MapFS) {
	return func(t *testing.T, b fstest.MapFS) {
		t.Helper()
		if b[file] == nil {
			t.Fatalf("there is no %s", file)
		}
		delete(b, file)
	}
}

func add(file, content string) func(*testing.T, fstest.MapFS) {
	return func(_ *testing.T, b fstest.MapFS) { b[file] = &fstest.MapFile{Data: []byte(content)} }
}

func exchange(one, other string) func(*testing.T, fstest.MapFS) {
	return func(t *testing.T, b fstest.MapFS) {
		t.Helper()
		if b[one] == nil || b[other] == nil {
			t.Fatalf("there is no %s or %s", one, other)
		}
		b[one], b[other] = b[other], b[one]
	}
}

// lines changes the lines of the transcript.
func lines(change func([][]byte) [][]byte) func(*testing.T, fstest.MapFS) {
	return func(_ *testing.T, b fstest.MapFS) {
		all := bytes.SplitAfter(b[evidence.TranscriptFile].Data, []byte("\n"))
		b[evidence.TranscriptFile] = &fstest.MapFile{Data: bytes.Join(change(slices.Clone(all[:len(all)-1])), nil)}
	}
}

// earlierHead puts a tree head of the transcript's beginning in the last one's
// place.
func earlierHead(t *testing.T, b fstest.MapFS) {
	t.Helper()
	var line struct {
		Head string `json:"head"`
	}
	first, _, _ := bytes.Cut(b[evidence.TranscriptFile].Data, []byte("\n"))
	if err := json.Unmarshal(first, &line); err != nil {
		t.Fatal(err)
	}
	b[evidence.HeadFile] = &fstest.MapFile{Data: []byte(line.Head)}
}

// longNumber puts in the place of a CRL one of another key, whose number is longer than any.
func longNumber(file string) func(*testing.T, fstest.MapFS) {
	return func(t *testing.T, b fstest.MapFS) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		list := &x509.RevocationList{Number: new(big.Int).Lsh(big.NewInt(1), 150), ThisUpdate: time.Now(), NextUpdate: time.Now()}
		issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "Anyone"}, SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign}
		der, err := x509.CreateRevocationList(rand.Reader, list, issuer, key)
		if err != nil {
			t.Fatal(err)
		}
		b[file] = &fstest.MapFile{Data: der}
	}
}

// longKey puts in the place of a certificate one for a key of 20,000 bits.
func longKey(file string) func(*testing.T, fstest.MapFS) {
	return func(t *testing.T, b fstest.MapFS) {
		signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		modulus := new(big.Int).Lsh(big.NewInt(1), 19_999)
		key := &rsa.PublicKey{N: modulus.SetBit(modulus, 0, 1), E: 65537}
		template := &x509.Certificate{SerialNumber: big.NewInt(1)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key, signer)
		if err != nil {
			t.Fatal(err)
		}
		b[file] = &fstest.MapFile{Data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	}
}

func tamperings() []tampered {
	const (
		root, issuing = "certificates/root.pem", "certificates/issuing.pem"
		crl, set      = "crls/root-crl-1.crl", "custody/set.json"
		changed       = "it was changed after the close"
		unnamed       = "the transcript does not name it"
	)
	return []tampered{
		{"plan: another threshold", replace("plan.json", `"threshold": 3`, `"threshold": 2`), true, "plan.json: its SHA-256 is"},
		{"plan: another threshold, and the quorum is compared", replace("plan.json", `"threshold": 3`, `"threshold": 2`), true, "custody/set.json: the quorum is 3-of-5, and 2-of-5 was expected"},
		{"plan: a custodian's name", replace("plan.json", "PRACTICE Cem", "PRACTICE Eve"), true, "custody/set.json: custodian 3 is PRACTICE Cem, and PRACTICE Eve was expected"},
		{"plan: no rehearsal", replace("plan.json", `"practice": true`, `"practice": false`), true, "plan.json: " + "its SHA-256 is"},
		{"plan: longer validity", replace("plan.json", "2046-10-31", "2056-10-31"), true, root + ": it does not say what the plan says"},
		{"plan: a wider name", replace("plan.json", `"example.com"`, `"example.net"`), true, issuing + ": it does not say what the plan says"},
		{"plan: another publication point", replace("plan.json", "http://pki.example.com/root.crl", "http://evil.example.com/root.crl"), true, issuing + ": it does not say what the plan says"},
		{"plan: an unknown field", replace("plan.json", `"place"`, `"plaice"`), true, `plan.json: plan: json: unknown field "plaice"`},
		{"plan: one bit, SHA256SUMS not", replace("plan.json", "Vault", "Wault"), false, "plan.json: its SHA-256 is"},
		{"certificate: exchanged for another", exchange(root, issuing), true, root + ": its SHA-256 is"},
		{"certificate: missing", remove(root), true, root + ": it is missing"},
		{"certificate: text before it", replace(root, "-----BEGIN", "x\n-----BEGIN"), true, root + ": it is not one certificate in PEM"},
		{"certificate: added", add("certificates/rogue.pem", "x"), true, "certificates/rogue.pem: " + unnamed},
		{"CRL: missing", remove(crl), true, crl + ": it is missing"},
		{"CRL: cut off", func(_ *testing.T, b fstest.MapFS) { b[crl] = &fstest.MapFile{Data: b[crl].Data[:100]} }, true, crl + ": "},
		{"CRL: a long number", longNumber(crl), true, crl + ": its number has 151 bits; 63 at most were expected"},
		{"certificate: a key with which nothing can be verified", longKey(root), true, root + ": key: RSA with 20000 bits; 16384 at most were expected"},
		{"attestation: of another device", exchange("attestations/root.cvc", "devices/primary.cvc"), true, "attestations/root.cvc: "},
		{"device: certificates exchanged", exchange("devices/primary.cvc", "devices/standby.cvc"), true, `devices/primary.cvc: step prepare-primary, fact "device serial": the transcript has`},
		{"record: another threshold", replace(set, `"threshold": 3`, `"threshold": 2`), true, set + ": the quorum is 2-of-5, and 3-of-5 was expected"},
		{"record: another custodian", replace(set, "PRACTICE Cora", "PRACTICE Eve"), true, set + ": custodian 4 is PRACTICE Eve"},
		{"record: another fingerprint", replace(set, `"fingerprint": "`, `"fingerprint": "0`), true, set + ": "},
		{"record: another key check value", replace(set, `"kcv": "`, `"kcv": "0`), true, set + `: step share, fact "key check value": the transcript has`},
		{"register: a certificate less", replace("register.json", `"state": "issued"`, `"state": "settled"`), true, "register.json: "},
		{"register: missing", remove("register.json"), true, "register.json: it is missing"},
		{"software: another program", replace("software.cdx.json", `"content": "`, `"content": "0`), true, "software.cdx.json: "},
		{"request: missing", remove("inputs/issuing.csr"), true, "inputs/issuing.csr: it is missing"},
		{"transcript: someone's words", replace(evidence.TranscriptFile, "stands in", "was there"), true, "transcript.jsonl: "},
		{"transcript: a line less", lines(func(l [][]byte) [][]byte { return slices.Delete(l, 5, 6) }), true, "transcript.jsonl: "},
		{"transcript: a line twice", lines(func(l [][]byte) [][]byte { return slices.Insert(l, 5, l[5]) }), true, "transcript.jsonl: "},
		{"transcript: two lines exchanged", lines(func(l [][]byte) [][]byte { l[5], l[6] = l[6], l[5]; return l }), true, "transcript.jsonl: "},
		{"transcript: the end cut off", lines(func(l [][]byte) [][]byte { return l[:len(l)-3] }), true, "checkpoint: "},
		{"transcript: missing", remove(evidence.TranscriptFile), true, "transcript.jsonl: it is missing"},
		{"key: another one", replace(evidence.KeyFile, "+", "+0"), true, "ceremony-key.txt: public key of the ceremony: "},
		{"checkpoint: another size", replace(evidence.HeadFile, "\n4", "\n3"), true, "checkpoint: "},
		{"checkpoint: an earlier one, which is signed too", earlierHead, true, "checkpoint: it is not the tree head after the last entry of the transcript"},
		{"checkpoint: missing", remove(evidence.HeadFile), true, "checkpoint: it is missing"},
		{"photo: added later", add("photos/later.jpg", "x"), true, "photos/later.jpg: " + unnamed},
		{"attachment: of no kind", add("attachments/note.txt", "x"), true, "attachments/note.txt: it is not a file that can be attached"},
		{"attachment: a folder", add("attachments/more/file", "x"), true, "attachments/more: it is a folder"},
		{"attachment: roots of no stamp", add("attachments/timestamp-roots.pem", "x"), true, "attachments/checkpoint.tsr: it is missing"},
		{"attachment: keys of no signature", add("attachments/eve.allowed_signers", "x"), true, "attachments/eve.sig: it is missing"},
		{"photo: a name that a terminal obeys", add("photos/\x1b[2J.jpg", "x"), false, "has a character that cannot be printed"},
		{"request: another one", replace("inputs/issuing.csr", "M", "N"), true, `inputs/issuing.csr: step open, fact "input issuing.csr": the transcript has`},
		{"attachment: a signature that is none", add("attachments/eve.sig", "x"), true, "attachments/eve.sig: "},
		{"sums: missing", remove(evidence.SumsFile), false, "SHA256SUMS: it is missing"},
		{"sums: a line less", func(_ *testing.T, b fstest.MapFS) {
			sums := b[evidence.SumsFile].Data
			b[evidence.SumsFile] = &fstest.MapFile{Data: sums[bytes.IndexByte(sums, '\n')+1:]}
		}, false, "it is not in SHA256SUMS"},
		{"read me: other instructions", replace(evidence.ReadMeFile, "Verify all of it", "Trust all of it"), true, "README.txt: its SHA-256 is"},
		{"a file is " + changed, replace(root, "A", "B"), true, root + ": "},
	}
}

// TestTampered: each changed bundle is refused, for the right reason.
func TestTampered(t *testing.T) {
	good, key := load(t, fixture), paperKey(t)
	for _, test := range tamperings() {
		t.Run(test.what, func(t *testing.T) {
			b := fstest.MapFS{}
			for name, file := range good {
				b[name] = file
			}
			test.change(t, b)
			if test.resum {
				b[evidence.SumsFile] = &fstest.MapFile{Data: sumsOf(t, b)}
			}
			_, err := evidence.Verify(b, evidence.Options{Key: key})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; %q was expected", err, test.want)
			}
		})
	}
}

// TestEveryBit flips one bit in many bytes of every file: the file is named.
// Transcript and register are long; every bit of a transcript is flipped where
// that package is tested.
func TestEveryBit(t *testing.T) {
	good, key := load(t, fixture), paperKey(t)
	for name, file := range good {
		places := testrun.Times(5, 20)
		if testing.Short() {
			places = 2
		}
		step := max(1, len(file.Data)/places)
		for i := 0; i < len(file.Data); i += step {
			b := fstest.MapFS{}
			for other, file := range good {
				b[other] = file
			}
			flipped := bytes.Clone(file.Data)
			flipped[i] ^= 1 << (i % 8)
			b[name] = &fstest.MapFile{Data: flipped}
			_, err := evidence.Verify(b, evidence.Options{Key: key})
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Fatalf("%s: bit %d of byte %d: %v", name, i%8, i, err)
			}
			checkResummed(t, b, name, fmt.Sprintf("bit %d of byte %d", i%8, i), key)
		}
	}
}

// checkResummed lets SHA256SUMS be made anew: the signatures tell.
func checkResummed(t *testing.T, b fstest.MapFS, name, where string, key []byte) {
	t.Helper()
	if name == evidence.SumsFile {
		return
	}
	b[evidence.SumsFile] = &fstest.MapFile{Data: sumsOf(t, b)}
	_, err := evidence.Verify(b, evidence.Options{Key: key})
	signed := name == evidence.KeyFile || name == evidence.HeadFile
	if err == nil || !signed && !strings.Contains(err.Error(), name) {
		t.Fatalf("%s: %s, with SHA256SUMS made anew: %v", name, where, err)
	}
}
