package apdu

import (
	"encoding/binary"
	"fmt"
)

// Response is a response APDU.
type Response struct {
	Data []byte
	SW   Status
}

// ParseResponse splits a response APDU into its data and its status word.
func ParseResponse(b []byte) (Response, error) {
	if len(b) < 2 {
		return Response{}, fmt.Errorf("apdu: response of %d bytes; at least the two of the status word were expected", len(b))
	}
	n := len(b) - 2
	return Response{Data: b[:n], SW: Status(binary.BigEndian.Uint16(b[n:]))}, nil
}

// Bytes encodes the response.
func (r Response) Bytes() []byte {
	b := make([]byte, 0, len(r.Data)+2) // in one piece: no copy of the data stays behind
	return binary.BigEndian.AppendUint16(append(b, r.Data...), uint16(r.SW))
}

// Status is a status word, SW1 SW2. As an error it is a card's refusal.
type Status uint16

// Status words of ISO 7816-4 section 5.1.3 that a SmartCard-HSM uses.
const (
	OK                     Status = 0x9000
	EndOfFile              Status = 0x6282
	ExecutionError         Status = 0x6400
	MemoryFailure          Status = 0x6581
	WrongLength            Status = 0x6700
	LastCommandExpected    Status = 0x6883
	ChainingNotSupported   Status = 0x6884
	SecurityNotSatisfied   Status = 0x6982
	AuthenticationBlocked  Status = 0x6983
	ReferenceDataUnusable  Status = 0x6984
	ConditionsNotSatisfied Status = 0x6985
	CommandNotAllowed      Status = 0x6986
	WrongData              Status = 0x6A80
	FunctionNotSupported   Status = 0x6A81
	FileNotFound           Status = 0x6A82
	NotEnoughMemory        Status = 0x6A84
	WrongP1P2              Status = 0x6A86
	WrongParameters        Status = 0x6B00
	ReferenceNotFound      Status = 0x6A88
	FileExists             Status = 0x6A89
	InstructionUnknown     Status = 0x6D00
	ClassUnknown           Status = 0x6E00
	Unknown                Status = 0x6F00
)

// TriesLeft is the status 63Cx: verification failed, or not yet made, with n
// tries left (0 to 15).
func TriesLeft(n int) Status { return 0x63C0 | Status(n&0xF) }

// Tries gives the retry counter of a 63Cx status.
func (s Status) Tries() (n int, ok bool) { return int(s & 0xF), s&0xFFF0 == 0x63C0 }

// Error says what the status word means and gives it in hex.
func (s Status) Error() string {
	if n, ok := s.Tries(); ok {
		return fmt.Sprintf("verification failed, %d tries left (SW %04X)", n, uint16(s))
	}
	if text := s.meaning(); text != "" {
		return fmt.Sprintf("%s (SW %04X)", text, uint16(s))
	}
	return fmt.Sprintf("the card answered SW %04X", uint16(s))
}

func (s Status) meaning() string {
	return map[Status]string{
		OK:                     "success",
		EndOfFile:              "end of file reached",
		ExecutionError:         "the card could not do it",
		MemoryFailure:          "the card could not write; its disk may be full",
		WrongLength:            "wrong length",
		SecurityNotSatisfied:   "not logged in",
		AuthenticationBlocked:  "PIN blocked",
		ReferenceDataUnusable:  "reference data not usable",
		ConditionsNotSatisfied: "conditions of use not satisfied",
		CommandNotAllowed:      "command not allowed",
		WrongData:              "wrong data",
		FunctionNotSupported:   "function not supported",
		FileNotFound:           "file not found",
		NotEnoughMemory:        "not enough memory",
		WrongP1P2:              "wrong parameters P1-P2",
		ReferenceNotFound:      "referenced data not found",
		FileExists:             "file already exists",
		InstructionUnknown:     "instruction not supported",
		ClassUnknown:           "class not supported",
	}[s]
}
