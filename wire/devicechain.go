package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"conclave/internal/curve"
	"conclave/tlv"
)

// DeviceChain is what EF 2F02 holds: the device's certificate and those above
// it. The last of them is signed by a root that is known here; or it is a root
// itself, which no one but the device vouches for; or its issuer is unknown.
type DeviceChain struct {
	Certificates []*CVC // the device's first, each signed with the key of the next one
	Root         *Root  // that signed the last one; nil if that is not known here, or before Verify
}

// Root is a root of SmartCard-HSMs.
type Root struct {
	CHR   string
	Owner string // whose it is, for people
	Key   PublicKey
}

// knownRoots are CardContact's, for the devices that it and Nitrokey sell and
// for those of its developers (the certificates are in scsh-scripts,
// sc-hsm/lib/smartcardhsm.js; the first one signed the chain of a Nitrokey HSM 2
// in testdata). Their keys are on brainpoolP256r1.
func knownRoots() ([]Root, error) {
	c, err := curve.ByName("brainpoolP256r1")
	if err != nil {
		return nil, err
	}
	roots := []Root{{CHR: "DESRCACC100001", Owner: "CardContact"}, {CHR: "UTSRCACC100001", Owner: "CardContact's for TESTS, which vouches for nothing"}}
	for i, point := range []string{
		"04" + "6d025a8026cdba245f10df1b72e9880fff746dab40a43a3d5c6bebf27707c30f" + "6dea72430ee3287b0665c1eaa6eaa4fa26c46303001983f82bd1aa31e03da062",
		"04" + "a041feb2fd116b2ad19ca6b7eacd71c9892f941bb88d67dceec92501f0700119" + "57e22122ba6c2cf5ff02936f482e35a6129ccbba8e9383836d3106879c408ef0",
	} {
		q, err := hex.DecodeString(point)
		if err != nil {
			return nil, err
		}
		roots[i].Key = ECPublicKey(c, q)
	}
	return roots, nil
}

// maxChain is how many certificates a device may have: its own, that of its issuer,
// and perhaps the root's.
const maxChain = 10

// ParseDeviceChain reads EF 2F02. A device may put the request for its
// certificate (67) before it, as pico-hsm does. Nothing is verified: see Verify.
func ParseDeviceChain(content []byte) (*DeviceChain, error) {
	chain := &DeviceChain{}
	for cursor := tlv.Cursor(content); !cursor.Empty(); {
		tag, value, whole, err := cursor.Next()
		if err == nil && tag != tagCVC && tag != tagAuthRequest {
			err = fmt.Errorf("tag %X found where 7F21 was expected", uint32(tag))
		}
		if err == nil && len(chain.Certificates) == maxChain {
			err = fmt.Errorf("there are more than %d", maxChain)
		}
		if err == nil && tag == tagCVC {
			err = chain.append(value, whole)
		}
		if err != nil {
			return nil, fmt.Errorf("the device's certificates: %w", err)
		}
	}
	if len(chain.Certificates) == 0 {
		return nil, errors.New("the device has no certificate")
	}
	return chain, nil
}

func (d *DeviceChain) append(value, whole []byte) error {
	c := &CVC{whole: whole}
	err := c.parse(value)
	if err == nil && c.Role == nil {
		err = fmt.Errorf("that of %s is not a certificate but a request for one", c.CHR)
	}
	d.Certificates = append(d.Certificates, c)
	return err
}

// Verify checks every signature, and looks for the root. It goes from the top
// down, since a key may have the domain parameters of the one above (TR-03110
// part 3, appendix C.1.3); the keys are complete after it.
func (d *DeviceChain) Verify() error {
	above, err := d.issuerKey(d.Certificates[len(d.Certificates)-1])
	if err == nil && d.Root != nil {
		d.dropRoot()
		err = d.checkRoles()
	}
	if err != nil {
		return fmt.Errorf("the device's certificates: %w", err)
	}
	for i, c := range slices.Backward(d.Certificates) {
		if i > 0 && d.Certificates[i-1].CAR != c.CHR {
			return fmt.Errorf("the device's certificates: %s was issued by %s, and the next one is that of %s", d.Certificates[i-1].CHR, d.Certificates[i-1].CAR, c.CHR)
		}
		if above == nil {
			c.guess()
		}
		if err := c.inherit(above); err != nil {
			return fmt.Errorf("the device's certificates: %w", err)
		}
		if above == nil && c.CAR == c.CHR {
			above = &c.Key
		}
		if above != nil {
			if err := c.Verify(*above); err != nil {
				return fmt.Errorf("the device's certificates: %s, issued by %s: %w", c.CHR, c.CAR, err)
			}
		}
		above = &c.Key
	}
	return nil
}

