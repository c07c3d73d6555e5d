package repair

// names are what programs are told. They stay as they are.
var names = [...]string{
	MisreadDigit:     "misread-digit",
	ExchangedDigits:  "exchanged-digits",
	ExchangedGroups:  "exchanged-groups",
	MissingDigit:     "missing-digit",
	ExtraDigit:       "extra-digit",
	MissingGroup:     "missing-group",
	ExtraGroup:       "extra-group",
	UnreadableDigit:  "unreadable-digit",
	NotADigit:        "not-a-digit",
	ExchangedValues:  "exchanged-values",
	MixedValues:      "mixed-values",
	ExchangedFields:  "exchanged-fields",
	WrongID:          "wrong-id",
	HexadecimalID:    "hexadecimal-id",
	WrongValue:       "wrong-value",
	MissingSheetData: "unreadable-sheet",
	MisreadDigits:    "misread-digits",
	MisreadGroup:     "misread-group",
	ExchangedOver:    "exchanged-over",
	ExchangedTails:   "exchanged-tails",
	WrongOrder:       "wrong-order",
	ShiftedKeys:      "shifted-keys",
	RepeatedDigit:    "repeated-digit",
	RepeatedGroup:    "repeated-group",

	WhiteSpace:         "white-space",
	CapsLock:           "caps-lock",
	OtherCase:          "other-case",
	NeighbourKey:       "neighbour-key",
	ShiftKey:           "shift-key",
	KeyboardLayout:     "keyboard-layout",
	ExchangedCharacter: "exchanged-characters",
	MissingCharacter:   "missing-character",
	ExtraCharacter:     "extra-character",
	WrongCharacter:     "wrong-character",
	Wildcard:           "wildcard",
	Encoding:           "encoding",
}

// String is the name of the kind for programs.
func (k Kind) String() string { return names[k] }
