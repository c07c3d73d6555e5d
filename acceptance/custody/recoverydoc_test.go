//go:build linux

package custody

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"

	"conclave/dkek"
	"conclave/dkek/dkektest"
	"conclave/internal/foreign"
	"conclave/internal/testrun"
	"conclave/wire"
)

// recoveryPage is docs/recovery.md: its text, and its fenced blocks by their
// info string, in order.
type recoveryPage struct {
	text   string
	blocks map[string][]string
}

func readRecoveryPage(t *testing.T) recoveryPage {
	t.Helper()
	page := recoveryPage{readVector(t, "docs/recovery.md"), map[string][]string{}}
	for i, part := range strings.Split("\n"+page.text, "\n```") {
		if i%2 == 0 {
			continue // between blocks
		}
		info, block, _ := strings.Cut(part, "\n")
		page.blocks[info] = append(page.blocks[info], block+"\n")
	}
	for info, n := range map[string]int{
		"python recover.py": 1, "text sheets.txt": 1, "sh setup": 1, "sh dkek": 2, "sh key": 3, "sh mldsa": 1, "sh node": 1, "sh certificate": 1, "sh take": 1, "sh forget": 1,
	} {
		if len(page.blocks[info]) != n {
			t.Fatalf("docs/recovery.md has %d blocks marked %q, %d expected", len(page.blocks[info]), info, n)
		}
	}
	return page
}

// readVector reads a file by its path in the repository.
func readVector(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// recovery is somebody who does what the page says, in one shell, and puts
// into a directory of the test what is to be looked at.
type recovery struct {
	*desk
	page   recoveryPage
	script strings.Builder
}

func newRecovery(t *testing.T) *recovery {
	foreign.Need(t, "openssl", "python3")
	r := &recovery{desk: newDesk(t), page: readRecoveryPage(t)}
	r.Write("recover.py", r.page.blocks["python recover.py"][0])
	r.Write("sheets.txt", r.page.blocks["text sheets.txt"][0])
	return r
}

// blocks types what the blocks say.
func (r *recovery) blocks(blocks ...string) { r.script.WriteString(strings.Join(blocks, "")) }

// line types a line that the page says in words, or one of ours.
func (r *recovery) line(format string, args ...any) { fmt.Fprintf(&r.script, format+"\n", args...) }

// begin goes to the place that forgets, and opens the share file.
func (r *recovery) begin(shareFile string) {
	r.T.Helper()
	r.Write("dkek.pbe", shareFile)
	r.blocks(r.page.blocks["sh setup"]...)
	r.line(`place=$PWD; trap 'rm -rf "$place"' EXIT # where a step fails`)
	r.line(`cp "$XDG_DATA_HOME"/recover.py "$XDG_DATA_HOME"/sheets.txt "$XDG_DATA_HOME"/dkek.pbe .`)
	r.blocks(r.page.blocks["sh dkek"]...)
}

// key starts a section for a wrapped key, and brings its file.
func (r *recovery) key(name string, wrapped []byte) {
	r.T.Helper()
	r.Write(name+".wrap", string(wrapped))
	r.line(`echo "== %s"; cp "$XDG_DATA_HOME/%[1]s.wrap" root.wrap`, name)
}

// keep copies a file out of the place that forgets.
func (r *recovery) keep(name, as string) { r.line(`cp %s "$XDG_DATA_HOME/%s"`, name, as) }

// end leaves nothing, runs it all, and gives the output of each section. What
// is asked for at the terminal is read from typed: there is no terminal in a
// session of its own.
func (r *recovery) end(typed string) map[string]string {
	r.T.Helper()
	r.blocks(r.page.blocks["sh forget"]...)
	r.line(`test ! -e "$place"`)
	cmd := r.Command("sh", "-eu", "-c", r.script.String())
	cmd.Stdin = strings.NewReader(typed)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.T.Fatalf("docs/recovery.md, as printed: %v\n%s", err, out)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(out), "== ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		sections[name] = text
	}
	return sections
}

