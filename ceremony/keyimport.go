package ceremony

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"

	"conclave/ca"
	"conclave/ceremony/evidence"
	"conclave/ceremony/plan"
	"conclave/ceremony/step"
	"conclave/custody"
	"conclave/custody/keyfile"
	"conclave/dkek"
	"conclave/hsm"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// readKeyFile reads the file of a key that is imported, from the folder of the plan.
func readKeyFile(base, path string) (secret.Bytes, error) {
	return safefile.Read(filepath.Join(base, path), keyfile.MaxFile)
}

// importing brings a key that was made elsewhere to a device.
type importing struct{ *proceedings }

// importKey brings a key to the custody's device, and keeps the request that the key
// has signed itself: no device can say that it made it.
func (p importing) importKey(ctx context.Context, planned *plan.Key) (done, error) {
	key, sum, err := p.openKeyFile(ctx, planned)
	if err != nil {
		return done{}, fmt.Errorf("%s: %w", planned.Import, err)
	}
	defer key.Wipe()
	h, err := p.devices.login(ctx, p.Plan.Custody.Device)
	if err != nil {
		return done{}, err
	}
	ref, who, err := p.giveKey(ctx, h, key)
	if err != nil {
		return done{}, err
	}
	request, err := h.Certificate(ref)
	if err != nil {
		return done{}, err
	}
	if err := p.Dir.put(evidence.AttestationFile(planned.Name), request); err != nil {
		return done{}, err
	}
	d, err := p.present(ctx, planned.Name, &key.Public, step.GenerateFacts{
		Reference: int(ref), Attestation: sumOf(sha256.Sum256(request)), KeyFile: sum, Custodians: who,
	})
	d.text += fmt.Sprintf(", imported from %s by custodians %s; that file still holds it: destroy it, and every copy, when the backup is proved", planned.Import, who)
	return d, err
}

// openKeyFile reads a key that is imported, which must be in the file that was
// compared with the papers, and of the planned type.
func (p importing) openKeyFile(ctx context.Context, planned *plan.Key) (k custody.Incoming, sum step.Sum, err error) {
	content, err := readKeyFile(p.Base, planned.Import)
	if err != nil {
		return k, "", err
	}
	defer content.Wipe()
	sum = sumOf(sha256.Sum256(content))
	if opened := of[step.OpenFacts](p.log, step.Open.ID()).KeyFiles[planned.Import]; sum != opened {
		return k, "", fmt.Errorf("its SHA-256 is %s, and was %s when it was compared with the papers; put that file back", sum, opened)
	}
	source, err := p.unlock(ctx, planned.Import, content)
	if err != nil {
		return k, "", err
	}
	k, finding, err := custody.NewIncoming(source.Key)
	if err == nil {
		err = planned.CheckType(k.Public)
	}
	if err == nil {
		err = p.checkAwaited(planned, k.Public)
	}
	if err != nil {
		source.Wipe()
		return k, "", err
	}
	if finding != nil {
		p.people.Tell(fmt.Sprintf("The key in %s is carried on as it is, but no new certificate would be made for it: %v.", planned.Import, finding))
	}
	k.Label = planned.Name
	return k, sum, nil
}

// checkAwaited refuses a key that a certificate which exists shows to be another one
// than is awaited: it could be no other import's. A locked file tells no earlier.
func (a Ceremony) checkAwaited(planned *plan.Key, public wire.PublicKey) (err error) {
	for _, c := range a.Plan.Certificates {
		if c.File == "" || c.Device != a.Plan.Custody.Device {
			continue
		}
		cert, failed := ca.ReadCertificate(filepath.Join(a.Base, c.File))
		if failed != nil {
			return failed
		}
		awaited, failed := wire.ParseSPKI(cert.RawSubjectPublicKeyInfo)
		if failed != nil {
			return failed
		}
		if awaited.Equal(public) {
			return nil
		}
		mayBe := func(k plan.Key) bool { return k.Import != "" && k.CheckType(*awaited) == nil }
		if mayBe(*planned) && !slices.ContainsFunc(a.Plan.Keys, func(k plan.Key) bool { return k.Name != planned.Name && mayBe(k) }) {
			err = fmt.Errorf("it is not the key of %s; put the file that has that key in its place", c.File)
		}
	}
	return err
}

