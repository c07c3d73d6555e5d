package agent

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"conclave/token"
)

// server serves clients.
type server struct {
	library  *token.Library
	slots    slotList
	instance uint64
	stopped  chan struct{}
	options  Options

	mu          sync.Mutex
	clients     map[uint64]*client
	lastClient  uint64
	connections map[*connection]bool
	idleTimer   *time.Timer
	all         sync.WaitGroup // connections
}

func newServer(o Options) *server {
	library := token.New(o.Home)
	return &server{
		library: library, instance: randomNumber(), stopped: make(chan struct{}), options: o,
		slots:   slotList{library: library, events: map[token.SlotID]uint64{}},
		clients: map[uint64]*client{}, connections: map[*connection]bool{},
	}
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
	if err != nil || !s.options.admits(uid) {
		slog.Warn("a connection was refused", "uid", uid, "error", err)
		conn.Close()
		return
	}
	c := &connection{server: s, conn: conn, uid: uid}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() || len(s.connections) == maxConnections {
		conn.Close()
		return
	}
	if s.idleTimer != nil {
		s.idleTimer.Stop()
	}
	s.connections[c] = true
	s.all.Go(func() {
		c.serve()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.connections, c)
		s.restIfIdle()
	})
}

// restIfIdle lets the time run after which a server without connections stops. It is
// called with the lock.
func (s *server) restIfIdle() {
	if s.options.Idle == 0 || len(s.connections) > 0 {
		return
	}
	s.idleTimer = time.AfterFunc(s.options.Idle, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.connections) == 0 {
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
	for c := range s.connections {
		c.conn.SetReadDeadline(time.Now())
		c.conn.SetWriteDeadline(time.Now().Add(slowest))
	}
}
