package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"conclave/ca"
	"conclave/ceremony/step"
	"conclave/internal/keycheck"
	"conclave/quorum"
	"conclave/wire"
)

// checker collects what is wrong with a plan.
type checker struct {
	plan     *Plan
	problems []error
}

// say notes a problem with a field.
func (c *checker) say(field, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

// sayAll notes each of joined errors.
func (c *checker) sayAll(field string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.sayAll(field, e)
		}
		return
	}
	c.say(field, "%v", err)
}

// Check gives everything that is wrong with the plan in itself, joined; each
// error names the field. It does not look at files or devices.
func (p *Plan) Check() error {
	c := &checker{plan: p}
	c.header()
	c.people()
	c.devices()
	c.keys()
	c.custody()
	c.certificates()
	c.crls()
	c.sequel()
	return errors.Join(c.problems...)
}

func (c *checker) header() {
	p := c.plan
	c.text("ceremony", p.Ceremony, true)
	if longest := 70; len(p.Ceremony) > longest && !p.Practice && p.Sequel() == nil { // rehearsals, drills and changes add to it
		c.say("ceremony", "%d characters; %d at most were expected", len(p.Ceremony), longest)
	}
	c.text("place", p.Place, false)
	if p.Start.IsZero() {
		c.say("start", "it is missing; the time at which the ceremony is to begin was expected, such as 2027-01-15T09:00:00Z")
	}
	if p.Retention.Years < 1 || p.Retention.Years > 100 {
		c.say("retention.years", "%d; 1 to 100 was expected", p.Retention.Years)
	}
	if p.Retention.DrillMonths < 1 || p.Retention.DrillMonths > 60 {
		c.say("retention.drillMonths", "%d; 1 to 60 was expected, 12 is usual", p.Retention.DrillMonths)
	}
	c.path("register", p.Register)
}

// sequel expects the closings of earlier evidence, and a number of its own for each
// bag; in a drill, for each thing that there is.
func (c *checker) sequel() {
	p := c.plan
	sequel, field := p.Sequel(), p.sequelField()
	switch {
	case sequel == nil:
		return
	case p.Drill != nil && p.Change != nil:
		c.say(field, "a plan is that of a drill or of a change, and not of both")
	case p.Custody == nil:
		c.say(field, "it goes on from earlier custody, and this ceremony has none")
		return
	}
	for _, closing := range []struct{ field, sum string }{{".closing", sequel.Closing}, {".last", sequel.Last}} {
		if sum, err := hex.DecodeString(closing.sum); closing.sum != "" && (err != nil || len(sum) != sha256.Size) || closing.sum == "" && closing.field == ".closing" {
			c.say(field+closing.field, "%q; a SHA-256 in hexadecimal was expected", closing.sum)
		}
	}
	things := c.bags(field+".bags", sequel.Bags)
	if want := p.Bags(); p.Drill != nil && !slices.Equal(things, want) {
		c.say(field+".bags", "they are for %s; bags for %s were expected", strings.Join(things, ", "), strings.Join(want, ", "))
	}
	if p.Change != nil {
		c.change(p.Change)
	}
}

// bags gives the things that are in bags, each of which has a number of its own.
func (c *checker) bags(field string, bags []Bag) (things []string) {
	seen := map[string]string{}
	for i, bag := range bags {
		field := fmt.Sprintf("%s[%d]", field, i)
		c.text(field+".thing", bag.Thing, true)
		c.text(field+".number", bag.Number, true)
		if slices.Contains(things, bag.Thing) {
			c.say(field+".thing", "%s has two bags", bag.Thing)
		}
		number := FoldBag(bag.Number)
		if other := seen[number]; other != "" && bag.Number != NoBag {
			c.say(field+".number", "%s is the number of the bag of %s too", bag.Number, other)
		}
		seen[number] = bag.Thing
		things = append(things, bag.Thing)
	}
	return things
}

