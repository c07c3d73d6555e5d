package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"filippo.io/mldsa"

	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/internal/strictjson"
)

// jwk is a JSON Web Key (RFC 7517, section 4; RFC 7518, sections 6.2 and 6.3; for ML-DSA
// RFC 9964), or a set of them (RFC 7517, section 5).
type jwk struct {
	Type  string `json:"kty"`
	Name  string `json:"kid"`
	Curve string `json:"crv"` // RFC 7518, section 6.2.1.1; RFC 8812, section 3.1

	X, Y, D, N, E, P, Q, DP, DQ, QI number

	Algorithm string `json:"alg"`
	Public    number `json:"pub"`
	Seed      number `json:"priv"`

	Others       []json.RawMessage `json:"oth"`
	Certificates [][]byte          `json:"x5c"`
	Keys         []jwk             `json:"keys"`
	Symmetric    string            `json:"k"`          // RFC 7518, section 6.4.1
	Ciphertext   string            `json:"ciphertext"` // of a JWE (RFC 7516, section 7.2)
}

// number is a Base64urlUInt (RFC 7518, section 2), nil if it is absent.
type number secret.Bytes

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *number) UnmarshalText(text []byte) (err error) {
	*n, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(string(text), "="))
	return err
}

// readJWK reads a JSON Web Key, or a set with one.
func readJWK(content []byte) (*Source, error) {
	var k jwk
	err := strictjson.Check(json.NewDecoder(bytes.NewReader(content)))
	if err != nil {
		return nil, fmt.Errorf("it begins like JSON, and is no JWK: %w; was it copied whole?", err)
	}
	if err := json.Unmarshal(content, &k); err != nil { // which would show what is in it
		return nil, errors.New("it is JSON, and a value in it is not what a JWK has there")
	}
	if len(k.Keys) > 1 { // with public keys of others, perhaps
		k.Keys = slices.DeleteFunc(k.Keys, func(k jwk) bool { return k.D == nil && k.Seed == nil && k.Symmetric == "" })
	}
	switch len(k.Keys) {
	case 0:
	case 1:
		k = k.Keys[0]
	default:
		return nil, fmt.Errorf("it holds a set of %d private keys; one was expected: put each into a file of its own, and import them one by one", len(k.Keys))
	}
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	s := &Source{Key: key, Form: "JWK", Label: k.Name}
	return s, s.keep(k.Certificates)
}

func (k *jwk) key() (any, error) {
	switch {
	case k.Ciphertext != "":
		return nil, errors.New("it is an encrypted JWK (JWE), which is not read here; decrypt it with the software that made it, into a PKCS#8 file under a password")
	case k.Type == "oct":
		return nil, errors.New("it is a symmetric key (kty oct), and this card has no AES; RSA, EC and ML-DSA keys can be imported")
	case k.Type == "OKP":
		return nil, explainCurve(k.Curve)
	case k.Type == "AKP":
		return k.mldsa()
	case k.Type != "RSA" && k.Type != "EC":
		return nil, errors.New("it is JSON, and no JWK of an RSA, EC or ML-DSA key (kty RSA, EC or AKP)")
	case k.D == nil:
		return nil, fmt.Errorf("it is a public %s key; the file with the private half was expected, which has a value d", k.Type)
	case k.Others != nil:
		return nil, errMultiPrime
	case k.Type == "EC":
		return k.ec()
	}
	return k.rsa()
}

func (k *jwk) ec() (any, error) {
	c, err := curve.ByName(k.Curve)
	if err != nil {
		return nil, fmt.Errorf("EC key: %w", err)
	}
	var point []byte
	if k.X != nil || k.Y != nil {
		point = slices.Concat([]byte{4}, k.X.coordinate(c), k.Y.coordinate(c))
	}
	return newEC(c, k.D, point)
}

// coordinate is a number at the length of a curve's coordinates: some software leaves
// out the zeros that it begins with.
func (n number) coordinate(c *curve.Curve) []byte {
	return append(make([]byte, max(0, c.FieldLen()-len(n))), n...)
}

func (k *jwk) mldsa() (any, error) {
	for p := range schemes() {
		if p.String() != k.Algorithm {
			continue
		}
		if k.Seed == nil {
			return nil, fmt.Errorf("it is a public %s key; the file with the private half was expected, which has a value priv", p)
		}
		key, err := mldsa.NewPrivateKey(p, k.Seed)
		if err != nil {
			return nil, fmt.Errorf("%s key: a seed of %d bytes; %d were expected", p, len(k.Seed), mldsa.PrivateKeySize)
		}
		if k.Public != nil && !bytes.Equal(k.Public, key.PublicKey().Bytes()) {
			return nil, fmt.Errorf("%s key: its public half is not that of its seed; the file is damaged, or was tampered with: take another copy", p)
		}
		return key, nil
	}
	return nil, explainKind(fmt.Sprintf("the algorithm %.40q", k.Algorithm))
}

func (k *jwk) rsa() (any, error) {
	var r rsaNumbers
	for from, to := range map[*number]*big.Int{
		&k.N: &r.n, &k.E: &r.e, &k.D: &r.d, &k.P: &r.p, &k.Q: &r.q, &k.DP: &r.dp, &k.DQ: &r.dq, &k.QI: &r.qInv,
	} {
		to.SetBytes(*from)
	}
	return r.key()
}
