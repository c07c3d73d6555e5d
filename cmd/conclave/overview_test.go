package main

import (
	"testing"

	"conclave/custody"
	"conclave/hsm"
)

// TestStatusExit documents the exit status of status, which is a promise to who watches
// devices.
func TestStatusExit(t *testing.T) {
	backedUp := deviceOverview{Status: &deviceStatus{}, Keys: []keyOverview{{BackedUp: true, Backup: &keyBackup{State: custody.BackupAway}}}}
	lost := deviceOverview{Status: &deviceStatus{}, Keys: []keyOverview{backedUp.Keys[0], {Backup: &keyBackup{State: custody.BackupMissing}}}}
	overdue, soon := dueEntry{Overdue: true, Soon: true}, dueEntry{Soon: true}
	for name, c := range map[string]struct {
		report overviewReport
		want   int
	}{
		"nothing":                   {overviewReport{}, 0},
		"a reader":                  {overviewReport{Readers: []string{"pcsc:reader"}}, 0},
		"no keys":                   {overviewReport{Devices: []deviceOverview{{Status: &deviceStatus{}}}}, 0},
		"backed up":                 {overviewReport{Devices: []deviceOverview{backedUp}, Due: []dueEntry{soon}}, 0},
		"one is not":                {overviewReport{Devices: []deviceOverview{backedUp, lost}}, 8},
		"overdue":                   {overviewReport{Devices: []deviceOverview{backedUp}, Due: []dueEntry{soon, overdue}}, 9},
		"not backed up and overdue": {overviewReport{Devices: []deviceOverview{lost}, Due: []dueEntry{overdue}}, 8},
		"unreadable":                {overviewReport{Devices: []deviceOverview{{Error: "why"}}}, 8},
	} {
		if got := c.report.exitStatus(); got != c.want {
			t.Errorf("%s: %d; %d was expected", name, got, c.want)
		}
	}
	for word, d := range map[string]dueEntry{"OVERDUE": overdue, "soon": soon, "": {}} {
		if got := d.state(); got != word {
			t.Errorf("%+v is %q", d, got)
		}
	}
	if got := newKeyOverview(hsm.Key{Ref: 1}, nil).backup(); got != "NOT BACKED UP, as far as can be told: the device does not show its public half" {
		t.Errorf("without a public half: %s", got)
	}
}
