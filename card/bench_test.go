package card_test

import (
	"crypto/rsa"
	"log/slog"
	"testing"

	"conclave/apdu"
	"conclave/card"
	"conclave/internal/keyop"
	"conclave/wire"
)

// idle is an RSA engine that does nothing, so that all else can be measured.
type idle struct {
	keyop.Engine
	size int
}

func (idle) Name() string                                { return "idle" }
func (idle) NewKey(k *rsa.PrivateKey) (keyop.Key, error) { return idle{size: k.Size()}, nil }
func (k idle) Private(in []byte) ([]byte, error)         { return make([]byte, k.size), nil }
func (idle) Close()                                      {}

// BenchmarkSignOverhead is a signature without its arithmetic: encoding,
// dispatch, session, and the look at the store on disk.
func BenchmarkSignOverhead(b *testing.B) {
	s := newSQLite(b)
	manufacture(b, s)
	c := openCard(b, s)
	must := func(cmd apdu.Command) {
		if r, err := apdu.Exchange(c, cmd); err != nil || r.SW != apdu.OK {
			b.Fatalf("%02X: %v, %v", cmd.INS, r.SW, err)
		}
	}
	init, err := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: wire.NoDKEK}.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	request, err := wire.KeyRequest{CAR: "UTCA00001", CHR: "ZZCL000000100001", Key: wire.RSATemplate(2048)}.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	must(apdu.Command{CLA: 0x80, INS: wire.InsInitializeDevice, Data: init})
	must(apdu.Command{INS: wire.InsGenerateKeyPair, P1: 1, Data: request, Ne: apdu.MaxExtendedNe}) // which needs an engine that works
	if c, err = card.New(s, card.Config{Keys: idle{}, PINCost: cheapPINs, Log: slog.New(slog.DiscardHandler)}); err != nil {
		b.Fatal(err)
	}
	must(apdu.Command{INS: wire.InsVerify, P2: byte(wire.UserPIN), Data: []byte("648219")})
	sign := apdu.Command{CLA: 0x80, INS: wire.InsSign, P1: 1, P2: byte(wire.RSARaw), Data: make([]byte, 256), Ne: 512}
	for b.Loop() {
		must(sign)
	}
}
