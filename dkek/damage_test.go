package dkek

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"

	"conclave/internal/secret"
	"conclave/internal/testrun"
)

// TestDamagedFile changes each byte of a file to another one: in the last 32
// bytes that is found and undone; before them the file opens to something else,
// or not at all.
func TestDamagedFile(t *testing.T) {
	const few = 100 // iterations
	share := secret.Bytes(bytes.Repeat([]byte("S"), ShareSize))
	passwords := []secret.Bytes{secret.Bytes("wrong"), secret.Bytes("correct horse")}
	file, err := encryptShare(t.Context(), rand.Reader, share, passwords[1], nil, few)
	if err != nil {
		t.Fatal(err)
	}
	random := testrun.Random(t)
	for at := len(magic); at < shareFileSize; at++ {
		content := file.Bytes()
		content[at] ^= byte(1 + random.IntN(255))
		damaged, err := ParseShareFile(content)
		if err != nil {
			t.Fatal(err)
		}
		got, index, err := damaged.decryptAny(t.Context(), passwords, nil, few)
		var damage *DamagedError
		switch {
		case at < 16: // the salt
			if !errors.Is(err, ErrPassword) {
				t.Errorf("byte %d: %v", at, err)
			}
		case at < 32: // only the check value of the DKEK can tell
			if err != nil || got.Equal(share) {
				t.Errorf("byte %d: %v", at, err)
			}
		case !errors.As(err, &damage) || damage.Offset != at || damage.Mended != file || index != 1 || !got.Equal(share):
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

// TestNoKeyIsTakenForADamagedFiles: no random key is right for some file with
// another byte.
func TestNoKeyIsTakenForADamagedFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of keys")
	}
	var f ShareFile
	rand.Read(f.ciphertext[:])
	key := make(secret.Bytes, 32)
	for range 2000 {
		rand.Read(key)
		if damage, right := f.judge(key); right {
			t.Fatalf("a random key was taken, %v", damage)
		}
	}
}