// change checks what a change says beside what is to be in force.
func (c *checker) change(change *Change) {
	p := c.plan
	if !slices.Contains(Kinds(), change.Kind) {
		c.say("change.kind", "%q; one of %v was expected", change.Kind, Kinds())
		return
	}
	c.text("change.reason", change.Reason, false)
	c.text("change.replaces", change.Replaces, false)
	if change.Kind.MakesSheets() != (change.Before != nil) {
		c.say("change.before", "new sheets say whose sheets there were before, and no other change does")
	} else if change.Before != nil {
		for i, name := range change.Before.Custodians {
			c.person(fmt.Sprintf("change.before.custodians[%d]", i), name)
		}
		if change.Before.Threshold < 2 || change.Before.Threshold > len(change.Before.Custodians) {
			c.say("change.before.threshold", "%d; 2 to %d was expected", change.Before.Threshold, len(change.Before.Custodians))
		}
	}
	switch of := change.Kind.IsOfDevices(); {
	case !of && change.Device != "", !of && change.Replaces != "":
		c.say("change.device", "a change of the kind %s is about no device", change.Kind)
	case change.Replaces != "" && p.FindDevice(change.Device) != nil && p.FindDevice(change.Device).Serial == change.Replaces:
		c.say("change.replaces", "%s is the device that takes the place, too; another one was expected", change.Replaces)
	case change.Device == "" && change.Kind == ReplaceDevice, change.Device != "" && !slices.Contains(p.Kept(), change.Device):
		c.say("change.device", "%q; a device that holds the keys was expected: %s", change.Device, strings.Join(p.Kept(), ", "))
	}
}

// MaxContact is how many characters a contact has at most: a sheet shortens names, but
// no telephone number.
const MaxContact = 60

// text checks what will be printed on paper.
func (c *checker) text(field, text string, required bool) {
	switch {
	case text == "" && required:
		c.say(field, "it is missing")
	case utf8.RuneCountInString(text) > 100:
		c.say(field, "%d characters; 100 at most were expected", utf8.RuneCountInString(text))
	case strings.TrimSpace(text) != text || strings.ContainsFunc(text, unicode.IsControl):
		c.say(field, "%q begins or ends with a space, or has control characters", text)
	}
}

// path checks a path in a plan: the file moves with the plan.
func (c *checker) path(field, path string) {
	if path != "" && !filepath.IsLocal(path) {
		c.say(field, "%q leads out of the folder of the plan; put the file beside the plan", path)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }) {
		c.say(field, "%q has a character that cannot be printed, or a backslash; rename the file", path)
	}
}

func (c *checker) people() {
	p := c.plan.People
	c.person("people.administrator", p.Administrator)
	if len(p.Witnesses) == 0 {
		c.say("people.witnesses", "at least one was expected, to compare what is read aloud")
	}
	seen := map[string]string{FoldName(p.Administrator): "people.administrator"}
	for _, group := range []struct {
		field string
		names []string
	}{{"people.witnesses", p.Witnesses}, {"people.custodians", p.Custodians}} {
		for i, name := range group.names {
			field := fmt.Sprintf("%s[%d]", group.field, i)
			c.person(field, name)
			if before, twice := seen[FoldName(name)]; twice && name != "" {
				c.say(field, "%s is %s already; no one can have two roles, and two people of the same name need something that tells them apart", name, before)
			}
			seen[FoldName(name)] = field
		}
	}
}

// person checks a name. It may be longer than that of a new set's custodian:
// existing plans have such names, and rehearsals add to them.
func (c *checker) person(field, name string) {
	c.text(field, name, true)
	if strings.ContainsFunc(name, unicode.IsControl) {
		return // text has said so
	}
	if err := quorum.CheckVisible(name); err != nil {
		c.say(field, "%v", err)
	}
}

// CheckPerson refuses what cannot be the name of a person.
func CheckPerson(name string) error {
	c := &checker{}
	c.person("name", name)
	return errors.Join(c.problems...)
}

// FoldName is quorum's: the same text for names that everyone would read as one
// person's.
func FoldName(name string) string { return quorum.FoldName(name) }

