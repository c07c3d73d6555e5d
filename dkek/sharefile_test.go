package dkek

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"conclave/internal/foreign"
	"conclave/internal/secret"

	"pgregory.net/rapid"
)

// few is a number of iterations for tests of all but the number itself. It is
// not a multiple of a slice.
const few = 5

func TestEncryptThenDecrypt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := secret.Bytes(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "share"))
		passwords := rapid.SliceOfNDistinct(rapid.StringN(1, 40, -1), 1, 8, rapid.ID).Draw(t, "passwords")
		right := rapid.IntRange(0, len(passwords)-1).Draw(t, "right")
		f, err := encryptShare(t.Context(), rand.Reader, share, secret.Bytes(passwords[right]), nil, few)
		if err != nil {
			t.Fatal(err)
		}
		got, index, err := f.decryptAny(t.Context(), secrets(passwords), nil, few)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(share) || index != right {
			t.Fatalf("password %d opened it, want %d", index, right)
		}
		wrong := append(passwords[:right:right], passwords[right+1:]...)
		if _, _, err := f.decryptAny(t.Context(), secrets(wrong), nil, few); err != ErrPassword {
			t.Fatalf("%d wrong passwords: error %v", len(wrong), err)
		}
	})
}

// TestAllPaddingCounts changes each byte of the last two ciphertext blocks: a
// change in the second shows as one wrong byte of padding in the last. No such
// file passes for a good one, and with two bytes changed no password opens it.
func TestAllPaddingCounts(t *testing.T) {
	f, err := encryptShare(t.Context(), rand.Reader, filled(9), secret.Bytes("password"), nil, few)
	if err != nil {
		t.Fatal(err)
	}
	for i := 16; i < ciphertextSize; i++ {
		damaged := f
		damaged.ciphertext[i] ^= 1
		var damage *DamagedError
		if _, _, err := damaged.decryptAny(t.Context(), secrets([]string{"password"}), nil, few); !errors.As(err, &damage) {
			t.Errorf("byte %d changed: error %v", i, err)
		}
		damaged.ciphertext[16+(i+1)%32] ^= 1
		if _, _, err := damaged.decryptAny(t.Context(), secrets([]string{"password"}), nil, few); err != ErrPassword {
			t.Errorf("byte %d and another changed: error %v", i, err)
		}
	}
}

// TestOpenSSLReadsOurFile lets openssl decrypt what EncryptShare made, under a
// key that crypto/md5 derives. Its padding check is part of the judgement.
func TestOpenSSLReadsOurFile(t *testing.T) {
	if testing.Short() {
		t.Skip("the KDF at its real cost")
	}
	t.Parallel()
	foreign.Need(t, "openssl")
	share, password := filled(0xA5), secret.Bytes("\x16\x00\x1d\x1f\x0e\x40\x3a\x39")
	var progress recorder
	f, err := EncryptShare(t.Context(), rand.Reader, share, password, progress.record)
	if err != nil {
		t.Fatal(err)
	}
	progress.check(t)
	b := f.Bytes()
	key, iv := evpBytesToKey(password, b[8:16])
	cmd := exec.Command("openssl", "enc", "-d", "-aes-256-cbc", "-K", hex.EncodeToString(key), "-iv", hex.EncodeToString(iv))
	cmd.Stdin = bytes.NewReader(b[16:])
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !share.Equal(out) {
		t.Error("openssl decrypts it to something else")
	}
}

// evpBytesToKey is OpenSSL's function in its own words: MD5, count 10,000,000.
func evpBytesToKey(password, salt []byte) (key, iv []byte) {
	var out, previous []byte
	for len(out) < 48 {
		digest := md5.Sum(append(append(previous, password...), salt...))
		for range 10_000_000 - 1 {
			digest = md5.Sum(digest[:])
		}
		previous = digest[:]
		out = append(out, previous...)
	}
	return out[:32], out[32:]
}

