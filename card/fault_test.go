package card

import (
	"crypto/rsa"
	"encoding/hex"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"

	"conclave/apdu"
	"conclave/card/store/memory"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/wire"
)

// faulty is an engine whose results have a wrong bit.
type faulty struct{ keyop.Engine }

func (f faulty) NewKey(k *rsa.PrivateKey) (keyop.Key, error) {
	loaded, err := f.Engine.NewKey(k)
	return faultyKey{loaded}, err
}

type faultyKey struct{ keyop.Key }

func (f faultyKey) Private(in []byte) ([]byte, error) {
	out, err := f.Key.Private(in)
	if err == nil {
		out[len(out)/2] ^= 1
	}
	return out, err
}

// loggedIn is a card without keys, whose user has logged in.
func loggedIn(t *testing.T, engine keyop.Engine) *Card {
	t.Helper()
	s := memory.New()
	issuer, err := NewDeviceIssuer(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Manufacture(s, issuer, time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := New(s, Config{Keys: engine, PINCost: PINCost{Time: 1, Memory: 8, Threads: 1}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	initialize := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: wire.NoDKEK}
	data, err := initialize.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if sw, _ := send(t, c, apdu.Command{CLA: wire.ClassProprietary, INS: wire.InsInitializeDevice, Data: data}); sw != apdu.OK {
		t.Fatal(sw)
	}
	return c
}

func send(t *testing.T, c *Card, command apdu.Command) (apdu.Status, []byte) {
	t.Helper()
	b, err := command.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Transmit(b)
	if err != nil {
		t.Fatal(err)
	}
	response, err := apdu.ParseResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	return response.SW, response.Data
}

// generateRSA is GENERATE ASYMMETRIC KEY PAIR for 1024 bits.
func generateRSA(t *testing.T, c *Card, id, signer byte) (apdu.Status, []byte) {
	t.Helper()
	request := wire.KeyRequest{CHR: "UTTEST00001", Key: wire.RSATemplate(1024)}
	data, err := request.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return send(t, c, apdu.Command{INS: wire.InsGenerateKeyPair, P1: id, P2: signer, Data: data, Ne: apdu.MaxExtendedNe})
}

// flip flips a bit of a number of a loaded key, which no one outside of its package
// can reach.
func flip(loaded any, path ...string) {
	v := reflect.ValueOf(loaded)
	for _, name := range path {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		v = v.FieldByName(name)
	}
	number := v.Bytes()
	number[len(number)/2] ^= 4
}

// TestFaultDoesNotLeaveTheCard: with a flipped bit in one half of the CRT parts of a
// key that is open, the card signs and deciphers nothing more.
func TestFaultDoesNotLeaveTheCard(t *testing.T) {
	for _, half := range []struct{ raw, padded string }{{"dp", "dP"}, {"dq", "dQ"}} {
		c := loggedIn(t, keyop.Go())
		if sw, _ := generateRSA(t, c, 1, 0); sw != apdu.OK {
			t.Fatal(sw)
		}
		digest := make([]byte, 32)
		digest[0] = 1
		info, _ := hex.DecodeString("3031300d060960864801650304020105000420" + strings.Repeat("11", 32))
		commands := map[string]apdu.Command{
			"raw":                {INS: wire.InsSign, P2: byte(wire.RSARaw), Data: digest},
			"PKCS#1":             {INS: wire.InsSign, P2: byte(wire.RSAPKCS1), Data: info},
			"PKCS#1 and SHA-256": {INS: wire.InsSign, P2: byte(wire.RSAPKCS1 | wire.HashSHA256), Data: digest},
			"PSS":                {INS: wire.InsSign, P2: byte(wire.RSAPSS), Data: digest},
			"PSS and SHA-256":    {INS: wire.InsSign, P2: byte(wire.RSAPSS | wire.HashSHA256), Data: digest},
			"deciphering":        {INS: wire.InsDecipher, P2: byte(wire.RSADecryptRaw), Data: digest},
		}
		all := func(want apdu.Status) {
			for name, command := range commands {
				command.CLA, command.P1, command.Ne = wire.ClassProprietary, 1, apdu.MaxExtendedNe
				if sw, data := send(t, c, command); sw != want || (sw == apdu.OK) != (len(data) == 128) {
					t.Errorf("%s, %s: %v and %d bytes; %v was expected", half.raw, name, sw, len(data), want)
				}
			}
		}
		all(apdu.OK)
		open := c.session.keys[1].private.(*rsaKey)
		flip(open.raw, "operation", half.raw)
		flip(&open.key.Precomputed, "fips", half.padded)
		all(apdu.ExecutionError)
		if sw, data := generateRSA(t, c, 2, 1); sw != apdu.ExecutionError || len(data) > 0 {
			t.Errorf("%s: it signs a request: %v", half.raw, sw)
		}
	}
}

// TestKeyThatDoesNotFitIsNotStored: halves of a new key that do not belong together
// are found before anything is stored.
func TestKeyThatDoesNotFitIsNotStored(t *testing.T) {
	c := loggedIn(t, faulty{keyop.Go()})
	if sw, data := generateRSA(t, c, 1, 0); sw != apdu.ExecutionError || len(data) > 0 {
		t.Errorf("%v and %d bytes; %v was expected", sw, len(data), apdu.ExecutionError)
	}
	if sw, files := send(t, c, apdu.Command{INS: wire.InsEnumerateObjects, Ne: apdu.MaxExtendedNe}); sw != apdu.OK || strings.Contains(hex.EncodeToString(files), "cc01") {
		t.Errorf("%v, files %x; no key was expected", sw, files)
	}
	for _, on := range curve.All()[:3] {
		private, err := on.Generate()
		if err != nil {
			t.Fatal(err)
		}
		other, err := on.Generate()
		if err != nil {
			t.Fatal(err)
		}
		k := &key{private: ecKey{PrivateKey: private}}
		request := wire.CVC{CAR: "UTTEST00001", CHR: "UTTEST00001", Key: k.public()}
		signed, err := request.Sign(k.signCVC)
		if err != nil || k.checkPair(signed) != nil {
			t.Errorf("%s: %v, %v; a good key was refused", on.Name, err, k.checkPair(signed))
		}
		private.Q = other.Q
		if signed, err = request.Sign(k.signCVC); err != nil || k.checkPair(signed) == nil {
			t.Errorf("%s: %v; the public half is another's, and was not found", on.Name, err)
		}
	}
	private, err := mldsa.GenerateKey(mldsa.MLDSA65())
	if err != nil {
		t.Fatal(err)
	}
	k := &key{private: mldsaKey{private}}
	sign := func() error {
		request := wire.CVC{CAR: "UTTEST00001", CHR: "UTTEST00001", Key: k.public()}
		signed, err := request.Sign(k.signCVC)
		if err != nil {
			t.Fatal(err)
		}
		return k.checkPair(signed)
	}
	if err := sign(); err != nil {
		t.Errorf("a good ML-DSA key was refused: %v", err)
	}
	if flip(private, "k", "pub", "raw"); sign() == nil {
		t.Error("an ML-DSA key has a public half that does not fit, and was not found")
	}
}

// TestKeyOfALaterVersion: a key of a kind that is not known here is refused, and keeps no
// other from being used.
func TestKeyOfALaterVersion(t *testing.T) {
	c := loggedIn(t, keyop.Go())
	if sw, _ := generateRSA(t, c, 1, 0); sw != apdu.OK {
		t.Fatal(sw)
	}
	if err := c.update(func(t *transaction) error {
		return c.session.vault().put(t, kindKey, 2, []byte(`{"SLHDSA":"AAAA","Algorithms":"YA=="}`))
	}); err != nil {
		t.Fatal(err)
	}
	sign := func(id byte) apdu.Command {
		return apdu.Command{CLA: wire.ClassProprietary, INS: wire.InsSign, P1: id, P2: byte(wire.RSARaw), Data: []byte{1}, Ne: apdu.MaxExtendedNe}
	}
	if sw, _ := send(t, c, sign(2)); sw != apdu.FunctionNotSupported {
		t.Errorf("it signs: %v; %v was expected", sw, apdu.FunctionNotSupported)
	}
	if sw, _ := send(t, c, sign(1)); sw != apdu.OK {
		t.Errorf("the key beside it does not sign: %v", sw)
	}
	remove := apdu.Command{INS: wire.InsDeleteFile, P1: 2, Data: []byte{byte(wire.PrefixKey), 2}}
	if sw, _ := send(t, c, remove); sw != apdu.OK {
		t.Errorf("it cannot be deleted: %v", sw)
	}
}
