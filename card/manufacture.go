package card

import (
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"conclave/card/store"
	"conclave/internal/curve"
	"conclave/internal/secret"
	"conclave/tlv"
	"conclave/wire"
)

// Names in the certificates: a country code that ISO 3166 leaves to its users,
// then the maker's letters, then random characters, then a sequence number.
const (
	devicePrefix   = wire.OwnSerial
	issuerPrefix   = "ZZCLCA"
	firstSequence  = "00001"
	deviceSuffix   = 7
	issuerSuffix   = 5
	deviceCurve    = "secp256r1"
	validity       = 30 * 365 * 24 * time.Hour
	defaultLabel   = "SmartCard-HSM"
	manufacturer   = "Conclave"
	issuerKeyLabel = "CONCLAVE DEVICE ISSUER"
)

// DeviceIssuer is the device CA of an installation: it certifies the device
// keys of the cards made there.
type DeviceIssuer struct {
	key         *curve.PrivateKey
	certificate []byte // self-signed CVC
	chr         string
}

// NewDeviceIssuer makes a device CA.
func NewDeviceIssuer(now time.Time) (*DeviceIssuer, error) {
	key, err := newDeviceKey()
	if err != nil {
		return nil, err
	}
	chr := randomName(issuerPrefix, issuerSuffix)
	certificate, err := certify(key, chr, key, chr, wire.RoleDeviceIssuer, now)
	if err != nil {
		return nil, err
	}
	return &DeviceIssuer{key, certificate, chr}, nil
}

func newDeviceKey() (*curve.PrivateKey, error) {
	c, err := curve.ByName(deviceCurve)
	if err != nil {
		return nil, err
	}
	return c.Generate()
}

// randomName appends n characters of Crockford's base 32 to the prefix.
func randomName(prefix string, n int) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	random := make([]byte, n)
	rand.Read(random)
	name := []byte(prefix)
	for _, v := range random {
		name = append(name, alphabet[v%32])
	}
	return string(name) + firstSequence
}

func certify(issuer *curve.PrivateKey, car string, subject *curve.PrivateKey, chr string, role byte, now time.Time) ([]byte, error) {
	c := wire.CVC{
		CAR: car, CHR: chr, Key: wire.ECPublicKey(subject.Curve, subject.Q),
		Role: []byte{role}, Effective: now, Expiration: now.Add(validity),
	}
	return c.Sign(ecKey{PrivateKey: issuer}.signCVC)
}

// Marshal encodes the device CA as PEM: its certificate, then its private key.
func (i *DeviceIssuer) Marshal() secret.Bytes {
	b := pem.EncodeToMemory(&pem.Block{Type: issuerKeyLabel + " CVC", Bytes: i.certificate})
	return append(b, pem.EncodeToMemory(&pem.Block{Type: issuerKeyLabel + " KEY", Bytes: i.key.D})...)
}

// ParseDeviceIssuer reads what Marshal wrote.
func ParseDeviceIssuer(b []byte) (*DeviceIssuer, error) {
	certificate, rest := pem.Decode(b)
	key, _ := pem.Decode(rest)
	if certificate == nil || key == nil || key.Type != issuerKeyLabel+" KEY" {
		return nil, errors.New("device issuer: a certificate and a key in PEM were expected")
	}
	cursor := tlv.Cursor(certificate.Bytes)
	cvc, err := wire.ParseCVC(&cursor)
	if err != nil {
		return nil, fmt.Errorf("device issuer: %w", err)
	}
	if cvc.Key.Type != wire.KeyEC {
		return nil, fmt.Errorf("device issuer: its certificate is for a key of type %s, EC was expected", cvc.Key.Type)
	}
	private, err := cvc.Key.Curve.NewPrivateKey(key.Bytes)
	if err != nil {
		return nil, fmt.Errorf("device issuer: %w", err)
	}
	return &DeviceIssuer{private, cvc.Bytes(), cvc.CHR}, nil
}

// ErrDeviceExists is returned for a store that already holds a device.
var ErrDeviceExists = errors.New("the store already holds a device")

// Manufacture makes a new device in an empty store: its key, its certificate
// chain and its serial number, which it returns. The device has no PIN until
// it is initialised.
func Manufacture(s store.Store, issuer *DeviceIssuer, now time.Time) (serial string, err error) {
	key, err := newDeviceKey()
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	chr := randomName(devicePrefix, deviceSuffix)
	certificate, err := certify(issuer.key, issuer.chr, key, chr, wire.RoleDevice, now)
	if err != nil {
		return "", err
	}
	record, err := ecRecord(key).bytes()
	if err != nil {
		return "", err
	}
	chain := append(certificate, issuer.certificate...)
	return chr[:len(chr)-wire.SequenceLength], s.Update(func(w store.Writer) error {
		t := &transaction{Writer: w}
		if err := t.state.read(w); err == nil {
			return ErrDeviceExists
		} else if !errors.Is(err, ErrNoDevice) {
			return err
		}
		if err := t.Put(kindDevice, recordFactoryKey, record); err != nil {
			return err
		}
		if err := putDeviceFiles(t, chain); err != nil {
			return err
		}
		t.saveState()
		return t.end()
	})
}

// putDeviceFiles writes the files that every device has.
func putDeviceFiles(t *transaction, chain []byte) error {
	tokenInfo, err := wire.TokenInfo{Manufacturer: manufacturer, Label: defaultLabel}.Bytes()
	if err != nil {
		return err
	}
	directory, err := wire.Directory(defaultLabel)
	if err != nil {
		return err
	}
	for fid, content := range map[wire.FID][]byte{
		wire.EFDevAut: chain, wire.EFTokenInfo: tokenInfo, wire.EFDIR: directory,
	} {
		if err := t.Put(kindFile, uint16(fid), content); err != nil {
			return err
		}
	}
	return nil
}
