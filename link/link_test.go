package link_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/link"
	"conclave/link/linktest"
)

func TestDirect(t *testing.T) {
	linktest.Run(t, 1<<17, func(_ *testing.T, card link.Card) apdu.Conn { return link.Direct(card) })
}

func TestPipe(t *testing.T) {
	linktest.Run(t, link.MaxPayload, func(t *testing.T, card link.Card) apdu.Conn {
		here, there := net.Pipe()
		return serve(t, card, here, there)
	})
}

func TestTCP(t *testing.T) {
	linktest.Run(t, link.MaxPayload, func(t *testing.T, card link.Card) apdu.Conn {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		here, err := link.TCP(listener.Addr().String())(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		there, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return serve(t, card, here, there)
	})
}

func serve(t *testing.T, card link.Card, reader, cardSide net.Conn) *link.Client {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cardSide.Close()
		link.Serve(cardSide, card, linktest.ATR())
	}()
	client := link.NewClient(reader)
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	return client
}

// script is a connection whose other end has already said everything.
type script struct {
	io.Reader
	bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) { return s.Reader.Read(p) }
func (s *script) Close() error               { return nil }

func scripted(sent string) *script { return &script{Reader: strings.NewReader(sent)} }

func TestServe(t *testing.T) {
	atr := "\x00\x18" + string(linktest.ATR())
	login, status := "\x00\x04"+linktest.Login, "\x00\x04"+linktest.Status
	yes, no := "\x00\x02"+linktest.LoggedIn, "\x00\x02"+linktest.LoggedOut
	for _, test := range []struct{ name, sent, answered, err string }{
		{"nothing", "", "", ""},
		{"the ATR does not reset", login + "\x00\x01\x04" + status, yes + atr + yes, ""},
		{"power off resets", login + "\x00\x01\x00" + status, yes + no, ""},
		{"power on resets", login + "\x00\x01\x01" + status, yes + no, ""},
		{"reset resets", login + "\x00\x01\x02" + status, yes + no, ""},
		{"an empty payload is a command", "\x00\x00", "\x00\x00", ""},
		{"unknown control", login + "\x00\x01\x03" + status, yes, "control 03"},
		{"end within the length", login + "\x00", yes, "within the length"},
		{"end after the length", login + "\x00\x04", yes, "after 0 of the 4 bytes"},
		{"end within the payload", login + "\x00\x05\x80\x22", yes, "after 2 of the 5 bytes"},
		{"a failing card", "\x00\x04" + linktest.Break + login, "", "the card failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			card, conn := linktest.NewCard(), scripted(test.sent)
			err := link.Serve(conn, card, linktest.ATR())
			if got := conn.String(); got != test.answered {
				t.Errorf("answered % X, expected % X", got, test.answered)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, expected %q", err, test.err)
			}
			if card.LoggedIn() {
				t.Error("the session is open after Serve")
			}
		})
	}
}

// large answers with more than a frame can carry.
type large struct{ *linktest.Card }

func (large) Transmit([]byte) ([]byte, error) { return make([]byte, link.MaxPayload+1), nil }

func TestServeLargeResponse(t *testing.T) {
	conn := scripted("\x00\x04" + linktest.Status)
	if err := link.Serve(conn, large{linktest.NewCard()}, nil); err == nil || conn.Len() != 0 {
		t.Errorf("a response of 65536 bytes: error %v, %d bytes written", err, conn.Len())
	}
}

type stuck struct{ *linktest.Card }

var errStuck = errors.New("the card does not reset")

func (stuck) Reset() error { return errStuck }

func TestServeReportsAFailedReset(t *testing.T) {
	if err := link.Serve(scripted(""), stuck{linktest.NewCard()}, nil); !errors.Is(err, errStuck) {
		t.Errorf("error %v", err)
	}
}

func TestClient(t *testing.T) {
	here, there := net.Pipe()
	client := serve(t, linktest.NewCard(), here, there)
	if _, err := client.Transmit([]byte(linktest.Login)); err != nil {
		t.Fatal(err)
	}
	if atr, err := client.ATR(); err != nil || !bytes.Equal(atr, linktest.ATR()) {
		t.Errorf("ATR % X, error %v", atr, err)
	}
	status := func(want string) {
		t.Helper()
		if got, err := client.Transmit([]byte(linktest.Status)); err != nil || string(got) != want {
			t.Errorf("status % X, error %v; expected % X", got, err, want)
		}
	}
	status(linktest.LoggedIn)
	for _, size := range []int{1, link.MaxPayload + 1} {
		if response, err := client.Transmit(make([]byte, size)); err == nil {
			t.Errorf("a command of %d bytes was answered with % X", size, response)
		}
	}
	status(linktest.LoggedIn) // what was refused has not reached the card
	if err := client.PowerOn(); err != nil {
		t.Fatal(err)
	}
	status(linktest.LoggedOut)
}

func TestClientGivesUpAfterHalfAFrame(t *testing.T) {
	conn := scripted("\x00\x04\x90\x00")
	client := link.NewClient(conn)
	_, first := client.Transmit([]byte(linktest.Status))
	sent := conn.Len()
	_, second := client.Transmit([]byte(linktest.Status))
	if first == nil || second == nil || conn.Len() != sent {
		t.Errorf("errors %v and %v; %d bytes were sent after the first", first, second, conn.Len()-sent)
	}
}
