package agent

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// TestPanics: a mistake in this program ends the connection that has met it, and no
// other. The log says where it is, and nothing of what was asked.
func TestPanics(t *testing.T) {
	log := &keptLog{}
	before, random := slog.Default(), rows[callRandom].do
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { rows[callRandom].do = random; slog.SetDefault(before) })

	rows[callRandom].do = func(x *exchange) error {
		asked := x.in
		switch asked.number() {
		case 1:
			panic("what no log may have")
		case 2:
			x.session = nil
			return x.session.Logout()
		}
		return random(x)
	}
	path := serving(t, Options{Home: newHome(t, "office")})
	other := connected(t, path)
	slot := onlySlot(t, other)
	for n, says := range map[int]string{1: "of type string", 2: "nil pointer dereference"} {
		m := connected(t, path)
		if _, err := m.open(slot).random(n); !errors.Is(err, errEnded) {
			t.Errorf("a request that panics is answered with %v", err)
		}
		if text := log.String(); !strings.Contains(text, says) || !strings.Contains(text, "agent.TestPanics") || strings.Contains(text, "no log may have") {
			t.Errorf("the log says\n%s", text)
		}
	}
	if _, _, err := other.slots(); err != nil {
		t.Errorf("another client: %v", err)
	}
	if _, err := connected(t, path).open(slot).random(8); err != nil {
		t.Errorf("a new client: %v", err)
	}
}

// keptLog is a log in memory.
type keptLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *keptLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *keptLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
