package repair

import (
	"fmt"
	"strings"
)

// Finding is one mistake that was found. It names places, and no digit of a
// share value and no character of a password.
type Finding struct {
	Sheet    int    // index among the drafts; -1 for a password
	ID       string // share ID as typed; empty if that was none
	Field    string // "prime", "share ID", "share value" or "password"
	Kind     Kind
	Position int      // of the digit, group or character as typed, from 1; 0 if it has none
	With     []string // the other sheets, groups or digits that this one is mixed up with, or how a value is
	Right    string   // what a share ID should be; it is not secret
}

// Kind is a kind of mistake.
type Kind int

// The kinds of mistakes. Positions are those of what was typed.
const (
	MisreadDigit     Kind = iota + 1 // another digit is meant
	ExchangedDigits                  // the digit and the next one
	ExchangedGroups                  // the group of two digits and another one
	MissingDigit                     // after the position
	ExtraDigit                       // typed twice, or not on the sheet
	MissingGroup                     // after the position, counted in groups of two digits
	ExtraGroup                       // typed twice, or not on the sheet
	UnreadableDigit                  // was filled in
	NotADigit                        // a character that looks like a digit
	ExchangedValues                  // with the value of another sheet
	MixedValues                      // of more than two sheets
	ExchangedFields                  // two lines of one sheet
	WrongID                          // another number
	HexadecimalID                    // typed in hexadecimal
	WrongValue                       // differs in many digits
	MissingSheetData                 // too little could be read; the other sheets were enough
	MisreadDigits                    // the digit and another one, in the same way
	MisreadGroup                     // both digits of the group
	ExchangedOver                    // the digit and the next but one
	ExchangedTails                   // of two values, from the group on
	WrongOrder                       // of a whole value
	ShiftedKeys                      // both digits of the group, or all of a line, one key beside the right one
	RepeatedDigit                    // and another one left out
	RepeatedGroup                    // and another one left out

	WhiteSpace         // around a password
	CapsLock           // all letters in the other case
	OtherCase          // one character
	NeighbourKey       // one key beside the right one
	ShiftKey           // pressed or not
	KeyboardLayout     // of another country
	ExchangedCharacter // the character and the next one
	MissingCharacter   // after the position
	ExtraCharacter     // typed twice, or not in the password
	WrongCharacter     // another one is meant
	Wildcard           // a question mark that stands for another character
	Encoding           // of characters that are not ASCII
)

var phrases = [...]string{
	MisreadDigit:     "digit # of the {field} was misread",
	ExchangedDigits:  "digit # of the {field} and the next one are exchanged",
	ExchangedGroups:  "group # of the {field} is exchanged with group {with}",
	MissingDigit:     "a digit of the {field} is missing after digit #",
	ExtraDigit:       "digit # of the {field} is one too many",
	MissingGroup:     "a group of two digits of the {field} is missing after group #",
	ExtraGroup:       "group # of the {field} is one too many",
	UnreadableDigit:  "digit # of the {field} was unreadable and has been found",
	NotADigit:        "digit # of the {field} was typed as a character that is not a digit",
	ExchangedValues:  "their share values are exchanged",
	MixedValues:      "their share values are mixed up",
	ExchangedFields:  "the {field} are exchanged",
	WrongID:          "the share ID should be {right}",
	HexadecimalID:    "the share ID was read as hexadecimal: it is custodian {right}",
	WrongValue:       "the {field} is wrong in many digits; is it of another set?",
	MissingSheetData: "the {field} could not be read; the other sheets are enough",
	MisreadDigits:    "digits # and {with} of the {field} were misread",
	MisreadGroup:     "group # of the {field} was misread",
	ExchangedOver:    "digits # and {with} of the {field} are exchanged",
	ExchangedTails:   "their share values are exchanged from group # on",
	WrongOrder:       "the {field} was typed in another order, {with}",
	ShiftedKeys:      "group # of the {field} was typed one key beside the right ones",
	RepeatedDigit:    "digit # of the {field} was typed twice, and digit {with} of the sheet left out",
	RepeatedGroup:    "group # of the {field} was typed twice, and group {with} of the sheet left out",

	WhiteSpace:         "white space around it was added or left out",
	CapsLock:           "upper and lower case are exchanged, or all the same",
	OtherCase:          "character # is in the other case",
	NeighbourKey:       "character # is on the key beside the right one",
	ShiftKey:           "the shift key was wrong at character #",
	KeyboardLayout:     "it was typed on the keyboard of another country",
	ExchangedCharacter: "character # and the next one are exchanged",
	MissingCharacter:   "a character is missing after character #",
	ExtraCharacter:     "character # is one too many",
	WrongCharacter:     "character # should be another one",
	Wildcard:           "character #, the question mark, stands for another one",
	Encoding:           "its characters beyond ASCII were encoded in another way",
}

// String says it in a sentence without full stop.
func (f Finding) String() string {
	phrase := phrases[f.Kind]
	if f.Position == 0 {
		phrase = strings.NewReplacer(" after digit #", " before digit 1", " after group #", " before group 1",
			" after character #", " before character 1", " at character #", "", "group # of the ", "the ").Replace(phrase)
	}
	with := strings.Join(f.With, " and ")
	phrase = strings.NewReplacer("#", fmt.Sprint(f.Position), "{field}", f.Field, "{with}", with, "{right}", f.Right).Replace(phrase)
	switch {
	case f.Sheet < 0:
		return "password: " + phrase
	case f.Kind == ExchangedValues || f.Kind == MixedValues || f.Kind == ExchangedTails:
		return "sheets " + strings.Join(append([]string{f.name()}, f.With...), " and ") + ": " + phrase
	}
	return "sheet " + f.name() + ": " + phrase
}

// name is what to call the sheet.
func (f Finding) name() string {
	if f.ID == "" {
		return fmt.Sprintf("typed as number %d", f.Sheet+1)
	}
	return f.ID
}
