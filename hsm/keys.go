package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"conclave/apdu"
	"conclave/tlv"
	"conclave/wire"
)

// Key is what the device says about one of its keys.
type Key struct {
	Ref         byte // key reference
	Description *wire.PrKD
	// Public is nil if the device has neither request nor certificate.
	Public *wire.PublicKey
}

// Size describes kind and size of the key, e.g. "RSA-2048", "secp256r1" or "ML-DSA-65".
func (k Key) Size() string {
	switch {
	case k.Public != nil && k.Public.Type == wire.KeyEC:
		return k.Public.Curve.Name
	case k.Public != nil && k.Public.Type == wire.KeyMLDSA:
		return k.Public.Parameters.String()
	case k.Public != nil:
		return fmt.Sprintf("RSA-%d", k.Public.Bits)
	case k.Description != nil && k.Description.Bits == 0: // some tools leave it out
		return k.Description.Type.String()
	case k.Description != nil:
		return fmt.Sprintf("%s-%d", k.Description.Type, k.Description.Bits)
	}
	return "unknown"
}

// Keys lists the keys by reference. The device's own key is not among them.
func (h *HSM) Keys() (keys []Key, err error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	files, err := h.Files()
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, fid := range files {
		if fid.Prefix() != wire.PrefixKey || fid.ID() == 0 {
			continue
		}
		k, err := h.key(fid.ID())
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Key gives one key; ErrNotFound if there is none with that reference. With many keys
// it takes a small part of the time of Keys.
func (h *HSM) Key(ref byte) (k Key, err error) {
	if err := h.begin(); err != nil {
		return k, err
	}
	defer h.end(&err)
	files, err := h.Files()
	if err != nil {
		return k, err
	}
	if ref == 0 || !slices.Contains(files, wire.PrefixKey.File(ref)) {
		return k, fmt.Errorf("key %d: %w", ref, ErrNotFound)
	}
	return h.key(ref)
}

// key reads what belongs to a key; what is missing or malformed is left
// out, since the key is there all the same.
func (h *HSM) key(ref byte) (Key, error) {
	k := Key{Ref: ref}
	content, err := h.ReadFile(wire.PrefixPrKD.File(ref))
	if err == nil {
		if d, err := wire.ParsePrKD(content); err == nil {
			k.Description = &d
		}
	} else if !errors.Is(err, ErrNotFound) {
		return k, err
	}
	public, err := h.PublicKey(ref)
	if err == nil {
		k.Public = public
		return k, nil
	}
	var broken *linkError
	if errors.As(err, &broken) {
		return k, err
	}
	return k, nil
}

// SelectKey gives what the device tells of a key's limits, for wire.ParseKeyLimits. An
// embedded device tells them to the user, and no one else.
func (h *HSM) SelectKey(ref byte) (fcp []byte, err error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	return h.fcp(wire.PrefixKey.File(ref))
}

// PublicKey gives the public half of a key, from its certificate request or
// its certificate.
func (h *HSM) PublicKey(ref byte) (*wire.PublicKey, error) {
	content, err := h.ReadFile(wire.PrefixEECert.File(ref))
	if err != nil {
		return nil, fmt.Errorf("public key of key %d: %w", ref, err)
	}
	k, err := ParsePublic(content)
	if err != nil {
		return nil, fmt.Errorf("public key of key %d: %w", ref, err)
	}
	return k, nil
}

// ParsePublic gives the public key in the content of EF CExx, which wrap files
// hold too: an authenticated request (67), an X.509 certificate (30) or a CVC (7F21).
func ParsePublic(content []byte) (*wire.PublicKey, error) {
	if len(content) > 0 && content[0] == wire.FirstOfCVC {
		cursor := tlv.Cursor(content)
		certificate, err := wire.ParseCVC(&cursor)
		if err != nil {
			return nil, err
		}
		return &certificate.Key, nil
	}
	if len(content) == 0 || content[0] != wire.FirstOfX509 {
		request, err := wire.ParseAuthenticatedRequest(content)
		if err != nil {
			return nil, err
		}
		return &request.Request.Key, nil
	}
	return wire.ParseCertified(content)
}

// NewKey says what key to generate.
type NewKey struct {
	Ref   byte // 0 for the lowest free one
	Key   wire.PublicKey
	Label string
	ID    []byte     // CKA_ID; the reference if it is empty
	Usage wire.Usage // what it is described to be for; 0 for what such keys do usually
	wire.KeyLimits
	Described []byte // the algorithms that programs are to use it with; Algorithms if it is empty
	Consent   bool   // programs are to ask for the PIN before each use; see wire.PrKD
}

// authority is the CAR of a request for which no authority was named.
const authority = "UTCA00001"

// GenerateKey makes a key and gives its reference and its authenticated
// request. The user must be logged in.
func (h *HSM) GenerateKey(n NewKey) (ref byte, request *wire.AuthenticatedRequest, err error) {
	if err := h.begin(); err != nil {
		return 0, nil, err
	}
	defer h.end(&err)
	ref, err = h.FreeRef(n.Ref)
	if err != nil {
		return 0, nil, err
	}
	description, err := n.describe(ref)
	if err != nil {
		return 0, nil, err
	}
	data, err := h.keyRequest(n)
	if err != nil {
		return 0, nil, err
	}
	var answer []byte
	err = h.withFiles(ref, description, nil, func() error {
		answer, err = h.exchange(fmt.Sprintf("generate key %d", ref), apdu.Command{
			INS: wire.InsGenerateKeyPair, P1: ref, Data: data, Ne: apdu.MaxExtendedNe,
		})
		return explainGenerate(n.Key, err)
	})
	if err != nil {
		return 0, nil, err
	}
	request, err = wire.ParseAuthenticatedRequest(answer)
	if err != nil {
		return 0, nil, err
	}
	return ref, request, h.keepRequest(ref, answer)
}

// ErrNoMLDSA is the error for a device that has no ML-DSA keys.
var ErrNoMLDSA = errors.New("this device makes no ML-DSA keys: only Conclave's own do")

// explainGenerate says why a device makes no key of a kind that is an extension. Devices
// differ in what they answer to an object identifier that they do not know.
func explainGenerate(wanted wire.PublicKey, err error) error {
	unknown := errors.Is(err, apdu.WrongData) || errors.Is(err, apdu.FunctionNotSupported) || errors.Is(err, apdu.ConditionsNotSatisfied) ||
		errors.Is(err, apdu.ExecutionError) || errors.Is(err, apdu.Unknown)
	if wanted.Type == wire.KeyMLDSA && unknown {
		return fmt.Errorf("%w (%w)", ErrNoMLDSA, err)
	}
	return err
}

// keepRequest stores the request if the card has not done so itself.
func (h *HSM) keepRequest(ref byte, answer []byte) error {
	fid := wire.PrefixEECert.File(ref)
	content, err := h.ReadFile(fid)
	if err == nil && bytes.Equal(content, answer) {
		return nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return h.WriteFile(fid, answer)
}

func (n NewKey) describe(ref byte) ([]byte, error) {
	d := wire.PrKD{Type: n.Key.Type, Label: n.Label, ID: n.ID, Bits: n.Key.Size(), Usage: n.Usage, Consent: n.Consent, Algorithms: n.Described}
	if len(d.Algorithms) == 0 {
		d.Algorithms = n.Algorithms
	}
	if len(d.ID) == 0 {
		d.ID = []byte{ref}
	}
	return d.Bytes(ref)
}

// keyRequest names the device as the holder, as OpenSC does.
func (h *HSM) keyRequest(n NewKey) ([]byte, error) {
	device, err := h.unverifiedDevice()
	if err != nil {
		return nil, err
	}
	return wire.KeyRequest{
		CAR: authority, CHR: device.Chain.Device().CHR, Key: n.Key, KeyLimits: n.KeyLimits,
	}.Bytes()
}

// FreeRef gives the lowest reference that has no key, and no file of one if there is such
// a reference: another process may be deleting these. Or it gives the wanted one, 0 for
// any, if it has no key.
func (h *HSM) FreeRef(wanted byte) (byte, error) {
	files, err := h.Files()
	if err != nil {
		return 0, err
	}
	if wanted != 0 {
		if slices.Contains(files, wire.PrefixKey.File(wanted)) {
			return 0, fmt.Errorf("key reference %d: %w; delete that key first or choose another reference", wanted, ErrOccupied)
		}
		return wanted, nil
	}
	for _, prefixes := range [][]wire.Prefix{{wire.PrefixKey, wire.PrefixPrKD, wire.PrefixEECert}, {wire.PrefixKey}} {
		for ref := 1; ref <= 255; ref++ {
			if !slices.ContainsFunc(prefixes, func(p wire.Prefix) bool { return slices.Contains(files, p.File(byte(ref))) }) {
				return byte(ref), nil
			}
		}
	}
	return 0, ErrFull
}

// ErrFull is the error for a device that has no place for another key.
var ErrFull = errors.New("all 255 key references are occupied; delete a key first")

// ErrOccupied is the error for a key reference that holds a key.
var ErrOccupied = errors.New("occupied")

// DeleteKey deletes a key with its description and certificate. The key goes first: one
// that is there is whole, also where this is cut off.
func (h *HSM) DeleteKey(ref byte) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.end(&err)
	if err := h.DeleteFile(wire.PrefixKey.File(ref)); err != nil {
		return fmt.Errorf("key %d: %w", ref, err)
	}
	for _, prefix := range []wire.Prefix{wire.PrefixPrKD, wire.PrefixEECert} {
		if err := h.replaceFile(prefix.File(ref), nil); err != nil {
			return err
		}
	}
	return nil
}
