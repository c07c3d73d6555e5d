//go:build linux

package agent

// call is what a request asks for; docs/agent-protocol.md says with which arguments.
type call uint16

// The calls.
const (
	callHello        call = 1
	callSlots        call = 2
	callLogin        call = 3
	callLogout       call = 4
	callResume       call = 5
	callInitToken    call = 6
	callInitPIN      call = 7
	callSetPIN       call = 8
	callClose        call = 9
	callCloseAll     call = 10
	callFind         call = 11
	callGet          call = 12
	callCreate       call = 13
	callCopy         call = 14
	callDestroy      call = 15
	callSet          call = 16
	callCrypt        call = 20
	callGenerate     call = 30
	callGeneratePair call = 31
	callWrap         call = 32
	callUnwrap       call = 33
	callDerive       call = 34
	callRandom       call = 40
	callWait         call = 50
)

// Bounds on messages, in bytes after the first 8.
const (
	maxRequest = 1 << 20
	maxAnswer  = 64 << 20
)
