// Package plan is a key ceremony as it is planned: who comes, which devices,
// which keys, how they are kept, what is signed with them. It is the only input
// of a ceremony, and there is no secret in it.
//
// Begin with [Parse] and [Plan.Check]: Check finds all the mistakes that can be seen
// in the plan alone. [Plan.Rehearsal], [Plan.DrillOf] and [Plan.ChangeOf] are plans
// too: of the same ceremony on devices that are thrown away, of the check, years later,
// that custody still holds, and of a change of custody. [Plan.Schedule] gives the dates that people must not miss.
//
// Nothing is done here, and no file or device is looked at: package preflight
// checks what is around a plan, package runbook prints it, package ceremony carries
// it out, and package evidence verifies what is left of it. docs/plan.md
// describes each field.
package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"conclave/ca"
	"conclave/ceremony/step"
	"conclave/internal/strictjson"
	"conclave/quorum"
	"conclave/wire"
)

// Plan is a ceremony. Every object in its JSON may have a comment. Names of
// objects (devices, keys, certificates, CRLs) become names of files.
type Plan struct {
	Format   string    `json:"format"`
	Comment  string    `json:"comment,omitempty"`
	Ceremony string    `json:"ceremony"` // its name, for papers and sheets
	Place    string    `json:"place,omitempty"`
	Start    time.Time `json:"start"` // when it is to begin
	// Recording says that the whole ceremony is recorded, else it is an exception.
	Recording    bool          `json:"recording,omitempty"`
	People       People        `json:"people"`
	Devices      []Device      `json:"devices"`
	Custody      *Custody      `json:"custody,omitempty"`
	Keys         []Key         `json:"keys,omitempty"`
	Certificates []Certificate `json:"certificates,omitempty"`
	CRLs         []CRL         `json:"crls,omitempty"`
	// Register is the register of an earlier ceremony, to be continued: a path
	// relative to the plan. Without it the ceremony makes a new one.
	Register  string    `json:"register,omitempty"`
	Retention Retention `json:"retention"`
	// Practice says that this is a rehearsal's plan: see Plan.Rehearsal.
	Practice bool `json:"practice,omitempty"`
	// Drill says that this is a drill's plan: see Plan.DrillOf.
	Drill *Sequel `json:"drill,omitempty"`
	// Change says that this is the plan of a change of custody: see Plan.ChangeOf.
	Change *Change `json:"change,omitempty"`
}

// People are those who must come, by name.
type People struct {
	Comment       string   `json:"comment,omitempty"`
	Administrator string   `json:"administrator"` // who operates the computer
	Witnesses     []string `json:"witnesses"`     // the first one compares and initials
	Custodians    []string `json:"custodians,omitempty"`
}

// Device is a SmartCard-HSM: a card in a reader, known by its serial number,
// or an embedded device, known by its name.
type Device struct {
	Comment  string `json:"comment,omitempty"`
	Name     string `json:"name"`
	Serial   string `json:"serial,omitempty"`
	Embedded bool   `json:"embedded,omitempty"`
	// UserPIN and SOPIN say who types each PIN, and how it is kept; nil for the
	// administrator, who keeps it.
	UserPIN *PIN `json:"userPIN,omitempty"`
	SOPIN   *PIN `json:"soPIN,omitempty"`
	Product
}

// Product is what a device is, for whoever reads the report. Firmware is the version
// that it tells; Certificate is the number of its certification.
type Product struct {
	Make        string `json:"make,omitempty"`
	Model       string `json:"model,omitempty"`
	Firmware    string `json:"firmware,omitempty"`
	Certificate string `json:"certificate,omitempty"`
}

// CheckFirmware refuses another version than the planned one, if one is planned.
func (p Product) CheckFirmware(version string) error {
	if p.Firmware != "" && p.Firmware != version {
		return fmt.Errorf("the device has firmware %s, and the plan says %s; take the device that is planned, or correct the plan", version, p.Firmware)
	}
	return nil
}

// Custody is how keys are kept: made in Device, backed up under a DKEK that any
// Threshold of the custodians restore, and the restore proved on Standby.
type Custody struct {
	Comment   string `json:"comment,omitempty"`
	Threshold int    `json:"threshold"`
	Device    string `json:"device"`
	Standby   string `json:"standby"`
	// EraseStandby erases the standby device after the proof; else it is kept, a
	// second device with the same keys.
	EraseStandby bool `json:"eraseStandby,omitempty"`
	// Contact is whom a custodian calls whose sheet is lost or was seen: a name, and a
	// telephone number or an address. It is printed on the sheets.
	Contact string `json:"contact,omitempty"`
	// Media is how many backup media there are, each in a bag of its own. Without it
	// there are as many as people bring, in one bag.
	Media int `json:"media,omitempty"`
	// Printer is the CUPS queue for the sheets; without it they are shown, and
	// copied by hand.
	Printer string `json:"printer,omitempty"`
}

