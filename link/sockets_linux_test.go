package link

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The rows are of a machine whose numbers have the least significant byte first.
func TestUsersOf(t *testing.T) {
	const (
		heads    = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		ours     = "0: 0100007F:B75A 0100007F:8C7B 01 00000000:00000000 00:00000000 00000000 1000 0 77 1 0 20 4 30 10 -1\n"
		any      = "1: 00000000:8C7B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 UID 0 78 1 0 100 0 0 10 0\n"
		loopback = "1: 0100007F:8C7B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 UID 0 79 1 0 100 0 0 10 0\n"
		other    = "1: 0200007F:8C7B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 7 0 79 1 0 100 0 0 10 0\n"
		port     = "1: 00000000:8C7C 00000000:0000 0A 00000000:00000000 00:00000000 00000000 7 0 79 1 0 100 0 0 10 0\n"
		accepted = "2: 0100007F:8C7B 0100007F:B75A 01 00000000:00000000 00:00000000 00000000 UID 0 80 1 0 20 4 30 10 -1\n"
		queued   = "2: 0100007F:8C7B 0100007F:B75A 01 00000000:00000000 00:00000000 00000000 0 0 0 1 0 20 4 30 10 -1\n"
		halfShut = "2: 0100007F:8C7B 0100007F:B75A 05 00000000:00000000 00:00000000 00000000 UID 0 80 1 0 20 4 30 10 -1\n"
		closed   = "2: 0100007F:8C7B 0100007F:B75A 05 00000000:00000000 00:00000000 00000000 0 0 0 1 0 20 4 30 10 -1\n"
		asking   = "2: 0100007F:8C7B 0100007F:B75A 03 00000000:00000000 00:00000000 00000000 0 0 0 1 0 20 4 30 10 -1\n"
		another  = "2: 0100007F:8C7B 0100007F:B75B 01 00000000:00000000 00:00000000 00000000 9 0 81 1 0 20 4 30 10 -1\n"
		any6     = "1: 00000000000000000000000000000000:8C7B 00000000000000000000000000000000:0000 0A 0:0 00:0 0 UID 0 82 1\n"
		queued6  = "2: 0000000000000000FFFF00000100007F:8C7B 0000000000000000FFFF00000100007F:B75A 01 0:0 00:0 0 0 0 0 1\n"
	)
	if a, err := parseAddress("0100007F:8C7B"); err != nil || a.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Skipf("NOT TESTED: the rows are of a machine with another byte order: %v, %v", a, err)
	}
	here, there := netip.MustParseAddrPort("127.0.0.1:46938"), netip.MustParseAddrPort("127.0.0.1:35963")
	as := func(row, uid string) string { return strings.ReplaceAll(row, "UID", uid) }
	for _, test := range []struct {
		name, rows string
		spoken     bool
		want       []int
	}{
		{"no one", ours, false, nil},
		{"accepted", as(any, "0") + ours + as(accepted, "1000"), false, []int{1000}},
		{"accepted, and it has spoken", as(any, "0") + ours + as(accepted, "1000"), true, []int{1000}},
		{"accepted from a stranger's listener", as(any, "1000") + as(accepted, "0"), false, []int{0}},
		{"in a listener's queue", as(any, "1000") + ours + queued, false, []int{1000}},
		{"in the queue of a listener on the address", as(loopback, "1000") + queued, false, []int{1000}},
		{"in the queue of one of two", as(any, "0") + as(loopback, "1000") + queued, false, []int{0, 1000}},
		{"listeners elsewhere", other + port + queued, false, nil},
		{"still in the queue, and it has spoken", as(any, "0") + queued, true, nil},
		{"closed for writing", as(any, "0") + as(halfShut, "1000"), true, []int{1000}},
		{"closed, and root listens now", as(any, "0") + closed, false, nil},
		{"closed, root listens now, and it has spoken", as(any, "0") + closed, true, nil},
		{"not connected yet", as(any, "0") + asking, false, nil},
		{"another connection", as(any, "0") + another, false, nil},
		{"in the queue of a listener for IPv6 too", as(any6, "1000") + queued6, false, []int{1000}},
	} {
		sockets, err := parseSockets(heads + test.rows)
		if err != nil {
			t.Fatal(err)
		}
		if got := usersOf(sockets, here, there, test.spoken); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, expected %v", test.name, got, test.want)
		}
	}
	for _, rows := range []string{"0: 0100007F:8C7B 01", strings.Replace(ours, "0100007F", "01", 1), strings.Replace(ours, ":B75A", "", 1), strings.Replace(ours, "1000", "root", 1)} {
		if sockets, err := parseSockets(heads + rows); err == nil {
			t.Errorf("%q was read as %v", rows, sockets)
		}
	}
}
