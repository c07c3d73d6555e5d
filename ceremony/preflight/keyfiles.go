package preflight

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"

	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/custody/keyfile"
	"conclave/internal/safefile"
	"conclave/internal/secret"
	"conclave/wire"
)

// errLocked is the error for a key file whose password is for the room.
var errLocked = errors.New("the password is asked for in the room")

// keyFiles looks at the files of keys that are imported, as far as that goes without a
// password.
func (c Check) keyFiles(f *findings) {
	for _, k := range c.Plan.Keys {
		if k.Import == "" {
			continue
		}
		detail, err := c.keyFile(k)
		f.judge("key "+k.Name, err, detail)
	}
}

func (c Check) keyFile(k plan.Key) (detail string, err error) {
	source, err := c.readKeyFile(k)
	if errors.Is(err, errLocked) {
		return fmt.Sprintf("%s is under a password; whoever knows it comes to the ceremony", k.Import), nil
	}
	if err != nil {
		return "", err
	}
	defer source.Wipe()
	incoming, finding, err := custody.NewIncoming(source.Key)
	if err == nil {
		err = k.CheckType(incoming.Public)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", k.Import, err)
	}
	detail = fmt.Sprintf("%s, %s, is not encrypted: whoever has it has the key", k.Import, source.Form)
	if finding != nil {
		detail += fmt.Sprintf("; %v", finding)
	}
	return detail, nil
}

// readKeyFile reads a key file that needs no password; errLocked for another one.
func (c Check) readKeyFile(k plan.Key) (*keyfile.Source, error) {
	path := filepath.Join(c.Base, k.Import)
	content, err := safefile.Read(path, keyfile.MaxFile)
	if err != nil {
		return nil, err
	}
	defer clear(content)
	if safefile.Exposed(path) {
		return nil, fmt.Errorf("others on this machine can read %s, and may have copied it; type: chmod 600 %s", k.Import, safefile.Quoted(path))
	}
	source, err := keyfile.Read(content, func() (secret.Bytes, error) { return nil, errLocked })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.Import, err)
	}
	return source, nil
}

// hasKey checks that the key of a certificate that exists comes to its device, if that
// is the one which the ceremony erases: from a key file that has it, or that is locked
// and may have it.
func (c Check) hasKey(planned *plan.Certificate, cert *x509.Certificate) error {
	if c.Plan.Custody == nil || planned.Device != c.Plan.Custody.Device {
		return nil
	}
	public, err := wire.ParseSPKI(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return err
	}
	for _, k := range c.Plan.Keys {
		if k.Import != "" && k.CheckType(*public) == nil && c.mayHold(k, *public) {
			return nil
		}
	}
	return fmt.Errorf("its key would not be in the device %s, which the ceremony erases; name the key file that has it as the import of a key of its type, or another device", planned.Device)
}

// mayHold says whether the file of a key has, or may have, the one with a public half.
func (c Check) mayHold(k plan.Key, public wire.PublicKey) bool {
	source, err := c.readKeyFile(k)
	if err != nil {
		return true // what is wrong with it is told as the key's
	}
	defer source.Wipe()
	held, err := keyfile.Public(source.Key)
	return err == nil && held.Equal(public)
}
