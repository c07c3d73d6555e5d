package pcsc

import (
	"fmt"

	"conclave/apdu"
)

// Code is what a PC/SC function returned when it did not succeed, an SCARD_E_,
// SCARD_W_ or SCARD_F_ value of winscard.h.
type Code uint32

// The codes that a caller may want to tell apart, with errors.Is.
const (
	ErrReset     Code = 0x80100068 // SCARD_W_RESET_CARD: the card's session is gone
	ErrRemoved   Code = 0x80100069 // SCARD_W_REMOVED_CARD: the Card is of no further use
	ErrNoCard    Code = 0x8010000C // SCARD_E_NO_SMARTCARD
	ErrNoReader  Code = 0x8010002E // SCARD_E_NO_READERS_AVAILABLE
	ErrNoService Code = 0x8010001D // SCARD_E_NO_SERVICE: pcscd does not run
	ErrSharing   Code = 0x8010000B // SCARD_E_SHARING_VIOLATION
)

const (
	success            Code = 0
	cancelled          Code = 0x80100002 // SCARD_E_CANCELLED
	insufficientBuffer Code = 0x80100008 // SCARD_E_INSUFFICIENT_BUFFER
	unknownReader      Code = 0x80100009 // SCARD_E_UNKNOWN_READER
	timedOut           Code = 0x8010000A // SCARD_E_TIMEOUT
	protocolMismatch   Code = 0x8010000F // SCARD_E_PROTO_MISMATCH
	commError          Code = 0x80100013 // SCARD_F_COMM_ERROR
	notTransacted      Code = 0x80100016 // SCARD_E_NOT_TRANSACTED
	readerUnavailable  Code = 0x80100017 // SCARD_E_READER_UNAVAILABLE
	serviceStopped     Code = 0x8010001E // SCARD_E_SERVICE_STOPPED
	unresponsive       Code = 0x80100066 // SCARD_W_UNRESPONSIVE_CARD
	notAllowed         Code = 0x8010006A // SCARD_W_SECURITY_VIOLATION, of polkit
)

// Is lets errors.Is find apdu.ErrReset.
func (c Code) Is(target error) bool { return c == ErrReset && target == apdu.ErrReset }

// Error says what happened and what to do.
func (c Code) Error() string {
	texts := map[Code]string{
		ErrReset:           "the card was reset by another process; log in again",
		ErrRemoved:         "card removed",
		ErrNoCard:          "no card in the reader; insert one",
		ErrNoReader:        "no smart card reader; connect one",
		ErrNoService:       "the smart card service does not run; " + serviceHint,
		ErrSharing:         "another process has the card to itself; end that one",
		unresponsive:       "the card does not answer; take it out and insert it again",
		notAllowed:         "this user may not use the smart card service",
		insufficientBuffer: "longer than the smart card service can carry",
		unknownReader:      "no such reader",
		protocolMismatch:   "the card speaks neither T=0 nor T=1",
		commError:          "the smart card service broke the connection",
		notTransacted:      "not transacted: reader and card could not exchange it, or there is no transaction",
		readerUnavailable:  "the reader is gone",
		serviceStopped:     "the smart card service has stopped; " + serviceHint,
	}
	if text, ok := texts[c]; ok {
		return text
	}
	return fmt.Sprintf("PC/SC error %08X", uint32(c))
}