// name checks the name of an object, which becomes part of names of files.
func (c *checker) name(field, name string, seen map[string]bool) {
	if good, _ := regexp.MatchString(`^[a-z0-9][a-z0-9-]{0,39}$`, name); !good {
		c.say(field, "%q is not a name; lower-case letters, digits and '-' were expected, 40 at most", name)
	}
	if seen[name] {
		c.say(field, "two are named %q", name)
	}
	seen[name] = true
}

func (c *checker) devices() {
	if len(c.plan.Devices) == 0 {
		c.say("devices", "at least one was expected")
	}
	names, serials := map[string]bool{}, map[string]bool{}
	for i, d := range c.plan.Devices {
		field := fmt.Sprintf("devices[%d]", i)
		c.name(field+".name", d.Name, names)
		if d.Serial == "" && !d.Embedded {
			c.say(field+".serial", "it is missing; a card in a reader is known by its serial number, which conclave hsm status shows")
		}
		if d.Serial != "" && serials[d.Serial] {
			c.say(field+".serial", "two devices have the serial number %s", d.Serial)
		}
		serials[d.Serial] = true
		c.pins(field, d)
		c.product(field, d.Product)
	}
}

func (c *checker) product(field string, p Product) {
	c.text(field+".make", p.Make, false)
	c.text(field+".model", p.Model, false)
	c.text(field+".firmware", p.Firmware, false)
	c.text(field+".certificate", p.Certificate, false)
}

func (c *checker) keys() {
	names, files := map[string]bool{}, map[string]bool{}
	for i, k := range c.plan.Keys {
		field := fmt.Sprintf("keys[%d]", i)
		c.name(field+".name", k.Name, names)
		c.keyType(field+".type", k)
		c.keyFile(field+".import", k.Import, files)
	}
	if len(c.plan.Keys) > 0 && c.plan.Custody == nil {
		c.say("custody", "it is missing, and a key that no one can restore is not made; say how the keys are kept")
	}
}

// keyType refuses a new key that is weak. One that is imported is as it is.
func (c *checker) keyType(field string, k Key) {
	template, err := wire.ParseKeyType(k.Type)
	if err == nil && k.Import == "" {
		err = keycheck.Strong(template.Bits, template.CurveBits())
	}
	if err != nil {
		c.say(field, "%v", err)
	}
}

// keyFile checks the path of a key that is imported, which must not become part of
// the evidence.
func (c *checker) keyFile(field, path string, seen map[string]bool) {
	if path == "" {
		return
	}
	c.path(field, path)
	clean := filepath.Clean(path)
	if seen[clean] {
		c.say(field, "%s is imported twice; a key has one name", path)
	}
	seen[clean] = true
	if slices.ContainsFunc(c.plan.Inputs(), func(input string) bool { return filepath.Clean(input) == clean }) {
		c.say(field, "%s comes with the plan as a certificate, request or register too, and would remain with the evidence; put what is public into a file of its own", path)
	}
}

// MaxMedia is how many backup media a plan may have: more than anyone can keep apart.
const MaxMedia = 20

func (c *checker) custody() {
	p := c.plan
	if p.Custody == nil {
		return
	}
	if len(p.Keys) == 0 {
		c.say("keys", "none; custody is for new keys")
	}
	for _, d := range []struct{ field, name string }{{"custody.device", p.Custody.Device}, {"custody.standby", p.Custody.Standby}} {
		if p.FindDevice(d.name) == nil {
			c.say(d.field, "%q is not one of the plan's devices", d.name)
		}
	}
	if p.Custody.Device == p.Custody.Standby {
		c.say("custody.standby", "it is the device that makes the keys; the backup is proved on another one")
	}
	if n := len(p.People.Custodians); n < 3 || n > 255 {
		c.say("people.custodians", "%d names; 3 to 255 were expected", n)
	} else if p.Custody.Threshold < 2 || p.Custody.Threshold > n {
		c.say("custody.threshold", "%d; 2 to %d was expected", p.Custody.Threshold, n)
	}
	c.text("custody.contact", p.Custody.Contact, false)
	if n := utf8.RuneCountInString(p.Custody.Contact); n > MaxContact {
		c.say("custody.contact", "%d characters; %d at most were expected: the sheets have no room for more", n, MaxContact)
	}
	if n := p.Custody.Media; n != 0 && (n < step.MinCopies || n > MaxMedia) {
		c.say("custody.media", "%d; %d to %d were expected", n, step.MinCopies, MaxMedia)
	}
	if good, _ := regexp.MatchString(`^[A-Za-z0-9._-]{0,127}$`, p.Custody.Printer); !good {
		c.say("custody.printer", "%q is not the name of a CUPS queue; lpstat -a lists them", p.Custody.Printer)
	}
}

