//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"conclave/apdu"
	"conclave/card"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
	"conclave/link"
	"conclave/link/pcsc"
	"conclave/tlv"
	"conclave/wire"
)

// openSC is the tool that this one stands in for.
const openSC = "/usr/bin/sc-hsm-tool"

// result is how a call of a tool ended.
type result struct {
	status         int
	stdout, stderr string
}

func call(t *testing.T, tool string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(testrun.Patience(t), tool, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Args[0] = program
	cmd.Env = append(os.Environ(), "LC_ALL=C", deviceVariable+"=pcsc:")
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// compare runs both tools and demands the same of them.
func compare(t *testing.T, args ...string) {
	t.Helper()
	ours, theirs := call(t, program, args...), call(t, openSC, args...)
	const notConnected = "Failed to connect to card: "
	if strings.Contains(theirs.stderr, notConnected+"Success\n") {
		theirs.status = exitFailure // and not 0
	}
	drop := []string{notConnected}
	if ours.status != exitUsage {
		drop = append(drop, program+": ") // what this tool adds
	}
	if ours.status == exitFailure {
		drop = append(drop, "Using reader with a card: ") // not yet, where this tool fails earlier
	}
	ours.stderr, theirs.stderr = without(ours.stderr, drop), without(theirs.stderr, drop)
	if ours != theirs {
		t.Errorf("%v\nours:\n%+v\ntheirs:\n%+v", args, ours, theirs)
	}
}

// without drops the lines with one of the prefixes.
func without(text string, prefixes []string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// TestOptionErrorsAreThoseOfOpenSC needs no card.
func TestOptionErrorsAreThoseOfOpenSC(t *testing.T) {
	foreign.Need(t, openSC)
	for _, line := range []string{
		"--help", "-z", "-fz", "--unknown", "--p", "--pi 1", "--public-key-a", "--s", "--bio x", "--re 1", "--pin", "-C", "--label", "-fwW",
		"--initialize=x", "--force=", "-?", "-K 2 -- -z",
		"-K 3", "-K3 -v", "--public-key-auth=3", "-n 2", "-X -e f -i 1", "-W f -e f -i 1", "-U f -e f -i 1", "-e f",
		"-X -g f", "-W f -g f", "-U f -g f", "-e f -i 1 -g f", "-XS", "-W f -S", "-U f -S", "-e f -i 1 -S", "-g f -S", "operand -g f -S -- -z",
	} {
		t.Run(line, func(t *testing.T) {
			compare(t, strings.Fields(line)...)
		})
	}
}

// bench is an embedded device in the first virtual reader. It plays public key
// authentication, which embedded devices do not have.
type bench struct {
	*device.Embedded

	mu       sync.Mutex
	unknown  []string // holders whose public key the card does not know at first
	recorded []string // commands of public key authentication, in hex
}

// newBench makes a device, and puts it in.
func newBench(t *testing.T) *bench {
	t.Helper()
	home := device.NewHome(t.TempDir())
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	if _, err := home.Create("bench"); err != nil {
		t.Fatal(err)
	}
	embedded, err := home.OpenCard("bench", "pcscd", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Embedded: embedded}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		link.Keep(ctx, link.TCP(pcscdtest.VPCD), b, wire.ATR(), func(link.State, error) {})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		embedded.Close()
	})
	if _, err := pcsc.WaitForCard(testrun.Patience(t), pcscdtest.Reader); err != nil {
		t.Fatal(err)
	}
	return b
}

// Transmit implements apdu.Card.
func (b *bench) Transmit(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil || c.INS != insManageSE && c.INS != insPSO && c.INS != wire.InsManagePublicKeys {
		return b.Embedded.Transmit(command)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recorded = append(b.recorded, hex.EncodeToString(command))
	answer := apdu.Response{SW: apdu.OK}
	if c.INS == wire.InsManagePublicKeys {
		answer.Data = []byte{3, 2, 2, 1}
	}
	if c.INS == insManageSE && len(b.unknown) > 0 && string(c.Data[2:]) == b.unknown[0] {
		answer.SW, b.unknown = apdu.ReferenceNotFound, b.unknown[1:] // once, since the issuer is its own authority
	}
	return answer.Bytes(), nil
}

// registers records how a tool registers a key with a card that does not know
// the holders.
func (b *bench) registers(t *testing.T, tool, file string, unknown ...string) (result, []string) {
	t.Helper()
	b.mu.Lock()
	b.unknown, b.recorded = unknown, nil
	b.mu.Unlock()
	r := call(t, tool, "-g", file)
	b.mu.Lock()
	defer b.mu.Unlock()
	return r, b.recorded
}

// TestOneCardTwoTools uses one card with both tools, where neither is to write
// a file.
func TestOneCardTwoTools(t *testing.T) {
	foreign.Need(t, openSC)
	pcscdtest.Start(t)
	newBench(t)
	pins := []string{"--so-pin", soPIN, "--pin", userPIN}
	missing := filepath.Join(t.TempDir(), "missing")
	compare(t)
	compare(t, append(pins, "-X", "-s", "2", "--label", "Bench")...)
	compare(t)
	for _, args := range [][]string{
		{"-S"}, {"-r", "0"}, {"-r", pcscdtest.Reader}, {"-r", hex.EncodeToString(wire.ATR())},
		{"-r", "1"}, {"-r", "7"}, {"-r", "no such reader"}, {"-r", "3B00"},
		{"-X", "--so-pin", "35", "--pin", userPIN}, {"-X", "--so-pin", soPIN + "00", "--pin", userPIN}, {"-X", "--so-pin", "x", "--pin", userPIN},
		{"-X", "--so-pin", soPIN, "--pin", "64821"}, {"-X", "--so-pin", soPIN, "--pin", "12345678901234567"},
		append(pins, "-X", "--pin-retry", "4"), append(pins, "-X", "--pin", "1234567", "--pin-retry", "6"), append(pins, "-X", "--pin", "12345678", "--pin-retry", "11"),
		append(pins, "-X", "-K", "91"), append(pins, "-X", "-n", "91"), append(pins, "-X", "-K", "2", "-n", "3"),
		{"-C", missing, "--pwd-shares-total", "4"}, {"-C", missing, "--pwd-shares-total", "2", "--pwd-shares-threshold", "2"},
		{"-C", missing, "--pwd-shares-total", "4", "--pwd-shares-threshold", "1"}, {"-C", missing, "--pwd-shares-total", "4", "--pwd-shares-threshold", "5"},
		{"-I", missing}, {"-I", "testdata/vectors/EC-secp256r1.wrap"},
		{"-W", missing}, {"-W", missing, "-i", "256"}, {"-W", missing, "-i", "1", "--pin", "648210"}, {"-W", missing, "-i", "1", "--pin", userPIN},
		{"-U", missing, "-i", "1"}, {"-U", "../../quorum/testdata/2-of-4/dkek.pbe", "-i", "1"}, {"-U", "testdata/vectors/EC-secp256r1.wrap", "-i", "0"},
		{"-e", missing, "-i", "1"}, {"-e", missing, "-i", "0"},
	} {
		compare(t, args...)
	}
	compare(t, append(pins, "-X", "--pin-retry", "2")...)
	compare(t)
	// OpenSC's tool does not always see a card that is there already.
	if r := call(t, program, "-w"); r.status != 0 || !strings.HasPrefix(r.stderr, "Waiting for a card to be inserted...\n") {
		t.Errorf("%+v", r)
	}
}

// TestPublicKeyAuthenticationAsOpenSC compares files and commands.
func TestPublicKeyAuthenticationAsOpenSC(t *testing.T) {
	foreign.Need(t, openSC)
	pcscdtest.Start(t)
	b := newBench(t)
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	compare(t, "-X", "--so-pin", soPIN, "--pin", userPIN)
	makeKey(t)
	call(t, program, "-e", ours, "-i", "1")
	call(t, openSC, "-e", theirs, "-i", "1")
	exported, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	if expected, err := os.ReadFile(theirs); err != nil || !bytes.Equal(exported, expected) {
		t.Errorf("the files to register differ, %v:\n% X\n% X", err, exported, expected)
	}
	f, err := parsePKAFile(exported)
	if err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(dir, "later")
	if err := os.WriteFile(later, laterFormat(t, f.issuer, f.device, exported), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{ours, later} {
		for _, unknown := range [][]string{{f.issuer.CHR, f.device.CHR}, {f.device.CHR}, nil} {
			told, sent := b.registers(t, program, file, unknown...)
			expected, want := b.registers(t, openSC, file, unknown...)
			if told != expected || told.status != 0 || !slices.Equal(sent, want) {
				t.Errorf("%d holders unknown:\nours:\n%+v\n%s\ntheirs:\n%+v\n%s", len(unknown), told, strings.Join(sent, "\n"), expected, strings.Join(want, "\n"))
			}
		}
	}
	swapped, err := parsePKAFile(laterFormat(t, f.device, f.issuer, exported))
	if err != nil || swapped.device.CHR != f.device.CHR || swapped.issuer.CHR != f.issuer.CHR || !bytes.Equal(swapped.signed, f.signed) {
		t.Errorf("the later format with its certificates in the other order, %v: %+v", err, swapped)
	}
	compare(t, "-S")
}

// laterFormat is a file of the format that OpenSC 0.23 reads and does not
// write.
func laterFormat(t *testing.T, first, second *wire.CVC, exported []byte) []byte {
	t.Helper()
	elements, err := pkaElements(exported)
	if err != nil {
		t.Fatal(err)
	}
	file, err := new(tlv.Builder).AddNested(tagSequence, func(b *tlv.Builder) {
		b.Add(tagOID, []byte("\x2B\x06\x01\x04\x01\x81\xC3\x1F\x04\x03\x01"))
		b.Add(tagFirstField, first.Bytes()).Add(tagSecondField, second.Bytes()).Add(tagRequestField, elements[0])
	}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// makeKey generates key 1 on the card in the reader.
func makeKey(t *testing.T) {
	t.Helper()
	conn, err := pcsc.Open(pcscdtest.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := generate(h, "1"); err != nil {
		t.Fatal(err)
	}
}

// TestAnotherProgramResetsTheCard while people take their time.
func TestAnotherProgramResetsTheCard(t *testing.T) {
	pcscdtest.Start(t)
	newBench(t)
	t.Setenv(deviceVariable, "pcsc:")
	d := talk(t, t.TempDir(), "-r", "0", "-C", "dkek.pbe")
	d.Expect("Enter password to encrypt DKEK share : ")
	other, err := pcsc.Open(pcscdtest.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(other.Reset(), other.Close()); err != nil {
		t.Fatal(err)
	}
	d.Answer("", "correct horse")
	d.Answer("Please retype password to confirm : ", "correct horse")
	d.End(0)
}
