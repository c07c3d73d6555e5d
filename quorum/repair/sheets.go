package repair

import (
	"errors"
	"math/big"
	"slices"
)

// sheetStage is a stage of a plan for sheets.
type sheetStage struct {
	name     string
	mistakes mistakes
	want     odds
	leave    int                 // how many sheets are left out
	primes   []*big.Int          // nil for the likely ones
	count    func(*base) float64 // estimates the candidates of a base; nil to count them
	applies  func(input) bool    // nil if it always does
	least    int                 // mistakes that are supposed
	// sure says that it is not a coincidence if it gives the password.
	sure bool
}

// Sheets plans the search for what is wrong with sheets that were entered, in
// any number from two up: all of them, or the others if one does not fit, are
// to be as many as the threshold, which need not be known. It takes a moment.
// The error says what must be typed before anything can be searched.
//
// The stages, and their candidates for 2, 3 and 5 sheets that were taken as an
// example; 18 a second are usual on two processors:
//
//	as typed                                             1       1       1
//	one sheet left out                                   0       3       6
//	two sheets left out                                  0       0       5
//	share values of another sheet                        0       4      15
//	share IDs up to 16                                  17      23      32
//	one digit misread as one like it                    27      73     140
//	neighbouring digits or groups exchanged             42       2      98
//	one other digit                                    129     238     628
//	(any one wrong digit: within)                      216     344     925
//	another prime                                       19      26      19
//	share IDs up to 255                                278     417     695
//	one sheet left out, and one digit                    0     900    2813
//	groups exchanged, missing or too many               41      26     116
//	the same with passwords that old files have        372     664     562
//	two digits misread as ones like them              1383    4308   16673
//	one digit, and values or IDs of other sheets       279    1255    6970
//	two digits                                       36270  109628  455040
//
// The number depends on the sheets: what is combined is below 2^63 in a half to
// two thirds of all cases, and mostly in the others too if it was before and
// only digits at the end are changed. Low share IDs have small weights, and then
// many guesses are the same. At the worst, all are different and possible: then
// any one wrong digit is found within 555 passwords on two sheets (31 seconds), 838
// on three (47), 1126 on four (63) and 1417 on five (79).
//
// If a number of digits is odd, one is missing or too many, and that is tried as
// soon as the sheets as they are: about 150 candidates. If digits cannot be read,
// each stage is multiplied by the ways to fill them in; stages beyond 2^24
// candidates are left out. Sheets beyond the threshold cost nothing, and save all
// this: with two of them, one wrong sheet is found without the share file.
func Sheets(drafts []Draft) (*Plan, error) {
	in, err := read(drafts)
	if err != nil {
		return nil, err
	}
	p := &Plan{}
	located, agree := in.locate()
	if agree {
		p.Consistent = true
		p.add("as typed", len(located), source{candidates: in.passwordsOf(located)})
		return p, nil
	}
	p.add("sheets that do not fit the others left out", len(located), source{candidates: in.passwordsOf(located)})
	for _, k := range in.kinds() {
		if k.applies == nil || k.applies(*in) {
			p.add(k.name, in.count(k), source{in.candidates(k), k.least, k.leave == 0 && !k.sure})
		}
	}
	if len(p.Stages) == 0 {
		return nil, errors.New("share value: nothing can be searched: too many digits are unreadable, or values are not below the prime; enter the sheets again, or others")
	}
	return p, nil
}

// kinds are the stages for sheets, the likeliest and cheapest first.
func (in *input) kinds() []sheetStage {
	single := inValue(allEdits()...)
	nearIDs, farIDs := anyOf(mixedIDs, wrongID(1, 16)), wrongID(17, maxSheets)
	otherReading := anyOf(hexadecimalIDs, mixedIDs, exchangedValues)
	odd := sheetStage{name: "a digit missing or one too many", mistakes: inValue(missingDigit, extraDigit), want: likely}
	kinds := []sheetStage{
		{name: "as typed", mistakes: anyOf(none, hexadecimalIDs), want: likely | remote, sure: true},
		{name: "one sheet left out", mistakes: anyOf(none, hexadecimalIDs), leave: 1, want: likely | remote},
		{name: "two sheets left out", mistakes: anyOf(none, hexadecimalIDs), leave: 2, want: likely},
		{name: "share values of another sheet", mistakes: anyOf(exchangedValues, mixedValues), want: likely},
		{name: "share IDs up to 16", mistakes: nearIDs, want: likely, sure: true, count: countOf(nearIDs)},
		{name: "one digit misread as one like it", mistakes: inValue(substitution(confusable)), want: likely},
		{name: "neighbouring digits or groups exchanged", mistakes: inValue(exchangedDigits, exchangedNeighbours), want: likely},
		{name: "one other digit", mistakes: inValue(substitution(otherThanConfusable)), want: likely},
		odd,
		{name: "another prime", mistakes: anyOf(none, hexadecimalIDs), primes: in.primes.remote, want: likely | remote, applies: hasRemotePrimes, sure: true},
		{name: "share IDs up to 255", mistakes: farIDs, want: likely, sure: true, count: countOf(farIDs)},
		{name: "one sheet left out, and one digit", mistakes: inValue(substitution(anyOther)), leave: 1, want: likely},
		{name: "groups exchanged, missing or too many", mistakes: inValue(exchangedGroups, extraGroup, missingGroup), want: likely},
		{name: "the same with passwords that old files have", mistakes: anyOf(exchangedValues, mixedValues, nearIDs, single), want: remote},
		{name: "two digits misread as ones like them", mistakes: twoDigits(confusable), want: likely, count: countTwoDigits(confusable), least: 2},
		{name: "one digit, and values or IDs of other sheets", mistakes: both(otherReading, inValue(substitution(anyOther))), want: likely, count: countBoth(otherReading), least: 2},
		{name: "digits missing or too many on two sheets", mistakes: onTwoSheets(missingDigit, extraDigit), want: likely, applies: twoAreOdd, least: 2},
		{name: "two digits", mistakes: twoDigits(anyOther), want: likely, count: countTwoDigits(anyOther), least: 2},
	}
	if slices.ContainsFunc(in.sheets, isOdd) { // a sure sign
		kinds = slices.DeleteFunc(kinds, func(k sheetStage) bool { return k.name == odd.name })
		kinds = slices.Insert(kinds, 3, odd)
	}
	return kinds
}

func hasRemotePrimes(in input) bool { return len(in.primes.remote) > 0 }

func isOdd(t typed) bool { return len(t.value)%2 == 1 }

func twoAreOdd(in input) bool {
	n := 0
	for _, t := range in.sheets {
		if isOdd(t) {
			n++
		}
	}
	return n == 2
}
