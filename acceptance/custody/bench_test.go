//go:build linux

package custody

import (
	"context"
	"crypto"
	"crypto/sha256"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/acceptance"
	"conclave/apdu"
	"conclave/card"
	"conclave/card/store/sqlite"
	"conclave/hsm"
	"conclave/internal/curve"
	"conclave/internal/keyop"
	"conclave/internal/pcscdtest"
	"conclave/internal/secret"
	"conclave/link"
	"conclave/link/pcsc"
	"conclave/wire"
)

// BenchmarkSign is a signature by a device on disk, P-256 in process and through pcscd
// and its virtual reader, and RSA in process; and the same by a device with a log.
func BenchmarkSign(b *testing.B) {
	ec, err := curve.ByName("secp256r1")
	if err != nil {
		b.Fatal(err)
	}
	for name, key := range map[string]wire.PublicKey{"in-process": wire.ECTemplate(ec), "RSA-2048": wire.RSATemplate(2048)} {
		b.Run(name, func(b *testing.B) { benchSign(b, link.Direct(benchCard(b)), key, 0) })
		b.Run(name+"-log", func(b *testing.B) { benchSign(b, link.Direct(benchCard(b)), key, wire.OptionLog) })
	}
	b.Run("pcscd", func(b *testing.B) { benchPCSC(b, wire.ECTemplate(ec), 0) })
	b.Run("pcscd-log", func(b *testing.B) { benchPCSC(b, wire.ECTemplate(ec), wire.OptionLog) })
}

func benchPCSC(b *testing.B, key wire.PublicKey, options wire.Options) {
	b.Helper()
	c := benchCard(b)
	pcscdtest.Start(b)
	ctx, stop := context.WithCancel(b.Context())
	served, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		link.Keep(ctx, link.TCP(pcscdtest.VPCD), c, wire.ATR(), func(s link.State, _ error) {
			if s == link.Connected {
				served <- struct{}{}
			}
		})
	}()
	<-served
	reader, err := pcsc.WaitForCard(ctx, "")
	if err != nil {
		b.Fatal(err)
	}
	conn, err := pcsc.Open(reader)
	if err != nil {
		b.Fatal(err)
	}
	benchSign(b, conn, key, options)
	stop()
	<-done
}

func benchCard(b *testing.B) *card.Card {
	b.Helper()
	s, err := sqlite.Create(filepath.Join(b.TempDir(), "bench.device"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	issuer, err := card.NewDeviceIssuer(time.Now())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := card.Manufacture(s, issuer, time.Now()); err != nil {
		b.Fatal(err)
	}
	c, err := card.New(s, card.Config{Keys: keyop.Best(), PINCost: card.PINCost{Time: 1, Memory: 8, Threads: 1},
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func benchSign(b *testing.B, conn apdu.Conn, key wire.PublicKey, options wire.Options) {
	b.Helper()
	h, err := hsm.Open(conn)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	pin := secret.Bytes("648219")
	if err := h.Initialize(wire.Initialization{Options: options, UserPIN: pin, SOPIN: soPIN(), Retries: 3, DKEKShares: wire.NoDKEK}, ""); err != nil {
		b.Fatal(err)
	}
	if err := h.Login(wire.UserPIN, pin); err != nil {
		b.Fatal(err)
	}
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: key})
	if err != nil {
		b.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("bench"))
	for b.Loop() {
		if _, err := signer.Sign(nil, digest[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart is a whole command that does next to nothing: what every call of
// a script costs. OpenSSL's is there to compare with.
func BenchmarkStart(b *testing.B) {
	b.Setenv("XDG_DATA_HOME", b.TempDir())
	b.Setenv("CONCLAVE_DEVICE", "default")
	conclave := acceptance.Bin("conclave")
	if out, err := exec.Command(conclave, "hsm", "create").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, command := range [][]string{
		{conclave, "version"}, {conclave, "hsm", "list"}, {conclave, "hsm", "status"},
		{acceptance.Bin("sc-hsm-tool"), "--reader", "embedded:default"}, {"openssl", "version"},
	} {
		b.Run(filepath.Base(strings.Join(command, " ")), func(b *testing.B) {
			for b.Loop() {
				if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
			}
		})
	}
}
