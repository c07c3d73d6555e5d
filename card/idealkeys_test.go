package card_test

import (
	"bytes"
	"crypto/sha3"
	"errors"
	"fmt"
	"slices"

	"conclave/apdu"
	"conclave/dkek"
	"conclave/internal/curve"
	"conclave/wire"
)

// What an ideal device does with its DKEK and its keys.

type idealDKEK struct {
	shares int
	seen   []string
	total  string // names the DKEK, once it is complete
	kcv    []byte // nil while it was not seen: a random one's
}

func (k *idealDKEK) outstanding() int { return k.shares - len(k.seen) }

type idealKey struct {
	public     wire.PublicKey // as it was asked for, until it was seen
	counter    *uint32
	algorithms []byte
}

// idealBlob is what was wrapped, under which DKEK.
type idealBlob struct {
	total string
	key   idealKey
}

func (d *ideal) manageDKEK(_ *idealSession, c apdu.Command) reply {
	switch k := d.dkek; {
	case c.P1 != 0 || c.P2 != 0:
		return refuse(apdu.WrongP1P2)
	case k == nil:
		return refuse(apdu.InstructionUnknown)
	case len(c.Data) == 0:
	case len(c.Data) != dkek.ShareSize:
		return refuse(apdu.WrongLength)
	case k.outstanding() == 0:
		return refuse(apdu.CommandNotAllowed)
	case slices.Contains(k.seen, string(c.Data)):
		return refuse(apdu.FileExists)
	default:
		k.add(string(c.Data))
	}
	return reply{apdu.OK, d.dkek.judge}
}

func (k *idealDKEK) add(share string) {
	k.seen = append(k.seen, share)
	if k.outstanding() > 0 {
		return
	}
	total := make([]byte, dkek.ShareSize)
	for _, s := range k.seen {
		for i := range total {
			total[i] ^= s[i]
		}
	}
	k.total = string(total)
	kek, err := dkek.New(total)
	if err != nil {
		panic(err) // for a length
	}
	kcv := kek.KCV()
	k.kcv = kcv[:]
}

func (k *idealDKEK) judge(got []byte) error {
	s, err := wire.ParseDKEKStatus(got)
	if err != nil || s.Shares != k.shares || s.Outstanding != k.outstanding() {
		return fmt.Errorf("%+v, %w; %d shares, %d outstanding were expected", s, err, k.shares, k.outstanding())
	}
	if k.total == "" {
		return exactly(0, make([]byte, 8)).data(s.KCV[:])
	}
	return k.judgeKCV(s.KCV[:])
}

// judgeKCV takes the check value of a random DKEK as it is first seen.
func (k *idealDKEK) judgeKCV(kcv []byte) error {
	if k.kcv == nil {
		k.kcv = kcv
	}
	return exactly(0, k.kcv).data(kcv)
}

func (d *ideal) generate(_ *idealSession, c apdu.Command) reply {
	request, err := wire.ParseKeyRequest(c.Data)
	switch {
	case errors.Is(err, wire.ErrUnknownField):
		return refuse(apdu.FunctionNotSupported)
	case err != nil, request.Key.Type == wire.KeyRSA: // no command here asks for that
		return refuse(apdu.WrongData)
	case c.P1 == 0:
		return refuse(apdu.WrongP1P2)
	case d.keys[c.P1] != nil:
		return refuse(apdu.FileExists)
	}
	outer, sw := d.signer(c.P2)
	if sw != apdu.OK {
		return refuse(sw)
	}
	k := &idealKey{public: request.Key, counter: request.UseCounter, algorithms: request.Algorithms}
	d.keys[c.P1] = k
	return reply{apdu.OK, func(got []byte) error {
		d.files[wire.PrefixEECert.File(c.P1)] = bytes.Clone(got)
		r, err := wire.ParseAuthenticatedRequest(got)
		if err != nil {
			return err
		}
		k.public = r.Request.Key
		return r.Verify(outer)
	}}
}

