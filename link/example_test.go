package link_test

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"

	"conclave/device"
	"conclave/hsm"
	"conclave/link"
	"conclave/wire"
)

// newCard is the card of a new embedded device. Its home is to be removed.
func newCard() (c *device.Embedded, home string) {
	home, err := os.MkdirTemp("", "conclave")
	if err != nil {
		log.Fatal(err)
	}
	h := device.NewHome(home)
	if _, err := h.Create("example"); err != nil {
		log.Fatal(err)
	}
	if c, err = h.OpenCard("example", "pcscd", nil); err != nil {
		log.Fatal(err)
	}
	return c, home
}

// A card is served to a host over a connection, here one in memory.
func Example() {
	card, home := newCard() // as device.Home.OpenCard gives it
	defer os.RemoveAll(home)
	defer card.Close()

	cardEnd, hostEnd := net.Pipe()
	served := make(chan error)
	go func() { served <- link.Serve(cardEnd, card, wire.ATR()) }()

	h, err := hsm.Open(link.NewClient(hostEnd))
	if err != nil {
		log.Fatal(err)
	}
	status, err := h.Status()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a SmartCard-HSM of version %v; initialised: %t\n", status.Version, status.Initialised)
	// Closing the link is a loss of power to the card.
	if err := errors.Join(h.Close(), <-served); err != nil {
		log.Fatal(err)
	}
	// Output: a SmartCard-HSM of version 3.5; initialised: false
}

// A card in the same process needs no connection.
func ExampleDirect() {
	card, home := newCard() // as device.Home.OpenCard gives it
	defer os.RemoveAll(home)
	defer card.Close()

	h, err := hsm.Open(link.Direct(card))
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	random, err := h.Random(16)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(random), "random bytes")
	// Output: 16 random bytes
}
