package sshsign

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// fidoSignature is what a FIDO token with an Ed25519 key would have signed
// (PROTOCOL.u2f, "SSH U2F Signatures"), touched or not, and its public key.
func fidoSignature(t *testing.T, namespace string, flags byte, leftover string) (armored []byte, public string) {
	t.Helper()
	const application, counter = "ssh:", 7
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	blob := ssh.Marshal(struct{ Type, Key, Application string }{ssh.KeyAlgoSKED25519, string(pub), application})
	digest := sha256.Sum256(content)
	message := append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Digest string }{namespace, "", "sha256", string(digest[:])})...)
	app, data := sha256.Sum256([]byte(application)), sha256.Sum256(message)
	signed := ssh.Marshal(struct {
		Application [32]byte
		Flags       byte
		Counter     uint32
		Message     [32]byte
	}{app, flags, counter, data})
	signature := ssh.Marshal(struct {
		Type, Signature string
		Flags           byte
		Counter         uint32
		Leftover        []byte `ssh:"rest"`
	}{ssh.KeyAlgoSKED25519, string(ed25519.Sign(key, signed)), flags, counter, []byte(leftover)})
	whole := append([]byte("SSHSIG"), ssh.Marshal(struct {
		Version                                   uint32
		Key, Namespace, Reserved, Hash, Signature string
	}{1, string(blob), namespace, "", "sha256", string(signature)})...)
	return armor(whole), ssh.KeyAlgoSKED25519 + " " + base64.StdEncoding.EncodeToString(blob)
}

func TestFIDO(t *testing.T) {
	const touched = 1
	for _, c := range []struct {
		name      string
		namespace string
		flags     byte
		leftover  string
		want      error
		judged    bool
	}{
		{"touched", namespace, touched, "", nil, true},
		{"not touched", namespace, 0, "", ErrSignature, true}, // stricter than ssh-keygen
		{"left over", namespace, touched, "x", ErrSignature, false},
		{"no namespace", "", touched, "", ErrSignature, false},
	} {
		armored, public := fidoSignature(t, c.namespace, c.flags, c.leftover)
		if _, err := Verify(armored, content, c.namespace, []byte("ann "+public), time.Now()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; expected %v", c.name, err, c.want)
		}
		if err := judge(t, armored, content, c.namespace, "ann "+public, "ann", y2026); (err == nil) != c.judged {
			t.Errorf("%s: ssh-keygen says %v", c.name, err)
		}
	}
}
