//go:build linux

package custody

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/acceptance"
	"conclave/device"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/internal/testrun"
	"conclave/link"
	"conclave/wire"
)

// TestMemoryOfALoggedOutProcess reads all the memory of a `conclave hsm serve` that
// has imported a DKEK and keys, been logged into, signed, and been logged out of,
// and looks in it for all that it knew.
func TestMemoryOfALoggedOutProcess(t *testing.T) {
	testrun.NeedRoot(t, "the memory of a process that does not want to be read")
	m := newMemorised(t)
	h, pid := m.serve()
	m.use(h)
	if found := m.search(pid); len(found) == 0 {
		t.Error("nothing is found while a user is logged in: the test looks for the wrong things")
	}
	if err := h.Close(); err != nil { // the reader is gone
		t.Fatal(err)
	}
	m.awaitIdle()
	for _, name := range m.search(pid) {
		if !mayRemain(name) {
			t.Errorf("%s is in the memory of a process that no one is logged into", name)
		}
	}
}

// mayRemain says whether SECURITY.md tells that a secret may be left in memory, and
// why. In a build with GOEXPERIMENT=runtimesecret, for which this test is run by
// hand, it is one alone.
func mayRemain(name string) bool {
	if name == "the first share" {
		return true
	}
	return !secret.Erased && (name == "the EC key" || strings.HasSuffix(name, "of the RSA key"))
}

// memorised is a device and all that is secret about it.
type memorised struct {
	t       *testing.T
	data    string
	pins    map[wire.PINReference]secret.Bytes
	ec      *curve.PrivateKey
	rsa     *rsa.PrivateKey
	mldsa   *mldsa.PrivateKey
	shares  []secret.Bytes
	kek     *dkek.DKEK
	plain   []byte // of a protected file, and of a ciphertext
	secrets map[string][]byte
	output  *bufio.Reader
	reader  net.Listener
}

func digits(n int) secret.Bytes {
	pin := make(secret.Bytes, n)
	rand.Read(pin)
	for i := range pin {
		pin[i] = '0' + pin[i]%10
	}
	return pin
}

func newMemorised(t *testing.T) *memorised {
	t.Helper()
	m := &memorised{t: t, data: t.TempDir(), pins: map[wire.PINReference]secret.Bytes{wire.UserPIN: digits(16), wire.SOPIN: digits(8)}}
	p256, err := curve.ByName("brainpoolP256r1")
	m.must(err)
	m.ec, err = p256.Generate()
	m.must(err)
	m.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	m.must(err)
	m.mldsa, err = mldsa.GenerateKey(mldsa.MLDSA65())
	m.must(err)
	for range 2 {
		share := make(secret.Bytes, dkek.ShareSize)
		rand.Read(share)
		m.shares = append(m.shares, share)
	}
	m.kek, err = dkek.Combine(m.shares...)
	m.must(err)
	m.plain = make([]byte, 48)
	rand.Read(m.plain)
	m.secrets = map[string][]byte{
		"the user PIN": m.pins[wire.UserPIN], "the SO-PIN": m.pins[wire.SOPIN],
		"the first share": m.shares[0], "the second share": m.shares[1], "the DKEK": m.kek.Bytes(),
		"the EC key": m.ec.D, "a protected file": m.plain,
		"d of the RSA key": m.rsa.D.Bytes(), "p of the RSA key": m.rsa.Primes[0].Bytes(), "q of the RSA key": m.rsa.Primes[1].Bytes(),
		"dP of the RSA key": m.rsa.Precomputed.Dp.Bytes(), "dQ of the RSA key": m.rsa.Precomputed.Dq.Bytes(), "qInv of the RSA key": m.rsa.Precomputed.Qinv.Bytes(),
	}
	// What is made of the seed (FIPS 204, algorithm 6): ρ, ρ′ and K, which is kept beside s₁ and s₂.
	m.secrets["the seed of the ML-DSA key"] = m.mldsa.Bytes()
	m.secrets["K of the ML-DSA key"] = sha3.SumSHAKE256(append(m.mldsa.Bytes(), 6, 5), 128)[96:]
	for n, name := range map[byte]string{1: "the DKEK's key for encryption", 2: "the DKEK's key for the MAC"} {
		sum := sha256.Sum256(append(m.kek.Bytes(), 0, 0, 0, n))
		m.secrets[name] = sum[:]
	}
	return m
}

func (m *memorised) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// serve starts `conclave hsm serve` with this test as its reader.
func (m *memorised) serve() (*hsm.HSM, int) {
	m.t.Helper()
	_, err := device.NewHome(filepath.Join(m.data, "conclave")).Create("memorised")
	m.must(err)
	m.reader, err = net.Listen("tcp", "127.0.0.1:0")
	m.must(err)
	m.t.Cleanup(func() { m.reader.Close() })
	cmd := exec.Command(acceptance.Bin("conclave"), "hsm", "serve", "--device", "memorised", "--vpcd", m.reader.Addr().String())
	cmd.Env = append(cmd.Environ(), "XDG_DATA_HOME="+m.data)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	m.must(err)
	m.must(cmd.Start())
	m.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	m.output = bufio.NewReader(output)
	return m.connect(), cmd.Process.Pid
}