// TestRecoveryPage recovers keys that others wrapped under one DKEK, and one of type 6
// with a certificate, with what docs/recovery.md prints.
func TestRecoveryPage(t *testing.T) {
	t.Parallel()
	r := newRecovery(t)
	r.practise()
	r.begin(string(dkektest.ReadVector(t, "../../quorum/testdata/2-of-4").Practice.Bytes()))
	r.line(`echo hello > data`)
	keys := wrappedVectors(t)
	damaged := damage(keys["EC-secp256r1"])
	drawn := testrun.Draw(t, slices.Sorted(maps.Keys(keys)), 6)
	maps.DeleteFunc(keys, func(name string, _ []byte) bool { return !slices.Contains(drawn, name) })
	for name, file := range keys {
		r.recoverKey(name, file)
	}
	crt, public := crtWrapFile(t)
	r.recoverKey("crt", crt)
	r.blocks(r.page.blocks["sh certificate"]...)
	r.blocks(r.page.blocks["sh take"]...)
	r.keep("root.pem", "root.pem")
	r.key("damaged", damaged)
	r.blocks(r.page.blocks["sh key"][:2]...)
	r.key("aes-256", wrapFile(t, "dkek/testdata/pypicohsm/aes-256.blob"))
	r.blocks(r.page.blocks["sh key"][:2]...)
	r.line("python3 recover.py key")
	r.keep("aes.hex", "aes.hex")

	sections := r.end("password of the file\npassword of the file\n")
	for name, file := range keys {
		r.checkKey(name, file, sections[name])
	}
	r.says(sections["crt"], "the certificate is right")
	r.checkTaken(public)
	if out := sections["damaged"]; !strings.Contains(out, "KCV 7c7d7ec59505b990 is right\n") || strings.Contains(out, "CMAC is right") {
		t.Errorf("a damaged key:\n%s", out)
	}
	if got, want := r.read("aes.hex"), readVector(t, "dkek/testdata/pypicohsm/aes-256.hex"); strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Error("another AES key came back")
	}
}

// TestRecoveryPageMLDSA recovers keys that the OpenSSL of the page may not know, with the
// one that Node has inside.
func TestRecoveryPageMLDSA(t *testing.T) {
	t.Parallel()
	r := newRecovery(t)
	r.practise()
	r.line("PATH=%s:$PATH", filepath.Dir(foreign.NeedNode(t)))
	r.begin(string(dkektest.ReadVector(t, "../../quorum/testdata/2-of-4").Practice.Bytes()))
	names := []string{"ml-dsa-44", "ml-dsa-65", "ml-dsa-87"}
	for _, name := range names {
		r.key(name, wrapFile(t, "dkek/testdata/ml-dsa/"+name+".blob"))
		r.blocks(r.page.blocks["sh key"][:2]...)
		r.blocks(strings.Join(strings.SplitAfter(r.page.blocks["sh key"][2], "\n")[:2], "")) // where an older OpenSSL stops
		r.blocks(r.page.blocks["sh mldsa"]...)
		r.blocks(r.page.blocks["sh node"]...)
		r.keep("key.der", name+".der")
		r.keep("root.pub.pem", name+".recovered")
	}
	sections := r.end("")
	for _, name := range names {
		r.says(sections[name], "KCV 7c7d7ec59505b990 is right", "CMAC is right")
		r.checkMLDSA(name, sections[name])
	}
}

// practise makes the derivation of keys as short as in other tests.
func (r *recovery) practise() {
	r.T.Helper()
	count := fmt.Sprintf("range(%d)", dkektest.Iterations)
	practising := strings.Replace(r.page.blocks["python recover.py"][0], "range(10_000_000)", count, 1)
	if !strings.Contains(practising, count) {
		r.T.Fatal("the page has its count of iterations elsewhere")
	}
	r.Write("recover.py", practising)
}