// Scheme is the custodians' quorum.
func (p *Plan) Scheme() quorum.Scheme {
	return quorum.Scheme{Threshold: p.Custody.Threshold, Total: len(p.People.Custodians), Strength: quorum.Strength128}
}

// Copies is how many copies of the backup there are at least, unless an exception says
// that there are fewer.
func (c *Custody) Copies() int { return max(c.Media, step.MinCopies) }

// Key is a key to be generated in the custody's device, or to be brought there.
type Key struct {
	Comment string `json:"comment,omitempty"`
	Name    string `json:"name"`
	Type    string `json:"type"` // rsa:BITS, ec:CURVE or ml-dsa-44, 65 or 87
	// Import is the file of a key that exists: a path relative to the plan. Without it
	// the device makes one.
	Import string `json:"import,omitempty"`
}

// Certificate is one to be issued; or, if File is set, one that exists already,
// whose key is in Device.
type Certificate struct {
	Comment string `json:"comment,omitempty"`
	Name    string `json:"name"`
	File    string `json:"file,omitempty"`   // path relative to the plan
	Device  string `json:"device,omitempty"` // with File
	// Issuer is the certificate whose key signs; empty where Key signs itself.
	Issuer string `json:"issuer,omitempty"`
	// Key is the certified key, if it is one of the plan's; else it is in Request, a
	// PKCS #10 request (a path relative to the plan), or, for a cross-signed
	// certificate, in Existing, or in the root of this plan that CrossSigns names.
	Key        string `json:"key,omitempty"`
	Request    string `json:"request,omitempty"`
	CrossSigns string `json:"crossSigns,omitempty"`
	ca.Spec
	// Publication is where this certificate and what it signs are published.
	Publication ca.Publication `json:"publication,omitzero"`
}

// IsRoot says whether the certificate is one of this plan that its own key signs.
func (c *Certificate) IsRoot() bool { return c.File == "" && c.Issuer == "" }

// CRL is a revocation list to be signed.
type CRL struct {
	Comment string `json:"comment,omitempty"`
	Name    string `json:"name"`
	Issuer  string `json:"issuer"` // name of its certificate
	// First says that an issuer which exists already has never signed a CRL, so that
	// nothing that it has revoked can be missing from this one.
	First bool `json:"first,omitempty"`
	ca.CRLSpec
}

// Retention is how long the evidence is kept, and how often custody is checked.
type Retention struct {
	Comment string `json:"comment,omitempty"`
	Years   int    `json:"years"`
	// DrillMonths is how many months may lie between two drills.
	DrillMonths int `json:"drillMonths"`
}

// Format names the format, and its version.
const Format = "conclave plan 1"

// Parse reads a plan. Fields that it does not know, or that come twice, are
// errors: a plan that is understood in part is not understood. What it says is
// for Check.
func Parse(content []byte) (*Plan, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	if err := strictjson.Check(d); err != nil {
		return nil, fmt.Errorf("plan, line %d: %w", lineAt(content, d.InputOffset()), err)
	}
	d = json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var p Plan
	if err := d.Decode(&p); err != nil {
		return nil, explain(content, err)
	}
	if p.Format != Format {
		return nil, fmt.Errorf("plan: format %q; %q was expected: is it a plan, or one for a later version?", p.Format, Format)
	}
	if err := p.checkNumbers(); err != nil {
		return nil, err
	}
	return &p, nil
}

// maxObjects is how many objects or names a list of a plan may have: many more than
// can be signed or read aloud in a day, and few enough to compare each with each.
const maxObjects = 1000

