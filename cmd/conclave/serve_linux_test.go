package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"conclave/hsm"
	"conclave/link"
)

// TestServeRefusesAStranger: where another user listens, the device is served only
// if it is said that it may.
func TestServeRefusesAStranger(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("no other user to test with: it needs root")
		}
		t.Skip("NOT TESTED, no other user to test with: it needs root")
	}
	home(t)
	var config net.ListenConfig
	config.SetMultipathTCP(false) // else the system keeps the socket that has a port to itself
	reader, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	socket, err := reader.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := socket.Chown(4242, 4242); err != nil {
		t.Fatal(err)
	}
	address := reader.Addr().String()
	for want, flags := range map[string][]string{
		"waiting, reader at " + address + ": this may be anyone's reader: uid 4242 listens at " + address + ", and root, pcscd's own user or " +
			"uid 0 (root) was expected; is pcscd running?; if you know whose reader it is: conclave hsm serve --trust-any": nil,
		"connected, reader at " + address: {"--trust-any"},
	} {
		serve := exec.Command("conclave", append([]string{"hsm", "serve", "--vpcd", address}, flags...)...)
		out, err := serve.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := serve.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || !strings.HasSuffix(lines.Text(), "device default: "+want) {
			t.Errorf("it said %q; %q was expected", lines.Text(), want)
		}
		conn, err := reader.Accept() // as root
		if err != nil {
			t.Fatal(err)
		}
		if h, err := hsm.Open(link.NewClient(conn)); (err == nil) != (flags != nil) {
			t.Errorf("with %q the reader has %v, %v", flags, h, err)
		}
		serve.Process.Kill()
		serve.Wait()
	}
}
