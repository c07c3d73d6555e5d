package keyop_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/internal/keyop"
)

// engines returns every engine there is. Libcrypto's may be missing on a
// developer's machine, but not in CI.
func engines(t testing.TB) []keyop.Engine {
	t.Helper()
	libcrypto, err := keyop.Libcrypto()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Logf("SKIPPED for libcrypto: %v", err)
		return []keyop.Engine{keyop.Go()}
	}
	return []keyop.Engine{keyop.Go(), libcrypto}
}

// keys returns a key of every size a card has, and odd ones.
func keys(t testing.TB) map[string]*rsa.PrivateKey {
	t.Helper()
	all := map[string]*rsa.PrivateKey{
		"1024":            generate(t, 1024),
		"1025":            generate(t, 1025), // the first byte of the modulus is 01
		"2048 exponent 3": fixture(t, "rsa2048-e3.pem"),
	}
	for _, size := range []int{1536, 2048, 3072, 4096} {
		all[fmt.Sprint(size)] = fixture(t, fmt.Sprintf("rsa%d.pem", size))
	}
	swapped := *all["1024"]
	swapped.Primes = []*big.Int{swapped.Primes[1], swapped.Primes[0]}
	swapped.Precomputed = rsa.PrecomputedValues{}
	all["1024 with p and q swapped, no CRT values"] = &swapped
	return all
}

func generate(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func fixture(t testing.TB, name string) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s has no PEM block", name)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return k.(*rsa.PrivateKey)
}

func load(t testing.TB, engine keyop.Engine, k *rsa.PrivateKey) keyop.Key {
	t.Helper()
	loaded, err := engine.NewKey(k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loaded.Close)
	return loaded
}

// TestConformance is the one body that every engine has to pass with every key.
func TestConformance(t *testing.T) {
	all := keys(t)
	for _, engine := range engines(t) {
		for name, k := range all {
			t.Run(engine.Name()+"/"+name, func(t *testing.T) {
				loaded := load(t, engine, k)
				t.Run("powers", func(t *testing.T) { testPowers(t, loaded, k) })
				t.Run("signature", func(t *testing.T) { testSignature(t, loaded, k) })
				t.Run("refusals", func(t *testing.T) { testRefusals(t, loaded, k) })
				t.Run("concurrency", func(t *testing.T) { testConcurrency(t, loaded, k) })
				t.Run("close", func(t *testing.T) { testClose(t, loaded, k) })
			})
		}
	}
}

// power returns base^exponent mod n as long as the modulus, by math/big.
func power(k *rsa.PrivateKey, base, exponent *big.Int) []byte {
	return new(big.Int).Exp(base, exponent, k.N).FillBytes(make([]byte, k.Size()))
}

func testPowers(t *testing.T, loaded keyop.Key, k *rsa.PrivateKey) {
	one := big.NewInt(1)
	random, err := rand.Int(rand.Reader, k.N)
	if err != nil {
		t.Fatal(err)
	}
	e := big.NewInt(int64(k.E))
	for name, in := range map[string]*big.Int{
		"zero":             new(big.Int),
		"one":              one,
		"n-1":              new(big.Int).Sub(k.N, one),
		"random":           random,
		"multiple of p":    k.Primes[0],
		"multiple of q":    k.Primes[1],
		"short result":     new(big.Int).Exp(big.NewInt(2), e, k.N),
		"n-1 over 2":       new(big.Int).Rsh(k.N, 1),
		"result below 2^k": new(big.Int).Exp(new(big.Int).Lsh(one, 500), e, k.N),
	} {
		input := in.FillBytes(make([]byte, k.Size()))
		before := bytes.Clone(input)
		out, err := loaded.Private(input)
		if want := power(k, in, k.D); err != nil || !bytes.Equal(out, want) {
			t.Errorf("%s: %x, %v; expected %x", name, out, err, want)
		}
		if !bytes.Equal(input, before) {
			t.Errorf("%s: the input was overwritten", name)
		}
	}
}

// testSignature compares with crypto/rsa: PKCS#1 v1.5 has one signature only.
func testSignature(t *testing.T, loaded keyop.Key, k *rsa.PrivateKey) {
	digest := sha256.Sum256([]byte("message"))
	want, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	got, err := loaded.Private(encodePKCS1(t, k.Size(), digest))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v; crypto/rsa has %x", got, err, want)
	}
}

// encodePKCS1 is EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 9.2).
func encodePKCS1(t *testing.T, size int, digest [32]byte) []byte {
	t.Helper()
	prefix, err := hex.DecodeString("3031300d060960864801650304020105000420")
	if err != nil {
		t.Fatal(err)
	}
	info := append(prefix, digest[:]...)
	block := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-3-len(info))...)
	return append(append(block, 0), info...)
}

func testRefusals(t *testing.T, loaded keyop.Key, k *rsa.PrivateKey) {
	for name, in := range map[string][]byte{
		"nothing":      nil,
		"one short":    make([]byte, k.Size()-1),
		"one too long": make([]byte, k.Size()+1),
		"n":            k.N.Bytes(),
		"n+1":          new(big.Int).Add(k.N, big.NewInt(1)).Bytes(),
		"all ones":     bytes.Repeat([]byte{0xff}, k.Size()),
	} {
		if out, err := loaded.Private(in); err == nil || out != nil {
			t.Errorf("%s: %x, %v", name, out, err)
		}
	}
}

