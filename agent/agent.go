// Package agent is the process that holds devices for programs that speak PKCS#11: they
// load a module that is thin and has no key, and the module talks to the agent over a
// socket, as docs/agent-protocol.md says. What the calls mean is package token's.
//
// Here are the socket, who may connect, the bounds on what clients send,
// and what outlives an agent: the tickets by which its successor logs a client in again. How a
// program finds the socket and starts an agent is the module's.
package agent
