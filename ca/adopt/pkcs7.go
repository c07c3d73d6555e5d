package adopt

import "encoding/asn1"

// oidSignedData is RFC 5652 section 5.1's, which holds certificates in .p7b files,
// without a signature.
var oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}

// pkcs7 is a ContentInfo with SignedData (RFC 5652 sections 3 and 5.1).
type pkcs7 struct {
	Type    asn1.ObjectIdentifier
	Content struct {
		Version      int
		Algorithms   asn1.RawValue
		Inner        asn1.RawValue
		Certificates asn1.RawValue `asn1:"optional,tag:0"`
		CRLs         asn1.RawValue `asn1:"optional,tag:1"`
		Signers      asn1.RawValue
	} `asn1:"explicit,tag:0"`
}

// unpacked are the certificates in PKCS #7, DER; of anything else, that itself.
func unpacked(content []byte) (all [][]byte) {
	var p pkcs7
	if rest, err := asn1.Unmarshal(content, &p); err != nil || len(rest) > 0 || !p.Type.Equal(oidSignedData) {
		return [][]byte{content}
	}
	for rest := p.Content.Certificates.Bytes; len(rest) > 0 && len(all) <= MaxCertificates; {
		var one asn1.RawValue
		after, err := asn1.Unmarshal(rest, &one)
		if err != nil {
			return append(all, rest)
		}
		all, rest = append(all, one.FullBytes), after
	}
	if all == nil {
		return [][]byte{content}
	}
	return all
}