// dropRoot takes off the certificate of the root itself, which is known.
func (d *DeviceChain) dropRoot() {
	last := len(d.Certificates) - 1
	if c := d.Certificates[last]; last > 0 && c.CHR == d.Root.CHR && bytes.Equal(c.Key.Point, d.Root.Key.Point) {
		d.Certificates = d.Certificates[:last]
	}
}

// guess puts a key without domain parameters, whose issuer is unknown, on the one
// known curve that its point fits: pycvc leaves the parameters out of the
// certificates that it makes for pico-hsm. No one vouches for such a key in any
// case.
func (c *CVC) guess() {
	for _, known := range curve.All() {
		if c.point != nil && known.CheckPoint(c.point) == nil {
			c.Key, c.point = ECPublicKey(known, c.point), nil
		}
	}
}

// checkRoles wants a device and its issuer below a root, and nobody else:
// otherwise a device could certify others.
func (d *DeviceChain) checkRoles() error {
	roles := []byte{RoleDevice, RoleDeviceIssuer}
	if len(d.Certificates) != len(roles) {
		return fmt.Errorf("there are %d below the root %s; those of the device and of its issuer were expected", len(d.Certificates), d.Root.CHR)
	}
	for i, c := range d.Certificates {
		if string(c.chat) != oidCHAT || len(c.Role) != 1 || c.Role[0] != roles[i] {
			return fmt.Errorf("%s has the role %X of %X; %02X of %X was expected", c.CHR, c.Role, c.chat, roles[i], oidCHAT)
		}
		if c.Effective.After(c.Expiration) {
			return fmt.Errorf("%s expires before it becomes valid", c.CHR)
		}
	}
	return nil
}

// issuerKey is the key of the root that issued a certificate; nil if it is
// unknown here.
func (d *DeviceChain) issuerKey(c *CVC) (*PublicKey, error) {
	roots, err := knownRoots()
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(roots, func(r Root) bool { return r.CHR == c.CAR }); i >= 0 {
		d.Root = &roots[i]
		return &d.Root.Key, nil
	}
	return nil, nil
}

// Device is the certificate of the device.
func (d *DeviceChain) Device() *CVC { return d.Certificates[0] }

// Issuer says for people who certified the device, and who vouches for that.
func (d *DeviceChain) Issuer() string {
	c := d.Device()
	switch {
	case d.Root != nil:
		return fmt.Sprintf("%s under the root %s (%s)", c.CAR, d.Root.CHR, d.Root.Owner)
	case c.CAR == c.CHR:
		return "itself"
	}
	return c.CAR + ", none of the makers known here (expected of a device in software, and not of a card that was bought)"
}

// CheckAttestation checks that the device, whose chain was verified, made the
// key of an authenticated request.
func (d *DeviceChain) CheckAttestation(r *AuthenticatedRequest) error {
	if device := d.Device().CHR; r.OuterCAR != device {
		return fmt.Errorf("it was signed by %s, and the device is %s", r.OuterCAR, device)
	}
	return r.Verify(d.Device().Key)
}

// CheckProof checks an attestation that was asked for to prove that the device
// has the key of its certificate: the references in it are those of the purpose.
func (d *DeviceChain) CheckProof(attestation []byte, purpose string) error {
	r, err := ParseAuthenticatedRequest(attestation)
	if err != nil {
		return err
	}
	if car, chr := ProofReferences(purpose); r.Request.CAR != car || r.Request.CHR != chr {
		return fmt.Errorf("the device's proof is for another purpose, %s by %s; %s by %s was expected", r.Request.CHR, r.Request.CAR, chr, car)
	}
	return d.CheckAttestation(r)
}

// ProofReferences are the references of authority and holder by which a device is
// asked to prove itself: a country code, nine characters of the SHA-256 of the
// purpose, and a sequence number (TR-03110 part 3, appendix C.1.4).
func ProofReferences(purpose string) (car, chr string) {
	sum := sha256.Sum256([]byte("conclave device proof\n" + purpose))
	text := base32.StdEncoding.EncodeToString(sum[:])
	return "ZZ" + text[:9] + "00001", "ZZ" + text[9:18] + "00001"
}
