package sshsign

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// signer is a line of an ALLOWED SIGNERS file (ssh-keygen(1)).
type signer struct {
	principals  string // names, separated by commas
	key         ssh.PublicKey
	namespaces  string    // a list of patterns; empty accepts any
	validAfter  time.Time // zero when there is no limit
	validBefore time.Time
}

// parseAllowed reads all lines: principals, options if any, key, comment.
func parseAllowed(text []byte) ([]signer, error) {
	var signers []signer
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.Trim(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		s, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrAllowed, number, err)
		}
		signers = append(signers, s)
	}
	return signers, nil
}

func parseLine(line string) (signer, error) {
	end := strings.IndexAny(line, " \t")
	if end < 0 {
		return signer{}, fmt.Errorf("%q: principals and a key were expected, separated by a space", line)
	}
	s := signer{principals: line[:end]}
	// A pattern would name nobody.
	if strings.ContainsAny(s.principals, `*?!"`) {
		return signer{}, fmt.Errorf("%q is a pattern or quoted; the principals' names were expected", s.principals)
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line[end:]))
	if err != nil {
		return signer{}, fmt.Errorf("of %s: %w; options and a public key were expected", s.principals, err)
	}
	if s.key = key; !knownKey(key) {
		return signer{}, fmt.Errorf("of %s: a key of type %q; Ed25519, ECDSA, RSA or a FIDO token's was expected", s.principals, key.Type())
	}
	seen := map[string]bool{}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if name = strings.ToLower(name); seen[name] {
			return signer{}, fmt.Errorf("of %s: option %q twice", s.principals, name)
		}
		seen[name] = true
		if err := s.set(name, value); err != nil {
			return signer{}, fmt.Errorf("of %s: %w", s.principals, err)
		}
	}
	return s, nil
}

// set takes an option, whose value is in double quotes.
func (s *signer) set(name, value string) error {
	if name == "cert-authority" {
		return fmt.Errorf("option %q: certificates are not verified here; list each signer's own key", name)
	}
	inner, opened := strings.CutPrefix(value, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !opened || !closed || inner == "" || strings.ContainsAny(inner, `"\`) {
		return fmt.Errorf(`option %q with %s: a value in double quotes was expected`, name, value)
	}
	var err error
	switch name {
	case "namespaces":
		s.namespaces = inner
	case "valid-after":
		s.validAfter, err = parseTime(inner)
	case "valid-before":
		s.validBefore, err = parseTime(inner)
	default:
		err = fmt.Errorf("option %q is not known; namespaces, valid-after or valid-before was expected", name)
	}
	return err
}

// parseTime reads YYYYMMDD or YYYYMMDDHHMM[SS], in local time unless a Z for
// UTC follows.
func parseTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	const layout = "20060102150405"
	if n := len(digits); n == 8 || n == 12 || n == 14 {
		if at, err := time.ParseInLocation(layout[:n], digits, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("time %q: YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z] was expected", text)
}

// find returns the principals of the first line for a key that accepts it.
func find(signers []signer, key ssh.PublicKey, namespace string, at time.Time) (string, error) {
	reason := fmt.Errorf("%w: the key %s is in no line; was the list made with it?", ErrSigner, ssh.FingerprintSHA256(key))
	for _, s := range signers {
		switch {
		case !bytes.Equal(s.key.Marshal(), key.Marshal()):
		case s.namespaces != "" && !matches(s.namespaces, namespace):
			reason = fmt.Errorf("%w: %s may sign for %s, not %q", ErrSigner, s.principals, s.namespaces, namespace)
		case at.Before(s.validAfter):
			reason = fmt.Errorf("%w: the key of %s is not valid before %v", ErrSigner, s.principals, s.validAfter)
		case !s.validBefore.IsZero() && at.After(s.validBefore):
			reason = fmt.Errorf("%w: the key of %s is not valid after %v", ErrSigner, s.principals, s.validBefore)
		default:
			return s.principals, nil
		}
	}
	return "", reason
}

// matches says whether a pattern of a list (PATTERNS in ssh_config(5)) matches
// all of name, and none that begins with ! does.
func matches(list, name string) (found bool) {
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(pattern, "!")
		expression := regexp.QuoteMeta(pattern)
		expression = strings.ReplaceAll(expression, `\*`, `.*`)
		expression = strings.ReplaceAll(expression, `\?`, `.`)
		if ok, err := regexp.MatchString(`(?s)\A`+expression+`\z`, name); err != nil || !ok {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}
