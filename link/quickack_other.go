//go:build !linux

package link

import "net"

// quickACK has no counterpart here.
func quickACK(conn *net.TCPConn) net.Conn { return conn }
