package curve

import (
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/hex"

	"filippo.io/nistec"
)

// table lists the curves. It is never written to.
//
// Parameters and object identifiers: SEC 2, version 2.0, sections 2.4 to 2.6
// and appendix A. Aliases: ANSI X9.62 and FIPS 186-5.
var table = []*Curve{
	{
		Name: "secp224r1", OID: asn1.ObjectIdentifier{1, 3, 132, 0, 33}, Bits: 224,
		P: unhex("ffffffffffffffffffffffffffffffff000000000000000000000001"),
		A: unhex("fffffffffffffffffffffffffffffffefffffffffffffffffffffffe"),
		B: unhex("b4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4"),
		N: unhex("ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d"),
		G: unhex("04" +
			"b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21" +
			"bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34"),
		aliases: []string{"P-224"},
		group:   nist[*nistec.P224Point]{elliptic.P224(), nistec.NewP224Point},
	},
	{
		Name: "secp256r1", OID: asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, Bits: 256,
		P: unhex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
		A: unhex("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
		B: unhex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
		N: unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
		G: unhex("04" +
			"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
			"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
		aliases: []string{"prime256v1", "P-256"},
		group:   nist[*nistec.P256Point]{elliptic.P256(), nistec.NewP256Point},
	},
	{
		Name: "secp384r1", OID: asn1.ObjectIdentifier{1, 3, 132, 0, 34}, Bits: 384,
		P: unhex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe" +
			"ffffffff0000000000000000ffffffff"),
		A: unhex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe" +
			"ffffffff0000000000000000fffffffc"),
		B: unhex("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a" +
			"c656398d8a2ed19d2a85c8edd3ec2aef"),
		N: unhex("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf" +
			"581a0db248b0a77aecec196accc52973"),
		G: unhex("04" +
			"aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38" +
			"5502f25dbf55296c3a545e3872760ab7" +
			"3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0" +
			"0a60b1ce1d7e819d7a431d7c90ea0e5f"),
		aliases: []string{"P-384"},
		group:   nist[*nistec.P384Point]{elliptic.P384(), nistec.NewP384Point},
	},
	{
		Name: "secp521r1", OID: asn1.ObjectIdentifier{1, 3, 132, 0, 35}, Bits: 521,
		P: unhex("01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
			"ffff"),
		A: unhex("01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
			"fffc"),
		B: unhex("0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef1" +
			"09e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b50" +
			"3f00"),
		N: unhex("01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" +
			"fffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e9138" +
			"6409"),
		G: unhex("04" +
			"00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d" +
			"3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5" +
			"bd66" +
			"011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e" +
			"662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd1" +
			"6650"),
		aliases: []string{"P-521"},
		group:   nist[*nistec.P521Point]{elliptic.P521(), nistec.NewP521Point},
	},
	{
		Name: "secp256k1", OID: asn1.ObjectIdentifier{1, 3, 132, 0, 10}, Bits: 256,
		P: unhex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
		A: unhex("0000000000000000000000000000000000000000000000000000000000000000"),
		B: unhex("0000000000000000000000000000000000000000000000000000000000000007"),
		N: unhex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
		G: unhex("04" +
			"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
			"483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
		group: koblitz256{},
	},
}

// unhex decodes a constant of the table.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("curve: bad constant " + s)
	}
	return b
}
