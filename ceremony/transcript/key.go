package transcript

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"conclave/internal/secret"
)

// PublicKey is what a transcript is verified with.
type PublicKey struct {
	text, origin string
	key          ed25519.PublicKey
	verifier     note.Verifier
}

// ParsePublicKey takes a verifier key of https://c2sp.org/signed-note, such as
// "example.org/ceremony+1a2b3c4d+AQ…", and a newline after it.
func ParsePublicKey(text string) (PublicKey, error) {
	text = strings.TrimSuffix(text, "\n")
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key of the ceremony: %w; ORIGIN+ID+KEY was expected, as the ceremony wrote it", err)
	}
	if err := checkOrigin(verifier.Name()); err != nil {
		return PublicKey{}, err
	}
	_, encoded, _ := strings.Cut(strings.TrimPrefix(text, verifier.Name()+"+"), "+")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return PublicKey{}, err
	}
	p := PublicKey{text: text, origin: verifier.Name(), key: raw[1:], verifier: verifier}
	if again, err := note.NewEd25519VerifierKey(p.origin, p.key); err != nil || again != text {
		return PublicKey{}, errors.New("public key of the ceremony: it is not written as the ceremony wrote it; copy it again")
	}
	return p, nil
}

// checkOrigin keeps an origin to what can be read aloud and typed.
func checkOrigin(origin string) error {
	odd := strings.IndexFunc(origin, func(r rune) bool { return r <= ' ' || r > '~' || r == '+' })
	if origin == "" || odd >= 0 {
		return fmt.Errorf("the origin %q of a ceremony key: ASCII without spaces and plus was expected, such as example.org/ceremony", origin)
	}
	return nil
}

// String returns what ParsePublicKey takes.
func (p PublicKey) String() string { return p.text }

// Origin is the name of the ceremony, in the first line of each tree head.
func (p PublicKey) Origin() string { return p.origin }

// Fingerprint is the SHA-256 of the 32 bytes of the Ed25519 key (RFC 8032,
// section 5.1.5).
func (p PublicKey) Fingerprint() [sha256.Size]byte { return sha256.Sum256(p.key) }

// id is how an error names a key.
func (p PublicKey) id() string { return fmt.Sprintf("%s+%08x", p.origin, p.verifier.KeyHash()) }

// Key is the ceremony key, which signs the transcript.
type Key struct {
	public  PublicKey
	private secret.Bytes
	signer  note.Signer
}

// NewKey makes a ceremony key of 32 bytes from random. The origin names the
// ceremony, like a URL without its scheme: no two may have the same.
func NewKey(random io.Reader, origin string) (*Key, error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	private, _, err := note.GenerateKey(random, origin)
	if err != nil {
		return nil, fmt.Errorf("ceremony key: %w", err)
	}
	return ParseKey(secret.Bytes(private))
}

// ParseKey takes a signer key of golang.org/x/mod/sumdb/note, such as
// "PRIVATE+KEY+example.org/ceremony+1a2b3c4d+AQ…", and a newline after it.
func ParseKey(text secret.Bytes) (*Key, error) {
	private := strings.TrimSuffix(string(text), "\n")
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("private ceremony key: %w; PRIVATE+KEY+ORIGIN+ID+KEY was expected, as Key.Private returned it", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.SplitN(private, "+", 5)[4])
	if err != nil {
		return nil, errors.New("private ceremony key: it is not in base64")
	}
	point := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), point)
	if err != nil {
		return nil, err
	}
	public, err := ParsePublicKey(verifier)
	return &Key{public, secret.Bytes(private), signer}, err
}

// Public returns what the transcript is verified with.
func (k *Key) Public() PublicKey { return k.public }

// Private returns what ParseKey takes. Whoever has it can write another
// transcript of the ceremony.
func (k *Key) Private() secret.Bytes { return k.private.Clone() }

// Format implements fmt.Formatter: every verb gives the public key.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.public.text) }
