package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strconv"

	"conclave/internal/safefile"
)

// ErrStranger is in the error for a reader that may be anyone's.
var ErrStranger = errors.New("this may be anyone's reader")

// Guard dials as dial does, and has no card served to a stranger, who would need no
// PIN to spoil it: wrong ones do. The reader must run as root, as pcscd's own user,
// or as the user of this process, who could write the device's file as well. The
// error wraps ErrStranger for one that does not, and for one of whom that cannot be
// told: the system is not Linux, or the reader is not on this machine's loopback.
//
// It looks twice: when the connection is there, so that no one waits with a stranger,
// and when the reader has spoken, before its first byte is read. Until then no
// process need have the other end, but only a listener have it in its queue.
func Guard(dial Dialer) Dialer {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		if err := checkReader(conn, false); err != nil {
			conn.Close()
			return nil, err
		}
		return &guarded{Conn: conn}, nil
	}
}

type guarded struct {
	net.Conn
	known bool // who is at the other end
}

func (g *guarded) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if n == 0 || g.known {
		return n, err
	}
	if err := checkReader(g.Conn, true); err != nil {
		return 0, err
	}
	g.known = true
	return n, err
}

// checkReader refuses a stranger at the other end of a connection. A reader that has
// spoken must still be there to be seen.
func checkReader(conn net.Conn, spoken bool) error {
	where := conn.RemoteAddr()
	here, there := addressOf(conn.LocalAddr()), addressOf(where)
	if !there.Addr().IsLoopback() {
		return fmt.Errorf("%w: who runs it cannot be seen at %s, which is not on the loopback of this machine (127.0.0.1); a tunnel that you bring there, as ssh -L does, is yours", ErrStranger, where)
	}
	uids, err := usersAt(here, there, spoken)
	if err != nil {
		return fmt.Errorf("%w: who runs it cannot be seen: %w", ErrStranger, err)
	}
	if len(uids) == 0 {
		return fmt.Errorf("the reader at %s hung up before it was seen who runs it", where)
	}
	for _, uid := range uids {
		if !trusted(uid) {
			return fmt.Errorf("%w: %s listens at %s, and root, pcscd's own user or %s was expected; is pcscd running?", ErrStranger, safefile.UserName(uid), where, safefile.UserName(os.Geteuid()))
		}
	}
	return nil
}

// addressOf is that of a TCP socket, the zero value for any other.
func addressOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return plain(tcp.AddrPort())
}

// plain is an address as IPv4 if it is one, in whichever form.
func plain(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// unnamed is what Linux says in the place of every user that has no number in this
// user namespace (user_namespaces(7)).
const unnamed = 65534

func trusted(uid int) bool {
	if uid == 0 || uid == os.Geteuid() && uid != unnamed {
		return true
	}
	// pcscd has a user of its own since pcsc-lite 2.4.0.
	daemon, err := user.Lookup("pcscd")
	return err == nil && daemon.Uid == strconv.Itoa(uid)
}
