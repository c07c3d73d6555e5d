package hsm

import (
	"crypto"
	"fmt"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"

	"conclave/wire"
)

// signMLDSA has the device sign the message representative μ, which is made here: so a
// message may be of any size.
func (s *Signer) signMLDSA(message []byte, opts crypto.SignerOpts) ([]byte, error) {
	mu, err := s.representative(message, opts)
	if err != nil {
		return nil, fmt.Errorf("sign with key %d: %w", s.ref, err)
	}
	return s.hsm.Sign(s.ref, wire.MLDSA, mu)
}

// representative reads options as mldsa.PrivateKey does.
func (s *Signer) representative(message []byte, opts crypto.SignerOpts) ([]byte, error) {
	switch {
	case opts == nil || opts.HashFunc() == 0:
		return s.messageRepresentative(message, opts)
	case opts.HashFunc() != mldsacrypto.MLDSAMu:
		return nil, fmt.Errorf("hash %v; an ML-DSA key signs the message itself: crypto.Hash(0), *mldsa.Options or, for its representative μ, MLDSAMu was expected", opts.HashFunc())
	case len(message) != wire.MuSize:
		return nil, fmt.Errorf("a message representative μ of %d bytes; %d were expected", len(message), wire.MuSize)
	}
	return message, nil
}

func (s *Signer) messageRepresentative(message []byte, opts crypto.SignerOpts) ([]byte, error) {
	public, err := s.public.MLDSA()
	if err != nil {
		return nil, err
	}
	var context string
	if o, is := opts.(*mldsa.Options); is && o != nil {
		context = o.Context
	}
	shake, err := wire.MLDSAMu(public, context)
	if err != nil {
		return nil, err
	}
	shake.Write(message)
	mu := make([]byte, wire.MuSize)
	shake.Read(mu)
	return mu, nil
}
