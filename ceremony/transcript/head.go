package transcript

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// head is a signed tree head: a checkpoint of https://c2sp.org/tlog-checkpoint
// without extension lines, and one signature.
type head struct {
	origin string
	size   int64 // entries
	root   tlog.Hash
	name   string // of the key
	signed []byte // four bytes of key ID, then the signature
}

// body is what is signed.
func (h head) body() string { return fmt.Sprintf("%s\n%d\n%s\n", h.origin, h.size, h.root) }

func (h head) String() string {
	return fmt.Sprintf("%s\n— %s %s\n", h.body(), h.name, base64.StdEncoding.EncodeToString(h.signed))
}

// parseHead takes a note in its only encoding: readers of base64 and of
// numbers let some others pass.
func parseHead(text string) (head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 6 { // origin, size, root, "", signature, and "" after the last newline
		return head{}, fmt.Errorf("%w: a tree head of %d lines; origin, size, root hash, an empty line and one signature were expected", ErrChanged, len(lines)-1)
	}
	name, signature, _ := strings.Cut(strings.TrimPrefix(lines[4], "— "), " ")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, rootErr := tlog.ParseHash(lines[2])
	signed, signedErr := base64.StdEncoding.DecodeString(signature)
	h := head{origin: lines[0], size: size, root: root, name: name, signed: signed}
	if errors.Join(err, rootErr, signedErr) != nil || len(signed) < 4 || h.String() != text {
		return head{}, fmt.Errorf("%w: the tree head is not written as one", ErrChanged)
	}
	return h, nil
}

// checkName checks that a head claims to be signed by a key, which costs next to
// nothing.
func (h head) checkName(key PublicKey) error {
	if id := binary.BigEndian.Uint32(h.signed); h.origin != key.origin || h.name != key.origin || id != key.verifier.KeyHash() {
		return fmt.Errorf("%w: the tree head of %s is signed by %s+%08x, and %s was expected; it belongs to another ceremony, or was signed anew", ErrOtherKey, h.origin, h.name, id, key.id())
	}
	return nil
}

// checkSignature checks that a head is signed by a key.
func (h head) checkSignature(key PublicKey) error {
	if err := h.checkName(key); err != nil {
		return err
	}
	if !key.verifier.Verify([]byte(h.body()), h.signed[4:]) {
		return fmt.Errorf("%w: the signature of the tree head is not that of %s for it", ErrChanged, key.id())
	}
	return nil
}

// tree is the Merkle tree of the entries, as the hashes that tlog stores.
type tree struct {
	size   int64
	hashes []tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (t tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = t.hashes[index]
	}
	return hashes, nil
}

// with returns the tree that has one record more, and its root. The tree before
// stays as it is; of two that follow it, the later one counts.
func (t tree) with(record []byte) (tree, tlog.Hash, error) {
	added, err := tlog.StoredHashes(t.size, record, t)
	if err != nil {
		return tree{}, tlog.Hash{}, err
	}
	next := tree{t.size + 1, append(t.hashes, added...)}
	root, err := tlog.TreeHash(next.size, next)
	return next, root, err
}

// sign returns the signed head of a tree.
func (k *Key) sign(size int64, root tlog.Hash) (head, error) {
	h := head{origin: k.public.origin, size: size, root: root}
	signed, err := note.Sign(&note.Note{Text: h.body()}, k.signer)
	if err != nil {
		return head{}, err
	}
	return parseHead(string(signed))
}
