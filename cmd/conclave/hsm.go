package main

import (
	"fmt"
	"slices"

	"conclave/hsm"
	"conclave/link/pcsc"
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
	Name string `arg:"" default:"default" env:"CONCLAVE_DEVICE" help:"Name of the device. Default: default."`
}

// Run makes the device.
func (cmd hsmCreate) Run(c *console) error {
	serial, err := c.home.Create(cmd.Name)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, serial)
	return nil
}

type hsmList struct {
	tracing
	listing
}

// deviceEntry is an embedded device in a list.
type deviceEntry struct {
	Name   string `json:"name"`
	Serial string `json:"serial"`
	State  string `json:"state"` // new, initialised or unreadable
	Error  string `json:"error,omitempty"`
}

type deviceList struct {
	Devices []deviceEntry `json:"devices"`
	// Readers are names for --device; null without a PC/SC service.
	Readers []string `json:"readers"`
}

// Run lists readers by name alone: to look at a card would end the sessions
// that other processes have with it.
func (cmd hsmList) Run(c *console) error {
	names, err := c.home.List()
	if err != nil {
		return err
	}
	list := deviceList{Devices: []deviceEntry{}}
	for _, name := range names {
		list.Devices = append(list.Devices, c.deviceEntry(name))
	}
	if readers, err := pcsc.Readers(); err == nil {
		list.Readers = []string{}
		for _, reader := range readers {
			list.Readers = append(list.Readers, "pcsc:"+reader)
		}
	}
	if cmd.JSON {
		return c.showJSON(list)
	}
	return c.showTable(list.rows())
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
	for _, reader := range l.Readers {
		rows = append(rows, []string{reader, "", "reader"})
	}
	return rows
}

type hsmDelete struct {
	Name string `arg:"" help:"Name of the device."`
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
	return c.home.Delete(cmd.Name)
}

// serialOf gives a device's serial number, which is empty where its
// certificate cannot be read.
func (c *console) serialOf(h *hsm.HSM) string {
	serial, err := h.Serial()
	if err != nil {
		c.note("conclave: warning: no serial number: %v", err)
	}
	return serial
}
