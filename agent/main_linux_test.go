package agent

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	"conclave/card"
	"conclave/device"
	"conclave/internal/interrupt"
	"conclave/internal/testrun"
	"conclave/token/cryptoki"
)

// TestMain lets a test have processes that it can kill: an agent of a home, or a client of
// an agent.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	testrun.Main(m, func(path string, orders iter.Seq[string]) error {
		if home, ok := strings.CutPrefix(path, "agent of "); ok {
			return beAgent(home, orders)
		}
		return beClient(path)
	})
}

// practiceHome has PINs that are cheap to compare.
func practiceHome(dir string) device.Home {
	home := device.NewHome(dir)
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	return home
}

// beAgent ends itself as a service manager would, if it is ordered to do anything.
func beAgent(dir string, orders iter.Seq[string]) error {
	ctx, stop := interrupt.Context(context.Background())
	defer stop()
	go func() {
		for range orders {
			syscall.Kill(os.Getpid(), syscall.SIGTERM)
		}
	}()
	return Run(ctx, Options{Home: practiceHome(dir), Ready: func() error {
		_, err := fmt.Println("ready")
		return err
	}})
}

// beClient logs in and makes keys that die with their sessions, until it is killed.
func beClient(path string) error {
	m, err := dial(path)
	if err != nil {
		return err
	}
	_, slots, err := m.slots()
	if err != nil {
		return err
	}
	if _, err := m.open(slots[0].id).login(cryptoki.User, userPIN); err != nil {
		return err
	}
	for {
		if m, err = m.another(); err != nil {
			return err
		}
		s := m.open(slots[0].id)
		if _, err := s.generate(); err != nil && err != cryptoki.DeviceMemory {
			return err
		}
		fmt.Println(s.number)
	}
}

// generate makes a key pair on P-256 for the session.
func (s session) generate() (private cryptoki.Handle, err error) {
	curve := cryptoki.Attribute{Type: cryptoki.AttrECParams, Value: []byte("\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07")}
	r, err := s.do(callGeneratePair, mech(cryptoki.Mechanism{Type: cryptoki.ECKeyPairGen}), attributes(curve), attributes())
	if err != nil {
		return 0, err
	}
	_, private = r.handle(), r.handle()
	return private, r.done()
}