// checkMLDSA compares the public key with the vector's, and the private one with what
// another encoder writes of it.
func (r *recovery) checkMLDSA(name, out string) {
	r.T.Helper()
	want := readVector(r.T, "dkek/testdata/ml-dsa/"+name+".pub.pem")
	if got := r.read(name + ".recovered"); got != want {
		r.T.Errorf("another public key came back: %s", got)
	}
	block, _ := pem.Decode([]byte(want))
	r.says(out, fmt.Sprintf("SHA2-256(stdin)= %x", sha256.Sum256(block.Bytes)))
	der := r.read(name + ".der")
	key, err := mldsax509.ParsePKCS8PrivateKey([]byte(der))
	if err != nil {
		r.T.Fatal(err)
	}
	if again, err := mldsax509.MarshalPKCS8PrivateKey(key); err != nil || der != string(again) {
		r.T.Errorf("key.der is %x, %v", der, err)
	}
	const printed = "30 34 02 01 00 30 0B 06 09 60 86 48 01 65 03 04 03 12 04 22 80 20"
	prefix := fmt.Sprintf("% X", der[:len(der)-mldsa.PrivateKeySize])
	if name == "ml-dsa-65" && (prefix != printed || !strings.Contains(strings.ReplaceAll(r.page.text, "\n", " "), printed)) {
		r.T.Errorf("%s stands before the seed, and the page has another text", prefix)
	}
}

// TestRecoveryPageLeadingZero opens a share file that sc-hsm-tool cannot open. That
// the page works as it is has been shown above: here it derives the key at the cost
// of practice.
func TestRecoveryPageLeadingZero(t *testing.T) {
	t.Parallel()
	r := newRecovery(t)
	r.practise()
	r.Write("sheets.txt", firstShares(t, "leading-zero", 2))
	r.begin(string(dkektest.ReadVector(t, "../../quorum/testdata/leading-zero").Practice.Bytes()))
	r.keep("dkek.bin", "dkek.bin")
	r.end("")
	if got := hex.EncodeToString([]byte(r.read("dkek.bin"))); got != recordOf(t, "leading-zero", "DKEK share") {
		t.Error("another DKEK came out")
	}
}

// recoverKey types steps 3 to 5 for a wrapped key.
func (r *recovery) recoverKey(name string, wrapped []byte) {
	r.T.Helper()
	r.key(name, wrapped)
	r.blocks(r.page.blocks["sh key"]...)
	r.line(`openssl dgst -sha256 -sign plain.pem -out signature data`)
	r.line(`openssl dgst -sha256 -verify root.pub.pem -signature signature data`)
	r.keep("root.pub.pem", name+".recovered")
}

// checkKey compares the public key with that of the vector. Where OpenSC could
// not read one, its point must be in the request that the device wrote.
func (r *recovery) checkKey(name string, wrapped []byte, out string) {
	r.T.Helper()
	r.says(out, "KCV 7c7d7ec59505b990 is right", "CMAC is right", "Key is valid", "Verified OK")
	recovered := r.read(name + ".recovered")
	for _, dir := range []string{"2-of-4", "pypicohsm"} {
		want, err := os.ReadFile(filepath.Join("../../dkek/testdata", dir, name+".pub.pem"))
		if err == nil {
			if recovered != string(want) {
				r.T.Errorf("%s: another public key:\n%s%s", name, recovered, want)
			}
			return
		}
	}
	block, _ := pem.Decode([]byte(recovered))
	if block == nil || !bytes.Contains(wrapped, block.Bytes[len(block.Bytes)-48:]) {
		r.T.Errorf("%s: the request does not have the public point of\n%s", name, recovered)
	}
}

func (r *recovery) says(out string, lines ...string) {
	r.T.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+out, "\n"+line+"\n") {
			r.T.Errorf("%q was expected in\n%s", line, out)
		}
	}
}

