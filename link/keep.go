package link

import (
	"context"
	"fmt"
	"net"
	"time"
)

// VPCDAddress is where pcscd's virtual reader waits for a card (VPCDPORT in
// vpcd.h; the second reader of Debian's configuration is one port above).
const VPCDAddress = "127.0.0.1:35963"

// Dialer makes one connection to a reader.
type Dialer func(context.Context) (net.Conn, error)

// TCP dials a reader at host:port.
func TCP(address string) Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return quickACK(conn.(*net.TCPConn)), nil
	}
}

// State is what Keep reports.
type State int

// The states of Keep.
const (
	Waiting      State = iota // for a reader; the error says why dialling failed
	Connected                 // to a reader
	Disconnected              // from it; the error says why, nil: the reader hung up
)

// String is one word.
func (s State) String() string {
	if s < Waiting || s > Disconnected {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return [...]string{"waiting", "connected", "disconnected"}[s]
}

// Pauses between two attempts to dial: short enough that a reader which
// restarts has its card back before a person notices.
const (
	minPause = 100 * time.Millisecond
	maxPause = 2 * time.Second
)

// Keep keeps card in the reader that dial reaches: it serves until the link
// breaks, for a reader may restart, and dials again. It calls report at each
// change of state, or of the reason for waiting, on its own goroutine, and returns
// when ctx ends; by then the connection is closed and the card's session over.
func Keep(ctx context.Context, dial Dialer, card Card, atr []byte, report func(State, error)) {
	pause, waiting := minPause, ""
	for ctx.Err() == nil {
		conn, err := dial(ctx)
		switch {
		case err == nil:
			report(Connected, nil)
			report(Disconnected, serveUntil(ctx, conn, card, atr))
			pause, waiting = minPause, ""
		case waiting != err.Error() && ctx.Err() == nil:
			report(Waiting, err)
			waiting = err.Error()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// serveUntil serves until ctx ends, which is not an error.
func serveUntil(ctx context.Context, conn net.Conn, card Card, atr []byte) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := Serve(conn, card, atr); ctx.Err() == nil {
		return err
	}
	return nil
}