func (c *checker) certificates() {
	names := map[string]bool{}
	for i := range c.plan.Certificates {
		cert := &c.plan.Certificates[i]
		field := fmt.Sprintf("certificates[%d]", i)
		c.name(field+".name", cert.Name, names)
		c.path(field+".file", cert.File)
		c.path(field+".request", cert.Request)
		if len(cert.LeaveOut) > 0 && cert.Request == "" {
			c.say(field+".leaveOut", "there is no request that asks for anything; leave it out")
		}
		if cert.File != "" {
			c.oldCertificate(field, cert)
		} else {
			c.newCertificate(field, cert, c.plan.Certificates[:i])
		}
	}
	c.serials()
	c.rootNames()
}

// rootNames wants each root to have a name of its own: the register knows authorities by
// their names, and so does whoever looks for a CRL.
func (c *checker) rootNames() {
	seen := map[string]string{}
	for i, cert := range c.plan.Certificates {
		if !cert.IsRoot() {
			continue
		}
		name := cert.Subject.String()
		if other := seen[name]; other != "" {
			c.say(fmt.Sprintf("certificates[%d].subject", i), "%s is the name of the root %s too; another one was expected: CRLs and the register know a root by its name", name, other)
		}
		seen[name] = cert.Name
	}
}

// oldCertificate checks a certificate that exists before the ceremony.
func (c *checker) oldCertificate(field string, cert *Certificate) {
	if cert.Key != "" || cert.Request != "" || cert.Issuer != "" || cert.Profile != "" {
		c.say(field, "a certificate that exists already (file) has no key, request, issuer or profile in a plan")
	}
	if c.plan.FindDevice(cert.Device) == nil {
		c.say(field+".device", "%q is not one of the plan's devices; say which has the key of this certificate", cert.Device)
	}
}

// newCertificate checks a certificate that is to be issued; its issuer must be one
// of those before it.
func (c *checker) newCertificate(field string, cert *Certificate, before []Certificate) {
	if cert.Device != "" {
		c.say(field+".device", "only a certificate that exists already (file) has one; a new key is in the device of the custody")
	}
	sources := 0
	for _, given := range []bool{cert.Key != "", cert.Request != "", cert.Existing != nil, cert.CrossSigns != ""} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		c.say(field, "one of these was expected: the name of a key of this plan (key), the file of a request (request), the root that is cross-signed (existing, or crossSigns for one of this plan)")
	}
	if cert.Key != "" && c.plan.FindKey(cert.Key) == nil {
		c.say(field+".key", "%q is not one of the plan's keys", cert.Key)
	}
	if cert.Subject.AsInRequest() && cert.Request == "" {
		c.say(field+".subject", "it is as in the request, and there is no request; write the name")
	}
	if cert.CrossSigns == "" {
		c.sayAll(field, cert.Spec.Check())
	} else {
		c.sayAll(field, cert.Spec.CheckAwaiting())
		c.crossSigned(field, cert, before)
	}
	c.sayAll(field, cert.Publication.Check())
	if cert.Issuer == "" {
		if cert.Key == "" {
			c.say(field+".issuer", "it is missing: only a key of this plan can sign itself")
		}
		return
	}
	i := slices.IndexFunc(before, func(b Certificate) bool { return b.Name == cert.Issuer })
	if i < 0 {
		c.say(field+".issuer", "%q is not a certificate before this one", cert.Issuer)
		return
	}
	c.withinIssuer(field, cert, &before[i])
}