func TestEncryptShareRefuses(t *testing.T) {
	broken := iotest.ErrReader(errors.New("the generator is gone"))
	password := secret.Bytes("password")
	if _, err := EncryptShare(t.Context(), rand.Reader, filled(1)[:31], password, nil); err == nil || !strings.Contains(err.Error(), "31 bytes, 32 expected") {
		t.Errorf("short share: error %v", err)
	}
	if _, err := EncryptShare(t.Context(), rand.Reader, filled(1), nil, nil); err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("empty password: error %v", err)
	}
	if _, err := EncryptShare(t.Context(), broken, filled(1), password, nil); err == nil || !strings.Contains(err.Error(), "salt") {
		t.Errorf("broken generator: error %v", err)
	}
}

// TestCancel ends the work from inside its first progress report, so that it is
// known to be under way.
func TestCancel(t *testing.T) {
	t.Parallel()
	file := readShareVector(t, "password").file
	for name, work := range map[string]func(context.Context, Progress) error{
		"EncryptShare": func(ctx context.Context, progress Progress) error {
			_, err := EncryptShare(ctx, rand.Reader, filled(1), secret.Bytes("password"), progress)
			return err
		},
		"DecryptAny": func(ctx context.Context, progress Progress) error {
			_, _, err := file.DecryptAny(ctx, secrets([]string{"a", "b", "c"}), progress)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		reports := 0
		err := work(ctx, func(float64) { reports++; cancel() })
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
		if reports < 1 || reports > runtime.GOMAXPROCS(0) {
			t.Errorf("%s: %d reports", name, reports)
		}
	}
}

func TestProgress(t *testing.T) {
	f, err := encryptShare(t.Context(), rand.Reader, filled(1), secret.Bytes("right"), nil, 3*slice+few)
	if err != nil {
		t.Fatal(err)
	}
	var progress recorder
	if _, _, err := f.decryptAny(t.Context(), secrets([]string{"right", "a", "b", "c"}), progress.record, 3*slice+few); err != nil {
		t.Fatal(err)
	}
	progress.check(t)
}

// recorder keeps what was reported.
type recorder struct{ reports []float64 }

func (r *recorder) record(done float64) { r.reports = append(r.reports, done) }

// check: growing, not too often, and 1 at the end.
func (r *recorder) check(t *testing.T) {
	t.Helper()
	before := 0.0
	for _, done := range r.reports {
		if done <= before || done > 1 {
			t.Errorf("progress of %v after %v", done, before)
		}
		before = done
	}
	if n := len(r.reports); n < 2 || n > 100 || before != 1 {
		t.Errorf("%d reports, the last %v", n, before)
	}
}

func TestParseShareFile(t *testing.T) {
	v := readShareVector(t, "2-of-4")
	raw := v.file.Bytes()
	if f, err := ParseShareFile(raw); err != nil || f != v.file {
		t.Errorf("error %v", err)
	}
	for _, test := range []struct{ name, input, want string }{
		{"empty", "", "not a DKEK share file"},
		{"something else", "-----BEGIN CERTIFICATE-----", `"Salted__" was expected`},
		{"raw, truncated", string(raw[:63]), "truncated: 63 bytes, 64 expected"},
		{"raw, too long", string(raw) + "\n", "too long: 65 bytes, 64 expected"},
		{"magic only", "Salted__", "truncated: 8 bytes"},
	} {
		if _, err := ParseShareFile([]byte(test.input)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzParseShareFile(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := ParseShareFile(b)
		if err != nil {
			return
		}
		if !bytes.Equal(parsed.Bytes(), b) {
			t.Error("Bytes differs from what was parsed")
		}
		if again, err := ParseShareFile(parsed.Bytes()); err != nil || again != parsed {
			t.Errorf("Bytes does not parse to the same: %v", err)
		}
	})
}

// BenchmarkKDF opens a share file, as a user waits for it.
func BenchmarkKDF(b *testing.B) {
	v := readShareVector(b, "2-of-4")
	for b.Loop() {
		if _, err := v.file.Decrypt(b.Context(), v.password, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func secrets(s []string) []secret.Bytes {
	var out []secret.Bytes
	for _, s := range s {
		out = append(out, secret.Bytes(s))
	}
	return out
}