// unlock opens a key file, and asks for its password until it is right.
func (p importing) unlock(ctx context.Context, path string, content secret.Bytes) (source *keyfile.Source, err error) {
	q := PINQuestion{Who: p.Plan.People.Administrator, What: "password of the key file " + path}
	for {
		source, err = keyfile.Read(content, func() (secret.Bytes, error) { return p.people.pin(ctx, q) })
		if !errors.Is(err, keyfile.ErrPassword) {
			return source, err
		}
		q.Problem = err
	}
}

// giveKey lets custodians open the DKEK, under which the key comes to the device;
// an interrupted step may have brought it there.
func (p importing) giveKey(ctx context.Context, h *hsm.HSM, key custody.Incoming) (ref byte, who string, err error) {
	var present *custody.PresentError
	if err := key.Check(h, 0); errors.As(err, &present) {
		if who = p.log.custodiansNoted(); who == evidence.LostCustodians {
			return 0, "", fmt.Errorf("%w; it has not come there in this step: delete it there, or take it out of the plan", err)
		}
		return present.Ref, who, h.Prove(present.Ref, key.Public)
	} else if err != nil {
		return 0, "", err
	}
	opened, who, err := p.openBackups(ctx, p.Plan.Custody.Device)
	if err != nil {
		return 0, "", err
	}
	defer opened.Wipe()
	d, err := dkek.New(opened.Share)
	if err != nil {
		return 0, "", err
	}
	defer d.Wipe()
	p.announce("importing the key " + key.Label)
	restored, err := key.Import(h, d, 0)
	return restored.Ref, who, errors.Join(err, restored.NotTried)
}

// practiceKeyFile makes a key of the type of one that is imported, which the people of
// a rehearsal can open.
func (a Ceremony) practiceKeyFile(k *plan.Key) ([]byte, error) {
	template, err := wire.ParseKeyType(k.Type)
	if err != nil {
		return nil, err
	}
	var key any
	switch template.Type {
	case wire.KeyRSA:
		key, err = rsa.GenerateKey(rand.Reader, template.Bits)
	case wire.KeyMLDSA:
		key, err = mldsa.GenerateKey(template.Parameters)
	default:
		key, err = template.Curve.Generate()
	}
	if err != nil {
		return nil, err
	}
	a.Room.Tell("The password of the practice key file " + k.Import + " is " + practicePIN + ".")
	return keyfile.EncryptedPEM(key, secret.Bytes(practicePIN))
}

// importedFor is the key that may be that of a certificate whose key is to be in a
// device: one of its type that the rehearsal imports there; nil if there is none.
func (a Ceremony) importedFor(cert *x509.Certificate, device string) *plan.Key {
	public, err := wire.ParseSPKI(cert.RawSubjectPublicKeyInfo)
	if err != nil || a.Plan.Custody == nil || device != a.Plan.Custody.Device {
		return nil
	}
	for i := range a.Plan.Keys {
		if k := &a.Plan.Keys[i]; k.Import != "" && k.CheckType(*public) == nil {
			return k
		}
	}
	return nil
}

// practiceSigner is the key in a practice key file.
func (a Ceremony) practiceSigner(k *plan.Key) (crypto.Signer, error) {
	content, err := readKeyFile(a.Base, k.Import)
	if err != nil {
		return nil, err
	}
	source, err := keyfile.Read(content, func() (secret.Bytes, error) { return secret.Bytes(practicePIN), nil })
	if err != nil {
		return nil, err
	}
	der, err := keyfile.PKCS8(source.Key)
	if err != nil {
		return nil, err
	}
	key, err := mldsax509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return key.(crypto.Signer), nil
}
