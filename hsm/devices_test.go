package hsm_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// otherwise is a device that answers some commands in its own way, each answer
// once; the last one stays.
type otherwise struct {
	apdu.Conn
	answers map[[2]byte][][]byte // by INS and P2
}

func (o *otherwise) Transmit(command []byte) ([]byte, error) {
	key := [2]byte{command[1], command[3]}
	answers := o.answers[key]
	if len(answers) == 0 {
		return o.Conn.Transmit(command)
	}
	if len(answers) > 1 {
		o.answers[key] = answers[1:]
	}
	if answers[0] == nil {
		return o.Conn.Transmit(command)
	}
	return answers[0], nil
}

// device is a device of the tests that differs in these answers.
func (o *otherwise) device(t *testing.T) *hsm.HSM {
	t.Helper()
	_, c := withShareOn(t, newDevice(t))
	o.Conn = link.Direct(c)
	h, err := hsm.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	return h
}

func dkekAnswers(domain byte, answer ...byte) map[[2]byte][][]byte {
	return map[[2]byte][][]byte{{wire.InsManageDKEK, domain}: {answer}}
}

// TestWithoutDKEK: devices say in different ways that they have none (6A88 on a
// SmartCard-HSM of version 4.0, OpenSC issue 2647; zeros on pico-hsm).
func TestWithoutDKEK(t *testing.T) {
	for name, answer := range map[string][]byte{
		"6D00": {0x6D, 0x00}, "6A88": {0x6A, 0x88}, "6A86": {0x6A, 0x86}, "zeros": append(make([]byte, 10), 0x90, 0x00),
	} {
		h := (&otherwise{answers: dkekAnswers(0, answer...)}).device(t)
		if status, err := h.Status(); err != nil || status.DKEK != nil || status.User.Tries != 3 && !status.User.Verified {
			t.Errorf("%s: %+v, %v", name, status, err)
		}
		err := h.UnwrapKey(1, readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap"), false)
		if !errors.Is(err, hsm.ErrNoDKEK) {
			t.Errorf("%s: a key was unwrapped: %v", name, err)
		}
		if name == "zeros" {
			continue // what pico-hsm answers to a share is its own
		}
		if _, err := h.ImportShare(make([]byte, 32)); err == nil || !strings.Contains(err.Error(), "initialised without a DKEK that takes shares") {
			t.Errorf("%s: a share was imported: %v", name, err)
		}
	}
}

// TestForeignDKEKOfOtherDevices: a Nitrokey HSM 2 of version 4.1 looks for the
// DKEK by the blob's key check value, and says 6A88.
func TestForeignDKEKOfOtherDevices(t *testing.T) {
	h := (&otherwise{answers: map[[2]byte][][]byte{{wire.InsUnwrapKey, wire.UnwrapMode}: {{0x6A, 0x88}}}}).device(t)
	err := h.UnwrapKey(1, readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap"), false)
	if !errors.Is(err, hsm.ErrForeignDKEK) {
		t.Errorf("%v", err)
	}
}

// TestKeyDomains: the DKEK of a blob may be that of another key domain.
func TestKeyDomains(t *testing.T) {
	f := readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap")
	blob := []byte{0x01, 0x00, 0x7C, 0x7D, 0x7E, 0xC5, 0x95, 0x05, 0xB9, 0x90, 0x90, 0x00}
	other := []byte{0x01, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00}
	answers := dkekAnswers(0, other...)
	answers[[2]byte{wire.InsManageDKEK, 1}] = [][]byte{{0x6A, 0x88}}
	answers[[2]byte{wire.InsManageDKEK, 2}] = [][]byte{blob}
	if err := (&otherwise{answers: answers}).device(t).UnwrapKey(1, f, false); err != nil {
		t.Errorf("the DKEK is in key domain 2: %v", err)
	}
	delete(answers, [2]byte{wire.InsManageDKEK, 2})
	err := (&otherwise{answers: answers}).device(t).UnwrapKey(1, f, false)
	if !errors.Is(err, hsm.ErrForeignDKEK) || !strings.Contains(err.Error(), "key check value 7C7D7EC59505B990, the device's is 0102030405060708") {
		t.Errorf("the DKEK is in no key domain: %v", err)
	}
}

// TestStatusOfKeyDomains: the answers are those that pico-hsm's tests expect
// (tests/pico-hsm/test_004_key_domains.py, test_080_pka.py): 6A88 for a domain that is not
// set up, 6A86 after the last, and four numbers for public keys.
func TestStatusOfKeyDomains(t *testing.T) {
	set := []byte{0x02, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0x90, 0x00}
	answers := dkekAnswers(0, 0x6A, 0x88)
	answers[[2]byte{wire.InsManageDKEK, 1}] = [][]byte{set}
	answers[[2]byte{wire.InsManageDKEK, 2}] = [][]byte{{0x6A, 0x88}}
	answers[[2]byte{wire.InsManagePublicKeys, 0}] = [][]byte{{3, 1, 2, 0, 0x90, 0x00}}
	h := (&otherwise{answers: answers}).device(t)
	domains, err := h.KeyDomains()
	if err != nil || len(domains) != 3 || domains[0] != nil || domains[2] != nil || *domains[1] != (wire.DKEKStatus{Shares: 2, Outstanding: 1}) {
		t.Errorf("key domains %v, %v", domains, err)
	}
	if keys, err := h.PublicKeys(); err != nil || *keys != (wire.PublicKeyStatus{Total: 3, Missing: 1, Required: 2}) {
		t.Errorf("public keys %+v, %v", keys, err)
	}
	for name, answer := range map[string][]byte{"6A86": {0x6A, 0x86}, "6D00": {0x6D, 0x00}, "none": {0, 0, 0, 0, 0x90, 0x00}} {
		h := (&otherwise{answers: map[[2]byte][][]byte{{wire.InsManagePublicKeys, 0}: {answer}}}).device(t)
		if domains, err := h.KeyDomains(); err != nil || domains != nil {
			t.Errorf("%s: key domains of a device without: %v, %v", name, domains, err)
		}
		if keys, err := h.PublicKeys(); err != nil || keys != nil {
			t.Errorf("%s: public keys of a device without: %v, %v", name, keys, err)
		}
	}
}

// TestInitializeOutOfMemory: a Java card may need to be asked twice; and one
// that leaves the bus may have done what it was asked.
func TestInitializeOutOfMemory(t *testing.T) {
	init := wire.UsualInitialization(userPIN, soPIN, 1)
	full := []byte{0x6A, 0x84}
	once := &otherwise{answers: map[[2]byte][][]byte{{wire.InsInitializeDevice, 0}: {full, nil}}}
	if err := once.device(t).Initialize(init, "Again"); err != nil {
		t.Errorf("out of memory once: %v", err)
	}
	always := &otherwise{answers: map[[2]byte][][]byte{{wire.InsInitializeDevice, 0}: {full}}}
	if err := always.device(t).Initialize(init, ""); !errors.Is(err, apdu.NotEnoughMemory) {
		t.Errorf("out of memory: %v", err)
	}
	_, c := withShareOn(t, newDevice(t))
	conn := &fragile{link.Direct(c), 1, true}
	h, err := hsm.Open(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Initialize(init, ""); !errors.Is(err, errRemoved) || !strings.Contains(err.Error(), "may be initialised all the same") {
		t.Errorf("the device left: %v", err)
	}
}

// TestRefusalsAreExplained: what the devices of CardContact and pico-hsm answer
// when a key is not to be used.
func TestRefusalsAreExplained(t *testing.T) {
	for answer, want := range map[[2]byte]string{
		{0x69, 0x84}: "its uses are exhausted", {0x6A, 0x84}: "its uses are exhausted",
		{0x6A, 0x81}: "does not allow this algorithm (", {0x69, 0x85}: "does not allow this algorithm, or its uses are exhausted (",
	} {
		h := (&otherwise{answers: map[[2]byte][][]byte{{wire.InsSign, byte(wire.ECDSA)}: {answer[:]}}}).device(t)
		if _, err := h.Sign(1, wire.ECDSA, make([]byte, 32)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%X: %v; %q was expected", answer, err, want)
		}
	}
	h := (&otherwise{answers: map[[2]byte][][]byte{
		{wire.InsWrapKey, wire.WrapMode}: {{0x6A, 0x88}}, {wire.InsManageDKEK, 0}: {{0x6A, 0x88}},
	}}).device(t)
	if _, err := h.WrapKey(1); err == nil || !errors.Is(err, hsm.ErrNoDKEK) {
		t.Errorf("wrapping without a DKEK: %v", err)
	}
}

// TestUnusableKeyReplacesNothing: some devices unwrap a blob and cannot sign with
// the key (a Nitrokey HSM 2, with a blob of pico-hsm).
func TestUnusableKeyReplacesNothing(t *testing.T) {
	o := &otherwise{answers: map[[2]byte][][]byte{}}
	h := o.device(t)
	if err := h.UnwrapKey(1, readWrapFile(t, "testdata/2-of-4/EC-secp256k1.wrap"), false); err != nil {
		t.Fatal(err)
	}
	o.answers[[2]byte{wire.InsSign, byte(wire.ECDSA)}] = [][]byte{{0x64, 0x00}}
	err := h.UnwrapKey(1, readWrapFile(t, "testdata/2-of-4/EC-secp256r1.wrap"), true)
	if err == nil || !strings.Contains(err.Error(), "cannot use the key that it has unwrapped") {
		t.Errorf("%v", err)
	}
	if keys, err := h.Keys(); err != nil || len(keys) != 1 || keys[0].Size() != "secp256k1" {
		t.Errorf("the keys are %+v, %v", keys, err)
	}
}

// impostor is a device that shows the certificates of another one.
type impostor struct {
	apdu.Conn
	certificates []byte
	selected     bool
}

func (i *impostor) Transmit(command []byte) ([]byte, error) {
	const selects, reads = 0xA4, 0xB1
	if command[1] == selects {
		if i.selected = len(command) > 6 && command[5] == 0x2F && command[6] == 0x02; i.selected {
			fcp, err := wire.FileFCP(wire.FCI, wire.EFDevAut, len(i.certificates))
			return append(fcp, 0x90, 0x00), err
		}
	}
	if command[1] == reads && i.selected {
		return append(bytes.Clone(i.certificates), 0x90, 0x00), nil
	}
	return i.Conn.Transmit(command)
}

// TestProveDevice: certificates can be copied, but their key cannot.
func TestProveDevice(t *testing.T) {
	real, c := withShareOn(t, newDevice(t))
	attestation, err := real.ProveDevice("this test")
	if err != nil {
		t.Fatal(err)
	}
	device, err := real.Device()
	if err != nil {
		t.Fatal(err)
	}
	if err := device.Chain.CheckProof(attestation, "this test"); err != nil {
		t.Error(err)
	}
	if err := device.Chain.CheckProof(attestation, "another one"); err == nil {
		t.Error("an older proof is taken")
	}
	if keys, err := real.Keys(); err != nil || len(keys) != 0 {
		t.Errorf("keys left: %d, %v", len(keys), err)
	}
	text, err := os.ReadFile("../wire/testdata/nitrokey-device-certificates.hex")
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	h, err := hsm.Open(&impostor{Conn: link.Direct(c), certificates: certificates})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	if d, err := h.Device(); err != nil || d.Serial != "DENK0404144" {
		t.Fatalf("%v", err)
	}
	if _, err := h.ProveDevice("this test"); err == nil || !strings.Contains(err.Error(), "the device is DENK040414400000") {
		t.Errorf("the impostor: %v", err)
	}
}