// signer is the key that signs a request from outside.
func (d *ideal) signer(id byte) (public wire.PublicKey, sw apdu.Status) {
	if id == 0 {
		chain, err := wire.ParseDeviceChain(d.files[wire.EFDevAut])
		if err != nil {
			panic(err)
		}
		return chain.Device().Key, apdu.OK
	}
	content, there := d.files[wire.PrefixEECert.File(id)]
	if !there {
		return public, apdu.ReferenceNotFound
	}
	if _, err := wire.ParseAuthenticatedRequest(content); err != nil {
		return public, apdu.ConditionsNotSatisfied
	}
	a := wire.ECDSA | wire.HashSHA256
	if d.isMLDSA(id) {
		a = wire.MLDSA
	}
	k, sw := d.use(id, a, apdu.OK)
	if sw != apdu.OK {
		return public, sw
	}
	return k.public, apdu.OK
}

func (d *ideal) isMLDSA(id byte) bool {
	k := d.keys[id]
	return k != nil && k.public.Type == wire.KeyMLDSA
}

func p256() *curve.Curve {
	c, err := curve.ByName("secp256r1")
	if err != nil {
		panic(err)
	}
	return c
}

// use is one use of a key. mistake is what is wrong with the command: that costs no
// use, and is told only to who names a key.
func (d *ideal) use(id byte, a wire.Algorithm, mistake apdu.Status) (*idealKey, apdu.Status) {
	k := d.keys[id]
	switch {
	case id == 0 || k == nil:
		return nil, apdu.ReferenceNotFound
	case mistake != apdu.OK:
		return nil, mistake
	case !k.may(a):
		return nil, apdu.FunctionNotSupported
	case k.counter == nil:
		return k, apdu.OK
	case *k.counter == 0:
		return nil, apdu.ReferenceDataUnusable
	}
	*k.counter--
	return k, apdu.OK
}

func (k *idealKey) may(a wire.Algorithm) bool {
	return len(k.algorithms) == 0 || bytes.IndexByte(k.algorithms, byte(a)) >= 0
}

func (d *ideal) sign(_ *idealSession, c apdu.Command) reply {
	a := wire.Algorithm(c.P2)
	switch a & 0xF0 {
	case wire.RSARaw, wire.MLDSA:
		if a&0x0F != 0 {
			return refuse(apdu.WrongP1P2)
		}
	case wire.RSAPKCS1, wire.RSAPSS, wire.ECDSA:
		if a&0x0F > 5 {
			return refuse(apdu.WrongP1P2)
		}
	default:
		return refuse(apdu.WrongP1P2)
	}
	k, sw := d.use(c.P1, a, d.keys[c.P1].signMistake(a, len(c.Data)))
	if sw != apdu.OK {
		return refuse(sw)
	}
	return reply{sw, func(got []byte) error { return k.judge(a, c.Data, got) }}
}

// signMistake is what is wrong with asking the key for a signature; no key makes none.
func (k *idealKey) signMistake(a wire.Algorithm, n int) apdu.Status {
	switch {
	case k == nil:
		return apdu.OK
	case (a == wire.MLDSA) != (k.public.Type == wire.KeyMLDSA), a&0xF0 != wire.ECDSA && a != wire.MLDSA:
		return apdu.WrongData // no key here is RSA
	case a == wire.MLDSA && n != 64, a == wire.ECDSA && n == 0:
		return apdu.WrongLength
	}
	return apdu.OK
}

func (k *idealKey) judge(a wire.Algorithm, data, signature []byte) error {
	if a == wire.MLDSA {
		if !bytes.Equal(data, messageRepresentative(k.public.Encoded, mldsaMessage())) {
			return nil // its message is not known
		}
		return k.public.Verify(mldsaMessage(), signature)
	}
	digest := data
	if h := hashes()[a&0x0F]; h != nil {
		h := h()
		h.Write(data)
		digest = h.Sum(nil)
	}
	if !p256().Verify(k.public.Point, digest, signature) {
		return errors.New("it is not a signature by that key")
	}
	return nil
}

func mldsaMessage() []byte { return []byte("what all messages here are") }

