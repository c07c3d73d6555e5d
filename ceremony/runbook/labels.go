package runbook

// labels are the texts that stand in every runbook, the same in both forms.
type labels struct {
	Book, Practice, PracticeNote                                                   string
	Place, Start, Quorum, Digest, Made                                             string
	People, PeopleNote, Role, Name, Signature, Initial                             string
	Devices, Device, Serial, Part                                                  string
	Agenda, AgendaNote, What, Whom, Minutes, End, Words, Parts                     string
	Materials, MaterialsNote                                                       string
	Before, Bring, Rules                                                           string
	Steps, StepsNote, Begins, See, Write                                           string
	Time, AdministratorInitials, WitnessInitials                                   string
	ExceptionNo                                                                    string
	Sheets, SheetsNote, Number, Custodian, Bag, Kept                               string
	Exception, ExceptionNote, Step, Happened, Decision                             string
	CeremonyKey, CeremonyKeyNote, Closing, ClosingNote, Signatures, SignaturesNote string
	Verify                                                                         string
}

var label = labels{
	Book: "Key ceremony runbook", Practice: "PRACTICE", PracticeNote: "A rehearsal. Nothing on these pages is in force.",
	Place: "Place", Start: "Planned start", Quorum: "Quorum", Digest: "Plan", Made: "Made",

	People: "People", PeopleNote: "Everyone signs here at the beginning, with the initials that they use on the pages after this one.",
	Role: "Role", Name: "Name", Signature: "Signature", Initial: "Initials",

	Devices: "Devices", Device: "Device", Serial: "Serial number", Part: "Part in the ceremony",

	Agenda: "Agenda", AgendaNote: "An estimate. The program needs seconds, as rehearsals show, and people the rest. Administrator and witnesses are there all the time; custodians come ten minutes before their first step.",
	What: "What is done", Whom: "Who must be there too", Minutes: "Min.", End: "End", Words: "Words that come up", Parts: "Who does what",

	Materials: "Bill of materials", MaterialsNote: "What this ceremony works with, with its SHA-256 value in digits and in words. Whoever compares it aloud says the number, and then the word. The screen leaves one word out, which the witness types from here.",

	Before: "Before you begin", Bring: "What to bring", Rules: "How to use this runbook",

	Steps: "Steps", StepsNote: "Do them in this order. Tick each box when it is done, and finish a step with the time and two people's initials before the next one.",
	Begins: "Begins", See: "You must see", Write: "Write down",
	Time: "Time", AdministratorInitials: "Administrator's initials", WitnessInitials: "Witness's initials", ExceptionNo: "Exception no.",

	Sheets: "Where the sheets go", SheetsNote: "Filled in when the bags are sealed. Each custodian signs for having taken their bag.",
	Number: "No.", Custodian: "Custodian", Bag: "Bag number", Kept: "Place where it is kept",

	Exception: "Exception sheet", ExceptionNote: "For whatever did not go as printed, or was seen by someone who should not have seen it. Copy this page before the last sheet is used.",
	Step: "Step", Happened: "What happened, in your own words", Decision: "What was decided, and by whom",

	CeremonyKey: "Ceremony key", CeremonyKeyNote: "The words of the ceremony key, as they are read aloud in the first step; the witness types one of them from here. They are the fingerprint by which the evidence is verified.",
	Closing: "Closing", ClosingNote: "The words of the closing, as they are read aloud in the last step. Whoever holds this page can tell later whether the evidence is that of this ceremony.",
	Signatures: "Signatures", SignaturesNote: "What is written in this runbook and on its exception sheets is what happened.",
	Verify: "To verify the evidence later",
}
