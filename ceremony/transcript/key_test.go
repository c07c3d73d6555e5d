package transcript_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"conclave/ceremony/transcript"
	"conclave/internal/secret"
)

// TestFingerprint: the public key is that of RFC 8032, section 7.1, TEST 1; the
// hash is that of `echo d75a98… | xxd -r -p | sha256sum`.
func TestFingerprint(t *testing.T) {
	sum := vectorKey(t).Public().Fingerprint()
	if got := hex.EncodeToString(sum[:]); got != "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9" {
		t.Errorf("the fingerprint is %s", got)
	}
}

func TestKeyTexts(t *testing.T) {
	key := newKey(t, "ceremony.example/2026")
	for _, end := range []string{"", "\n"} {
		again, err := transcript.ParseKey(append(key.Private(), end...))
		if err != nil || again.Public().String() != key.Public().String() || !again.Private().Equal(key.Private()) {
			t.Errorf("the key became %v, %v", again, err)
		}
		public, err := transcript.ParsePublicKey(key.Public().String() + end)
		if err != nil || public.Fingerprint() != key.Public().Fingerprint() || public.Origin() != "ceremony.example/2026" {
			t.Errorf("the public key became %v, %v", public, err)
		}
	}
}

func TestKeyTextsOfOthersAreRefused(t *testing.T) {
	key := vectorKey(t)
	public, private := key.Public().String(), string(key.Private())
	for _, text := range []string{"", "x", " " + public, public + "\n\n", strings.ToUpper(public), strings.Replace(public, "b99f2973", "B99F2973", 1),
		public[:40] + "\n" + public[40:], public[:len(public)-1], strings.Replace(public, "vector", "vektor", 1), private} {
		if _, err := transcript.ParsePublicKey(text); err == nil {
			t.Errorf("%q is a public key", text)
		}
	}
	for _, text := range []string{"", "x", public, private[:len(private)-4], strings.Replace(private, "vector", "vektor", 1)} {
		if _, err := transcript.ParseKey(secret.Bytes(text)); err == nil || strings.Contains(err.Error(), private[50:]) {
			t.Errorf("%q is a private key, or the error shows it: %v", text, err)
		}
	}
}

// TestKeyWithoutRandomness: a random source that ends leaves no key.
func TestKeyWithoutRandomness(t *testing.T) {
	for n := range 32 {
		if key, err := transcript.NewKey(strings.NewReader(strings.Repeat("r", n)), "example.org/ceremony"); err == nil || key != nil {
			t.Errorf("a key of %d bytes was made", n)
		}
	}
}

func TestOrigins(t *testing.T) {
	for _, origin := range []string{"", "a b", "a+b", "a\nb", "a\x01b", "zürich.example", "a\x7f"} {
		if _, err := transcript.NewKey(rand.Reader, origin); err == nil {
			t.Errorf("%q is an origin", origin)
		}
	}
	public, err := note.NewEd25519VerifierKey("zürich.example", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transcript.ParsePublicKey(public); err == nil || !strings.Contains(err.Error(), "zürich.example") {
		t.Errorf("a public key with the origin zürich.example: %v", err)
	}
	if _, err := transcript.NewKey(strings.NewReader("too short"), "ceremony.example"); err == nil {
		t.Error("a key was made of nine bytes")
	}
}

func TestPrivateKeyIsNotPrinted(t *testing.T) {
	key := vectorKey(t)
	raw := []byte(key.Private())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{key, *key, []*transcript.Key{key}, struct{ K *transcript.Key }{key}} {
			text := fmt.Sprintf(verb, value)
			for _, trace := range []string{"PRIVATE", "nWGxne", fmt.Sprintf("%x", raw[:9]), fmt.Sprint(raw[:9])[1:20]} {
				if strings.Contains(text, trace) {
					t.Errorf("%s shows %s", verb, text)
				}
			}
		}
	}
	if !bytes.Contains(fmt.Appendf(nil, "%v", key), []byte(key.Public().String())) {
		t.Error("a key does not print as its public key")
	}
}