func testConcurrency(t *testing.T, loaded keyop.Key, k *rsa.PrivateKey) {
	var group sync.WaitGroup
	for i := range 4 {
		in := big.NewInt(int64(i + 2))
		want := power(k, in, k.D)
		group.Go(func() {
			for range 3 {
				out, err := loaded.Private(in.FillBytes(make([]byte, k.Size())))
				if err != nil || !bytes.Equal(out, want) {
					t.Errorf("%d: %x, %v; expected %x", in, out, err, want)
				}
			}
		})
	}
	group.Wait()
}

func testClose(t *testing.T, loaded keyop.Key, k *rsa.PrivateKey) {
	in := make([]byte, k.Size())
	in[k.Size()-1] = 2
	want := power(k, big.NewInt(2), k.D)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				out, err := loaded.Private(in)
				if err != nil {
					return
				}
				if !bytes.Equal(out, want) {
					t.Errorf("while closing: %x, expected %x", out, want)
					return
				}
			}
		})
	}
	loaded.Close()
	group.Wait()
	loaded.Close()
	if out, err := loaded.Private(in); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("after Close: %x, %v", out, err)
	}
}

func TestNewKeyRefuses(t *testing.T) {
	good := generate(t, 1024)
	other := generate(t, 1024)
	change := func(f func(k *rsa.PrivateKey)) *rsa.PrivateKey {
		k := *good
		k.Precomputed = rsa.PrecomputedValues{}
		f(&k)
		return &k
	}
	stale := *good
	stale.N = other.N
	for _, engine := range engines(t) {
		for name, k := range map[string]*rsa.PrivateKey{
			"empty":                    {},
			"no primes":                change(func(k *rsa.PrivateKey) { k.Primes = nil }),
			"three primes":             change(func(k *rsa.PrivateKey) { k.Primes = append(k.Primes[:2:2], big.NewInt(3)) }),
			"modulus of another key":   change(func(k *rsa.PrivateKey) { k.N = other.N }),
			"exponent of another":      change(func(k *rsa.PrivateKey) { k.D = other.D }),
			"primes of another":        change(func(k *rsa.PrivateKey) { k.Primes = other.Primes }),
			"other public exponent":    change(func(k *rsa.PrivateKey) { k.E = 3 }),
			"even prime":               change(func(k *rsa.PrivateKey) { k.Primes = []*big.Int{big.NewInt(2), k.N} }),
			"precomputed for other n":  &stale,
			"public exponent negative": change(func(k *rsa.PrivateKey) { k.E = -65537 }),
		} {
			if _, err := engine.NewKey(k); err == nil {
				t.Errorf("%s: %s was accepted", engine.Name(), name)
			}
		}
	}
}

func TestNewKeyLeavesTheCallersKeyAlone(t *testing.T) {
	k := *generate(t, 1024)
	k.Precomputed = rsa.PrecomputedValues{}
	for _, engine := range engines(t) {
		load(t, engine, &k)
		if k.Precomputed.Dp != nil {
			t.Errorf("%s changed the key", engine.Name())
		}
	}
}

func TestBestIsLibcryptoWhereItIsFound(t *testing.T) {
	all := engines(t)
	if got, want := keyop.Best().Name(), all[len(all)-1].Name(); got != want {
		t.Errorf("best is %s, expected %s", got, want)
	}
}

func BenchmarkPrivate(b *testing.B) {
	all := keys(b)
	for _, engine := range engines(b) {
		for _, size := range []string{"1024", "1536", "2048", "3072", "4096"} {
			b.Run(engine.Name()[:2]+"/"+size, func(b *testing.B) {
				loaded := load(b, engine, all[size])
				in := make([]byte, all[size].Size())
				rand.Read(in[1:])
				for b.Loop() {
					if _, err := loaded.Private(in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkNewKey is what keeping a Key saves.
func BenchmarkNewKey(b *testing.B) {
	k := fixture(b, "rsa2048.pem")
	for _, engine := range engines(b) {
		b.Run(engine.Name()[:2], func(b *testing.B) {
			for b.Loop() {
				loaded, err := engine.NewKey(k)
				if err != nil {
					b.Fatal(err)
				}
				loaded.Close()
			}
		})
	}
}

// BenchmarkGenerateKey has a median beside the mean: one key takes many times as long
// as another.
func BenchmarkGenerateKey(b *testing.B) {
	for _, engine := range engines(b) {
		for _, bits := range []int{1024, 2048, 3072, 4096} {
			b.Run(fmt.Sprint(engine.Name()[:2], "/", bits), func(b *testing.B) {
				benchmarkMedian(b, func() error { _, err := engine.GenerateKey(bits); return err })
			})
		}
	}
	for _, bits := range []int{1024, 2048, 3072, 4096} {
		b.Run(fmt.Sprint("crypto-rsa/", bits), func(b *testing.B) {
			benchmarkMedian(b, func() error { _, err := rsa.GenerateKey(rand.Reader, bits); return err })
		})
	}
}

func benchmarkMedian(b *testing.B, do func() error) {
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
}
