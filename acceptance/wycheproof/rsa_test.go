package wycheproof

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"math/big"

	"conclave/hsm"
	"conclave/internal/keyop"
	"conclave/internal/rsapad"
	"conclave/wire"
)

// onCard is a hash as the card's algorithm bytes have it.
func onCard(hash crypto.Hash) wire.Algorithm {
	return map[crypto.Hash]wire.Algorithm{crypto.SHA1: 1, crypto.SHA224: 2, crypto.SHA256: 3, crypto.SHA384: 4, crypto.SHA512: 5}[hash]
}

// rsaPublic is the public key of a group, as `conclave key sign` and the certificates
// of a device take it.
func (j *judge) rsaPublic(g group) (wire.PublicKey, *rsa.PublicKey) {
	j.Helper()
	public := j.publicKey(g)
	der, err := public.SPKI()
	if err != nil {
		j.Fatal(err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		j.Fatal(err)
	}
	return public, parsed.(*rsa.PublicKey)
}

// verifyPKCS1: signatures with SHA-256 are those of device certificates too.
func (j *judge) verifyPKCS1(groups []group) {
	for _, g := range groups {
		public, key := j.rsaPublic(g)
		hash := hashOf(g.SHA)
		for _, v := range g.Tests {
			accepted := rsa.VerifyPKCS1v15(key, hash, j.digest(g.SHA, v.Msg), v.Sig) == nil
			j.answer(v, accepted, true)
			if hash == crypto.SHA256 && (public.VerifyDER(v.Msg, v.Sig) == nil) != accepted {
				j.Errorf("vector %d: package wire thinks otherwise", v.ID)
			}
		}
	}
}

// verifyPSS: ours has one hash for both, and a salt as long as it.
func (j *judge) verifyPSS(groups []group) {
	for _, g := range groups {
		hash := hashOf(g.SHA)
		if g.MgfSHA != g.SHA || g.SLen != hash.Size() {
			j.left["two hashes, or a salt of another length"] += len(g.Tests)
			if len(groups) == 1 { // it is all of the file
				j.otherSalt(g)
			}
			continue
		}
		_, key := j.rsaPublic(g)
		for _, v := range g.Tests {
			err := rsa.VerifyPSS(key, hash, j.digest(g.SHA, v.Msg), v.Sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
			j.answer(v, err == nil, true)
		}
	}
	j.encodePSS(groups)
}

// otherSalt are signatures that are valid with another salt or another hash.
func (j *judge) otherSalt(g group) {
	_, key := j.rsaPublic(g)
	for _, v := range g.Tests {
		if v.Result != "valid" {
			continue
		}
		if rsa.VerifyPSS(key, hashOf(g.SHA), j.digest(g.SHA, v.Msg), v.Sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil {
			j.Errorf("vector %d: a salt of %d bytes was taken", v.ID, g.SLen)
		}
		j.others++
	}
}

// keysForPSS are keys that are for PSS alone (id-RSASSA-PSS, RFC 4055): nothing of ours
// writes them, and nothing takes them. The same signatures are in files of their own.
func (j *judge) keysForPSS(groups []group) {
	for _, g := range groups {
		if _, err := wire.ParseSPKI(g.PublicKeyDER); err == nil {
			j.Error("a key for PSS alone was taken")
		}
		j.others += len(g.Tests)
	}
}

// rsaPrivate reads the private key of a group.
func (j *judge) rsaPrivate(g group) *rsa.PrivateKey {
	j.Helper()
	key, err := x509.ParsePKCS8PrivateKey(g.PrivateKeyPKCS8)
	if err != nil {
		j.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

// signRSA are signatures that the card makes, in each way that it has.
func (j *judge) signRSA(groups []group) {
	for _, g := range groups {
		key, hash := j.rsaPrivate(g), hashOf(g.SHA)
		if err := j.card.put(key); unevenPrimes(key) {
			if err == nil {
				j.Error("a key whose primes are not of one length was taken")
			}
			j.others += len(g.Tests)
			continue
		} else if err != nil {
			j.Fatal(err)
		}
		j.card.holds = ""
		for _, v := range g.Tests {
			digest := j.digest(g.SHA, v.Msg)
			info, err := wire.DigestInfo(hash, digest)
			if err != nil {
				j.Fatal(err)
			}
			signature, err := j.card.Sign(ref, wire.RSAPKCS1, info)
			j.answer(v, err == nil, bytes.Equal(signature, v.Sig))
			if len(v.Msg) > 0 {
				signature, err = j.card.Sign(ref, wire.RSAPKCS1|onCard(hash), v.Msg)
				j.answer(v, err == nil, bytes.Equal(signature, v.Sig))
			}
			signature, err = j.card.Sign(ref, wire.RSARaw, padded(info, key.Size()))
			j.answer(v, err == nil, bytes.Equal(signature, v.Sig))
			j.signPSS(key, hash, digest)
		}
	}
}

// unevenPrimes says whether a key is one of the few here that FIPS 186-5 appendix A.1.1
// would not have, and no card of ours takes.
func unevenPrimes(key *rsa.PrivateKey) bool {
	return key.Primes[0].BitLen() != key.Primes[1].BitLen()
}

// padded is EMSA-PKCS1-v1_5 (RFC 8017, section 9.2), from step 4 on.
func padded(info []byte, size int) []byte {
	block := append([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, size-len(info)-3)...)
	return append(append(block, 0), info...)
}

// signPSS has no vectors, since its salts are random: the standard library judges.
func (j *judge) signPSS(key *rsa.PrivateKey, hash crypto.Hash, digest []byte) {
	j.Helper()
	signature, err := j.card.Sign(ref, wire.RSAPSS, digest)
	if key.Size() < 2*hash.Size()+2 {
		if err == nil {
			j.Errorf("PSS with %v and %d bits", hash, key.N.BitLen())
		}
		return
	}
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	if err != nil || rsa.VerifyPSS(&key.PublicKey, hash, digest, signature, options) != nil {
		j.Errorf("PSS with %v and %d bits: %v, or it does not verify", hash, key.N.BitLen(), err)
	}
}

func (j *judge) decryptPKCS1(groups []group) {
	j.decrypt(groups, func(signer *hsm.Signer, _ group, v vector) ([]byte, error) {
		plain, err := j.card.Decipher(ref, wire.RSADecryptPKCS1, v.Ct)
		here, errHere := signer.Decrypt(nil, v.Ct, nil)
		j.same(v, plain, err, here, errHere)
		return plain, err
	})
}

// decryptOAEP has the card's own OAEP where it fits, and the host's with its raw operation.
func (j *judge) decryptOAEP(groups []group) {
	j.decrypt(groups, func(signer *hsm.Signer, g group, v vector) ([]byte, error) {
		opts := &rsa.OAEPOptions{Hash: hashOf(g.SHA), MGFHash: hashOf(g.MgfSHA), Label: v.Label}
		plain, err := signer.Decrypt(nil, v.Ct, opts)
		if block, errRaw := j.card.Decipher(ref, wire.RSADecryptRaw, v.Ct); errRaw == nil {
			here, errHere := rsapad.DecodeOAEP(opts.Hash, opts.MGFHash, block, v.Label)
			j.same(v, plain, err, here, errHere)
		}
		return plain, err
	})
}

// signer is the key that was put on the card. Its file has a certificate of the key, so that
// the host knows the modulus.
func (j *judge) signer(key *rsa.PrivateKey) *hsm.Signer {
	j.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		j.Fatal(err)
	}
	if err := j.card.WriteFile(wire.PrefixEECert.File(ref), certificate); err != nil {
		j.Fatal(err)
	}
	signer, err := j.card.Signer(ref)
	if err != nil {
		j.Fatal(err)
	}
	return signer
}

// same says that two ways to decrypt come to the same.
func (j *judge) same(v vector, plain []byte, err error, other []byte, errOther error) {
	j.Helper()
	if !bytes.Equal(plain, other) || (err == nil) != (errOther == nil) {
		j.Errorf("vector %d: %x, %v by the card, %x, %v by the host", v.ID, plain, err, other, errOther)
	}
}

// decrypt restores the keys, one after the other.
func (j *judge) decrypt(groups []group, how func(signer *hsm.Signer, g group, v vector) ([]byte, error)) {
	for _, g := range groups {
		key := j.rsaPrivate(g)
		if key.N.BitLen() > 4096 {
			j.left["longer than the card's keys"] += len(g.Tests)
			continue
		}
		if err := j.card.put(key); err != nil {
			j.Fatal(err)
		}
		j.card.holds = ""
		signer := j.signer(key)
		for _, v := range g.Tests {
			plain, err := how(signer, g, v)
			j.answer(v, err == nil, bytes.Equal(plain, v.Msg))
		}
	}
}

// encodePSS is judged by valid signatures: with the salt that is found in one, the same
// block must come out.
func (j *judge) encodePSS(groups []group) {
	for _, g := range groups {
		_, key := j.rsaPublic(g)
		hash, mgf := hashOf(g.SHA), hashOf(g.MgfSHA)
		for _, v := range g.Tests {
			if v.Result != "valid" {
				j.leave("nothing is verified here")
				continue
			}
			block := new(big.Int).Exp(new(big.Int).SetBytes(v.Sig), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, (key.N.BitLen()+6)/8))
			ours, err := rsapad.EncodePSS(hash, mgf, j.digest(g.SHA, v.Msg), saltOf(block, hash, mgf, g.SLen), key.N.BitLen()-1)
			j.answer(v, err == nil, bytes.Equal(ours, block))
		}
	}
}

// saltOf takes the mask off a block of PSS (RFC 8017, section 9.1.2), whose last bytes
// before the hash are the salt.
func saltOf(block []byte, hash, mgf crypto.Hash, length int) []byte {
	db, h := bytes.Clone(block[:len(block)-hash.Size()-1]), block[len(block)-hash.Size()-1:len(block)-1]
	for i := range db {
		sum := mgf.New()
		sum.Write(binary.BigEndian.AppendUint32(bytes.Clone(h), uint32(i/mgf.Size())))
		db[i] ^= sum.Sum(nil)[i%mgf.Size()]
	}
	return db[len(db)-length:]
}

// threePrimes are keys that the card has no numbers for: nothing takes them.
func (j *judge) threePrimes(groups []group) {
	for _, g := range groups {
		key := j.rsaPrivate(g)
		if err := j.card.put(key); err == nil {
			j.Error("the card has a key of three primes")
		}
		if _, err := keyop.Best().NewKey(key); err == nil {
			j.Error("the engine has a key of three primes")
		}
		j.others += len(g.Tests)
	}
}
