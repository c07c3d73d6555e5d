// Package web shows a ceremony on the big screen in the room: a page of which step it
// is, whose turn, what they do and which words are read aloud, and nothing secret.
//
// Begin with [Open], and give the ceremony the room that [Wall.Room] makes of its own.
// The page is for a browser on this computer, is read-only, and never keeps the ceremony
// waiting. What is told in the room ([custody.Custodians].Tell) is not shown: it may be
// meant for one person. What was done and what was not as planned is in the transcript.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/plan"
	"conclave/ceremony/transcript"
)

// Wall is the page of a ceremony, while it is served.
type Wall struct {
	gate   *gate
	board  *board
	server *http.Server
}

// What a browser on this computer has no need to exceed.
const (
	mostConnections = 64
	mostStreams     = 16
	patience        = 10 * time.Second // with a browser that does not read
	farewell        = time.Second      // for browsers to be told of the end
)

// Open begins to serve the page of a ceremony at an address of this computer alone, such
// as 127.0.0.1:8080; port 0 is any that is free.
func Open(address string, p *plan.Plan) (*Wall, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("the wall at %q: an address of this computer alone and a port were expected, such as 127.0.0.1:8080: no one else may see the page", address)
	}
	listener, err := net.Listen("tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("the wall at %s: %w; give another port, or 0 for any that is free", address, err)
	}
	w := &Wall{gate: newGate(listener.Addr().String()), board: newBoard(p)}
	pages, err := newPages(w.board)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	w.server = &http.Server{
		Handler: w.gate.guard(pages), ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ConnState: atMost(mostConnections),
		ErrorLog: log.New(io.Discard, "", 0), // custodians may be at the screen
	}
	go w.server.Serve(listener) // it ends with Close; a ceremony goes on without its wall
	return w, nil
}

// atMost closes the connections that are one too many: the ceremony needs files of its
// own.
func atMost(n int32) func(net.Conn, http.ConnState) {
	var open atomic.Int32
	return func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > n {
				conn.Close()
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
}

// URL is the address that opens the page, in one browser.
func (w *Wall) URL() string { return w.gate.url() }

// Room is a room whose page is this one.
func (w *Wall) Room(r ceremony.Room) ceremony.Room { return &room{r, w.board} }

// Written shows what the transcript says of the ceremony.
func (w *Wall) Written(entries []transcript.Entry) {
	w.board.change(func(s *state) { s.read(entries) })
}

// Close says on the page how the ceremony has ended, and serves it no longer.
func (w *Wall) Close(ended error) {
	w.board.change(func(s *state) { s.end(ended) })
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := w.server.Shutdown(ctx); err != nil {
		w.server.Close()
	}
}
