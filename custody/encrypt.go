package custody

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// EncryptTo lets the sheet of a custodian who is not here be encrypted. That is
// said as N=KEY: the number or name of the custodian, and their public key,
// age1… or ssh-ed25519. The names must be set before.
func (c *Creation) EncryptTo(to string) error {
	who, key, found := strings.Cut(to, "=")
	number, err := findCustodian(who, c.Names, c.Scheme.Total)
	switch {
	case !found || errors.Is(err, errNoCustodian):
		return fmt.Errorf("%s: N=KEY was expected, N being the number or name of a custodian (1 to %d)", who, c.Scheme.Total)
	case err != nil:
		return fmt.Errorf("%s=: %w", who, err)
	case c.Encrypt[number] != nil:
		return fmt.Errorf("%s=: custodian %d has a key already", who, number)
	}
	recipient, err := parseRecipient(key)
	if err != nil {
		return fmt.Errorf("%s=: %w", who, err)
	}
	if other, twice := c.recipients[bareKey(key)]; twice {
		return fmt.Errorf("%s=: custodian %d has the same key, and no one keeps two sheets", who, other)
	}
	if c.Encrypt == nil {
		c.Encrypt, c.recipients = map[int]func(Handout) ([]byte, error){}, map[string]int{}
	}
	c.recipients[bareKey(key)] = number
	c.Encrypt[number] = func(h Handout) ([]byte, error) { return encrypt(recipient, h) }
	return nil
}

func parseRecipient(key string) (age.Recipient, error) {
	if strings.HasPrefix(key, "age1") {
		return age.ParseX25519Recipient(key)
	}
	if strings.HasPrefix(key, "ssh-") {
		return agessh.ParseRecipient(key)
	}
	return nil, errors.New("a key that begins with age1 or ssh-ed25519 was expected")
}

// bareKey is a key without the comment that one of SSH has.
func bareKey(key string) string {
	words := strings.Fields(key)
	return strings.Join(words[:min(2, len(words))], " ")
}

// encrypt makes a sheet that only the recipient can read.
func encrypt(recipient age.Recipient, h Handout) ([]byte, error) {
	var encrypted bytes.Buffer
	w, err := age.Encrypt(&encrypted, recipient)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "# Share %d of set %s (%v) for %s, key check value %s\n", h.Number, h.Set, h.Scheme, h.ShareFile, h.KCV)
	fmt.Fprintf(w, "# Check it: age -d -i KEY SHEET | conclave dkek check %s --sheets-file -\n", h.ShareFile)
	fmt.Fprintf(w, "Code        : %s\nPrime       : %s\nShare ID    : %s\nShare value : %s\n", h.Sheet.Code, h.Sheet.Prime, h.Sheet.ID, h.Sheet.Value)
	if err := w.Close(); err != nil {
		return nil, err
	}
	return encrypted.Bytes(), nil
}
