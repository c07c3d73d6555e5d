package devicelog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"conclave/wire"
)

// MaxCheckpoint is how many bytes a checkpoint may have.
const MaxCheckpoint = 4 << 10

// origin begins the first line of every checkpoint, before the device's serial
// number.
const origin = "conclave-log/"

func (h Head) body(serial string) string {
	return fmt.Sprintf("%s%s\n%d\n%s\n", origin, serial, h.Size, h.Hash)
}

// Key is a device's own key: with it checkpoints are verified, and signed if sign
// is there.
type Key struct {
	Serial string // of the device
	Public wire.PublicKey
	// Private signs the SHA-256 of a message: ECDSA, in DER.
	Private func(digest []byte) ([]byte, error)
}

// Sign makes a checkpoint of a head: a signed note
// (https://c2sp.org/signed-note) of origin, size and hash. The signature is ECDSA
// with SHA-256, and its key ID is of the SubjectPublicKeyInfo, as Rekor has it.
func (k Key) Sign(h Head) (checkpoint string, err error) {
	n, err := k.noteKey()
	if err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: h.body(k.Serial)}, n)
	return string(signed), err
}

// Errors of Open.
var (
	ErrOtherDevice  = errors.New("the checkpoint is of another device")
	ErrNotSigned    = errors.New("the checkpoint is not signed by this device")
	ErrNoCheckpoint = errors.New("that is not a checkpoint of a device's log")
)

// Open gives the head that a checkpoint is of, if the device has signed it.
func (k Key) Open(checkpoint string) (Head, error) {
	lines := strings.SplitN(checkpoint, "\n", 4)
	if len(lines) < 4 || !strings.HasPrefix(lines[0], origin) {
		return Head{}, ErrNoCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	hash, hashErr := tlog.ParseHash(lines[2])
	head := Head{size, hash}
	switch serial := strings.TrimPrefix(lines[0], origin); {
	case err != nil || hashErr != nil || !strings.HasPrefix(checkpoint, head.body(serial)):
		return Head{}, ErrNoCheckpoint
	case serial != k.Serial:
		return Head{}, fmt.Errorf("%w, %s; this one is %s", ErrOtherDevice, serial, k.Serial)
	}
	n, err := k.noteKey()
	if err != nil {
		return Head{}, err
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(n))
	if err != nil || opened.Text != head.body(k.Serial) {
		return Head{}, ErrNotSigned
	}
	return head, nil
}

// noteKey is the key as package note takes it.
type noteKey struct {
	Key
	id uint32
}

func (k Key) noteKey() (noteKey, error) {
	spki, err := k.Public.SPKI()
	sum := sha256.Sum256(spki)
	return noteKey{k, binary.BigEndian.Uint32(sum[:])}, err
}

// Name implements note.Signer and note.Verifier.
func (n noteKey) Name() string { return origin + n.Serial }

// KeyHash implements note.Signer and note.Verifier.
func (n noteKey) KeyHash() uint32 { return n.id }

// Sign implements note.Signer.
func (n noteKey) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return n.Private(digest[:])
}

// Verify implements note.Verifier.
func (n noteKey) Verify(message, signature []byte) bool {
	return n.Public.VerifyDER(message, signature) == nil
}
