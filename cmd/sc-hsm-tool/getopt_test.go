package main

import (
	"errors"
	"reflect"
	"testing"
)

// TestOptions reads lines as getopt_long does.
func TestOptions(t *testing.T) {
	fresh := func(change func(*options)) options {
		o, err := parseOptions(nil)
		if err != nil {
			t.Fatal(err)
		}
		change(&o)
		return o
	}
	for _, test := range []struct {
		args []string
		want func(*options)
	}{
		{[]string{"-XfS"}, func(o *options) { o.initialize, o.force, o.pkaStatus = true, true, true }},
		{[]string{"-fWkey.bin", "-i1"}, func(o *options) { o.force, o.wrapKey, o.file, o.keyReference = true, true, "key.bin", 1 }},
		{[]string{"-fW", "key.bin", "-i", " 010 "}, func(o *options) { o.force, o.wrapKey, o.file, o.keyReference = true, true, "key.bin", 10 }},
		{[]string{"--unwrap-key=a=b", "--key", "2"}, func(o *options) { o.unwrapKey, o.file, o.keyReference = true, "a=b", 2 }},
		{[]string{"--pwd-shares-to", "4", "--pwd-shares-th=2", "--bio-server1=E82B", "--wai"}, func(o *options) { o.total, o.threshold, o.biometric[0], o.wait = 4, 2, "E82B", true }},
		{[]string{"operand", "-X", "-", "--verb"}, func(o *options) { o.initialize, o.verbose = true, true }},
		{[]string{"-X", "--", "-v"}, func(o *options) { o.initialize = true }},
		{[]string{"-C", "first", "-I", "last"}, func(o *options) { o.createShare, o.importShare, o.file, o.severalFiles = true, true, "last", true }},
		{[]string{"--dkek-shares", "-1", "-l", "-x"}, func(o *options) { o.label = "-x" }},
		{[]string{"--public-key-auth", "3", "-n", "2", "-r", "0"}, func(o *options) { o.publicKeys, o.requiredKeys, o.reader = 3, 2, "0" }},
	} {
		got, err := parseOptions(test.args)
		if want := fresh(test.want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v\n%+v\nexpected:\n%+v", test.args, err, got, want)
		}
	}
	for _, args := range [][]string{{"-x"}, {"-Xx"}, {"--pin"}, {"-W"}, {"--force=1"}, {"--p"}, {"--zz"}, {"-s", "1.5"}, {"-P", "dkek.pbe"}} {
		var usage usageError
		if _, err := parseOptions(args); !errors.As(err, &usage) {
			t.Errorf("%q: %v; a usage error was expected", args, err)
		}
	}
}

func TestSecretOptions(t *testing.T) {
	t.Setenv("TEST_PIN", "648219")
	for _, argument := range []string{"648219", "env:TEST_PIN", "ENV:TEST_PIN"} {
		o, err := parseOptions([]string{"--pin", argument})
		if err != nil || string(o.pin) != "648219" || (len(o.exposed) == 1) != (argument == "648219") {
			t.Errorf("%s: %d bytes, exposed %v, %v", argument, len(o.pin), o.exposed, err)
		}
		if o.wipe(); o.pin.Equal([]byte("648219")) {
			t.Error("the PIN was not wiped")
		}
	}
	if o, err := parseOptions([]string{"--password="}); err != nil || o.password == nil {
		t.Errorf("an empty password is not none: %v, %v", o.password, err)
	}
}

func TestReaderNames(t *testing.T) {
	readers := []string{"Virtual PCD 00 00", "Virtual PCD 00 01", "7"}
	for id, want := range map[string]string{
		"": "", "0": readers[0], "1": readers[1], "0x1": readers[1], "7": "7", "Virtual PCD 00 01": readers[1], "Virtual": readers[0],
	} {
		if got, found := findReader(readers, id); !found || got != want {
			t.Errorf("%q: %q, %t; %q was expected", id, got, found, want)
		}
	}
	for _, id := range []string{"3", "-1", "PCD", "Virtual PCD 00 02"} {
		if got, found := findReader(readers, id); found {
			t.Errorf("%q was found: %q", id, got)
		}
	}
	for id, want := range map[string]bool{"3B:FE:18": true, "3BFE": true, "3f 00": true, "3B": false, "4B00": false, "0": false, "3Bx0": false} {
		if _, is := parseATR(id); is != want {
			t.Errorf("%q is an ATR: %t", id, is)
		}
	}
}
