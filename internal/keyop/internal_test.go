package keyop

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestFaultDoesNotLeave: a flipped bit in any number of a loaded key gives the right
// result, or none.
func TestFaultDoesNotLeave(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	in := append(make([]byte, k.Size()-1), 2)
	want := new(big.Int).Exp(big.NewInt(2), k.D, k.N).FillBytes(make([]byte, k.Size()))

	for name, fault := range map[string]func(k *rsa.PrivateKey){
		"dp":       func(k *rsa.PrivateKey) { k.Precomputed.Dp = flipBit(k.Precomputed.Dp) },
		"dq":       func(k *rsa.PrivateKey) { k.Precomputed.Dq = flipBit(k.Precomputed.Dq) },
		"qInv":     func(k *rsa.PrivateKey) { k.Precomputed.Qinv = flipBit(k.Precomputed.Qinv) },
		"p":        func(k *rsa.PrivateKey) { k.Primes = []*big.Int{flipBit(k.Primes[0]), k.Primes[1]} },
		"q":        func(k *rsa.PrivateKey) { k.Primes = []*big.Int{k.Primes[0], flipBit(k.Primes[1])} },
		"n":        func(k *rsa.PrivateKey) { k.N = flipBit(k.N) },
		"dp and d": func(k *rsa.PrivateKey) { k.Precomputed.Dp, k.D = flipBit(k.Precomputed.Dp), flipBit(k.D) },
	} {
		faulty := *k
		fault(&faulty)
		for _, load := range loaders(t) {
			operation, err := load(k, &faulty)
			if err != nil {
				t.Fatal(err)
			}
			guarded := guard(&k.PublicKey, operation)
			// libcrypto answers a fault by computing again without CRT.
			if out, err := guarded.Private(in); err == nil && !bytes.Equal(out, want) {
				t.Errorf("%T with a fault in %s gives out %x", operation, name, out)
			}
			guarded.Close()
		}
	}
}

func flipBit(v *big.Int) *big.Int { return new(big.Int).Xor(v, big.NewInt(4)) }

// loaders returns the inner half of NewKey of every engine there is, which
// does not check the key. They are given the good one, too.
func loaders(t *testing.T) []func(good, k *rsa.PrivateKey) (operation, error) {
	t.Helper()
	inGo := func(_, k *rsa.PrivateKey) (operation, error) { return newCRT(k) }
	lib, err := openLibcrypto(libcryptoNames())
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Logf("SKIPPED for libcrypto: %v", err)
		return []func(_, k *rsa.PrivateKey) (operation, error){inGo}
	}
	return []func(_, k *rsa.PrivateKey) (operation, error){inGo, func(good, k *rsa.PrivateKey) (operation, error) {
		return lib.load(pkcs1(good, k), k.Size())
	}}
}

// pkcs1 encodes k with its numbers as they are, where they differ from those of the
// good key.
func pkcs1(good, k *rsa.PrivateKey) []byte {
	der := x509.MarshalPKCS1PrivateKey(good)
	replace := func(from, to *big.Int) {
		length := max(len(from.Bytes()), len(to.Bytes()))
		der = bytes.Replace(der, from.FillBytes(make([]byte, length)), to.FillBytes(make([]byte, length)), 1)
	}
	replace(good.N, k.N)
	replace(good.D, k.D)
	replace(good.Primes[0], k.Primes[0])
	replace(good.Primes[1], k.Primes[1])
	replace(good.Precomputed.Dp, k.Precomputed.Dp)
	replace(good.Precomputed.Dq, k.Precomputed.Dq)
	replace(good.Precomputed.Qinv, k.Precomputed.Qinv)
	return der
}

func TestMissingLibraryIsNamed(t *testing.T) {
	_, err := openLibcrypto([]string{"libnothere.so.3", "libnorthere.so.3"})
	if err == nil {
		t.Fatal("a library that does not exist was opened")
	}
	for _, part := range []string{"libnothere.so.3", "libnorthere.so.3", "libssl3"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}

func TestOtherLibraryIsRefused(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("libc.so.6 is the C library of Linux")
	}
	_, err := openLibcrypto([]string{"libc.so.6"})
	if err == nil || !strings.Contains(err.Error(), "OpenSSL 3.0 or later") {
		t.Errorf("libc as libcrypto: %v", err)
	}
}

func TestLibcryptoRefusesDamagedKeyWithItsReason(t *testing.T) {
	lib, err := openLibcrypto(libcryptoNames())
	if err != nil {
		t.Skip(err)
	}
	_, err = lib.load([]byte{0x30, 3, 2, 1, 0}, 128)
	if err == nil || !strings.Contains(err.Error(), "d2i_RSAPrivateKey failed: error:") {
		t.Errorf("damaged key: %v", err)
	}
}

// Guides tell people to activate other providers, such as the one for PKCS#11,
// in openssl.cnf. That must not reach us: it might come back to our own token.
func TestOpenSSLConfigurationIsNotUsed(t *testing.T) {
	if os.Getenv("OPENSSL_CONF") == "" {
		t.Log("running itself again with a configuration that leaves only the null provider")
		conf := filepath.Join(t.TempDir(), "openssl.cnf")
		if err := os.WriteFile(conf, []byte("openssl_conf = init\n[init]\nproviders = providers\n[providers]\nnull = null\n[null]\nactivate = 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestFaultDoesNotLeave$|^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "OPENSSL_CONF="+conf)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, load := range loaders(t) {
		operation, err := load(k, k)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := operation.private(make([]byte, k.Size())); err != nil {
			t.Errorf("%T: %v", operation, err)
		}
		operation.wipe()
	}
}
