package custody

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"conclave/internal/safefile"
	"conclave/internal/transfer"
	"conclave/quorum"
)

// maxNames is how many bytes a file of names may have: 255 of 60 characters have a
// tenth of that.
const maxNames = 1 << 20

// ReadNames reads the names of custodians, one on a line. Empty lines and those
// that begin with # are skipped.
func ReadNames(path string) (names []string, err error) {
	content, err := safefile.Read(path, maxNames)
	if err != nil {
		return nil, err
	}
	text, err := transfer.Text(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			names = append(names, name)
		}
	}
	return names, nil
}

var errNoCustodian = errors.New("there is no such custodian")

// findCustodian gives the number of the one custodian whose name this is, in
// whichever way it is written, or whose number.
func findCustodian(who string, names []string, total int) (int, error) {
	var found []int
	for i, name := range names {
		if quorum.FoldName(name) == quorum.FoldName(who) {
			found = append(found, i+1)
		}
	}
	if n, err := strconv.Atoi(who); err == nil && n >= 1 && n <= total && !slices.Contains(found, n) {
		found = append(found, n)
	}
	switch len(found) {
	case 0:
		return 0, errNoCustodian
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("this may mean custodian %d or %d; give what only one of them has, number or name", found[0], found[1])
}

// CheckCeremonyName refuses a name of a ceremony that does not fit on a sheet, or into a
// record.
func CheckCeremonyName(name string) error {
	const most = 100
	if n := utf8.RuneCountInString(name); n > most {
		return fmt.Errorf("the name has %d characters; %d at most were expected", n, most)
	}
	return quorum.CheckVisible(name)
}
