package card_test

import (
	"bytes"
	"slices"
	"testing"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/dkek"
	"conclave/wire"
)

// owned is a card whose user has logged in, with a DKEK of its own.
func owned(t testing.TB, s store.Store) *card.Card {
	t.Helper()
	manufacture(t, s)
	c := openCard(t, s)
	init, err := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: 0}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	must(t, c, apdu.Command{CLA: 0x80, INS: wire.InsInitializeDevice, Data: init})
	return c
}

func must(t testing.TB, c *card.Card, cmd apdu.Command) []byte {
	t.Helper()
	r, err := apdu.Exchange(c, cmd)
	if err != nil || r.SW != apdu.OK {
		t.Fatalf("%02X: %v, %v", cmd.INS, r.SW, err)
	}
	return r.Data
}

// generateMLDSA makes a key, and gives the request for its certificate.
func generateMLDSA(t testing.TB, c *card.Card, id, signer byte, request wire.KeyRequest, p mldsa.Parameters) ([]byte, *wire.AuthenticatedRequest) {
	t.Helper()
	request.CHR, request.Key = "ZZPQ00000100001", wire.MLDSATemplate(p)
	data, err := request.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	answer := must(t, c, apdu.Command{INS: wire.InsGenerateKeyPair, P1: id, P2: signer, Data: data, Ne: apdu.MaxExtendedNe})
	parsed, err := wire.ParseAuthenticatedRequest(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer, parsed
}

func signMLDSA(id byte, mu []byte) apdu.Command {
	return apdu.Command{CLA: 0x80, INS: wire.InsSign, P1: id, P2: byte(wire.MLDSA), Data: mu, Ne: apdu.MaxExtendedNe}
}

// deviceKey is the public key that a device's certificate has.
func deviceKey(t *testing.T, c *card.Card) wire.PublicKey {
	t.Helper()
	chain, err := wire.ParseDeviceChain(must(t, c, apdu.Command{INS: wire.InsReadBinary, P1: 0x2F, P2: 0x02, Data: []byte{0x54, 2, 0, 0}, Ne: apdu.MaxExtendedNe}))
	if err != nil {
		t.Fatal(err)
	}
	return chain.Device().Key
}

// TestMLDSA lets keys of each parameter set do all that they can. What docs/ml-dsa.md says
// of sizes is held here.
func TestMLDSA(t *testing.T) {
	for _, set := range []struct {
		parameters                 mldsa.Parameters
		public, signature, request int
	}{
		{mldsa.MLDSA44(), 1312, 2420, 3896}, {mldsa.MLDSA65(), 1952, 3309, 5425}, {mldsa.MLDSA87(), 2592, 4627, 7383},
	} {
		t.Run(set.parameters.String(), func(t *testing.T) {
			c := owned(t, memory.New())
			answer, request := generateMLDSA(t, c, 1, 0, wire.KeyRequest{}, set.parameters)
			key := request.Request.Key
			if len(key.Encoded) != set.public || key.Parameters != set.parameters || len(answer) != set.request {
				t.Errorf("%d bytes of a key for %v in a request of %d", len(key.Encoded), key.Parameters, len(answer))
			}
			if err := request.Verify(deviceKey(t, c)); err != nil {
				t.Error(err)
			}
			blob := must(t, c, apdu.Command{CLA: 0x80, INS: wire.InsWrapKey, P1: 1, P2: wire.WrapMode, Ne: 256})
			if b, err := dkek.ParseBlob(blob); err != nil || b.Type != dkek.MLDSA || len(blob) != 90 {
				t.Errorf("a blob of %d bytes of type %v, %v", len(blob), b.Type, err)
			}
			must(t, c, apdu.Command{CLA: 0x80, INS: wire.InsUnwrapKey, P1: 2, P2: wire.UnwrapMode, Data: blob})
			var before []byte
			for _, id := range []byte{1, 1, 2} {
				signature := must(t, c, signMLDSA(id, messageRepresentative(key.Encoded, mldsaMessage())))
				if err := key.Verify(mldsaMessage(), signature); err != nil || len(signature) != set.signature {
					t.Errorf("key %d: a signature of %d bytes, %v", id, len(signature), err)
				}
				if bytes.Equal(signature, before) {
					t.Error("it has no fresh randomness in it")
				}
				before = signature
			}
		})
	}
}

// TestMLDSAAttests: a key that another ML-DSA key vouches for, which must be allowed to.
func TestMLDSAAttests(t *testing.T) {
	c := owned(t, memory.New())
	once := uint32(1)
	_, first := generateMLDSA(t, c, 1, 0, wire.KeyRequest{KeyLimits: wire.KeyLimits{UseCounter: &once, Algorithms: []byte{byte(wire.MLDSA)}}}, mldsa.MLDSA65())
	_, second := generateMLDSA(t, c, 2, 1, wire.KeyRequest{KeyLimits: wire.KeyLimits{Algorithms: []byte{byte(wire.ECDSA)}}}, mldsa.MLDSA87())
	if err := second.Verify(first.Request.Key); err != nil {
		t.Error(err)
	}
	request, err := wire.KeyRequest{CHR: "ZZPQ00000100002", Key: wire.ECTemplate(p256())}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for signer, want := range map[byte]apdu.Status{1: apdu.ReferenceDataUnusable, 2: apdu.FunctionNotSupported} {
		if r, err := apdu.Exchange(c, apdu.Command{INS: wire.InsGenerateKeyPair, P1: 3, P2: signer, Data: request, Ne: 65536}); err != nil || r.SW != want {
			t.Errorf("key %d vouches for another: %v, %v; %v was expected", signer, r.SW, err, want)
		}
	}
}

// TestMLDSARefuses what such a key does not do. None of it costs a use.
func TestMLDSARefuses(t *testing.T) {
	c := owned(t, memory.New())
	once := uint32(1)
	generateMLDSA(t, c, 1, 0, wire.KeyRequest{KeyLimits: wire.KeyLimits{UseCounter: &once}}, mldsa.MLDSA44())
	mu := make([]byte, 64)
	for _, refused := range []struct {
		name        string
		ins, p1, p2 byte
		data        []byte
		want        apdu.Status
	}{
		{"no message representative", wire.InsSign, 1, 0x60, nil, apdu.WrongLength},
		{"a short one", wire.InsSign, 1, 0x60, mu[1:], apdu.WrongLength},
		{"a long one", wire.InsSign, 1, 0x60, slices.Concat(mu, mu), apdu.WrongLength},
		{"a hash made by the card", wire.InsSign, 1, 0x63, mu, apdu.WrongP1P2},
		{"ECDSA", wire.InsSign, 1, 0x70, mu, apdu.WrongData},
		{"PKCS#1", wire.InsSign, 1, 0x30, mu, apdu.WrongData},
		{"ECDH", wire.InsDecipher, 1, 0x80, theirKey().Q, apdu.WrongData},
		{"RSA", wire.InsDecipher, 1, 0x21, mu, apdu.WrongData},
		{"ML-DSA by DECIPHER", wire.InsDecipher, 1, 0x60, mu, apdu.WrongP1P2},
		{"ML-DSA by the device key", wire.InsSign, 0, 0x60, mu, apdu.ReferenceNotFound},
		{"wrapping what has a counter", wire.InsWrapKey, 1, wire.WrapMode, nil, apdu.ConditionsNotSatisfied},
	} {
		r, err := apdu.Exchange(c, apdu.Command{CLA: 0x80, INS: refused.ins, P1: refused.p1, P2: refused.p2, Data: refused.data, Ne: 65536})
		if err != nil || r.SW != refused.want {
			t.Errorf("%s: %v, %v; %v was expected", refused.name, r.SW, err, refused.want)
		}
	}
	must(t, c, signMLDSA(1, mu))
	if r, err := apdu.Exchange(c, signMLDSA(1, mu)); err != nil || r.SW != apdu.ReferenceDataUnusable {
		t.Errorf("a second use: %v, %v", r.SW, err)
	}
}

// BenchmarkMLDSA is a signature by a device in this process beside one by the library,
// and the making of a key with its request.
func BenchmarkMLDSA(b *testing.B) {
	c := owned(b, newSQLite(b))
	mu := make([]byte, 64)
	for n, p := range []mldsa.Parameters{mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()} {
		id := byte(n + 1)
		generateMLDSA(b, c, id, 0, wire.KeyRequest{}, p)
		key, err := mldsa.GenerateKey(p)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(p.String()+"/device", func(b *testing.B) {
			for b.Loop() {
				must(b, c, signMLDSA(id, mu))
			}
		})
		b.Run(p.String()+"/library", func(b *testing.B) {
			for b.Loop() {
				if _, err := key.Sign(nil, mu, mldsacrypto.MLDSAMu); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(p.String()+"/generation", func(b *testing.B) {
			for b.Loop() {
				generateMLDSA(b, c, 9, 0, wire.KeyRequest{}, p)
				must(b, c, apdu.Command{INS: wire.InsDeleteFile, P1: 2, Data: []byte{byte(wire.PrefixKey), 9}})
			}
		})
	}
}
