package wire

import (
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
	Root         *Root  // that signed the last one; nil if it is none of those known here, or before Verify
}

// Root is a root of SmartCard-HSMs.
type Root struct {
	CHR   string
	Owner string // whose it is, for people
	Key   PublicKey
}

// knownRoots are CardContact's, for the devices that it and Nitrokey sell and
// for those of its developers (the certificates stand in scsh-scripts,
// sc-hsm/lib/smartcardhsm.js; the first one signed the chain of a Nitrokey HSM 2
// in testdata). Their keys are on brainpoolP256r1.
func knownRoots() ([]Root, error) {
	c, err := curve.ByName("brainpoolP256r1")
	if err != nil {
		return nil, err
	}
	roots := []Root{{CHR: "DESRCACC100001", Owner: "CardContact"}, {CHR: "UTSRCACC100001", Owner: "CardContact, for tests"}}
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

// ParseDeviceChain reads EF 2F02. A device may put the request for its
// certificate (67) before it, as pico-hsm does. Nothing is verified: see Verify.
func ParseDeviceChain(content []byte) (*DeviceChain, error) {
	chain := &DeviceChain{}
	for cursor := tlv.Cursor(content); !cursor.Empty(); {
		tag, value, whole, err := cursor.Next()
		if err == nil && tag != tagCVC && tag != tagAuthRequest {
			err = fmt.Errorf("tag %X found where 7F21 was expected", uint32(tag))
		}
		if err == nil && tag == tagCVC {
			c := &CVC{whole: whole}
			err = c.parse(value)
			chain.Certificates = append(chain.Certificates, c)
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

// Verify checks every signature, and looks for the root. It goes from the top
// down, since a key may have the domain parameters of the one above (TR-03110
// part 3, appendix C.1.3); the keys are complete after it.
func (d *DeviceChain) Verify() error {
	top := d.Certificates[len(d.Certificates)-1]
	above, err := d.above(top)
	if err != nil {
		return err
	}
	for _, c := range slices.Backward(d.Certificates) {
		if err := c.inherit(above); err != nil {
			return err
		}
		if above == nil && c.CAR == c.CHR {
			above = &c.Key
		}
		if above != nil {
			if err := c.Verify(*above); err != nil {
				return fmt.Errorf("the device's certificates: %s, by %s: %w", c.CHR, c.CAR, err)
			}
		}
		above = &c.Key
	}
	return nil
}

// above finds the root that issued a certificate; nil if it is unknown here.
func (d *DeviceChain) above(c *CVC) (*PublicKey, error) {
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
	return c.CAR + ", which no root known here vouches for"
}
