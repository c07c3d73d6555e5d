package main

import (
	"errors"
	"fmt"
	"slices"

	"conclave/hsm"
	"conclave/link/pcsc"
	"conclave/wire"
)

type hsmCommands struct {
	Create hsmCreate   `cmd:"" help:"Make a new embedded device."`
	List   hsmList     `cmd:"" help:"List the embedded devices and the readers."`
	Status hsmStatus   `cmd:"" help:"Show what a device says about itself."`
	Init   hsmInit     `cmd:"" help:"Initialise a device: erase it and set its PINs."`
	PIN    pinCommands `cmd:"" name:"pin" help:"Change or reset a PIN."`
	Serve  hsmServe    `cmd:"" help:"Put an embedded device into pcscd's virtual reader."`
	Delete hsmDelete   `cmd:"" help:"Destroy an embedded device with all its keys."`
}

type hsmCreate struct {
	answering
	Name string `arg:"" default:"default" env:"CONCLAVE_DEVICE" help:"Name of the device. Default: default."`
}

// Run makes the device.
func (cmd hsmCreate) Run(c *console) error {
	serial, err := c.home.Create(cmd.Name)
	if err != nil {
		return err
	}
	if err := c.answerf(deviceEntry{Name: cmd.Name, Serial: serial, State: "new"}, "%s\n", serial); err != nil {
		return err
	}
	c.next("conclave hsm init --dkek-shares 1%s sets its PINs; without --dkek-shares its keys can never be backed up", deviceOption(cmd.Name))
	return nil
}

type hsmList struct {
	answering
	tracing
}

// deviceEntry is a device in a list, or one that was made, initialised or deleted.
type deviceEntry struct {
	Name   string `json:"name"`
	Serial string `json:"serial"`
	State  string `json:"state"` // new, initialised, unreadable or deleted
	Error  string `json:"error"`
}

// readerEntry is a reader, and the device in it.
type readerEntry struct {
	Name   string `json:"name"` // for --device
	Serial string `json:"serial"`
	State  string `json:"state"` // empty, device, other-card or unreadable
	Error  string `json:"error"`
}

type deviceList struct {
	Devices []deviceEntry `json:"devices"`
	// Readers is null without a PC/SC service, and ReadersError why.
	Readers      []readerEntry `json:"readers"`
	ReadersError string        `json:"readers_error"`
}

// Run lists devices, and readers with what is in them.
func (hsmList) Run(c *console) error {
	names, err := c.home.List()
	if err != nil {
		return err
	}
	list := deviceList{Devices: []deviceEntry{}}
	for _, name := range names {
		list.Devices = append(list.Devices, c.deviceEntry(name))
	}
	readers, err := pcsc.Readers()
	if err == nil {
		list.Readers = []readerEntry{}
	} else {
		list.ReadersError = err.Error()
	}
	for _, reader := range readers {
		list.Readers = append(list.Readers, peek(reader))
	}
	return c.answer(list, func() error {
		err := c.showTable(list.rows())
		if list.ReadersError != "" {
			c.note("conclave: cards in readers are not seen: %s", list.ReadersError)
		}
		return err
	})
}

// peek looks at a reader so that the logins that other processes have on its card go on:
// it neither selects the applet nor resets the card, and sends nothing to a card that
// does not pass for a SmartCard-HSM.
func peek(reader string) readerEntry {
	entry := readerEntry{Name: "pcsc:" + reader, State: "unreadable"}
	card, err := pcsc.Open(reader)
	if errors.Is(err, pcsc.ErrNoCard) {
		entry.State = "empty"
		return entry
	}
	if err == nil && !wire.IsATR(card.ATR()) {
		entry.State = "other-card"
		err = card.Leave()
	} else if err == nil {
		entry.Serial, err = hsm.PeekSerial(card)
		if err = errors.Join(err, card.Leave()); err == nil {
			entry.State = "device"
		}
	}
	if err != nil {
		entry.Error = err.Error()
	}
	return entry
}

func (c *console) deviceEntry(name string) deviceEntry {
	entry := deviceEntry{Name: name, State: "new"}
	err := c.withDevice(name, func(h *hsm.HSM) error {
		var err error
		if entry.Serial, err = h.Serial(); err != nil {
			return err
		}
		status, err := h.Status()
		if status.Initialised {
			entry.State = "initialised"
		}
		return err
	})
	if err != nil {
		entry.State, entry.Error = "unreadable", err.Error()
	}
	return entry
}

func (l deviceList) rows() [][]string {
	rows := [][]string{{"DEVICE", "SERIAL", "STATE"}}
	for _, d := range l.Devices {
		state := d.State
		if d.Error != "" {
			state += ": " + d.Error
		}
		rows = append(rows, []string{d.Name, d.Serial, state})
	}
	for _, r := range l.Readers {
		rows = append(rows, []string{r.Name, r.Serial, r.state()})
	}
	return rows
}

// state says it in words.
func (r readerEntry) state() string {
	switch {
	case r.Error != "":
		return "reader, not readable: " + r.Error
	case r.State == "empty":
		return "reader without a card"
	case r.State == "other-card":
		return "reader with another card"
	}
	return "in a reader"
}

type hsmDelete struct {
	answering
	Name string `arg:"" complete:"embedded" help:"Name of the device."`
	Yes  bool   `help:"Ask nothing."`
}

// Run deletes a device even if it cannot be read.
func (cmd hsmDelete) Run(c *console) error {
	names, err := c.home.List()
	if err != nil {
		return err
	}
	if slices.Contains(names, cmd.Name) {
		loss := fmt.Sprintf("Deleting device %q destroys it with all its keys", cmd.Name)
		if err := c.confirm(cmd.Yes, loss, "its name", cmd.Name); err != nil {
			return err
		}
	}
	if err := c.home.Delete(cmd.Name); err != nil {
		return err
	}
	return c.answerf(deviceEntry{Name: cmd.Name, State: "deleted"}, "")
}

// serialOf gives a device's serial number, which is empty where its
// certificate cannot be read.
func (c *console) serialOf(h *hsm.HSM) string {
	serial, err := h.Serial()
	if err != nil {
		c.warn("no serial number: %v", err)
	}
	return serial
}
