package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave/internal/testrun"
	"conclave/link"
	"conclave/link/linktest"
)

// stranger is a user whom no one trusts.
const stranger = 4242

func TestMain(m *testing.M) { testrun.Main(m, strange) }

// strange is a reader that the stranger runs. It listens, says where, and does as it is
// ordered: accept a connection, count what comes on it until its end.
func strange(_ string, orders iter.Seq[string]) error {
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(stranger), syscall.Setuid(stranger)); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	var conn net.Conn
	for order := range orders {
		switch order {
		case "accept":
			if conn, err = listener.Accept(); err != nil {
				return err
			}
			fmt.Println("accepted")
		case "count":
			received, err := io.ReadAll(conn)
			fmt.Println(len(received), err)
		}
	}
	return nil
}

// TestGuardRefusesAStranger, who has the connection in the queue of a listener, or has
// accepted it, and gets not one byte.
func TestGuardRefusesAStranger(t *testing.T) {
	testrun.NeedRoot(t, "no other user to test with")
	for name, accepted := range map[string]bool{"who waits": false, "who has accepted": true} {
		t.Run(name, func(t *testing.T) {
			reader := testrun.Start(t, "stranger")
			address, ok := reader.Answer()
			if !ok {
				t.Fatal("the stranger does not listen")
			}
			accept := func() {
				reader.Order("accept")
				reader.Answer()
			}
			card, told := linktest.NewCard(), make(chan error, 2)
			ctx, cancel := context.WithCancel(t.Context())
			dial := link.Guard(func(ctx context.Context) (net.Conn, error) {
				conn, err := link.TCP(address)(ctx)
				if err == nil && accepted {
					accept()
				}
				return conn, err
			})
			link.Keep(ctx, dial, card, linktest.ATR(), func(state link.State, err error) {
				if state != link.Waiting {
					t.Errorf("%v: %v", state, err)
				}
				told <- err
				cancel()
			})
			want := "uid 4242 listens at " + address + ", and root, pcscd's own user or uid 0 (root) was expected; is pcscd running?"
			if err := <-told; !errors.Is(err, link.ErrStranger) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v; one with %q was expected", err, want)
			}
			if !accepted {
				accept()
			}
			reader.Order("count")
			if got, _ := reader.Answer(); got != "0 <nil>" {
				t.Errorf("the stranger received %s; nothing, and the end, was expected", got)
			}
		})
	}
}

// connected is a connection that was guarded while it was in the queue of a listener of
// ours, and its other end.
func connected(t *testing.T) (guarded net.Conn, reader *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if guarded, err = link.Guard(link.TCP(listener.Addr().String()))(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { guarded.Close() })
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return guarded, conn.(*net.TCPConn)
}

// served serves a card to a reader that has sent one command, and gives what came of it.
func served(t *testing.T, conn net.Conn) (commands int, err error) {
	t.Helper()
	card := linktest.NewCard()
	err = link.Serve(conn, card, linktest.ATR())
	return len(card.Commands()), err
}

const frame = "\x00\x04" + linktest.Login

func TestGuardServesOurOwnUser(t *testing.T) {
	conn, reader := connected(t)
	if _, err := io.WriteString(reader, frame); err != nil {
		t.Fatal(err)
	}
	if err := reader.CloseWrite(); err != nil { // it still has the connection
		t.Fatal(err)
	}
	if n, err := served(t, conn); n != 1 || err != nil {
		t.Errorf("%d commands, %v; the command of our own reader was expected", n, err)
	}
}

// TestGuardLooksAgain: in the queue of a listener that is trusted, it was a stranger
// who took the connection.
func TestGuardLooksAgain(t *testing.T) {
	testrun.NeedRoot(t, "no other user to test with")
	conn, reader := connected(t)
	giveAway(t, reader)
	if _, err := io.WriteString(reader, frame); err != nil {
		t.Fatal(err)
	}
	if err := reader.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := served(t, conn); n != 0 || !errors.Is(err, link.ErrStranger) {
		t.Errorf("%d commands, %v; none, and link.ErrStranger, was expected", n, err)
	}
}

// giveAway makes the stranger the owner of a socket.
func giveAway(t *testing.T, socket interface{ File() (*os.File, error) }) {
	t.Helper()
	f, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Chown(stranger, stranger); err != nil {
		t.Fatal(err)
	}
}

// TestGuardWantsToSeeWhoSpoke: of a socket that is closed the system says that it is
// root's, whosever it was.
func TestGuardWantsToSeeWhoSpoke(t *testing.T) {
	conn, reader := connected(t)
	if _, err := io.WriteString(reader, frame); err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "hung up before it was seen who runs it"
	if n, err := served(t, conn); n != 0 || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%d commands, %v; none, and an error with %q, was expected", n, err, want)
	}
}

// TestGuardRefusesWhatItCannotSee dials a reader that is not on the loopback.
func TestGuardRefusesWhatItCannotSee(t *testing.T) {
	for address, want := range map[net.Addr]string{
		&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 35963}: "cannot be seen at 192.0.2.1:35963, which is not on the loopback",
		&net.UnixAddr{Name: "/run/vpcd", Net: "unix"}:         "cannot be seen at /run/vpcd, which is not on the loopback",
	} {
		here, there := net.Pipe()
		defer there.Close()
		conn, err := link.Guard(func(context.Context) (net.Conn, error) { return elsewhere{here, address}, nil })(t.Context())
		if conn != nil || !errors.Is(err, link.ErrStranger) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; link.ErrStranger with %q was expected", err, want)
		}
		if err := here.SetDeadline(time.Time{}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the connection is still there: %v", err)
		}
	}
}

// elsewhere is a connection to another address.
type elsewhere struct {
	net.Conn
	remote net.Addr
}

func (e elsewhere) RemoteAddr() net.Addr { return e.remote }
