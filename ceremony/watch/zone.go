package watch

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// zonesOf are the zones that a time can be in: the one that is said, or else the
// clock's, and UTC.
func zonesOf(name, offset string, clock time.Time) ([]*time.Location, error) {
	hours, known := named()[name]
	switch {
	case name == "" && offset == "":
		_, local := clock.Zone()
		return []*time.Location{fixed(local), time.UTC}, nil
	case !known || offset != "" && hours != 0:
		return nil, fmt.Errorf("the zone %s is not known here; write how far it is from UTC, as in +01:00", strings.ToUpper(name)+offset)
	case offset == "":
		return []*time.Location{fixed(hours * 3600)}, nil
	}
	seconds, err := parseOffset(offset)
	return []*time.Location{fixed(seconds)}, err
}

// named are zones that have one meaning, in hours from UTC: those of RFC 5322, and of
// Europe and Japan.
func named() map[string]int {
	return map[string]int{
		"": 0, "z": 0, "utc": 0, "gmt": 0,
		"wet": 0, "west": 1, "bst": 1, "cet": 1, "mez": 1, "cest": 2, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9,
		"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
	}
}

// parseOffset reads +1, +01, +0100 or +01:00.
func parseOffset(offset string) (seconds int, err error) {
	digits := strings.Replace(offset[1:], ":", "", 1)
	hours, minutes := digits, "0"
	if len(digits) > 2 {
		hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
	}
	h, _ := strconv.Atoi(hours) // digits, as the form of a time has them
	m, _ := strconv.Atoi(minutes)
	if h > 14 || m > 59 {
		return 0, fmt.Errorf("no zone is %s from UTC; -12:00 to +14:00 was expected", offset)
	}
	seconds = h*3600 + m*60
	if offset[0] == '-' {
		seconds = -seconds
	}
	return seconds, nil
}

// fixed is a zone by its offset, whose name says it.
func fixed(seconds int) *time.Location {
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone(time.Unix(0, 0).In(time.FixedZone("", seconds)).Format("UTC-07:00"), seconds)
}