// messageRepresentative is μ for an empty context (FIPS 204, algorithm 2 and line 6 of
// algorithm 7).
func messageRepresentative(public, message []byte) []byte {
	tr := sha3.SumSHAKE256(public, 64)
	return sha3.SumSHAKE256(slices.Concat(tr, []byte{0, 0}, message), 64)
}

func (d *ideal) decipher(_ *idealSession, c apdu.Command) reply {
	a := wire.Algorithm(c.P2)
	mistake := apdu.OK
	switch {
	case a != wire.ECDH && (a < wire.RSADecryptRaw || a > wire.RSADecryptOAEP):
		return refuse(apdu.WrongP1P2)
	case a != wire.ECDH, p256().CheckPoint(c.Data) != nil, d.isMLDSA(c.P1):
		mistake = apdu.WrongData
	}
	k, sw := d.use(c.P1, a, mistake)
	if sw != apdu.OK {
		return refuse(sw)
	}
	return reply{sw, func(got []byte) error {
		theirs := theirKey()
		if !bytes.Equal(c.Data, theirs.Q) {
			return nil // its other half is not known
		}
		want, err := theirs.ECDH(k.public.Point)
		if err != nil {
			return err
		}
		return exactly(0, want).data(got)
	}}
}

// theirKey is the other side's of ECDH.
func theirKey() *curve.PrivateKey {
	k, err := p256().NewPrivateKey([]byte{42})
	if err != nil {
		panic(err)
	}
	return k
}

// ready says whether the DKEK can be used.
func (d *ideal) ready() apdu.Status {
	switch {
	case d.dkek == nil:
		return apdu.InstructionUnknown
	case d.dkek.total == "":
		return apdu.ConditionsNotSatisfied
	}
	return apdu.OK
}

func (d *ideal) wrap(_ *idealSession, c apdu.Command) reply {
	k := d.keys[c.P1]
	switch sw := d.ready(); {
	case c.P2 != wire.WrapMode:
		return refuse(apdu.WrongP1P2)
	case sw != apdu.OK:
		return refuse(sw)
	case c.P1 == 0 || k == nil:
		return refuse(apdu.ReferenceNotFound)
	case k.counter != nil || !k.may(wire.AlgorithmWrap):
		return refuse(apdu.ConditionsNotSatisfied)
	}
	wrapped := &idealBlob{d.dkek.total, idealKey{public: k.public, algorithms: k.algorithms}}
	return reply{apdu.OK, func(got []byte) error {
		blob, err := dkek.ParseBlob(got)
		if err != nil {
			return err
		}
		if !bytes.Equal(blob.AllowedAlgorithms, k.algorithms) {
			return fmt.Errorf("algorithms % X; % X were expected", blob.AllowedAlgorithms, k.algorithms)
		}
		d.blobs[string(got)] = wrapped
		return d.dkek.judgeKCV(blob.KCV[:])
	}}
}

func (d *ideal) unwrap(_ *idealSession, c apdu.Command) reply {
	if c.P2 != wire.UnwrapMode || c.P1 == 0 {
		return refuse(apdu.WrongP1P2)
	}
	if sw := d.ready(); sw != apdu.OK {
		return refuse(sw)
	}
	b := c.Data
	if len(b) == 0 {
		staged, there := d.files[wire.EFStaging]
		if !there {
			return refuse(apdu.FileNotFound)
		}
		b = staged
	}
	known := d.blobs[string(b)]
	blob, err := dkek.ParseBlob(b)
	switch {
	case err != nil:
		return refuse(apdu.ReferenceDataUnusable)
	case known == nil && bytes.Equal(blob.KCV[:], d.dkek.kcv):
		return refuse(apdu.ReferenceDataUnusable) // damaged
	case known == nil || known.total != d.dkek.total:
		return refuse(apdu.WrongData) // another DKEK's
	case d.keys[c.P1] != nil:
		return refuse(apdu.FileExists)
	}
	restored := known.key
	d.keys[c.P1] = &restored
	delete(d.files, wire.EFStaging)
	return refuse(apdu.OK)
}
