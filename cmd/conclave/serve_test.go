//go:build unix

package main

import (
	"bufio"
	"net"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"conclave/hsm"
	"conclave/link"
)

// TestServe is the reader that a device is served to: it is used, hangs up,
// and is found again; SIGTERM ends it all with exit code 0.
func TestServe(t *testing.T) {
	home(t)
	reader, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	serve := exec.Command("conclave", "hsm", "serve", "--vpcd", reader.Addr().String())
	out, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	defer serve.Process.Kill()
	lines := bufio.NewScanner(out)
	says := func(state string) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("it said nothing more; %q was expected", state)
		}
		if !regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d device default: ` + state + `, reader at 127`).MatchString(lines.Text()) {
			t.Fatalf("it said %q, %q was expected", lines.Text(), state)
		}
	}
	for range 2 {
		conn, err := reader.Accept()
		if err != nil {
			t.Fatal(err)
		}
		h, err := hsm.Open(link.NewClient(conn))
		if err != nil {
			t.Fatal(err)
		}
		if status, err := h.Status(); err != nil || !status.Initialised {
			t.Fatalf("status %+v, %v", status, err)
		}
		says("connected")
		h.Close()
		says("disconnected")
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // it may have connected once more
	}
	if err := serve.Wait(); err != nil {
		t.Fatalf("it ended with %v", err)
	}
}
