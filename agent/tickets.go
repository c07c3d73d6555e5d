//go:build linux

package agent

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"conclave/device"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/token"
	"conclave/token/cryptoki"
)

// tickets let the agent that follows this one log clients in again. A ticket is the user
// PIN, sealed with AES-256-GCM; the client keeps it, and agents alone have the key. So
// the one is worth nothing without the other, and neither opens a device by itself.
type tickets struct {
	path string // of the file with the key

	mu  sync.Mutex
	key secret.Bytes // nil until it is needed
}

const ticketKeyBytes = 32

// newTickets are those of a home. The key is where the user's other files are that do
// not outlive the last logout, or in the home if there is no such place.
func newTickets(home device.Home) tickets {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			sum := sha256.Sum256([]byte(home.Dir()))
			return tickets{path: filepath.Join(dir, fmt.Sprintf("conclave-agent-%x.key", sum[:8]))}
		}
	}
	return tickets{path: filepath.Join(home.Dir(), "agent.key")}
}

// give makes a ticket for who has just logged in with a PIN; nil if that is not possible,
// and the client goes without.
func (t *tickets) give(s *token.Session, uid int, pin secret.Bytes) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := s.Token()
	if err == nil {
		err = t.load()
	}
	var a cipher.AEAD
	if err == nil {
		a, err = t.seal()
	}
	if err != nil {
		slog.Warn("a program cannot be logged in again after the agent was started anew", "error", err)
		return nil
	}
	return a.Seal(nil, nil, pin, about(info, uid))
}

// take logs a client in with a ticket. A PIN that is refused costs a try; so that it is
// the only one, all tickets are void then, and no last try is made.
func (t *tickets) take(ticket []byte, c *client, slot token.SlotID) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, err := c.application.Session(ownSession, slot, true)
	if err != nil {
		return err
	}
	defer s.Close()
	info, err := s.Token()
	if err != nil {
		return err
	}
	if info.Flags&(cryptoki.UserPINFinalTry|cryptoki.UserPINBlocked) != 0 {
		return cryptoki.UserNotLoggedIn
	}
	pin, err := t.open(ticket, about(info, c.uid))
	if err != nil {
		return cryptoki.UserNotLoggedIn
	}
	defer pin.Wipe()
	err = s.Login(cryptoki.User, pin)
	if errors.Is(err, cryptoki.PINIncorrect) || errors.Is(err, cryptoki.PINLocked) {
		t.forget()
	}
	if errors.Is(err, cryptoki.UserAlreadyLoggedIn) {
		err = nil
	}
	return err
}

// about is what a ticket is valid for.
func about(info token.TokenInfo, uid int) []byte { return fmt.Append(nil, info.Serial, "\x00", uid) }

func (t *tickets) open(ticket, about []byte) (secret.Bytes, error) {
	if err := t.load(); err != nil {
		return nil, err
	}
	a, err := t.seal()
	if err != nil {
		return nil, err
	}
	return a.Open(nil, nil, ticket, about)
}

// seal puts a random nonce before what it seals.
func (t *tickets) seal() (cipher.AEAD, error) {
	block, err := aes.NewCipher(t.key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// load reads the key that an earlier agent has left, or makes one.
func (t *tickets) load() error {
	if t.key != nil {
		return nil
	}
	err := errors.Join(safefile.CheckWay(t.path), safefile.CheckOwn(t.path))
	if err != nil {
		return err
	}
	key, err := safefile.Read(t.path, ticketKeyBytes)
	if err == nil && len(key) == ticketKeyBytes && !safefile.Exposed(t.path) {
		t.key = key
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) { // a kill, or a full disk, has left half of it
		if err := os.Remove(t.path); err != nil {
			return err
		}
	}
	key = make([]byte, ticketKeyBytes)
	rand.Read(key)
	if err := safefile.CreateInPlace(t.path, key); err != nil {
		return err
	}
	t.key = key
	return nil
}

// void makes all tickets worthless.
func (t *tickets) void() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
}

// forget destroys the key. The next ticket gets another one.
func (t *tickets) forget() {
	t.key.Wipe()
	t.key = nil
	if err := safefile.Destroy(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		slog.Error("the key of tickets could not be destroyed", "error", err)
	}
}

// close leaves the key to the agent that follows, unless no client is there that has a
// ticket.
func (t *tickets) close(useless bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if useless {
		t.forget()
	}
	t.key.Wipe()
	t.key = nil
}
