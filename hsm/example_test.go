package hsm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"conclave/card"
	"conclave/card/store/memory"
	"conclave/device"
	"conclave/hsm"
	"conclave/internal/rsaop"
	"conclave/link"
	"conclave/wire"
)

// An embedded device comes into being and is initialised. For a card, leave out
// Create, and open "pcsc:" and the name of its reader.
func Example() {
	dir, err := os.MkdirTemp("", "conclave")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	home := device.NewHome(dir)                                  // a user's own is device.DefaultHome
	home.PINCost = card.PINCost{Time: 1, Memory: 64, Threads: 1} // for an example alone: guessing is cheap
	if _, err := home.Create("signing"); err != nil {
		log.Fatal(err)
	}
	conn, err := home.Open("signing")
	if err != nil {
		log.Fatal(err)
	}
	h, err := hsm.Open(conn)
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	pins := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: wire.NoDKEK}
	if err := h.Initialize(pins, "Signing"); err != nil {
		log.Fatal(err)
	}
	status, err := h.Status()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("version %v, %d tries of the user PIN left\n", status.Version, status.User.Tries)
	// Output: version 3.5, 3 tries of the user PIN left
}

// loggedIn is a device in memory, whose user has logged in, and whose DKEK
// consists of so many shares.
func loggedIn(shares int) *hsm.HSM {
	now := time.Now()
	issuer, err := card.NewDeviceIssuer(now)
	if err != nil {
		log.Fatal(err)
	}
	store := memory.New()
	if _, err := card.Manufacture(store, issuer, now); err != nil {
		log.Fatal(err)
	}
	c, err := card.New(store, card.Config{
		RSA: rsaop.Best(), PINCost: card.PINCost{Time: 1, Memory: 64, Threads: 1}, Log: slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	h, err := hsm.Open(link.Direct(c))
	if err != nil {
		log.Fatal(err)
	}
	pins := wire.Initialization{UserPIN: []byte("648219"), SOPIN: []byte("57621880"), Retries: 3, DKEKShares: shares}
	if err := errors.Join(h.Initialize(pins, "Example"), h.Login(wire.UserPIN, pins.UserPIN)); err != nil {
		log.Fatal(err)
	}
	return h
}

// A key signs for any Go package that takes a crypto.Signer.
func ExampleHSM_Signer() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	kind, err := wire.ParseKeyType("ec:secp256r1")
	if err != nil {
		log.Fatal(err)
	}
	ref, _, err := h.GenerateKey(hsm.NewKey{Key: kind, Label: "code signing"})
	if err != nil {
		log.Fatal(err)
	}
	signer, err := h.Signer(ref)
	if err != nil {
		log.Fatal(err)
	}
	digest := sha256.Sum256([]byte("release 1.0"))
	signature, err := signer.Sign(nil, digest[:], crypto.SHA256) // the card draws its own random numbers
	if err != nil {
		log.Fatal(err)
	}
	public := signer.Public().(*ecdsa.PublicKey)
	fmt.Println("key", ref, "has signed:", ecdsa.VerifyASN1(public, digest[:], signature))
	// Output: key 1 has signed: true
}

// A wrong PIN costs a try.
func ExamplePINError() {
	h := loggedIn(wire.NoDKEK)
	defer h.Close()
	err := h.Login(wire.UserPIN, []byte("123456"))
	var wrong *hsm.PINError
	switch {
	case errors.As(err, &wrong) && wrong.Tries == 0:
		fmt.Println("blocked; HSM.ResetPIN sets a new one with the SO-PIN")
	case errors.As(err, &wrong):
		fmt.Println("once more;", wrong.Tries, "tries left")
	case err != nil:
		log.Fatal(err)
	}
	// Output: once more; 2 tries left
}

// A backup is restored: a key that another device has wrapped, under a DKEK that
// this one is given.
func ExampleHSM_UnwrapKey() {
	h := loggedIn(1) // waits for one share
	defer h.Close()
	// In a ceremony the share is in a share file, which custodians open.
	share, err := hex.DecodeString("1a9c396f5d89447980305494d193f03a55d2c7a43d3fc7bd4ebbd22af9e1aadc")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := h.ImportShare(share); err != nil {
		log.Fatal(err)
	}
	content, err := os.ReadFile("testdata/2-of-4/EC-secp256r1.wrap")
	if err != nil {
		log.Fatal(err)
	}
	backup, err := wire.ParseWrapFile(content)
	if err != nil {
		log.Fatal(err)
	}
	if err := h.UnwrapKey(1, backup, false); err != nil {
		log.Fatal(err)
	}
	keys, err := h.Keys()
	if err != nil {
		log.Fatal(err)
	}
	for _, k := range keys {
		fmt.Println("key", k.Ref, "is", k.Size())
	}
	// Output: key 1 is secp256r1
}
