package token

import (
	"hash"

	"conclave/hsm"
	"conclave/token/cryptoki"
)

// Operation is a kind of operation that is begun, fed and ended.
type Operation uint64

// The operations of a session.
const (
	Encrypt       Operation = 1
	Decrypt       Operation = 2
	Sign          Operation = 3
	Verify        Operation = 4
	Digest        Operation = 5
	SignRecover   Operation = 6
	VerifyRecover Operation = 7
)

// rule is what an operation wants of mechanism and key.
type rule struct {
	flag      cryptoki.Flags
	attribute cryptoki.AttributeType // that permits it; 0 for none
	public    bool                   // it needs no more than the public half
}

var rules = map[Operation]rule{
	Encrypt:       {cryptoki.MechanismEncrypt, cryptoki.AttrEncrypt, true},
	Decrypt:       {cryptoki.MechanismDecrypt, cryptoki.AttrDecrypt, false},
	Sign:          {cryptoki.MechanismSign, cryptoki.AttrSign, false},
	Verify:        {cryptoki.MechanismVerify, cryptoki.AttrVerify, true},
	Digest:        {cryptoki.MechanismDigest, 0, true},
	SignRecover:   {cryptoki.MechanismSignRecover, cryptoki.AttrSignRecover, false},
	VerifyRecover: {cryptoki.MechanismVerifyRecover, cryptoki.AttrVerifyRecover, true},
}

// What schemes do at the end of an operation. The table says which scheme can what.
type (
	signer interface {
		sign(s *Session, k *object, in *input) ([]byte, error)
	}
	verifier interface {
		verify(k *object, in *input, signature []byte) error
	}
	encrypter interface {
		encrypt(k *object, in *input) ([]byte, error)
	}
	decrypter interface {
		decrypt(s *Session, k *object, in *input) ([]byte, error)
	}
	// recoverer gives the data of a signature.
	recoverer interface {
		recover(k *object, in *input) ([]byte, error)
	}
)

// operation is one that is under way.
type operation struct {
	key    *object // nil for digests
	scheme any
	input  input
	stream stream // of a cipher, which gives output as it is fed; nil for what is collected
	fed    bool   // by Update
	// locked says that the key wants the PIN for each use, and the user has not given it
	// for this one.
	locked bool
}

// Begin begins an operation. The key is 0 for digests.
func (s *Session) Begin(op Operation, m cryptoki.Mechanism, key cryptoki.Handle) error {
	if s.operations.get(op) != nil {
		return cryptoki.OperationActive
	}
	mech, err := mechanismOf(m.Type, rules[op].flag)
	if err != nil {
		return err
	}
	var k *object
	if op != Digest {
		if k, err = s.key(key); err != nil {
			return err
		}
	}
	return s.begin(op, mech, m.Parameter, k)
}

func (s *Session) begin(op Operation, m *mechanism, parameter []byte, k *object) error {
	o := &operation{key: k, input: input{keep: hsm.MaxMessage}}
	if k != nil {
		if err := k.checkUse(op, m); err != nil {
			return err
		}
		o.locked = !rules[op].public && k.is(cryptoki.AttrAlwaysAuthenticate)
	}
	if m.hash != 0 {
		o.input.hash = m.hash.New
		if op != Sign { // a signature may have to be made of the message
			o.input.keep = 0
		}
	}
	var err error
	if o.scheme, err = m.scheme(m, parameter, k); err != nil {
		return err
	}
	switch scheme := o.scheme.(type) {
	case mac:
		o.input.hash = scheme.hasher
	case cipherMode:
		o.stream = scheme.stream(op)
	}
	s.operations.put(op, o)
	return nil
}

// checkUse says whether a key may be used in an operation.
func (k *object) checkUse(op Operation, m *mechanism) error {
	if err := k.checkFor(m); err != nil {
		return err
	}
	r := rules[op]
	switch {
	case k.class == cryptoki.ClassSecretKey:
	case r.public && k.class == cryptoki.ClassPrivateKey:
		return nil // whoever has the private key has the public half, too
	case r.public != (k.class == cryptoki.ClassPublicKey):
		return cryptoki.KeyTypeInconsistent
	}
	return k.permits(r.attribute)
}

