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
//	as typed                                                             1       1       1
//	one sheet left out                                                   0       3       6
//	two sheets left out                                                  0       0       5
//	share values of another sheet                                        0       4      15
//	share IDs up to 16                                                  17      23      32
//	numbers that sound alike                                             0       1       1
//	one digit misread as one like it                                    27      73     140
//	neighbouring digits or groups exchanged                             42       2      98
//	one digit misheard                                                  15      30      80
//	one other digit                                                    114     208     548
//	(any one wrong digit: within)                                      216     345     926
//	another prime                                                       19      26      19
//	two digits misread alike, or exchanged over another one             49      69     158
//	values in another order, or on the keys beside                       9      19      38
//	values that go on in another line                                    1       9      49
//	one digit, or an exchange, with passwords that old files have      337     572     476
//	a group of another line                                              0       0     361
//	groups exchanged, missing or too many                               41      26     116
//	share IDs up to 255                                                278     417     695
//	one digit typed twice, and one left out                            100     306     804
//	one sheet left out, and one digit                                    0     900    2813
//	all else so far with passwords that old files have                  91     199     178
//	two digits misread as ones like them                              1383    4308   16673
//	two digits misheard                                                574    1689    4882
//	one group misread                                                 2091    3137    5228
//	one digit, and values or IDs of other sheets                       279    1255    6970
//	an exchange, and one digit like it                                3872    8662   21651
//	an exchange, and one other digit                                  8118   18104   51535
//	two digits                                                       36270  109628  455040
//	(in all)                                                         53728  149671  568612
//
// The number depends on the sheets: what is combined is below 2^63 in a half to
// two thirds of all cases, and mostly in the others too if it was before and
// only digits at the end are changed. Low share IDs have small weights, and then
// many guesses are the same. At the worst, all are different and possible: then
// any one wrong digit is found within 575 passwords on two sheets (32 seconds), 868
// on three (49), 1166 on four (65) and 1467 on five (82). Two sheets of 128 bits take
// ten times as many passwords for all stages, and twice as many up to there.
//
// If a number of digits is odd, one is missing or too many, and that is tried as
// soon as the sheets as they are: about 150 candidates. If a value has one group
// less than another one, a missing group comes before another prime, with 2,300 at
// most. If digits cannot be read, each stage is multiplied by the ways to fill them
// in; stages beyond 2^24 candidates are left out. Sheets beyond the threshold cost
// nothing, and save all this: with two of them, one wrong sheet is found without the
// share file.
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
	digit, exchange := inValue(substitution(anyOther)), inValue(exchangedDigits, exchangedNeighbours)
	wholeGroups := inValue(exchangedGroups, extraGroup, missingGroup)
	nearIDs, farIDs := anyOf(mixedIDs, wrongID(1, 16)), wrongID(17, maxSheets)
	otherReading := anyOf(hexadecimalIDs, mixedIDs, exchangedValues)
	odd := sheetStage{name: "a digit missing or one too many", mistakes: inValue(missingDigit, extraDigit), want: likely}
	kinds := []sheetStage{
		{name: "as typed", mistakes: anyOf(none, hexadecimalIDs), want: likely | remote, sure: true},
		{name: "one sheet left out", mistakes: anyOf(none, hexadecimalIDs), leave: 1, want: likely | remote},
		{name: "two sheets left out", mistakes: anyOf(none, hexadecimalIDs), leave: 2, want: likely},
		{name: "share values of another sheet", mistakes: anyOf(exchangedValues, mixedValues), want: likely},
		{name: "share IDs up to 16", mistakes: nearIDs, want: likely, sure: true, count: countOf(nearIDs)},
		{name: "numbers that sound alike", mistakes: inValue(misheardNumbers), want: likely},
		{name: "one digit misread as one like it", mistakes: inValue(substitution(confusable)), want: likely},
		{name: "neighbouring digits or groups exchanged", mistakes: exchange, want: likely},
		{name: "one digit misheard", mistakes: inValue(substitution(misheard)), want: likely},
		{name: "one other digit", mistakes: inValue(substitution(otherDigits)), want: likely},
		odd,
		{name: "a group missing", mistakes: inValue(missingGroup), want: likely, applies: isShort},
		{name: "another prime", mistakes: anyOf(none, hexadecimalIDs), primes: in.primes.remote, want: likely | remote, applies: hasRemotePrimes, sure: true},
		{name: "two digits misread alike, or exchanged over another one", mistakes: inValue(twins, exchangedOver), want: likely},
		{name: "values in another order, or on the keys beside", mistakes: anyOf(sameOnAll, inValue(rewritten, groupBeside)), want: likely},
		{name: "values that go on in another line", mistakes: exchangedTails, want: likely},
		{name: "one digit, or an exchange, with passwords that old files have", mistakes: anyOf(exchangedValues, digit, exchange), want: remote},
		{name: "a group of another line", mistakes: copiedGroups(1), want: likely},
		{name: "groups exchanged, missing or too many", mistakes: wholeGroups, want: likely},
		{name: "share IDs up to 255", mistakes: farIDs, want: likely, sure: true, count: countOf(farIDs)},
		{name: "one digit typed twice, and one left out", mistakes: inValue(repeatedDigit), want: likely},
		{name: "one sheet left out, and one digit", mistakes: digit, leave: 1, want: likely},
		{name: "all else so far with passwords that old files have", mistakes: anyOf(mixedValues, nearIDs, wholeGroups, inValue(missingDigit, extraDigit, misheardNumbers, twins, exchangedOver, rewritten)), want: remote},
		{name: "two digits misread as ones like them", mistakes: twoDigits(confusable), want: likely, count: countTwoDigits(confusable), least: 2},
		{name: "two digits misheard", mistakes: twoDigits(misheard), want: likely, count: countTwoDigits(misheard), least: 2},
		{name: "one group misread", mistakes: inValue(misreadGroup), want: likely, count: countOf(inValue(misreadGroup))},
		{name: "one group typed twice, and one left out", mistakes: inValue(repeatedGroup), want: likely},
		{name: "one digit, and values or IDs of other sheets", mistakes: both(otherReading, digit), want: likely, count: countBoth(otherReading, anyOther), least: 2},
		{name: "an exchange, and one digit like it", mistakes: both(exchange, inValue(substitution(mistakable))), want: likely, count: countBoth(exchange, mistakable), least: 2},
		{name: "digits missing or too many on two sheets", mistakes: onTwoSheets(missingDigit, extraDigit), want: likely, applies: twoAreOdd, least: 2},
		{name: "an exchange, and one other digit", mistakes: both(exchange, inValue(substitution(otherDigits))), want: likely, count: countBoth(exchange, otherDigits), least: 2},
		{name: "two groups of another line", mistakes: copiedGroups(2), want: likely, least: 2},
		{name: "two digits", mistakes: twoDigits(anyOther), want: likely, count: countTwoDigits(anyOther), least: 2},
	}
	if slices.ContainsFunc(in.sheets, isOdd) { // a sure sign
		kinds = slices.DeleteFunc(kinds, func(k sheetStage) bool { return k.name == odd.name })
		kinds = slices.Insert(kinds, 3, odd)
	}
	return kinds
}

func hasRemotePrimes(in input) bool { return len(in.primes.remote) > 0 }

func isOdd(t entered) bool { return len(t.value)%2 == 1 }

// isShort says whether a value has one group less than the longest one, which it
// also has if it begins with a zero byte.
func isShort(in input) bool {
	var digits []int
	for _, t := range in.sheets {
		digits = append(digits, len(t.value))
	}
	return slices.Contains(digits, slices.Max(digits)-2)
}

func twoAreOdd(in input) bool {
	n := 0
	for _, t := range in.sheets {
		if isOdd(t) {
			n++
		}
	}
	return n == 2
}
