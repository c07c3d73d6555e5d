package preflight

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"conclave/ceremony/plan"
	"conclave/custody"
	"conclave/custody/keyfile"
	"conclave/internal/safefile"
	"conclave/internal/secret"
)

// errLocked is the error for a key file whose password is for the room.
var errLocked = errors.New("the password is asked for in the room")

// keyFiles looks at the files of keys that are imported, as far as that goes without a
// password.
func (c Check) keyFiles(ctx context.Context, f *findings) {
	for _, k := range c.Plan.Keys {
		if k.Import == "" {
			continue
		}
		detail, err := c.keyFile(ctx, k)
		f.judge("key "+k.Name, err, detail)
	}
}

func (c Check) keyFile(ctx context.Context, k plan.Key) (detail string, err error) {
	path := filepath.Join(c.Base, k.Import)
	content, err := safefile.Read(path, keyfile.MaxFile)
	if err != nil {
		return "", err
	}
	defer clear(content)
	if safefile.Exposed(path) {
		return "", fmt.Errorf("others on this machine can read %s, and may have copied it; type: chmod 600 %s", k.Import, safefile.Quoted(path))
	}
	source, err := keyfile.Read(content, func() (secret.Bytes, error) { return nil, errLocked })
	if errors.Is(err, errLocked) {
		return fmt.Sprintf("%s is encrypted; whoever knows its password comes to the ceremony", k.Import), nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", k.Import, err)
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