func (p *Plan) checkNumbers() error {
	bags, before := 0, 0
	if s := p.Sequel(); s != nil {
		bags = len(s.Bags)
	}
	if p.Change != nil && p.Change.Before != nil {
		before = len(p.Change.Before.Custodians)
	}
	for _, list := range []struct {
		field  string
		length int
	}{
		{"people.witnesses", len(p.People.Witnesses)}, {"people.custodians", len(p.People.Custodians)}, {"devices", len(p.Devices)},
		{"keys", len(p.Keys)}, {"certificates", len(p.Certificates)}, {"crls", len(p.CRLs)}, {p.sequelField() + ".bags", bags}, {"change.before.custodians", before},
	} {
		if list.length > maxObjects {
			return fmt.Errorf("plan: %s: there are %d; %d at most were expected", list.field, list.length, maxObjects)
		}
	}
	return nil
}

// lineAt is the number of the line that a byte is on.
func lineAt(content []byte, offset int64) int {
	return 1 + bytes.Count(content[:min(int(offset), len(content))], []byte("\n"))
}

// explain says on which line a value is not what the field takes, if encoding/json
// says so.
func explain(content []byte, err error) error {
	var wrong *json.UnmarshalTypeError
	var when *time.ParseError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("plan, line %d: the field %s has a %s; %s was expected", lineAt(content, wrong.Offset), fieldOf(wrong), wrong.Value, kindOf(wrong.Type))
	case errors.As(err, &when):
		return fmt.Errorf("plan: %s is not a time; one such as 2027-01-15T09:00:00Z was expected", when.Value)
	}
	return fmt.Errorf("plan: %w", err)
}

// fieldOf is where the plan has a field: the structures that are embedded are no part
// of it.
func fieldOf(wrong *json.UnmarshalTypeError) string {
	return strings.NewReplacer(".Spec.", ".", ".CRLSpec.", ".", ".Product.", ".").Replace(wrong.Field)
}

// kindOf says what a field takes in JSON.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a number"
	}
	return "an object"
}

// Bytes writes the plan as indented JSON.
func (p *Plan) Bytes() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", "  ")
	return append(b, '\n'), err
}

// find gives the object with a name, nil for none.
func find[T any](objects []T, name string, nameOf func(*T) string) *T {
	for i := range objects {
		if nameOf(&objects[i]) == name {
			return &objects[i]
		}
	}
	return nil
}

// FindDevice gives the device with a name, nil for none.
func (p *Plan) FindDevice(name string) *Device {
	return find(p.Devices, name, func(d *Device) string { return d.Name })
}

// FindKey gives the key with a name, nil for none.
func (p *Plan) FindKey(name string) *Key {
	return find(p.Keys, name, func(k *Key) string { return k.Name })
}

// FindCertificate gives the certificate with a name, nil for none.
func (p *Plan) FindCertificate(name string) *Certificate {
	return find(p.Certificates, name, func(c *Certificate) string { return c.Name })
}

// FindCRL gives the CRL with a name, nil for none.
func (p *Plan) FindCRL(name string) *CRL {
	return find(p.CRLs, name, func(c *CRL) string { return c.Name })
}

// Spec is what a CRL is to be, under the profile of its issuer if it names none.
func (p *Plan) Spec(c *CRL) ca.CRLSpec {
	spec := c.CRLSpec
	if issuer := p.FindCertificate(c.Issuer); spec.Profile == "" && issuer != nil {
		spec.Profile = issuer.Profile
	}
	return spec
}

// Inputs are the files that come with the plan, by their paths relative to it.
func (p *Plan) Inputs() (paths []string) {
	if p.Sequel() != nil {
		return nil
	}
	if p.Register != "" {
		paths = append(paths, p.Register)
	}
	for _, c := range p.Certificates {
		for _, path := range []string{c.File, c.Request} {
			if path != "" && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// CheckType refuses a public key that is not of the type of the key.
func (k Key) CheckType(public wire.PublicKey) error {
	template, err := wire.ParseKeyType(k.Type)
	if err == nil && (template.Type != public.Type || template.Size() != public.Size() || template.Curve != public.Curve) {
		err = fmt.Errorf("the key is not of the type %s", k.Type)
	}
	return err
}

// KeyFiles are the files of keys that are imported, by their paths relative to the
// plan. They are no inputs, which remain with the evidence.
func (p *Plan) KeyFiles() (paths []string) {
	if p.Sequel() != nil {
		return nil
	}
	for _, k := range p.Keys {
		if k.Import != "" {
			paths = append(paths, k.Import)
		}
	}
	return paths
}

// SignedBy gives the device that holds the key of a certificate, empty if that
// key is in none of the plan's.
func (p *Plan) SignedBy(c *Certificate) (device string) {
	if c.Key != "" && p.Custody != nil {
		return p.Custody.Device
	}
	return c.Device
}
