package dkek_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"os"

	"conclave/dkek"
)

func Example() {
	// The only share of this DKEK, as ShareFile.Decrypt returns it.
	share, err := hex.DecodeString("1a9c396f5d89447980305494d193f03a55d2c7a43d3fc7bd4ebbd22af9e1aadc")
	if err != nil {
		log.Fatal(err)
	}
	key, err := dkek.Combine(share)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Wipe()
	blob, err := os.ReadFile("testdata/pypicohsm/rsa-1024-short-d.blob")
	if err != nil {
		log.Fatal(err)
	}
	private, _, err := key.Unwrap(blob)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("key check value", key.KCV())
	if k, ok := private.(*rsa.PrivateKey); ok {
		fmt.Println("an RSA key of", k.N.BitLen(), "bits")
	}
	// Output:
	// key check value 7C7D7EC59505B990
	// an RSA key of 1024 bits
}

// Opening a share file takes seconds, which is what makes guessing dear; so the
// tests do not run this example.
func ExampleShareFile_Decrypt() {
	content, err := os.ReadFile("testdata/password/dkek.pbe")
	if err != nil {
		log.Fatal(err)
	}
	file, err := dkek.ParseShareFile(content)
	if err != nil {
		log.Fatal(err)
	}
	share, err := file.Decrypt(context.Background(), []byte("correct horse battery staple"), func(done float64) {
		fmt.Printf("\r%3.0f %%", 100*done)
	})
	var damaged *dkek.DamagedError
	if errors.As(err, &damaged) { // the share is there all the same
		fmt.Println("write this file again, as damaged.Mended has it:", damaged)
	} else if err != nil {
		log.Fatal(err)
	}
	key, err := dkek.Combine(share)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("\rkey check value %v\n", key.KCV())
}

func ExampleParseShareFile() {
	content, err := os.ReadFile("testdata/2-of-4/dkek.pbe")
	if err != nil {
		log.Fatal(err)
	}
	file, err := dkek.ParseShareFile(content)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.SHA256())
	// Output: 42457d533bdd221858cf799895ba97daf48e1473dd76fa12485a382f84bffb21
}

func ExampleParseBlob() {
	content, err := os.ReadFile("testdata/pypicohsm/aes-256.blob")
	if err != nil {
		log.Fatal(err)
	}
	blob, err := dkek.ParseBlob(content)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(blob.Type, "key under the DKEK", blob.KCV)
	// Output: AES key under the DKEK 7C7D7EC59505B990
}

// A backup is moved to the DKEK of other custodians.
func ExampleDKEK_Rewrap() {
	draw := func() []byte {
		b := make([]byte, 32) // of a DKEK, or of an AES-256 key
		rand.Read(b)          // never fails
		return b
	}
	old, err := dkek.New(draw())
	if err != nil {
		log.Fatal(err)
	}
	next, err := dkek.New(draw())
	if err != nil {
		log.Fatal(err)
	}
	blob, err := old.Wrap(rand.Reader, dkek.AESKey(draw()), dkek.Metadata{})
	if err != nil {
		log.Fatal(err)
	}
	moved, err := old.Rewrap(rand.Reader, blob, next)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = old.Unwrap(moved)
	fmt.Println("foreign to the old DKEK:", errors.Is(err, dkek.ErrForeign))
	key, _, err := next.Unwrap(moved)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("under the next one: %T\n", key)
	// Output:
	// foreign to the old DKEK: true
	// under the next one: dkek.AESKey
}
