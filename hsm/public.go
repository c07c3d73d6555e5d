package hsm

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"conclave/internal/curve"
	"conclave/wire"
)

// The public half of a key is not in the key's file, but beside it, and a backup or
// another program can have lost it. The device still tells it to whoever may use the
// key.

// AskPublic lets the device compute the public half of a key, and proves it. The sizes
// are those that an RSA modulus may have, in bits; none for all that cards know. The
// error is ErrNotAllowed where the key's list of algorithms leaves no way. No ML-DSA key
// tells it: its signatures cannot be made without the public half, and give none away.
// The user must be logged in.
func (h *HSM) AskPublic(ref byte, t wire.KeyType, sizes ...int) (public *wire.PublicKey, err error) {
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	if len(sizes) == 0 {
		sizes = wire.RSASizes()
	}
	failed := fmt.Errorf("the device does not tell the public half of key %d", ref)
	if t == wire.KeyMLDSA {
		failed = fmt.Errorf("%w: what an ML-DSA key signs does not give it away", failed)
	}
	for _, ask := range h.questions(ref, t, sizes) {
		public, err := ask()
		if err == nil {
			err = h.Prove(ref, *public)
		}
		var broken *linkError
		if err == nil || errors.As(err, &broken) {
			return public, err
		}
		if errors.Is(err, ErrNotAllowed) {
			failed = err
		}
	}
	return nil, failed
}

// questions are one for each curve, or for each size.
func (h *HSM) questions(ref byte, t wire.KeyType, sizes []int) (ask []func() (*wire.PublicKey, error)) {
	switch t {
	case wire.KeyEC:
		for _, c := range curve.All() {
			ask = append(ask, func() (*wire.PublicKey, error) { return h.askPoint(ref, c) })
		}
	case wire.KeyRSA:
		for _, bits := range sizes {
			ask = append(ask, func() (*wire.PublicKey, error) { return h.askModulus(ref, bits) })
		}
	}
	return ask
}

// askPoint agrees on a secret with the generator of a curve: it is the public point.
// A key of another curve is refused, or makes a point that is on none.
func (h *HSM) askPoint(ref byte, c *curve.Curve) (*wire.PublicKey, error) {
	point, err := h.Decipher(ref, wire.ECDH, c.G)
	if err != nil {
		return nil, err
	}
	public := wire.ECPublicKey(c, point)
	return &public, c.CheckPoint(point)
}

// askModulus signs the numbers 2, 3, 4, 6 and 9 without padding. Since s(a)·s(b) and
// s(ab) are equal modulo n, differences of them are multiples of n.
func (h *HSM) askModulus(ref byte, bits int) (*wire.PublicKey, error) {
	s := map[int64]*big.Int{}
	for _, m := range []int64{2, 3, 4, 6, 9} {
		signature, err := h.Sign(ref, wire.RSARaw, big.NewInt(m).FillBytes(make([]byte, bits/8)))
		if err != nil {
			return nil, err
		}
		s[m] = new(big.Int).SetBytes(signature)
	}
	n := new(big.Int)
	for _, p := range [][2]int64{{2, 2}, {2, 3}, {3, 3}} {
		product := new(big.Int).Mul(s[p[0]], s[p[1]])
		n.GCD(nil, nil, n, product.Sub(product, s[p[0]*p[1]]).Abs(product))
	}
	if n = withoutFactors(n, bits); n.BitLen() != bits {
		return nil, fmt.Errorf("no modulus of %d bits explains the signatures of key %d", bits, ref)
	}
	return withExponent(n, s[2])
}

// withoutFactors takes the small factors off a multiple of an RSA modulus, as long as
// it is too large.
func withoutFactors(n *big.Int, bits int) *big.Int {
	for factor := int64(2); factor < 1000 && n.BitLen() > bits; {
		quotient, rest := new(big.Int).QuoRem(n, big.NewInt(factor), new(big.Int))
		if rest.Sign() != 0 {
			factor++
			continue
		}
		n = quotient
	}
	return n
}

// withExponent finds the public exponent among those in use, by a signature of 2.
func withExponent(n, signature *big.Int) (*wire.PublicKey, error) {
	for _, e := range []int64{65537, 3, 5, 17, 257} {
		if new(big.Int).Exp(signature, big.NewInt(e), n).Cmp(big.NewInt(2)) == 0 {
			return &wire.PublicKey{Type: wire.KeyRSA, Modulus: n.Bytes(), Exponent: big.NewInt(e).Bytes(), Bits: n.BitLen()}, nil
		}
	}
	return nil, errors.New("the public exponent is none of those in use")
}

