package quorum

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxName is how many characters the name of a custodian may have in a new set.
const maxName = 60

// CheckNames refuses names that cannot go on the sheets of a new set, or do not
// tell its custodians apart. Names in existing sets and plans may be longer.
func CheckNames(names []string) error {
	if err := CheckDistinct(names); err != nil {
		return err
	}
	for _, name := range names {
		// Whoever counts takes a letter and its accent for one character, even in
		// NFD.
		if n := utf8.RuneCountInString(norm.NFC.String(name)); n < 1 || n > maxName {
			return fmt.Errorf("custodian %q: a name of 1 to %d characters was expected", name, maxName)
		}
		if strings.TrimSpace(name) != name {
			return fmt.Errorf("custodian %q: the name begins or ends with a space", name)
		}
	}
	return nil
}

// CheckDistinct refuses names that readers cannot tell apart.
func CheckDistinct(names []string) error {
	seen := map[string]string{}
	for _, name := range names {
		if err := CheckVisible(name); err != nil {
			return fmt.Errorf("custodian %w", err)
		}
		folded := FoldName(name)
		switch other, twice := seen[folded]; {
		case twice && other == name:
			return fmt.Errorf("two custodians are named %s; add what tells them apart", name)
		case twice:
			return fmt.Errorf("two custodians are named %q and %q, which is one name to all who read it; add what tells them apart", other, name)
		}
		seen[folded] = name
	}
	return nil
}

// CheckVisible refuses a name with a character that no one sees: it makes two
// names of what is one on paper, or turns around what is beside it.
func CheckVisible(name string) error {
	if !utf8.ValidString(name) {
		return fmt.Errorf("%q: the name is not UTF-8", name)
	}
	for _, r := range name {
		if invisible(r) {
			return fmt.Errorf("%q: the character %U in the name is invisible; write the name without it", name, r)
		}
	}
	return nil
}

// invisible says whether a character shows nothing by itself, and is not a
// space: control and format characters, among them those that change the
// direction of writing, line ends, variation selectors, fillers.
func invisible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol, for Unicode
	return r == brailleBlank || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// FoldName gives the same text for names that are one person's to all who read
// them, however letters, accents and spaces are written, and without what no one
// sees.
func FoldName(name string) string {
	visible := strings.Map(func(r rune) rune {
		if invisible(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, name)
	// Folding can part a letter from its accent, hence the second NFKC.
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(visible)))
	return strings.Join(strings.Fields(folded), " ")
}
