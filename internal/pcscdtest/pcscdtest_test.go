//go:build linux

package pcscdtest_test

import (
	"context"
	"io"
	"net"
	"os"
	"testing"

	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
)

func TestMain(m *testing.M) { os.Exit(pcscdtest.Wrap(m).Run()) }

func TestPCSCDIsOurOwn(t *testing.T) {
	daemon := pcscdtest.Start(t)
	for range 2 {
		pollOnce(t)
		daemon.Restart(t)
	}
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) != 1 || interfaces[0].Name != "lo" {
		t.Errorf("interfaces %v, error %v; the loopback alone was expected", interfaces, err)
	}
}

// pollOnce is a card that waits for the first byte of vpcd.
func pollOnce(t *testing.T) {
	t.Helper()
	for _, address := range []string{pcscdtest.VPCD, pcscdtest.SecondVPCD} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer context.AfterFunc(testrun.Patience(t), func() { conn.Close() })()
		frame := make([]byte, 3)
		if _, err := io.ReadFull(conn, frame); err != nil || frame[1] != 1 {
			t.Errorf("%s sent % X, error %v", address, frame, err)
		}
	}
}
