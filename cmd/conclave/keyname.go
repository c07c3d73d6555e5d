package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"conclave/hsm"
)

// keyName says on the command line which of a device's keys is meant: by its
// reference, label:NAME or id:HEX. What is not a number is a label without more.
type keyName struct {
	text  string
	ref   byte // 0 for a label or an ID
	label string
	id    []byte // nil for a label
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *keyName) UnmarshalText(text []byte) error {
	*n = keyName{text: string(text), label: string(text)}
	scheme, value, _ := strings.Cut(n.text, ":")
	switch {
	case n.text == "" || n.text == "label:" || n.text == "id:":
		return fmt.Errorf("%q names no key; its reference, label:NAME or id:HEX was expected", text)
	case strings.Trim(n.text, "0123456789") == "":
		return n.number()
	case scheme == "label":
		n.label = value
	case scheme == "id":
		if err := (*hexBytes)(&n.id).UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%w; if it is a label: label:%s", err, n.text)
		}
	}
	return nil
}

func (n *keyName) number() error {
	ref, err := strconv.ParseUint(n.text, 10, 8)
	if err != nil || ref == 0 {
		return fmt.Errorf("%s is no key reference: 1 to 255 was expected (0 is the device's own key); if it is a label: label:%s", n.text, n.text)
	}
	n.ref = byte(ref)
	return nil
}

// names says whether it is the name of a key.
func (n keyName) names(k hsm.Key) bool {
	switch {
	case n.ref != 0:
		return k.Ref == n.ref
	case k.Description == nil:
		return false
	case n.id != nil:
		return bytes.Equal(k.Description.ID, n.id)
	}
	return k.Description.Label == n.label
}

// String is the name in an error.
func (n keyName) String() string {
	switch {
	case n.ref != 0:
		return strconv.Itoa(int(n.ref))
	case n.id != nil:
		return "with ID " + hex.EncodeToString(n.id)
	}
	return fmt.Sprintf("with label %q", n.label)
}

// find gives the one key that has the name.
func (n keyName) find(h *hsm.HSM) (hsm.Key, error) {
	if n.ref != 0 {
		if k, err := h.Key(n.ref); !errors.Is(err, hsm.ErrNotFound) {
			return k, err
		}
	}
	keys, err := h.Keys()
	if err != nil {
		return hsm.Key{}, err
	}
	var found []hsm.Key
	for _, k := range keys {
		if n.names(k) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return hsm.Key{}, fmt.Errorf("%d keys are there %s: %s; name one by its reference", len(found), n, introduce(found))
	case len(keys) == 0:
		return hsm.Key{}, missing{fmt.Errorf("there is no key %s: the device has none; conclave key generate makes one", n)}
	}
	return hsm.Key{}, missing{fmt.Errorf("there is no key %s; the device has %s; all of them: conclave key list", n, introduce(keys))}
}

// signer is that key as a crypto.Signer.
func (n keyName) signer(h *hsm.HSM) (*hsm.Signer, error) {
	key, err := n.find(h)
	if err != nil {
		return nil, err
	}
	return h.Signer(key.Ref)
}

// introduce lists keys in a sentence.
func introduce(keys []hsm.Key) string {
	var list []string
	for _, k := range keys {
		text := fmt.Sprintf("key %d (%s", k.Ref, describe(k))
		if k.Description != nil {
			text += fmt.Sprintf(", ID %x", k.Description.ID)
		}
		list = append(list, text+")")
	}
	return strings.Join(list, ", ")
}
