package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"conclave/device"
)

// killedSo says how often this program is to be killed when it should become an agent,
// and names a file with a line for each time that it was.
const killedSo = "TEST_AGENT_KILLED"

// TestStartAfterKills: who ends agents while one begins means the one before.
func TestStartAfterKills(t *testing.T) {
	if how := os.Getenv(killedSo); how != "" {
		beKilled(t, how)
		return
	}
	for _, test := range []struct{ kills, begun int }{{0, 1}, {maxKills, maxKills + 1}, {maxKills + 1, maxKills + 1}} {
		log := filepath.Join(t.TempDir(), "log")
		t.Setenv(killedSo, fmt.Sprintf("%d:%s", test.kills, log))
		err := Start(context.Background(), Options{Home: device.NewHome(t.TempDir())}, "-test.run=^TestStartAfterKills$")
		if started := err == nil; started != (test.kills <= maxKills) {
			t.Errorf("after %d kills: %v", test.kills, err)
		}
		if begun, err := os.ReadFile(log); err != nil || len(begun) != test.begun {
			t.Errorf("%d kills: %d were begun, expected %d; %v", test.kills, len(begun), test.begun, err)
		}
	}
}

// beKilled is the agent that is killed before it serves, or says that it is ready.
func beKilled(t *testing.T, how string) {
	times, log, _ := strings.Cut(how, ":")
	kills, err := strconv.Atoi(times)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, append(begun, '.'), 0o600); err != nil {
		t.Fatal(err)
	}
	if len(begun) < kills {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	fmt.Println(SaysReady)
}
