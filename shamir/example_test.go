package shamir_test

import (
	"crypto/rand"
	"fmt"
	"log"
	"math/big"

	"conclave/shamir"
)

func Example() {
	prime, err := shamir.SafePrime(rand.Reader, 64)
	if err != nil {
		log.Fatal(err)
	}
	secret := new(big.Int).SetBytes([]byte("sesame")) // 48 bits, so it is below the prime
	shares, err := shamir.Split(rand.Reader, secret, prime, 2, 3)
	if err != nil {
		log.Fatal(err)
	}
	// The second share is lost. Any two are enough.
	found, err := shamir.Combine([]shamir.Share{shares[0], shares[2]}, prime)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", found.Bytes())
	// Output: sesame
}

func ExampleLocate() {
	// Sheets of sc-hsm-tool: any two of four custodians give the secret back.
	prime := new(big.Int).SetUint64(0xdc5f8eb51a1987ff)
	typed := []uint64{0x594aea80e0e99b8e, 0x9c95b7e2b392fce8, 0x0380f68f6c22d639, 0x46cbc3f13ecc378e}
	var shares []shamir.Share
	for i, value := range typed {
		shares = append(shares, shamir.Share{X: big.NewInt(int64(i + 1)), Y: new(big.Int).SetUint64(value)})
	}
	located, err := shamir.Locate(shares, prime, 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, i := range located.Wrong {
		fmt.Printf("share %s: %x was typed, and %x is right\n", shares[i].X, shares[i].Y, located.Right[i].Y)
	}
	fmt.Printf("the secret is %x\n", located.Secret)
	// Output:
	// share 2: 9c95b7e2b392fce8 was typed, and 9c95b7e2b392fce3 is right
	// the secret is 16001d1f0e403a39
}

func ExampleProve() {
	prime := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(51))
	secret, err := rand.Int(rand.Reader, prime)
	if err != nil {
		log.Fatal(err)
	}
	shares, err := shamir.Split(rand.Reader, secret, prime, 3, 5)
	if err != nil {
		log.Fatal(err)
	}
	subsets, all, err := shamir.Prove(rand.Reader, shares, secret, prime, 3, 10_000)
	if err != nil {
		log.Fatal(err) // do not destroy the secret
	}
	fmt.Println("subsets that give the secret back:", subsets)
	fmt.Println("there are no others:", all)
	// Output:
	// subsets that give the secret back: 10
	// there are no others: true
}
