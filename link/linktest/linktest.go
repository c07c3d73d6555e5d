// Package linktest is the one body of tests that every link between a host and
// a card must pass, and the card it is run with.
package linktest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"conclave/apdu"
	"conclave/internal/testrun"
	"conclave/link"
)

// Run tests the link that open makes to card: APDUs from 2 to max bytes in both
// directions. What open starts it ends with t.Cleanup.
func Run(t *testing.T, max int, open func(t *testing.T, card link.Card) apdu.Conn) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, card *Card, conn apdu.Conn)
	}{
		{"APDUs of every size pass unchanged", func(t *testing.T, _ *Card, conn apdu.Conn) { sizes(t, max, conn) }},
		{"commands arrive in order", order},
		{"goroutines do not mix", concurrency},
		{"Reset ends the session", reset},
		{"Close ends the session", closing},
		{"use after Close is an error", afterClose},
		{"an error of the card is not a response", cardError},
	} {
		t.Run(test.name, func(t *testing.T) {
			card := NewCard()
			conn := open(t, card)
			defer conn.Close()
			test.run(t, card, conn)
		})
	}
}

func sizes(t *testing.T, max int, conn apdu.Conn) {
	for _, size := range []int{2, 3, 4, 5, 127, 128, 255, 256, 257, 260, 261, 262, 1024, 4096, 32767, 32768, 65533, 65534, 65535, max} {
		if size > max {
			continue
		}
		command := make([]byte, size)
		for i := range command {
			command[i] = byte(i) ^ byte(i>>8)
		}
		exchange(t, conn, command)
	}
}

func order(t *testing.T, card *Card, conn apdu.Conn) {
	var sent [][]byte
	for i := range 20 {
		command := []byte{0x00, 0x01, 0x00, byte(i)}
		sent = append(sent, command)
		exchange(t, conn, command)
	}
	if received := card.Commands(); !slices.EqualFunc(sent, received, bytes.Equal) {
		t.Errorf("the card received\n% X, sent was\n% X", received, sent)
	}
}

func concurrency(t *testing.T, _ *Card, conn apdu.Conn) {
	done := make(chan error)
	for id := range 2 {
		go func() {
			for i := range 100 {
				command := bytes.Repeat([]byte{byte(id), byte(i)}, 10+90*id)
				response, err := conn.Transmit(command)
				if err == nil && !bytes.Equal(response, Complement(command)) {
					err = fmt.Errorf("the answer to % X was % X", command, response)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func reset(t *testing.T, _ *Card, conn apdu.Conn) {
	want(t, conn, Status, LoggedOut)
	want(t, conn, Login, LoggedIn)
	want(t, conn, Status, LoggedIn)
	if err := conn.Reset(); err != nil {
		t.Fatal(err)
	}
	want(t, conn, Status, LoggedOut)
}

func closing(t *testing.T, card *Card, conn apdu.Conn) {
	want(t, conn, Login, LoggedIn)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for patience := testrun.Patience(t); card.LoggedIn(); {
		select {
		case <-card.Resets():
		case <-patience.Done():
			t.Fatal("the session is still open after Close")
		}
	}
}

func afterClose(t *testing.T, card *Card, conn apdu.Conn) {
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if response, err := conn.Transmit([]byte(Status)); err == nil {
		t.Errorf("Transmit after Close: % X, an error was expected", response)
	}
	if err := conn.Reset(); err == nil {
		t.Error("Reset after Close: an error was expected")
	}
	if n := len(card.Commands()); n != 0 {
		t.Errorf("the card received %d commands after Close", n)
	}
}

func cardError(t *testing.T, _ *Card, conn apdu.Conn) {
	want(t, conn, Login, LoggedIn)
	if response, err := conn.Transmit([]byte(Break)); err == nil {
		t.Errorf("the card failed, and the link answered %q", response)
	}
}

func exchange(t *testing.T, conn apdu.Conn, command []byte) {
	t.Helper()
	response, err := conn.Transmit(command)
	if err != nil {
		t.Fatalf("%d bytes: %v", len(command), err)
	}
	if !bytes.Equal(response, Complement(command)) {
		t.Fatalf("%d bytes came back changed: %d bytes", len(command), len(response))
	}
}

func want(t *testing.T, conn apdu.Conn, command, response string) {
	t.Helper()
	got, err := conn.Transmit([]byte(command))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != response {
		t.Fatalf("% X was answered with % X, expected was % X", command, got, response)
	}
}
