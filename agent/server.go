//go:build linux

package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"conclave/token"
)

// server serves clients.
type server struct {
	library  *token.Library
	instance uint64
	options  Options
	lobby    *lobby
	tickets  tickets
	ctx      context.Context // ends when it is stopped
	cancel   context.CancelFunc

	mu          sync.Mutex
	clients     map[uint64]*client
	lastClient  uint64
	connections int
	idleTimer   *time.Timer
	hangUp      *time.Timer    // of a server that is stopped
	wasIdle     bool           // why it was
	all         sync.WaitGroup // connections
}

func newServer(o Options) (*server, error) {
	lobby, err := newLobby()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &server{
		library: token.New(o.Home), instance: randomNumber(), options: o, lobby: lobby, tickets: newTickets(o.Home),
		ctx: ctx, cancel: cancel, clients: map[uint64]*client{},
	}, nil
}

// close is called when serve has returned.
func (s *server) close() {
	s.stop()
	s.hangUp.Stop()
	s.lobby.close()
	s.library.Close()
	s.tickets.close(s.wasIdle)
}

func (s *server) stopping() bool { return s.ctx.Err() != nil }

// serve accepts connections until the server is stopped, and returns when all requests
// that were begun are answered. It closes the listener.
func (s *server) serve(l *net.UnixListener) error {
	s.mu.Lock()
	s.restIfIdle()
	s.mu.Unlock()
	defer s.all.Wait()
	defer context.AfterFunc(s.ctx, func() { l.Close() })()
	for {
		conn, err := l.AcceptUnix()
		switch {
		case err == nil:
			s.begin(conn)
		case s.stopping():
			return nil
		case !scarce(err):
			s.stop()
			return err
		default:
			s.pause()
		}
	}
}

// pause waits for what there is too little of.
func (s *server) pause() {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-s.ctx.Done():
	}
}

// begin serves a connection, if it may be one.
func (s *server) begin(conn *net.UnixConn) {
	uid, err := peer(conn)
	if err == nil && !s.options.admits(uid) {
		err = errors.New("another user")
	}
	if err != nil || !s.enter() {
		slog.Warn("a connection was refused", "uid", uid, "error", err)
		conn.Close()
		return
	}
	s.all.Go(func() {
		defer s.exit()
		socket, err := newSocket(conn, s.lobby)
		if err != nil {
			slog.Error("a connection failed", "error", err)
			return
		}
		c := &connection{server: s, socket: socket, uid: uid}
		c.serve()
	})
}

// enter counts a connection, if there may be one more.
func (s *server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() || s.connections == maxConnections {
		return false
	}
	s.connections++
	if s.idleTimer != nil {
		s.idleTimer.Stop()
	}
	return true
}

func (s *server) exit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connections--
	s.restIfIdle()
}

// restIfIdle lets the time run after which a server without connections stops. It is
// called with the lock.
func (s *server) restIfIdle() {
	if s.options.Idle == 0 || s.connections > 0 {
		return
	}
	s.idleTimer = time.AfterFunc(s.options.Idle, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.connections == 0 {
			s.wasIdle = !s.stopping()
			s.stopLocked()
		}
	})
}

// slowest is how long a client that does not read its answer keeps an agent from ending.
const slowest = 5 * time.Second

// stop lets the server end: no request is begun any more.
func (s *server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopLocked()
}

func (s *server) stopLocked() {
	if s.stopping() {
		return
	}
	s.cancel()
	s.lobby.shutdown(unix.SHUT_RD)
	s.hangUp = time.AfterFunc(slowest, func() { s.lobby.shutdown(unix.SHUT_RDWR) })
}
