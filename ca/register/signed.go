package register

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"conclave/ca"
)

// checkIntent refuses what could not be found or printed again.
func checkIntent(intent ca.Intent) error {
	if intent.Kind != ca.KindCertificate && intent.Kind != ca.KindRenewal && intent.Kind != ca.KindCRL {
		return fmt.Errorf("the intent's kind is %q; %q, %q or %q was expected", intent.Kind, ca.KindCertificate, ca.KindRenewal, ca.KindCRL)
	}
	if err := checkNumber(intent.Number); err != nil {
		return fmt.Errorf("%s: %w", intent.Kind, err)
	}
	if _, err := nameText(intent.Issuer); err != nil {
		return fmt.Errorf("%s %x: issuer: %w", intent.Kind, numberBytes(intent.Number), err)
	}
	if !utf8.ValidString(intent.Subject) {
		return fmt.Errorf("%s: subject %q is not UTF-8; give it as in RFC 4514", title(intent), intent.Subject)
	}
	if err := checkTime(intent.Time); err != nil {
		return fmt.Errorf("%s: %w", title(intent), err)
	}
	return nil
}

// checkNumber wants a number that an INTEGER (0..MAX) can be; RFC 5280 has no
// other CRL numbers (section 5.2.3), and crypto/x509 no other serial numbers.
func checkNumber(number *big.Int) error {
	if number == nil || number.Sign() < 0 {
		return fmt.Errorf("the number is %v; 0 or more was expected", number)
	}
	return nil
}

// numberBytes is a number big-endian, without leading zeros, but at least one
// byte.
func numberBytes(number *big.Int) []byte {
	return number.FillBytes(make([]byte, max(1, (number.BitLen()+7)/8)))
}

// checkTime wants what certificates can say, too.
func checkTime(t time.Time) error {
	if y := t.UTC().Year(); t.IsZero() || y < 1 || y > 9999 {
		return fmt.Errorf("the time is %v; one in the years 1 to 9999 was expected, check the clock", t)
	}
	return nil
}

// checkNote wants words.
func checkNote(note string) error {
	if strings.TrimSpace(note) == "" || !utf8.ValidString(note) {
		return fmt.Errorf("the note is %q; say in UTF-8 whether it was signed, how you know, who you are and what day it is", note)
	}
	return nil
}

// seconds is a time as the register keeps it, which is as certificates and CRLs
// do: UTC, whole seconds.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// timeText is of the same length for all times, so that their order is that of
// the texts.
func timeText(t time.Time) string { return seconds(t).Format(time.RFC3339) }

// nameText is a distinguished name, DER, for people (RFC 4514).
func nameText(der []byte) (string, error) {
	if len(der) > ca.MaxName {
		return "", fmt.Errorf("a distinguished name of %d bytes; %d at most were expected", len(der), ca.MaxName)
	}
	var name pkix.RDNSequence
	rest, err := asn1.Unmarshal(der, &name)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow it", len(rest))
	}
	if err != nil {
		return "", fmt.Errorf("%x is not a distinguished name in DER: %w", der, err)
	}
	return strings.ToValidUTF8(name.String(), "\uFFFD"), nil
}

// checkSigned refuses what is not what was intended. It does not verify
// the signature. The hash of what is adopted without being here is zero: when it turns
// up, its issuer and its number tell that it is that.
func checkSigned(intent ca.Intent, der []byte) error {
	signed, err := ca.ParseSigned(intent.Kind, der)
	if err != nil {
		return fmt.Errorf("%s: what was signed cannot be read: %w", title(intent), err)
	}
	const advice = "it belongs to another intent"
	if !bytes.Equal(signed.Issuer, intent.Issuer) {
		return fmt.Errorf("%s: what was signed names another issuer, %x; %s", title(intent), signed.Issuer, advice)
	}
	if signed.Number == nil || signed.Number.Cmp(intent.Number) != 0 {
		return fmt.Errorf("%s: what was signed has number %x; %s", title(intent), signed.Number, advice)
	}
	if sum := sha256.Sum256(signed.TBS); sum != intent.TBS && intent.TBS != [sha256.Size]byte{} {
		return fmt.Errorf("%s: SHA-256 of what was signed is %x; %x was intended: something else bears the number, keep it and find out why", title(intent), sum, intent.TBS)
	}
	return nil
}
