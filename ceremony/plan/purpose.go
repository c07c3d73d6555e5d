package plan

import "slices"

// PurposeOf says what a device is for.
func (p *Plan) PurposeOf(device string) string {
	switch {
	case p.LeavesBackup():
		return "Is compared with what was recorded"
	case p.Kind() == ReplaceDevice && device == p.Change.Device:
		return "Takes the place of " + orOld(p.Change.Replaces) + ", and gets its keys from the backup"
	case p.Sequel() != nil && slices.Contains(p.Kept(), device):
		return "Has the keys"
	case p.Custody != nil && device == p.Custody.Device:
		return "Makes the keys, and keeps them"
	case p.Custody != nil && device == p.Custody.Standby && p.Custody.EraseStandby:
		return "Proves the backup, and is erased"
	case p.Custody != nil && device == p.Custody.Standby:
		return "Proves the backup, and keeps the keys too"
	case slices.ContainsFunc(p.Certificates, func(c Certificate) bool { return c.File != "" && c.Device == device }):
		return "Has the key of a certificate that exists already"
	}
	return "Is identified, but not used"
}

// orOld is what the paper calls a device that is replaced.
func orOld(serial string) string {
	if serial == "" {
		return "the device before it"
	}
	return "the device " + serial
}
