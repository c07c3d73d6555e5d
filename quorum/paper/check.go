package paper

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"conclave/internal/typeset"
)

// MaxContact is how many characters there is room for of whom to call.
const MaxContact = 60

const (
	maxShares = 255 // sc-hsm-tool counts shares in a byte
	maxColons = 50  // 17 pairs, those of 2^128+51, with colons between them
)

var (
	setPattern  = regexp.MustCompile(`^[AC-HJ-NP-Z02-9]{4}$`)
	kcvPattern  = regexp.MustCompile(`^[0-9A-Fa-f]{16}$`)
	hexPattern  = regexp.MustCompile(`^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*$`)
	codePattern = regexp.MustCompile(`^[AC-HJ-NP-Z02-9]{4}( [AC-HJ-NP-Z02-9]{4}){11}$`)
)

// compose returns the sheet with its names as they are printed: without spaces
// around them, and with accents in one character with their letters (Unicode's
// NFC), which is how fonts have them. File names of macOS come decomposed.
func (s Sheet) compose() Sheet {
	for _, name := range []*string{&s.Custodian, &s.Ceremony, &s.ShareFile, &s.Restores, &s.Contact} {
		*name = norm.NFC.String(strings.TrimSpace(*name))
	}
	return s
}

// check rejects what must not be printed. Errors show no secret.
func (s Sheet) check() error {
	switch {
	case s.Threshold < 2 || s.Threshold > s.Total || s.Total > maxShares:
		return fmt.Errorf("a %d-of-%d set cannot be made; a threshold from 2 to the number of sheets was expected, and %d sheets at most", s.Threshold, s.Total, maxShares)
	case s.Number < 1 || s.Number > s.Total:
		return fmt.Errorf("number: one from 1 to %d was expected", s.Total)
	case s.Date.IsZero():
		return errors.New("date: there is none; that of the ceremony was expected")
	case utf8.RuneCountInString(s.Contact) > MaxContact: // a part of a telephone number is none
		return fmt.Errorf("contact: %d characters; %d at most were expected", utf8.RuneCountInString(s.Contact), MaxContact)
	case s.ShareFile == "":
		return errors.New("share file: it has no name; that of the file which the sheet opens was expected")
	}
	if err := s.checkPatterns(); err != nil {
		return err
	}
	return s.checkNames()
}

func (s Sheet) checkPatterns() error {
	switch {
	case !setPattern.MatchString(s.Set):
		return errors.New("set identifier: four characters of the bech32 alphabet in upper case were expected")
	case !kcvPattern.MatchString(s.KCV):
		return errors.New("key check value: 16 hexadecimal digits were expected")
	case !isColons(s.Prime):
		return errors.New("prime: pairs of hexadecimal digits with colons between them were expected, 17 at most")
	case !isID(s.ID, 10):
		return fmt.Errorf("share ID: a number from 1 to %d was expected", maxShares)
	case s.OldToolID != "" && !isID(s.OldToolID, 16):
		return errors.New("share ID for sc-hsm-tool: a hexadecimal number from 1 to ff was expected")
	case !isColons(s.Value):
		return errors.New("share value: pairs of hexadecimal digits with colons between them were expected, 17 at most")
	case !codePattern.MatchString(s.Code):
		return errors.New("code: twelve groups of four characters of the bech32 alphabet in upper case were expected")
	}
	return nil
}

func isColons(text string) bool { return len(text) <= maxColons && hexPattern.MatchString(text) }

func isID(text string, base int) bool {
	n, err := strconv.ParseUint(text, base, 8)
	return err == nil && n > 0
}

// checkNames rejects characters that cannot be printed.
func (s Sheet) checkNames() error {
	for _, field := range []struct{ name, text string }{
		{"custodian", s.Custodian}, {"ceremony", s.Ceremony}, {"share file", s.ShareFile},
		{"what it restores", s.Restores}, {"contact", s.Contact},
	} {
		if err := typeset.Check(field.text); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	return nil
}
