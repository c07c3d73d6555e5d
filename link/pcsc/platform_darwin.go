package pcsc

// The types of Apple's PCSC.framework: 32 bits throughout, and reader states
// packed without padding (pcsclite.h there).
type (
	dword  = uint32
	handle = int32
)

const (
	libraryName = "/System/Library/Frameworks/PCSC.framework/PCSC"
	libraryHint = "it is part of macOS"
	serviceHint = "connect a reader: macOS starts the service with the first one"

	ansi = "" // the suffix of functions that take strings

	readerStateSize = atrOffset + 33
	dwordSize       = 4
)