// KeepPublic stores the public half of a key that has no certificate, as a request
// that the key signs itself: that is its proof. The user must be logged in.
func (h *HSM) KeepPublic(ref byte, public wire.PublicKey) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.end(&err)
	request, err := wire.SelfRequest(public, (&Signer{h, ref, public}).signCVC)
	if err != nil {
		return err
	}
	return h.replaceFile(wire.PrefixEECert.File(ref), request)
}

// SetCertificate stores a certificate, X.509 DER, as that of a key. The key proves
// that it belongs to it: the error is ErrAnotherKey otherwise. Where the key may not
// sign, the device must show the public half already. The user must be logged in.
func (h *HSM) SetCertificate(ref byte, certificate []byte) (err error) {
	if err := h.begin(); err != nil {
		return err
	}
	defer h.end(&err)
	public, err := ParsePublic(certificate)
	if err != nil {
		return err
	}
	k, err := h.key(ref)
	if err != nil {
		return err
	}
	if k.Public != nil && !k.Public.Equal(*public) {
		return fmt.Errorf("%w: key %d has a different one on the device", ErrAnotherKey, ref)
	}
	if err := h.Prove(ref, *public); err != nil && !(errors.Is(err, ErrNotAllowed) && k.Public != nil) {
		return err
	}
	fid := wire.PrefixEECert.File(ref)
	if err := h.WriteFile(fid, certificate); err != nil {
		return err
	}
	now, err := h.ReadFile(fid)
	if err == nil && !bytes.HasPrefix(now, certificate) { // padding may follow
		err = fmt.Errorf("file %04X does not read back as it was written; is the reader faulty?", uint16(fid))
	}
	return err
}

// UncomparedError is the error for a key that was not found, where some keys could
// not be compared with it: their public halves are not known, and they may not sign.
type UncomparedError struct{ Refs []byte }

// Error lists the keys.
func (e *UncomparedError) Error() string {
	var refs []string
	for _, ref := range e.Refs {
		refs = append(refs, strconv.Itoa(int(ref)))
	}
	return fmt.Sprintf("%v among the keys that show their public half, or sign; these do neither: %s", ErrNotFound, strings.Join(refs, ", "))
}

// Unwrap gives ErrNotFound.
func (e *UncomparedError) Unwrap() error { return ErrNotFound }

// Compare says whether a key, as Keys gives it, has a public half: nil if it has,
// ErrAnotherKey if not. One whose own is not known shows it by a signature, so the
// user must be logged in; another error is the reason why it does not.
func (h *HSM) Compare(k Key, public wire.PublicKey) error {
	switch {
	case k.Public == nil && k.Description != nil && k.Description.Type != public.Type:
		return ErrAnotherKey
	case k.Public == nil:
		return h.Prove(k.Ref, public)
	case !k.Public.Equal(public):
		return ErrAnotherKey
	}
	return nil
}

// FindSigner gives the key whose public half is in a SubjectPublicKeyInfo, DER. The
// error is ErrNotFound, or an *UncomparedError, if there is none. The user must be
// logged in.
func (h *HSM) FindSigner(spki []byte) (s *Signer, err error) {
	public, err := wire.ParseSPKI(spki)
	if err != nil {
		return nil, err
	}
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.end(&err)
	keys, err := h.Keys()
	if err != nil {
		return nil, err
	}
	unknown := slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.Public != nil })
	known := slices.DeleteFunc(keys, func(k Key) bool { return k.Public == nil })
	var uncompared []byte
	for _, k := range append(known, unknown...) { // a signature may be one of few
		err := h.Compare(k, *public)
		var broken *linkError
		switch {
		case err == nil:
			return &Signer{h, k.Ref, *public}, nil
		case errors.As(err, &broken):
			return nil, err
		case !errors.Is(err, ErrAnotherKey):
			uncompared = append(uncompared, k.Ref)
		}
	}
	if len(uncompared) > 0 {
		return nil, &UncomparedError{uncompared}
	}
	return nil, ErrNotFound
}
