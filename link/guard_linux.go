package link

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"

	"conclave/internal/safefile"
)

// usersAt are the users who have the other end of a connection to this machine, as
// its network namespace shows it; none if that end is gone. They are one, unless it
// waits for a listener.
func usersAt(here, there netip.AddrPort, spoken bool) ([]int, error) {
	const most = 64 << 20 // bytes, for some 400,000 connections
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		content, err := safefile.Read(table, most)
		if errors.Is(err, fs.ErrNotExist) && table != "/proc/self/net/tcp" {
			continue // there is no IPv6
		}
		if err != nil {
			return nil, err
		}
		sockets, err := parseSockets(string(content))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		if uids := usersOf(sockets, here, there, spoken); len(uids) > 0 {
			return uids, nil
		}
	}
	return nil, nil
}

// socket is a row of /proc/net/tcp (proc_pid_net(5)).
type socket struct {
	local, remote netip.AddrPort
	state         string
	uid           int
	// inode is "0" while no process has the socket: before it is accepted and after it
	// is closed. Its uid means nothing then: Linux may say 0 of anyone's.
	inode string
}

// States of sockets: include/net/tcp_states.h.
const (
	established = "01"
	listening   = "0A"
)

// usersOf are the users who have the end of a connection whose remote end is here. Who
// has not spoken may have it in the queue of a listener, which is in the same
// table, and which could not be closed without closing it. What a process has closed may
// still be read at our end, long after another has come to listen in its place.
func usersOf(sockets []socket, here, there netip.AddrPort, spoken bool) (uids []int) {
	waits := false
	for _, s := range sockets {
		if s.local == there && s.remote == here {
			if s.inode != "0" {
				return []int{s.uid}
			}
			waits = waits || s.state == established && !spoken
		}
	}
	for _, s := range sockets {
		if waits && s.state == listening && s.local.Port() == there.Port() && (s.local.Addr() == there.Addr() || s.local.Addr().IsUnspecified()) {
			uids = append(uids, s.uid)
		}
	}
	return uids
}

func parseSockets(table string) (sockets []socket, err error) {
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		if i == 0 { // the heads of the columns
			continue
		}
		f := strings.Fields(line)
		if len(f) < 10 {
			return nil, fmt.Errorf("%q has %d fields; 10 or more were expected", line, len(f))
		}
		s := socket{state: f[3], inode: f[9]}
		var errs [3]error
		s.local, errs[0] = parseAddress(f[1])
		s.remote, errs[1] = parseAddress(f[2])
		s.uid, errs[2] = strconv.Atoi(f[7])
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// parseAddress reads an address whose bytes are written as numbers of 32 bits, which
// have the byte order of the machine, and a port.
func parseAddress(text string) (netip.AddrPort, error) {
	number, port, _ := strings.Cut(text, ":")
	address, err := hex.DecodeString(number)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err := errors.Join(err, portErr); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address and a port: %w", text, err)
	}
	for word := address; len(word) >= 4; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	a, ok := netip.AddrFromSlice(address)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address and a port", text)
	}
	return plain(netip.AddrPortFrom(a, uint16(n))), nil
}