// Single does all of an operation that was begun with one piece of data. The signature
// is that which is to be verified.
func (s *Session) Single(op Operation, data, signature []byte) ([]byte, error) {
	o, err := s.operations.take(op)
	if err != nil {
		return nil, err
	}
	defer o.input.wipe()
	if o.locked {
		return nil, cryptoki.UserNotLoggedIn
	}
	if o.fed {
		return nil, cryptoki.OperationActive // Final ends what Update has begun
	}
	if o.stream != nil {
		return o.stream.all(data)
	}
	if err := o.input.lend(data); err != nil {
		return nil, err
	}
	return o.finish(s, op, signature)
}

// Update feeds an operation.
func (s *Session) Update(op Operation, data []byte) ([]byte, error) {
	o := s.operations.get(op)
	if o == nil {
		return nil, cryptoki.OperationNotInitialized
	}
	o.fed = true
	out, err := o.update(data)
	if err != nil {
		s.Cancel(op)
	}
	return out, err
}

func (o *operation) update(data []byte) ([]byte, error) {
	if o.locked {
		return nil, cryptoki.UserNotLoggedIn
	}
	if o.stream != nil {
		return o.stream.update(data)
	}
	return nil, o.input.add(data)
}

// Final ends an operation.
func (s *Session) Final(op Operation, signature []byte) ([]byte, error) {
	o, err := s.operations.take(op)
	if err != nil {
		return nil, err
	}
	defer o.input.wipe()
	if o.locked {
		return nil, cryptoki.UserNotLoggedIn
	}
	return o.finish(s, op, signature)
}

// Cancel ends an operation without a result.
func (s *Session) Cancel(op Operation) {
	if o, err := s.operations.take(op); err == nil {
		o.input.wipe()
	}
}

// finish gives the result.
func (o *operation) finish(s *Session, op Operation, signature []byte) ([]byte, error) {
	if o.stream != nil {
		return o.stream.final()
	}
	switch op {
	case Sign, SignRecover:
		return o.scheme.(signer).sign(s, o.key, &o.input)
	case Verify:
		return nil, o.scheme.(verifier).verify(o.key, &o.input, signature)
	case Encrypt:
		return o.scheme.(encrypter).encrypt(o.key, &o.input)
	case Decrypt:
		return o.scheme.(decrypter).decrypt(s, o.key, &o.input)
	case VerifyRecover:
		return o.scheme.(recoverer).recover(o.key, &o.input)
	}
	return o.input.digest(), nil
}

// input is what an operation was fed: all of it as long as it is short, since some keys
// sign only what their device hashes, and its hash from then on.
type input struct {
	hash func() hash.Hash // nil if the data is not hashed
	keep int              // how many bytes are kept at most
	data []byte
	ours bool      // the data is a copy
	sum  hash.Hash // of all, once there was more than is kept
}

// lend takes data that is there until the operation is over.
func (in *input) lend(data []byte) error {
	if len(data) > in.keep && in.hash == nil {
		return cryptoki.DataLenRange
	}
	in.data = data
	return nil
}

// add takes a copy of data.
func (in *input) add(data []byte) error {
	switch {
	case in.sum != nil:
		in.sum.Write(data)
	case len(in.data)+len(data) <= in.keep:
		grown := append(in.data, data...)
		if len(in.data) > 0 && &grown[0] != &in.data[0] {
			clear(in.data)
		}
		in.data, in.ours = grown, true
	case in.hash == nil:
		return cryptoki.DataLenRange
	default:
		in.sum = in.hash()
		in.sum.Write(in.data)
		in.sum.Write(data)
		in.wipe()
	}
	return nil
}

// digest is the hash of all.
func (in *input) digest() []byte {
	sum := in.sum
	if sum == nil {
		sum = in.hash()
		sum.Write(in.data)
	}
	return sum.Sum(nil)
}

// whole says whether data is all that there was.
func (in *input) whole() bool { return in.sum == nil && len(in.data) <= in.keep }

func (in *input) wipe() {
	if in.ours {
		clear(in.data)
	}
	in.data, in.ours = nil, false
}
