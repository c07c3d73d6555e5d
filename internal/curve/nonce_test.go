package curve

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/iotest"
)

// TestNoncesOfRFC6979: without random bytes, the numbers are those that the RFC
// publishes for SHA-512.
func TestNoncesOfRFC6979(t *testing.T) {
	compared := 0
	for _, v := range readKnown[struct {
		Source, Curve         string
		D, Q, Digest, K, R, S hexBytes
	}](t, "ecdsa.json") {
		if len(v.Digest) != sha512.Size {
			continue
		}
		key := knownKey(t, v.Curve, v.D, v.Q)
		order := &key.signer.(*weierstrassSigner).group.order
		e := order.bytes(order.residue(leftmost(v.Digest, order.size)))
		if k := seedNonces(key.Curve.N, key.D, e).next(); !bytes.Equal(k, v.K) {
			t.Errorf("%s, digest %x: %x, expected %x", v.Source, v.Digest, []byte(k), v.K)
		}
		compared++
	}
	if compared != 2 {
		t.Errorf("%d numbers were compared, 2 were expected", compared)
	}
}

// numberOf is the number per message that a signature was made with, or its
// negative: k = (e + r·d)/s.
func numberOf(t testing.TB, k *PrivateKey, digest, der []byte) *big.Int {
	t.Helper()
	plain, err := PlainSignature(k.Curve, der)
	if err != nil {
		t.Fatal(err)
	}
	n, size := integer(k.Curve.N), len(k.Curve.N)
	e := integer(digest[:min(len(digest), size)])
	if excess := 8*size - n.BitLen(); len(digest) >= size {
		e.Rsh(e, uint(excess))
	}
	number := new(big.Int).Mul(integer(plain[:size]), integer(k.D))
	number.Add(number, e)
	number.Mul(number, new(big.Int).ModInverse(integer(plain[size:]), n))
	return number.Mod(number, n)
}

// TestNoncesAreHedged: where the random source says the same again, the number
// per message depends on the digest and on the key; where it does not, the same
// digest gets another one. The signatures verify all the same.
func TestNoncesAreHedged(t *testing.T) {
	first, second := sha256.Sum256([]byte("first")), sha256.Sum256([]byte("second"))
	for _, c := range table {
		t.Run(c.Name, func(t *testing.T) {
			key := func(d byte) *PrivateKey {
				k, err := c.NewPrivateKey([]byte{d})
				if err != nil {
					t.Fatal(err)
				}
				return k
			}
			seen := map[string]string{}
			draw := func(name string, k *PrivateKey, digest []byte, seed uint64) {
				cryptotest.SetGlobalRandom(t, seed)
				signature, err := k.Sign(digest)
				if err != nil || !c.Verify(k.Q, digest, signature) {
					t.Fatalf("%s: %v; the signature must verify", name, err)
				}
				number := numberOf(t, k, digest, signature)
				for _, v := range []*big.Int{number, new(big.Int).Sub(integer(c.N), number)} {
					if other, again := seen[v.String()]; again {
						t.Errorf("%s has the number of %s", name, other)
					}
				}
				seen[number.String()] = name
			}
			draw("a signature", key(7), first[:], 1)
			draw("another digest", key(7), second[:], 1)
			draw("another key", key(8), first[:], 1)
			draw("other random bytes", key(7), first[:], 2)
		})
	}
}

// TestFailingSystemSource: where the system has no random numbers, a process ends
// before there is a key or a signature.
func TestFailingSystemSource(t *testing.T) {
	k, err := table[0].NewPrivateKey([]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	steps := map[string]func() error{
		"key":       func() error { _, err := table[0].Generate(); return err },
		"signature": func() error { _, err := k.Sign(make([]byte, 32)); return err },
	}
	const variable = "CONCLAVE_TEST_WITHOUT_RANDOMNESS"
	if step, child := steps[os.Getenv(variable)]; child {
		rand.Reader = iotest.ErrReader(errors.New("the generator is gone"))
		fmt.Println("there is one:", step())
		return
	}
	for name := range steps {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), variable+"="+name)
		out, err := child.CombinedOutput()
		if err == nil || strings.Contains(string(out), "there is one") || !strings.Contains(string(out), "the generator is gone") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
