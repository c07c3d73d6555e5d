package custody_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"conclave/custody"
	"conclave/dkek/dkektest"
	"conclave/quorum"
)

// ageKey is a key of age's own kind.
func ageKey(t *testing.T) (public string, identity age.Identity) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key.Recipient().String(), key
}

// sshKey is one as in authorized_keys, with a comment.
func sshKey(t *testing.T) (public string, identity age.Identity) {
	t.Helper()
	key, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	line, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if identity, err = agessh.NewEd25519Identity(secret); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(line))) + " dan@example.com", identity
}

// awaited is a creation for people some of whom are not here.
func awaited(t *testing.T) custody.Creation {
	return custody.Creation{
		ShareFile: filepath.Join(t.TempDir(), "share.pbe"), Names: []string{"Ada", "Jos\u00e9", "Carol"},
		Scheme: quorum.Scheme{Threshold: 2, Total: 3, Strength: quorum.Strength128},
	}
}

// TestSealTo: each sheet opens with the key of its custodian alone, and is the
// sheet.
func TestSealTo(t *testing.T) {
	c := awaited(t)
	ageTo, ageIdentity := ageKey(t)
	sshTo, sshIdentity := sshKey(t)
	for _, to := range []string{"Jose\u0301=" + ageTo, "3=" + sshTo} {
		if err := c.EncryptTo(to); err != nil {
			t.Fatal(err)
		}
	}
	custodians := &clumsy{}
	c.Rand, c.Custodians, c.Now = rand.Reader, custodians, time.Now()
	created, err := c.Run(dkektest.Practising(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if len(custodians.shown) != 1 || custodians.shown[0] != 1 {
		t.Errorf("sheets shown: %v", custodians.shown)
	}
	for number, identity := range map[int]age.Identity{2: ageIdentity, 3: sshIdentity} {
		content, err := os.ReadFile(fmt.Sprintf("%s.set-%s.sheet-%d.age", c.ShareFile, created.Record.Set, number))
		if err != nil {
			t.Fatal(err)
		}
		checkSealed(t, content, identity, created.Record, number)
		other := map[int]age.Identity{2: sshIdentity, 3: ageIdentity}[number]
		if _, err := age.Decrypt(bytes.NewReader(content), other); err == nil {
			t.Errorf("sheet %d opens with another custodian's key", number)
		}
	}
	if left, err := filepath.Glob(c.ShareFile + "*"); err != nil || len(left) != 4 {
		t.Errorf("the share file, its record and two sheets were expected: %v", left)
	}
}

// checkSealed wants both the code and the lines of a share.
func checkSealed(t *testing.T, content []byte, identity age.Identity, record *quorum.Record, number int) {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(content), identity)
	if err != nil {
		t.Fatal(err)
	}
	sheets, err := quorum.ReadSheets(r)
	if err != nil || len(sheets) != 2 {
		t.Fatalf("%d sheets, %v; code and lines were expected", len(sheets), err)
	}
	for _, sheet := range sheets {
		got, err := sheet.Read()
		if err == nil {
			err = record.Judge(t.Context(), got)
		}
		if err != nil || record.NumberOf(got) != number {
			t.Errorf("sheet %d is sealed as another one (%v)", number, err)
		}
	}
}

func TestSealToRefuses(t *testing.T) {
	key, _ := ageKey(t)
	c := awaited(t)
	c.Names[2] = "1"
	if err := c.EncryptTo("2=" + key); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		"Ada":              "Ada: N=KEY was expected, N being the number or name of a custodian (1 to 3)",
		key:                ": N=KEY was expected",
		"Dan=" + key:       "Dan: N=KEY was expected",
		"4=" + key:         "4: N=KEY was expected",
		"1=" + key:         "1=: this may mean custodian 3 or 1",
		"Jos\u00e9=" + key: "Jos\u00e9=: custodian 2 has a key already",
		"Ada=" + key:       "Ada=: custodian 2 has the same key, and no one keeps two sheets",
		"Ada=":             "Ada=: a key that begins with age1 or ssh-ed25519 was expected",
		"Ada=" + key[:9]:   "Ada=: malformed recipient",
		"Ada=ssh-ed25519":  "Ada=: ",
	} {
		if err := c.EncryptTo(to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; %q was expected", to, err, want)
		}
	}
	if len(c.Encrypt) != 1 {
		t.Errorf("%d sheets would be sealed", len(c.Encrypt))
	}
}