// checkTaken opens the file that leaves the place.
func (r *recovery) checkTaken(public *rsa.PublicKey) {
	r.T.Helper()
	if !strings.HasPrefix(r.read("root.pem"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n") {
		r.T.Error("root.pem is not encrypted")
	}
	r.Run("openssl", "pkey", "-in", "root.pem", "-passin", "pass:password of the file", "-pubout", "-out", "taken.pub.pem")
	block, _ := pem.Decode([]byte(r.read("taken.pub.pem")))
	if got, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || !public.Equal(got) {
		r.T.Errorf("another key came back, %v", err)
	}
	info, err := os.Stat(r.File("root.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		r.T.Errorf("root.pem has mode %v, %v", info.Mode(), err)
	}
}

func (r *recovery) read(name string) string {
	r.T.Helper()
	content, err := os.ReadFile(r.File(name))
	if err != nil {
		r.T.Fatal(err)
	}
	return string(content)
}

// wrappedVectors are wrap files by name: those of a device, and some that
// pypicohsm made, whose private number has leading zero bytes left out.
func wrappedVectors(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	paths, err := filepath.Glob("../../dkek/testdata/2-of-4/*.wrap")
	if err != nil || len(paths) < 12 {
		t.Fatalf("wrap files %v, %v", paths, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".wrap")
		files[name] = []byte(readVector(t, "dkek/testdata/2-of-4/"+name+".wrap"))
	}
	for _, name := range []string{"ec-secp256r1-short-d", "ec-secp224r1", "rsa-1024-short-d"} {
		files[name] = wrapFile(t, "dkek/testdata/pypicohsm/"+name+".blob")
	}
	return files
}

// wrapFile puts a bare blob into a wrap file.
func wrapFile(t *testing.T, path string) []byte {
	t.Helper()
	file, err := wire.WrapFile{Blob: []byte(readVector(t, path))}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// damage changes a byte of the ciphertext.
func damage(file []byte) []byte {
	file = bytes.Clone(file)
	file[60] ^= 1
	return file
}

// crtWrapFile is a new RSA key of type 6 with a certificate. No card at hand
// writes that type, and dkek does not either.
func crtWrapFile(t *testing.T) ([]byte, *rsa.PublicKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	description := []byte{0x30, 0x03, 0x04, 0x01, 0x01} // passed over, whatever it is
	file, err := wire.WrapFile{Blob: crtBlob(t, key), Description: description, Certificate: certificate}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file, &key.PublicKey
}

// crtBlob wraps a key of 2048 bits under the DKEK of 2-of-4.
func crtBlob(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	share := unhex(t, recordOf(t, "2-of-4", "DKEK share"))
	d, err := dkek.New(share)
	if err != nil {
		t.Fatal(err)
	}
	kenc := sha256.Sum256(slices.Concat(share, []byte{0, 0, 0, 1}))
	kmac := sha256.Sum256(slices.Concat(share, []byte{0, 0, 0, 2}))
	block, err := aes.NewCipher(kenc[:])
	if err != nil {
		t.Fatal(err)
	}
	plain := crtContent(key)
	blob := dkek.Blob{KCV: d.KCV(), Type: dkek.RSACRT, Ciphertext: make([]byte, len(plain))}
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(blob.Ciphertext, plain)
	blob.MAC = opensslCMAC(t, kmac[:], bytes.TrimSuffix(blob.Bytes(), blob.MAC[:]))
	if _, _, err := d.Unwrap(blob.Bytes()); err != nil {
		t.Fatalf("the blob of type 6: %v", err)
	}
	return blob.Bytes()
}

// crtContent is the plaintext of type 6.
func crtContent(key *rsa.PrivateKey) []byte {
	crt, e := key.Precomputed, big.NewInt(int64(key.E))
	plain := binary.BigEndian.AppendUint16(make([]byte, 8), uint16(key.N.BitLen()))
	for _, part := range []*big.Int{crt.Dp, crt.Dq, key.Primes[0], crt.Qinv, key.Primes[1], key.N, e} {
		plain = binary.BigEndian.AppendUint16(plain, uint16(len(part.Bytes())))
		plain = append(plain, part.Bytes()...)
	}
	plain = append(plain, 0x80)
	return append(plain, make([]byte, (aes.BlockSize-len(plain)%aes.BlockSize)%aes.BlockSize)...)
}

func opensslCMAC(t *testing.T, key, message []byte) [16]byte {
	t.Helper()
	d := newDesk(t)
	d.Write("message", string(message))
	out := d.Run("openssl", "mac", "-macopt", "cipher:AES-256-CBC", "-macopt", "hexkey:"+hex.EncodeToString(key), "-in", "message", "CMAC")
	return [16]byte(unhex(t, strings.TrimSpace(out)))
}

// recordOf gives what dkek.txt of a set of sheets says.
func recordOf(t *testing.T, set, what string) string {
	t.Helper()
	for line := range strings.Lines(readVector(t, "quorum/testdata/"+set+"/dkek.txt")) {
		if value, found := strings.CutPrefix(line, what+" "); found {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("%s: there is no %q", set, what)
	return ""
}

// firstShares are the prime and n shares of a set.
func firstShares(t *testing.T, set string, n int) string {
	t.Helper()
	lines := strings.SplitAfter(readVector(t, "quorum/testdata/"+set+"/shares.txt"), "\n")
	return strings.Join(lines[:1+n], "")
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// twoSheets share out a secret. IDs are hexadecimal.
func twoSheets(prime, secret *big.Int, ids ...string) string {
	slope := new(big.Int).Rsh(prime, 3)
	text := fmt.Sprintf("prime %x\n", prime)
	for _, id := range ids {
		x, _ := new(big.Int).SetString(id, 16)
		y := new(big.Int).Mul(slope, x)
		text += fmt.Sprintf("share %s %x\n", id, y.Add(y, secret).Mod(y, prime))
	}
	return text
}

// TestRecoveryPagePasswords tries what the page says about defective sets,
// without opening their share files.
func TestRecoveryPagePasswords(t *testing.T) {
	r := newRecovery(t)
	narrow := new(big.Int).SetUint64(0xdc5f8eb51a1987ff) // the prime of the 2-of-4 vector
	wide := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(51))
	for _, test := range []struct{ name, sheets, command, want string }{
		{"three of five", firstShares(t, "two-leading-zeros", 3), "password sheets.txt", recordOf(t, "two-leading-zeros", "password")},
		{"all of four", firstShares(t, "2-of-4", 4), "password sheets.txt", recordOf(t, "2-of-4", "password")},
		{"prime below the secret", firstShares(t, "prime-below-secret", 2), "password sheets.txt 10 1", recordOf(t, "prime-below-secret", "password")},
		{"IDs in hexadecimal", twoSheets(narrow, big.NewInt(0x1234), "a", "10"), "password sheets.txt 16", "0000000000001234"},
		{"128 bits", twoSheets(wide, big.NewInt(0x1234), "1", "2"), "password sheets.txt", "00000000000000000000000000001234"},
	} {
		if !strings.Contains(r.page.text, "python3 recover.py "+test.command) {
			t.Errorf("%s: the page does not say %q", test.name, test.command)
		}
		r.Write("sheets.txt", test.sheets)
		r.Run("python3", append([]string{"recover.py"}, strings.Fields(test.command)...)...)
		if got := hex.EncodeToString([]byte(r.read("password.bin"))); got != test.want {
			t.Errorf("%s: password %s, want %s", test.name, got, test.want)
		}
	}
	r.Write("sheets.txt", strings.Replace(firstShares(t, "2-of-4", 2), "dc:5f", "dc:5e", 1))
	r.Refused("a digit is wrong", "python3", "recover.py", "password", "sheets.txt")
}

// TestRecoveryPageJoinsShares: a DKEK of two shares is their XOR.
func TestRecoveryPageJoinsShares(t *testing.T) {
	r := newRecovery(t)
	r.Write("share-1.bin", strings.Repeat("\x0F", 32))
	r.Write("share-2.bin", strings.Repeat("\x33", 32))
	r.Run("python3", "recover.py", "dkek", "share-1.bin", "share-2.bin")
	if r.read("dkek.bin") != strings.Repeat("\x3C", 32) {
		t.Error("not the XOR of the shares")
	}
	r.Write("share-2.bin", "short")
	r.Refused("the password is wrong", "python3", "recover.py", "dkek", "share-1.bin", "share-2.bin")
}
