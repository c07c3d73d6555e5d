package agent

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
	"testing"
)

// TestWhoMayConnect: the mode of the socket says so to the system, and whom the agent
// serves fits it.
func TestWhoMayConnect(t *testing.T) {
	own, err := user.LookupGroupId(strconv.Itoa(os.Getegid()))
	if err != nil {
		t.Skipf("this group has no name: %v", err)
	}
	stranger := os.Geteuid() + 1
	for _, test := range []struct {
		group   string
		mode    os.FileMode
		strange bool // whether the agent leaves another user to the system
	}{{"", 0o600, false}, {own.Name, 0o660, true}} {
		o := Options{Home: newHome(t, "office"), Group: test.group}
		info, err := os.Stat(serving(t, o))
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); info.Mode().Perm() != test.mode || int(stat.Gid) != os.Getegid() {
			t.Errorf("group %q: the socket is %v of group %d; %v of %d was expected", test.group, info.Mode(), stat.Gid, test.mode, os.Getegid())
		}
		if !o.admits(0) || !o.admits(os.Geteuid()) || o.admits(stranger) != test.strange {
			t.Errorf("group %q: root %v, own user %v, another %v", test.group, o.admits(0), o.admits(os.Geteuid()), o.admits(stranger))
		}
	}
	if err := (Options{Home: newHome(t), Group: "no such group"}).letGroupIn("socket"); err == nil {
		t.Error("a group that there is not was let in")
	}
}
