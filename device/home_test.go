//go:build unix

package device_test

import (
	"os"
	"strings"
	"testing"

	"conclave/device"
)

func TestDefaultHome(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ data, home, imports, err string }{
		{"/data", "/home/alice", "/data/conclave/imports", ""},
		{"/data", "", "/data/conclave/imports", ""},
		{"", "/home/alice", "/home/alice/.local/share/conclave/imports", ""},
		{"data", "/home/alice", "", `XDG_DATA_HOME leads to "data", which is another place in each directory; the path from the root was expected, which is ` + here + "/data here"},
		{"~/data", "/home/alice", "", `XDG_DATA_HOME leads to "~/data"`},
		{"", "alice", "", `HOME leads to "alice/.local/share"`},
		{"", "", "", "where your devices are is not known: $HOME is not defined; set HOME to your home directory, or XDG_DATA_HOME to where devices are to be"},
	} {
		t.Setenv("XDG_DATA_HOME", test.data)
		t.Setenv("HOME", test.home)
		switch home, err := device.DefaultHome(); {
		case test.err == "" && (err != nil || home.Imports() != test.imports):
			t.Errorf("%+v: %s, %v", test, home.Imports(), err)
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%+v: error %v", test, err)
		}
	}
}
