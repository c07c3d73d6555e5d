package main

import "conclave/hsm"

type dkekCommands struct {
	Create  dkekCreate    `cmd:"" help:"Make a DKEK share file, under a password or for custodians."`
	Import  dkekImport    `cmd:"" help:"Import DKEK share files into a device."`
	Status  dkekShowState `cmd:"" name:"status" help:"Show how far the import of the DKEK has come."`
	Check   dkekCheck     `cmd:"" help:"Let one custodian check a sheet, alone, without a device."`
	Inspect dkekInspect   `cmd:"" help:"Open a share file with sheets in a file, and show what it is."`
	Recover dkekRecover   `cmd:"" help:"Search for the mistake where sheets or a password do not open a share file."`
	Reshare dkekReshare   `cmd:"" help:"Make new sheets for other custodians, with the same DKEK."`
	Rekey   dkekRekey     `cmd:"" help:"Make a new DKEK, and wrap keys under it that were wrapped under the old one."`
}

type dkekShowState struct {
	answering
	onDevice
}

// dkekAnswer is the DKEK of a device, null for none.
type dkekAnswer struct {
	DKEK *dkekStatus `json:"dkek"`
}

// Run shows the DKEK's status as hsm status does.
func (dkekShowState) Run(c *console) error {
	return c.withHSM(func(h *hsm.HSM) error {
		told, err := h.DKEK()
		if err != nil {
			return err
		}
		status := newDKEKStatus(told)
		return c.answerf(dkekAnswer{status}, "DKEK: %s\n", status)
	})
}
