package wire_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/tlv"
	"conclave/wire"
)

// vector reads a .hex file of testdata; README.md there tells where each is from.
func vector(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDescriptionsAreThoseOfOpenSC(t *testing.T) {
	for name, test := range map[string]struct {
		wire.PrKD
		ref byte
	}{
		"prkd-rsa": {wire.PrKD{Type: wire.KeyRSA, Label: "Private Key", ID: []byte{0x10}, Bits: 2048}, 1},
		"prkd-ec":  {wire.PrKD{Type: wire.KeyEC, Label: "Private Key", ID: []byte{0x11}, Bits: 256}, 2},
	} {
		want := vector(t, name)
		if got, err := test.Bytes(test.ref); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: built\n% X, %v; OpenSC wrote\n% X", name, got, err, want)
		}
		got, err := wire.ParsePrKD(want)
		if err != nil || got.Label != test.Label || !bytes.Equal(got.ID, test.ID) || got.Bits != test.Bits || got.Type != test.Type {
			t.Errorf("%s: read as %+v, %v", name, got, err)
		}
	}
}

func TestKeyRequestsAreThoseOfOpenSC(t *testing.T) {
	for name, check := range map[string]func(wire.PublicKey) bool{
		"key-request-rsa": func(k wire.PublicKey) bool { return k.Type == wire.KeyRSA && k.Bits == 2048 },
		"key-request-ec":  func(k wire.PublicKey) bool { return k.Type == wire.KeyEC && k.Curve.Name == "secp256r1" },
	} {
		want := vector(t, name)
		r, err := wire.ParseKeyRequest(want)
		if err != nil || !check(r.Key) || r.CAR != "UTCA00001" || r.CHR != "ESPICOHSMTR00001" {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		if got, err := r.Bytes(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: built\n% X, %v; OpenSC sent\n% X", name, got, err, want)
		}
	}
}

func TestKeyRequestFields(t *testing.T) {
	uses := uint32(70000)
	r := wire.KeyRequest{CAR: "UTCA00001", CHR: "ZZCL000000100001", Key: wire.RSATemplate(4096),
		KeyLimits: wire.KeyLimits{UseCounter: &uses, Algorithms: []byte{0x20, 0x92}, Domain: new(byte)}}
	b, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := wire.ParseKeyRequest(b)
	if err != nil || !reflect.DeepEqual(got.KeyLimits, r.KeyLimits) || got.Key.Bits != 4096 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := wire.ParseKeyRequest(append(b, 0x94, 0x01, 0x00)); !errors.Is(err, wire.ErrUnknownField) {
		t.Errorf("a field without a name gave %v, ErrUnknownField was expected", err)
	}
	for _, bad := range []string{"90 00", "90 05 0000000001", "92 00", "92 02 0000"} {
		if r, err := wire.ParseKeyRequest(append(b[:len(b):len(b)], spaced(t, bad)...)); err == nil {
			t.Errorf("%s is taken: %+v", bad, r.KeyLimits)
		}
	}
}

// spaced reads hexadecimal digits that are set apart by spaces.
func spaced(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeyFCP: what pico-hsm tells of a key, put together by hand as its source does
// (src/hsm/sc_hsm.c, hsm_key_append_fci_metadata), and others.
func TestKeyFCP(t *testing.T) {
	const file = "81 02 0000 82 01 01 83 02 CC01 "
	uses, domain := uint32(5), byte(0)
	for fcp, want := range map[string]wire.KeyLimits{
		"6F 0B" + file:           {},
		"62 0D" + file + "A5 00": {},
		"6F 1D " + file + "A5 81 0F 90 04 00000005 91 04 70737492 92 01 00": {UseCounter: &uses, Algorithms: []byte{0x70, 0x73, 0x74, 0x92}, Domain: &domain},
		"6F 12 " + file + "A5 05 9F01 02 AAAA":                              {},
	} {
		limits, err := wire.ParseKeyLimits(spaced(t, fcp))
		if err != nil || !reflect.DeepEqual(limits, want) {
			t.Errorf("%s: %+v, %v", fcp, limits, err)
		}
		ours, err := wire.KeyFCP(wire.FCI, 0xCC01, want)
		if err != nil {
			t.Fatal(err)
		}
		if limits, err = wire.ParseKeyLimits(ours); err != nil || !reflect.DeepEqual(limits, want) {
			t.Errorf("%X: %+v, %v", ours, limits, err)
		}
		if size, err := wire.ParseFileSize(ours); err != nil || size != 0 {
			t.Errorf("%X: size %d, %v", ours, size, err)
		}
	}
	for _, bad := range []string{"", "6F 0F" + file + "A5 02 92 00", "6F 0F" + file + "A5 02 92 01"} {
		if limits, err := wire.ParseKeyLimits(spaced(t, bad)); err == nil {
			t.Errorf("%q is taken: %+v", bad, limits)
		}
	}
}

// The requests that a pico-hsm answered with verify under its device key.
func TestForeignAuthenticatedRequests(t *testing.T) {
	device, err := wire.ParseAuthenticatedRequest(vector(t, "device-certificates"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"authenticated-request-rsa", "authenticated-request-ec"} {
		b := vector(t, name)
		r, err := wire.ParseAuthenticatedRequest(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := r.Verify(device.Request.Key); err != nil || r.OuterCAR != "ESPICOHSMTR00001" {
			t.Errorf("%s: outer authority %q, %v", name, r.OuterCAR, err)
		}
		changed := bytes.Clone(b)
		changed[len(changed)-1] ^= 1
		if r, err := wire.ParseAuthenticatedRequest(changed); err == nil && r.Verify(device.Request.Key) == nil {
			t.Errorf("%s: a changed signature verifies", name)
		}
		der, err := r.Request.Key.SPKI()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := x509.ParsePKIXPublicKey(der); err != nil {
			t.Errorf("%s: its SubjectPublicKeyInfo: %v", name, err)
		}
	}
}

// The first line is what sc-hsm-tool 0.23 sent (testdata/article.apdu); the
// others add its tags for the logins without a PIN.
func TestInitialization(t *testing.T) {
	plain := wire.UsualInitialization([]byte("648219"), []byte("57621880"), 1)
	keys, biometric, without := plain, plain, plain
	keys.PublicKeys = &wire.PublicKeyScheme{Total: 3, Required: 2}
	biometric.Biometrics[1] = []byte{0xE8, 0x2B}
	without.DKEKShares = wire.NoDKEK
	const begin = "800200018106363438323139820835373632313838309101 03"
	for want, init := range map[string]wire.Initialization{
		begin + "920101": plain, begin + "920101 93020302": keys, begin + "920101 9602E82B": biometric, begin: without,
	} {
		bytes, err := init.Bytes()
		if want = strings.ReplaceAll(want, " ", ""); err != nil || strings.ToUpper(hex.EncodeToString(bytes)) != want {
			t.Errorf("built %X, %v; %s was expected", bytes, err, want)
		}
		if got, err := wire.ParseInitialization(bytes); err != nil || !reflect.DeepEqual(got, init) {
			t.Errorf("%s: read another, %v", want, err)
		}
	}
}

func TestWrapFilesOfOpenSC(t *testing.T) {
	for name, bits := range map[string]int{"rsa-2048": 2048, "rsa-4096": 4096, "EC-secp256r1": 256, "EC-secp256k1": 256} {
		content, err := os.ReadFile(filepath.Join("testdata", "2-of-4", name+".wrap"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := wire.ParseWrapFile(content)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := f.Bytes(); err != nil || !bytes.Equal(again, content) {
			t.Errorf("%s: written again it differs, %v", name, err)
		}
		d, err := wire.ParsePrKD(f.Description)
		if err != nil || d.Label != name || d.Bits != bits {
			t.Errorf("%s: description %+v, %v", name, d, err)
		}
		request, err := wire.ParseAuthenticatedRequest(f.Certificate)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := request.Request.Key.SPKI(); err != nil || !bytes.Equal(got, publicKey(t, name)) {
			t.Errorf("%s: its public key is not the one that pkcs11-tool read, %v", name, err)
		}
		for _, n := range []int{0, 1, 3, len(f.Blob), len(content) - 1} {
			if _, err := wire.ParseWrapFile(content[:n]); err == nil {
				t.Errorf("%s: cut off after %d bytes it is accepted", name, n)
			}
		}
	}
}

func publicKey(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "2-of-4", name+".pub.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	return block.Bytes
}

func TestWrapFileWithoutDescription(t *testing.T) {
	certificate := vector(t, "authenticated-request-ec")
	b, err := wire.WrapFile{Blob: []byte{1, 2, 3}, Certificate: certificate}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.ParseWrapFile(b)
	if err != nil || f.Description != nil || !bytes.Equal(f.Certificate, certificate) {
		t.Errorf("the request was not taken for one: %+v, %v", f, err)
	}
}

func TestAppletFCPOfForeignCard(t *testing.T) {
	// pico-hsm 6.6, from testdata/article.apdu
	fcp, _ := hex.DecodeString("622281020000820101830200008" + "40B2B0601040181C31F0201008A010585050001FF0606")
	options, version, err := wire.ParseAppletFCP(fcp)
	if err != nil || options != wire.OptionResetRetryCounter || version != (wire.Version{Major: 6, Minor: 6}) {
		t.Errorf("options %04X, version %s, %v", options, version, err)
	}
	own, err := wire.AppletFCP(wire.FCI, wire.OptionTransportPIN, wire.Version{Major: 3, Minor: 5})
	if err != nil || hex.EncodeToString(own) != "6f0785050002ff0305" {
		t.Errorf("built %x, %v", own, err)
	}
	logs, err := wire.AppletFCP(wire.FCI, wire.OptionLog|wire.OptionTransportPIN, wire.Version{Major: 3, Minor: 5})
	if err != nil {
		t.Fatal(err)
	}
	if options, _, err := wire.ParseAppletFCP(logs); err != nil || options != wire.OptionLog|wire.OptionTransportPIN {
		t.Errorf("options %04X, %v", options, err)
	}
}

// TestLogOption is sent to no device of another maker.
func TestLogOption(t *testing.T) {
	for serial, want := range map[string]wire.Options{"ZZCL0123456": wire.OptionLog, "DENK0100042": 0, "ESPICOHSMTR": 0, "": 0} {
		if got := wire.LogOption(serial); got != want {
			t.Errorf("%q: %04X", serial, got)
		}
	}
}

func TestDatesAreUnpackedDigits(t *testing.T) {
	c := tlv.Cursor(vector(t, "device-certificates"))
	if _, _, _, err := c.Next(); err != nil { // the request comes first
		t.Fatal(err)
	}
	cvc, err := wire.ParseCVC(&c)
	if err != nil || cvc.Holder() != "ESPICOHSMTR" || !c.Empty() {
		t.Errorf("holder %q, %d bytes left, %v", cvc.Holder(), len(c), err)
	}
}

func TestTraceHidesSecrets(t *testing.T) {
	recorded, err := os.ReadFile("testdata/article.apdu")
	if err != nil {
		t.Fatal(err)
	}
	replay, err := apdu.ReadTrace(bytes.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	traced := apdu.NewTrace(conn{replay}, &out, wire.NewRedactor())
	for _, line := range strings.Split(string(recorded), "\n") {
		if text, ok := strings.CutPrefix(line, "> "); ok {
			command, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := traced.Transmit(command); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, secret := range map[string]string{
		"user PIN": "36 34 38 32 31 39", "SO-PIN": "35 37 36 32 31 38 38 30",
		"password of the share file": "8C DC 10 8B 4D 2E D8 D4",
		"DKEK share":                 "65 4E 03 81 90 1E 96 FB",
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the %s is in the trace", name)
		}
	}
	for _, open := range []string{"> 80 50 00 00 1C 80 02 00 01 81 06 **", "91 01 03 92 01 01", "> 80 72 01 92"} {
		if !strings.Contains(out.String(), open) {
			t.Errorf("the trace lacks %q, which is not secret", open)
		}
	}
	again, err := apdu.ReadTrace(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Transmit([]byte{0, 0xA4, 4, 0, 7, 0x62, 0x76, 1, 0xFF, 0, 0, 0}); err != nil {
		t.Errorf("the redacted trace does not replay: %v", err)
	}
}

// A file that needs the PIN is hidden however it is selected; a chained
// INITIALIZE DEVICE hides all of its parts.
func TestTraceFollowsTheCard(t *testing.T) {
	secret := []byte("Secr")
	answers := map[string][]byte{"B1": append(append([]byte{}, secret...), 0x90, 0x00)}
	card := transmitter(func(b []byte) ([]byte, error) {
		if answer, ok := answers[fmt.Sprintf("%02X", b[1])]; ok {
			return answer, nil
		}
		return []byte{0x90, 0x00}, nil
	})
	var out bytes.Buffer
	traced := apdu.NewTrace(conn{card}, &out, wire.NewRedactor())
	for _, command := range []string{
		"00B1CD01045402000000", "00B10000045402000000", // selected by the one, read by the other
		"00D7CD02075402000053" + "01AA", "00B10000045402000000",
		"1050000004800200 01", "0050000006" + "8204" + "53656372",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(command, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := traced.Transmit(b); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(out.String(), "53 65 63 72") {
		t.Errorf("the trace shows the secret:\n%s", out.String())
	}
}

type transmitter func([]byte) ([]byte, error)

func (f transmitter) Transmit(b []byte) ([]byte, error) { return f(b) }

func TestFileSizeOfEitherTag(t *testing.T) {
	for text, want := range map[string]int{"6F0480020123": 0x123, "620481020123": 0x123} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := wire.ParseFileSize(b); err != nil || got != want {
			t.Errorf("%s: size %d, %v", text, got, err)
		}
	}
}

// pypicohsm leaves out the exponent, sc-hsm-embedded the authority, and names
// an outer one.
func TestSparseKeyRequests(t *testing.T) {
	rsa, err := hex.DecodeString("5F2901007F4910060A04007F0007020202010202020800" + "5F20085A5A434C30303031" + "45045A5A3031")
	if err != nil {
		t.Fatal(err)
	}
	r, err := wire.ParseKeyRequest(rsa)
	if err != nil || r.CAR != "" || r.OuterCAR != "ZZ01" || r.Key.Bits != 2048 || !bytes.Equal(r.Key.Exponent, []byte{1, 0, 1}) {
		t.Errorf("%+v, %v", r, err)
	}
}

type conn struct{ apdu.Card }

func (conn) Reset() error { return nil }
func (conn) Close() error { return nil }

// TestLongKey is one of anyone's, with which nothing is verified.
func TestLongKey(t *testing.T) {
	modulus := append([]byte{0x80}, make([]byte, 2499)...)
	key := wire.PublicKey{Type: wire.KeyRSA, Modulus: append(modulus, 1), Exponent: []byte{1, 0, 1}}
	if err := key.Verify(nil, make([]byte, 2501)); err == nil || !strings.Contains(err.Error(), "RSA with 20008 bits; 16384 at most were expected") {
		t.Errorf("%v; an error about its length was expected", err)
	}
}