// crossSigned checks a certificate for a root that this plan has made before.
func (c *checker) crossSigned(field string, cert *Certificate, before []Certificate) {
	i := slices.IndexFunc(before, func(b Certificate) bool { return b.Name == cert.CrossSigns && b.IsRoot() })
	switch {
	case i < 0:
		c.say(field+".crossSigns", "%q is not a root of this plan before this certificate", cert.CrossSigns)
	case cert.Subject != (ca.Name{}):
		c.say(field+".subject", "it is that of the root that is cross-signed; leave it out")
	case cert.Issuer == cert.CrossSigns:
		c.say(field+".issuer", "it is the root that is cross-signed; another one was expected")
	case cert.NotAfter.After(before[i].NotAfter):
		c.say(field+".notAfter", "%s is after the end of the root that is cross-signed, %s", date(cert.NotAfter), date(before[i].NotAfter))
	}
}

// withinIssuer checks a certificate against its issuer's, where the plan knows it.
func (c *checker) withinIssuer(field string, cert, issuer *Certificate) {
	if c.plan.SignedBy(issuer) == "" {
		c.say(field+".issuer", "the key of %q is in none of the plan's devices", issuer.Name)
	}
	if issuer.File != "" {
		return // the file is looked at before the ceremony
	}
	if cert.NotBefore.Before(issuer.NotBefore) || cert.NotAfter.After(issuer.NotAfter) {
		c.say(field, "it would be valid from %s to %s, and its issuer %q from %s to %s; it must lie within",
			date(cert.NotBefore), date(cert.NotAfter), issuer.Name, date(issuer.NotBefore), date(issuer.NotAfter))
	}
}

// serials checks that no issuer uses a serial number twice.
func (c *checker) serials() {
	seen := map[string]bool{}
	for i, cert := range c.plan.Certificates {
		issuer := cert.Issuer
		if issuer == "" {
			issuer = cert.Name
		}
		number := fmt.Sprint(issuer, " ", cert.Serial)
		if !cert.Serial.IsZero() && seen[number] {
			c.say(fmt.Sprintf("certificates[%d].serial", i), "the issuer %q has that number in this plan already", issuer)
		}
		seen[number] = true
	}
}

func (c *checker) crls() {
	names, last := map[string]bool{}, map[string]ca.CRLSpec{}
	for i, crl := range c.plan.CRLs {
		field := fmt.Sprintf("crls[%d]", i)
		c.name(field+".name", crl.Name, names)
		c.sayAll(field, c.plan.Spec(&crl).Check())
		if crl.Number != 0 {
			c.say(field+".number", "%d; none was expected: a CRL of a ceremony has the number after the last one", crl.Number)
		}
		issuer := c.plan.FindCertificate(crl.Issuer)
		if issuer == nil {
			c.say(field+".issuer", "%q is not one of the plan's certificates", crl.Issuer)
			continue
		}
		if c.plan.SignedBy(issuer) == "" {
			c.say(field+".issuer", "the key of %q is in none of the plan's devices", crl.Issuer)
		}
		if issuer.File == "" && crl.NextUpdate.After(issuer.NotAfter) {
			c.say(field+".nextUpdate", "%s is after the end of its issuer, %s", date(crl.NextUpdate), date(issuer.NotAfter))
		}
		before, ok := last[crl.Issuer]
		if issuer.File != "" && c.plan.Register == "" && !c.plan.Practice && !ok && !crl.First {
			c.say(field+".first", "%s exists already, and no register is continued, so that what it has revoked before would be good again; name the register, which conclave ca adopt makes of what there is, or say true here: it has never signed a CRL", crl.Issuer)
		}
		if ok && crl.ThisUpdate.After(before.NextUpdate) {
			c.say(field+".thisUpdate", "%s is after the next update of the CRL before it, %s; in between there would not be one", date(crl.ThisUpdate), date(before.NextUpdate))
		}
		last[crl.Issuer] = crl.CRLSpec
	}
}
