package main

import (
	"context"
	"os"

	"conclave/card"
	"conclave/device"
	"conclave/dkek/dkektest"
)

// costVariable is "real" in the environment of a program that is to derive keys
// as its users have it. What is not about that derives them at a cost that can be
// paid a thousand times.
const costVariable = "CONCLAVE_TEST_COST"

// practisingMain is sc-hsm-tool in the tests.
func practisingMain() {
	if os.Getenv(costVariable) == "real" {
		main()
		return
	}
	os.Exit(run(dkektest.Practising(context.Background()), practiceHome, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func practiceHome() (device.Home, error) {
	home, err := device.DefaultHome()
	home.PINCost = card.PINCost{Time: 1, Memory: 8, Threads: 1}
	return home, err
}