func (m *memorised) connect() *hsm.HSM {
	m.t.Helper()
	conn, err := m.reader.Accept()
	m.must(err)
	client := link.NewClient(conn)
	m.must(client.PowerOn())
	h, err := hsm.Open(client)
	m.must(err)
	return h
}

// awaitIdle waits until the process has said that its reader is gone, and has it
// answer once more.
func (m *memorised) awaitIdle() {
	m.t.Helper()
	for {
		line, err := m.output.ReadString('\n')
		m.must(err)
		if strings.Contains(line, "disconnected") {
			break
		}
	}
	h := m.connect()
	_, err := h.Serial()
	m.must(err)
}

// use does with the device what makes it hold each of the secrets.
func (m *memorised) use(h *hsm.HSM) {
	m.t.Helper()
	init := wire.UsualInitialization(m.pins[wire.UserPIN].Clone(), m.pins[wire.SOPIN].Clone(), len(m.shares))
	m.must(h.Initialize(init, ""))
	for _, share := range m.shares {
		_, err := h.ImportShare(share)
		m.must(err)
	}
	m.must(h.Login(wire.SOPIN, m.pins[wire.SOPIN]))
	m.must(h.Login(wire.UserPIN, m.pins[wire.UserPIN]))
	for i, key := range []any{m.ec, m.rsa, m.mldsa} {
		blob, err := m.kek.Wrap(rand.Reader, key, dkek.Metadata{})
		m.must(err)
		m.must(h.UnwrapKey(byte(1+i), wire.WrapFile{Blob: blob}, false))
		_, err = h.WrapKey(byte(1 + i))
		m.must(err)
	}
	m.must(h.WriteFile(wire.PrefixProtectedData.File(1), m.plain))
	_, err := h.ReadFile(wire.PrefixProtectedData.File(1))
	m.must(err)
	//lint:ignore SA1019 the card deciphers it
	cipher, err := rsa.EncryptPKCS1v15(rand.Reader, &m.rsa.PublicKey, m.plain)
	m.must(err)
	plain, err := h.Decipher(2, wire.RSADecryptPKCS1, cipher)
	m.must(err)
	if !bytes.Equal(plain, m.plain) {
		m.t.Fatal("deciphered something else")
	}
	digest := make([]byte, 32)
	for range 1000 {
		_, err := h.Sign(1, wire.ECDSA, digest)
		m.must(err)
		_, err = h.Sign(2, wire.RSAPSS, digest)
		m.must(err)
		_, err = h.Sign(3, wire.MLDSA, make([]byte, 64))
		m.must(err)
	}
}

// search names the secrets that are in the memory of a process: their first or last
// sixteen bytes, forward, as the limbs of a number, or in base 64.
func (m *memorised) search(pid int) (found []string) {
	m.t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	m.must(err)
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	m.must(err)
	defer memory.Close()
	for line := range strings.Lines(string(maps)) {
		area, rest, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(rest, "rw") {
			continue
		}
		from, to, _ := strings.Cut(area, "-")
		start, err := strconv.ParseUint(from, 16, 64)
		m.must(err)
		end, err := strconv.ParseUint(to, 16, 64)
		m.must(err)
		content := readArea(memory, start, end)
		for name, value := range m.secrets {
			if !slices.Contains(found, name) && contains(content, value) {
				found = append(found, name)
				m.t.Logf("%s is in %s", name, strings.TrimSpace(line))
			}
		}
	}
	slices.Sort(found)
	return found
}

// readArea reads what is in a part of the memory, without the pages of zeros, which
// are most of it, and those that cannot be read.
func readArea(memory io.ReaderAt, start, end uint64) (content []byte) {
	empty, page := make([]byte, 4096), make([]byte, 4096)
	for ; start < end; start += uint64(len(page)) {
		if _, err := memory.ReadAt(page, int64(start)); err == nil && !bytes.Equal(page, empty) {
			content = append(content, page...)
		}
	}
	return content
}

func contains(memory, value []byte) bool {
	reversed := slices.Clone(value)
	slices.Reverse(reversed)
	forms := [][]byte{value, reversed}
	for shift := range 3 { // as a part of something longer
		if text := base64.RawStdEncoding.EncodeToString(value[shift:]); len(text) > 24 {
			forms = append(forms, []byte(text[:len(text)-4]))
		}
	}
	for _, form := range forms {
		n := min(16, len(form))
		if bytes.Contains(memory, form[:n]) || bytes.Contains(memory, form[len(form)-n:]) {
			return true
		}
	}
	return false
}
