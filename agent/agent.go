// Package agent is the process that holds devices for programs that speak PKCS#11: they
// load a module that is thin and has no key, and the module talks to the agent over a
// socket, as docs/agent-protocol.md says. What the calls mean is package token's.
//
// Begin with [Run], which is an agent. Here are the socket, who may connect, the bounds
// on what clients send, and what outlives an agent: the tickets by which its successor
// logs a client in again. How a program finds the socket and starts an agent is the
// module's.
package agent

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"

	"conclave/device"
)

// Options say what an agent serves, and to whom.
type Options struct {
	Home   device.Home
	Socket string        // path; that of SocketOf if it is empty
	Group  string        // whose members may connect; if it is empty, the own user and root
	Idle   time.Duration // how long it stays without connections; 0 for ever
	Ready  func() error  // is called when programs can connect
}

// SocketOf is where programs look for the agent of a home.
func SocketOf(home device.Home) string { return filepath.Join(home.Dir(), "agent.sock") }

// Path is where programs connect.
func (o Options) Path() string { return cmp.Or(o.Socket, SocketOf(o.Home)) }

// admits says whether a user may connect. Where a group may, the system has decided by
// the mode of the socket.
func (o Options) admits(uid int) bool { return o.Group != "" || uid == 0 || uid == os.Geteuid() }

// LogOf is the log of an agent in the background.
func LogOf(home device.Home) string { return filepath.Join(home.Dir(), "agent.log") }

// What an agent in the background says to who starts it, if it is not what is wrong.
const (
	SaysReady  = "ready"
	SaysServed = "served"
)

// ErrServed is the error where another agent is at work already.
var ErrServed = errors.New("another agent serves the devices")
