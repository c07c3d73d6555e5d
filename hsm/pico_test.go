package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// pico is a device of ours that answers as pico-hsm 6.6 does where both differ, as far
// as a host must know it. The facts are those of its source (testdata/README.md).
type pico struct {
	apdu.Conn
	crashed bool
}

func (p *pico) Transmit(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	fid := wire.FID(c.P1)<<8 | wire.FID(c.P2)
	if c.INS == wire.InsDeleteFile && len(c.Data) == 2 {
		fid = wire.FID(binary.BigEndian.Uint16(c.Data))
	}
	switch {
	case p.crashed, fid == wire.EFTokenInfo && (c.INS == wire.InsUpdateBinary || c.INS == wire.InsDeleteFile):
		p.crashed = true // the file's content is the address of a function
		return nil, errRemoved
	}
	answer, err := p.Conn.Transmit(command)
	switch {
	case c.INS == wire.InsSign && bytes.Equal(answer, []byte{0x6A, 0x81}):
		answer = []byte{0x69, 0x85} // the list does not have the algorithm
	case c.INS == wire.InsSign && wire.Algorithm(c.P2) == wire.RSAPKCS1 && bytes.HasSuffix(answer, []byte{0x90, 0x00}):
		answer = []byte{0x64, 0x00} // the digest is taken to be as long as its DigestInfo
	}
	return answer, err
}

// onPico is a device of the tests, with its DKEK, as a pico-hsm.
func onPico(t *testing.T) *hsm.HSM {
	t.Helper()
	_, c := withShareOn(t, newDevice(t))
	h, err := hsm.Open(&pico{Conn: link.Direct(c)})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, userPIN); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestRSAOnPico: a key is usable, though the device gets DigestInfos wrong.
func TestRSAOnPico(t *testing.T) {
	h := onPico(t)
	if err := h.UnwrapKey(1, readWrapFile(t, "testdata/2-of-4/rsa-2048.wrap"), false); err != nil {
		t.Fatal(err)
	}
	signer, err := h.Signer(1)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("to be signed"))
	signature, err := signer.Sign(nil, digest[:], crypto.SHA256)
	if err == nil {
		err = rsa.VerifyPKCS1v15(signer.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], signature)
	}
	if err != nil {
		t.Error(err)
	}
}

// TestAlgorithmLists signs with keys whose lists leave one way, and finds it. A digest
// alone cannot be signed where the card must hash.
func TestAlgorithmLists(t *testing.T) {
	rsa2048, ec := wire.RSATemplate(2048), wire.ECTemplate(p256(t))
	pss := func(h crypto.Hash) crypto.SignerOpts {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	for _, device := range []struct {
		name string
		hsm  *hsm.HSM
	}{{"ours", withShare(t)}, {"pico-hsm", onPico(t)}} {
		for _, test := range []struct {
			key    wire.PublicKey
			list   []byte
			opts   crypto.SignerOpts
			byCard bool
		}{
			{rsa2048, []byte{0x33, 0x92}, crypto.SHA256, true},
			{rsa2048, []byte{0x20, 0x35, 0x92}, crypto.SHA512, false},
			{rsa2048, []byte{0x30}, crypto.SHA256, false},
			{rsa2048, []byte{0x44}, pss(crypto.SHA384), true},
			{ec, []byte{0x73, 0x92}, crypto.SHA256, true},
			{ec, []byte{0x70}, crypto.SHA256, false},
		} {
			if device.name == "pico-hsm" && test.list[0] == 0x30 {
				continue // this list leaves no way there
			}
			checkAlgorithmList(t, device.hsm, device.name, test.key, test.list, test.opts, test.byCard)
		}
	}
}

func checkAlgorithmList(t *testing.T, h *hsm.HSM, device string, key wire.PublicKey, list []byte, opts crypto.SignerOpts, byCard bool) {
	t.Helper()
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: key, KeyLimits: wire.KeyLimits{Algorithms: list}})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		t.Fatal(err)
	}
	message := bytes.Repeat([]byte("to be signed "), 300)
	sum := opts.HashFunc().New()
	sum.Write(message)
	digest := sum.Sum(nil)
	signature, err := crypto.SignMessage(signer, rand.Reader, message, opts)
	switch public := signer.Public().(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok && err == nil {
			err = rsa.VerifyPSS(public, pss.Hash, digest, signature, pss)
		} else if err == nil {
			err = rsa.VerifyPKCS1v15(public, opts.HashFunc(), digest, signature)
		}
	default:
		if k, _ := h.PublicKey(ref); err == nil {
			err = k.VerifyDER(message, signature)
		}
	}
	if err != nil {
		t.Errorf("%s, %s with list %X: %v", device, key.Type, list, err)
	}
	if _, err := signer.Sign(nil, digest, opts); errors.Is(err, hsm.ErrNotAllowed) != byCard || !byCard && err != nil {
		t.Errorf("%s, %s with list %X: its digest alone: %v", device, key.Type, list, err)
	}
	if _, err := signer.SignMessage(nil, make([]byte, hsm.MaxMessage+1), opts); byCard != (err != nil) {
		t.Errorf("%s, %s with list %X: more than a command carries: %v", device, key.Type, list, err)
	} else if byCard && !strings.Contains(err.Error(), "65535 bytes at most; this has 65536") {
		t.Error(err)
	}
	if err := h.DeleteKey(ref); err != nil {
		t.Fatal(err)
	}
}

// TestLabelsOfOtherDevices: the device is initialised, with a label or without.
func TestLabelsOfOtherDevices(t *testing.T) {
	init := wire.UsualInitialization(userPIN, soPIN, 1)
	unlabelled := new(hsm.LabelError)
	err := onPico(t).Initialize(init, "Longer than a label of none")
	if !errors.As(err, &unlabelled) || !strings.Contains(err.Error(), "card removed; it does without. If it does not answer, plug it in again") {
		t.Errorf("a device that breaks down: %v", err)
	}
	refuses := &otherwise{answers: map[[2]byte][][]byte{{wire.InsUpdateBinary, 0x03}: {{0x69, 0x86}}}}
	h := refuses.device(t)
	if err := h.Initialize(init, "Refused"); !errors.As(err, &unlabelled) || !errors.Is(err, apdu.CommandNotAllowed) {
		t.Errorf("a device that refuses: %v", err)
	}
	if status, err := h.Status(); err != nil || status.User.Tries != 3 {
		t.Errorf("it is initialised, and logged out: %+v, %v", status, err)
	}
}

// TestTokenInfoIsNotDeleted: not where a label gets shorter either.
func TestTokenInfoIsNotDeleted(t *testing.T) {
	deletes := &otherwise{answers: map[[2]byte][][]byte{{wire.InsDeleteFile, 0}: {{0x64, 0x00}}}}
	h := deletes.device(t)
	for _, label := range []string{"A label that is rather long", "short"} {
		if err := h.Initialize(wire.UsualInitialization(userPIN, soPIN, 1), label); err != nil {
			t.Fatal(err)
		}
		content, err := h.ReadFile(wire.EFTokenInfo)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := wire.ParseTokenInfo(content); err != nil || info.Label != label {
			t.Errorf("%+v, %v; %q was expected", info, err, label)
		}
	}
}
