package pcsc

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// Constants of winscard.h and pcsclite.h.
const (
	scopeSystem = 2 // SCARD_SCOPE_SYSTEM
	shareShared = 2 // SCARD_SHARE_SHARED
	protocolT0  = 1 // SCARD_PROTOCOL_T0
	protocolT1  = 2 // SCARD_PROTOCOL_T1
	leaveCard   = 0 // SCARD_LEAVE_CARD
	resetCard   = 1 // SCARD_RESET_CARD
)

// winscard binds the functions of the PC/SC library. Arguments of type uintptr
// are pointers that we leave NULL, or pointers to C memory.
type winscard struct {
	establishContext func(scope dword, reserved1, reserved2 uintptr, context *handle) Code
	releaseContext   func(context handle) Code
	listReaders      func(context handle, groups uintptr, readers *byte, length *dword) Code
	getStatusChange  func(context handle, milliseconds dword, states *byte, count dword) Code
	cancel           func(context handle) Code
	connect          func(context handle, reader string, share, protocols dword, card *handle, protocol *dword) Code
	reconnect        func(card handle, share, protocols, initialization dword, protocol *dword) Code
	disconnect       func(card handle, disposition dword) Code
	status           func(card handle, names, namesLength uintptr, state, protocol *dword, atr *byte, atrLength *dword) Code
	beginTransaction func(card handle) Code
	endTransaction   func(card handle, disposition dword) Code
	transmit         func(card handle, sendPCI uintptr, command *byte, commandLength dword, receivePCI uintptr, response *byte, responseLength *dword) Code

	// The library's constants for SCardTransmit's sendPCI. Their layout differs
	// from one system to the next.
	pciT0, pciT1 uintptr
}

func loadWinscard(name string) (*winscard, error) {
	library, err := openLibrary(name)
	if err != nil {
		return nil, fmt.Errorf("pcsc: the PC/SC library %s cannot be opened; %s: %w", name, libraryHint, err)
	}
	w := new(winscard)
	for symbol, function := range map[string]any{
		"SCardEstablishContext":       &w.establishContext,
		"SCardReleaseContext":         &w.releaseContext,
		"SCardListReaders" + ansi:     &w.listReaders,
		"SCardGetStatusChange" + ansi: &w.getStatusChange,
		"SCardCancel":                 &w.cancel,
		"SCardConnect" + ansi:         &w.connect,
		"SCardReconnect":              &w.reconnect,
		"SCardDisconnect":             &w.disconnect,
		"SCardStatus" + ansi:          &w.status,
		"SCardBeginTransaction":       &w.beginTransaction,
		"SCardEndTransaction":         &w.endTransaction,
		"SCardTransmit":               &w.transmit,
		"g_rgSCardT0Pci":              &w.pciT0,
		"g_rgSCardT1Pci":              &w.pciT1,
	} {
		address, err := lookUp(library, symbol)
		if err != nil {
			return nil, fmt.Errorf("pcsc: %s has no %s: %w", name, symbol, err)
		}
		if constant, ok := function.(*uintptr); ok {
			*constant = address
			continue
		}
		purego.RegisterFunc(function, address)
	}
	return w, nil
}
