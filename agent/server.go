//go:build linux

package agent

import (
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
	slots    slotList
	instance uint64
	stopped  chan struct{}
	options  Options
	lobby    *lobby

	mu          sync.Mutex
	clients     map[uint64]*client
	lastClient  uint64
	connections int
	idleTimer   *time.Timer
	slowest     *time.Timer    // of a server that is stopped
	all         sync.WaitGroup // connections
}

func newServer(o Options) (*server, error) {
	lobby, err := newLobby()
	if err != nil {
		return nil, err
	}
	library := token.New(o.Home)
	return &server{
		library: library, instance: randomNumber(), stopped: make(chan struct{}), options: o, lobby: lobby,
		slots:   slotList{library: library, events: map[token.SlotID]uint64{}},
		clients: map[uint64]*client{},
	}, nil
}

// close is called when serve has returned.
func (s *server) close() {
	if s.slowest != nil {
		s.slowest.Stop()
	}
	s.lobby.close()
	s.library.Close()
}

func (s *server) stopping() bool {
	select {
	case <-s.stopped:
		return true
	default:
		return false
	}
}

// stopsWithin waits for so long, or until the server stops.
func (s *server) stopsWithin(d time.Duration) bool {
	select {
	case <-s.stopped:
		return true
	case <-time.After(d):
		return false
	}
}

// serve accepts connections until the server is stopped, and returns when all requests
// that were begun are answered. It closes the listener.
func (s *server) serve(l *net.UnixListener) error {
	s.mu.Lock()
	s.restIfIdle()
	s.mu.Unlock()
	go func() {
		<-s.stopped
		l.Close()
	}()
	defer s.all.Wait()
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
		case s.stopsWithin(lookAgain):
		}
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
	close(s.stopped)
	s.lobby.shutdown(unix.SHUT_RD)
	s.slowest = time.AfterFunc(slowest, func() { s.lobby.shutdown(unix.SHUT_RDWR) })
}
