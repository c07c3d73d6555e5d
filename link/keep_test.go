package link_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"conclave/link"
	"conclave/link/linktest"
)

// pcscd is a virtual reader that can be stopped and started.
type pcscd struct {
	running atomic.Bool
	dialled atomic.Int32
	client  *link.Client // set by the time that link.Connected is reported
}

var errRefused = errors.New("connection refused")

func (p *pcscd) dial(context.Context) (net.Conn, error) {
	p.dialled.Add(1)
	if !p.running.Load() {
		return nil, errRefused
	}
	reader, card := net.Pipe()
	p.client = link.NewClient(reader)
	return card, nil
}

type change struct {
	state link.State
	err   error
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []change
		reader, card := &pcscd{}, linktest.NewCard()
		ctx, cancel := context.WithCancel(t.Context())
		go link.Keep(ctx, reader.dial, card, linktest.ATR(), func(s link.State, err error) { changes = append(changes, change{s, err}) })

		time.Sleep(time.Hour) // of fake time
		if n := reader.dialled.Load(); n < 1700 || n > 1900 {
			t.Errorf("dialled %d times in an hour without a reader; every 2 s was expected", n)
		}
		reader.running.Store(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		login(t, reader)

		reader.client.Close() // pcscd restarts
		synctest.Wait()
		if card.LoggedIn() {
			t.Error("the session outlives the link")
		}
		before := reader.dialled.Load()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := reader.dialled.Load() - before; n != 1 {
			t.Errorf("dialled %d times after the link broke; once was expected", n)
		}
		login(t, reader)

		cancel()
		synctest.Wait()
		if card.LoggedIn() {
			t.Error("the session outlives Keep")
		}
		if _, err := reader.client.ATR(); err == nil {
			t.Error("the connection outlives Keep")
		}
		expected := []change{{link.Waiting, errRefused}, {link.Connected, nil}, {link.Disconnected, nil}, {link.Connected, nil}, {link.Disconnected, nil}}
		if !slices.Equal(changes, expected) {
			t.Errorf("reported %v\nexpected %v", changes, expected)
		}
	})
}

func login(t *testing.T, reader *pcscd) {
	t.Helper()
	if response, err := reader.client.Transmit([]byte(linktest.Login)); err != nil || string(response) != linktest.LoggedIn {
		t.Fatalf("login: % X, error %v", response, err)
	}
}

// TestKeepReportsEachReason: who waits is told of what has changed, and once.
func TestKeepReportsEachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reasons []error
		reader := &pcscd{}
		ctx, cancel := context.WithCancel(t.Context())
		dial := func(ctx context.Context) (net.Conn, error) {
			if n := reader.dialled.Load(); n >= 3 && n < 6 {
				reader.dialled.Add(1)
				return nil, link.ErrStranger
			}
			return reader.dial(ctx)
		}
		go link.Keep(ctx, dial, linktest.NewCard(), linktest.ATR(), func(_ link.State, err error) { reasons = append(reasons, err) })
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		if !slices.Equal(reasons, []error{errRefused, link.ErrStranger, errRefused}) {
			t.Errorf("reported %v", reasons)
		}
	})
}

func TestKeepReportsWhyTheLinkBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last change
		reader := &pcscd{}
		reader.running.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		go link.Keep(ctx, reader.dial, linktest.NewCard(), linktest.ATR(), func(s link.State, err error) { last = change{s, err} })
		synctest.Wait()
		if _, err := reader.client.Transmit([]byte(linktest.Break)); err == nil {
			t.Error("no error from a card that failed")
		}
		synctest.Wait()
		if last.state != link.Disconnected || last.err == nil {
			t.Errorf("reported %v", last)
		}
		cancel()
		synctest.Wait()
	})
}
