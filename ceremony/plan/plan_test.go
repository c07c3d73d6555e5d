package plan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ca"
	"conclave/ceremony/plan"
	"conclave/quorum/paper"
)

// example is the plan of one root.
func example(t *testing.T) []byte { return exampleOf(t, "offline-root") }

// exampleOf is one of the examples.
func exampleOf(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("../../examples/" + name + "/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func parse(t *testing.T, content []byte) *plan.Plan {
	t.Helper()
	p, err := plan.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExample(t *testing.T) {
	content := example(t)
	p := parse(t, content)
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if lines := strings.Count(string(content), "\n"); lines >= 80 {
		t.Errorf("the example has %d lines; fewer than 80 were expected", lines)
	}
	written, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again := parse(t, written)
	if rewritten, err := again.Bytes(); err != nil || string(rewritten) != string(written) {
		t.Errorf("a plan that was written and read is another one (%v)", err)
	}
}

// TestExamples: each example is a plan, and rehearses.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*/plan.json")
	if err != nil || len(paths) < 2 {
		t.Fatalf("examples: %v, %v", paths, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		p := parse(t, content)
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if r, err := p.Rehearsal(); err != nil || r.Check() != nil {
			t.Errorf("%s: its rehearsal: %v, %v", path, err, r.Check())
		}
	}
}

// TestParseBoundsLists refuses what would be compared for minutes.
func TestParseBoundsLists(t *testing.T) {
	for _, list := range []string{
		`"people": {"witnesses": [%s]}`, `"people": {"custodians": [%s]}`, `"devices": [%s]`, `"keys": [%s]`, `"certificates": [%s]`, `"crls": [%s]`, `"drill": {"bags": [%s]}`,
	} {
		object := "{}"
		if strings.Contains(list, "people") {
			object = `"A"`
		}
		text := func(n int) []byte {
			return fmt.Appendf(nil, `{"format": "conclave plan 1", `+list+`}`, strings.TrimSuffix(strings.Repeat(object+",", n), ","))
		}
		if _, err := plan.Parse(text(1000)); err != nil {
			t.Errorf("%s: a thousand: %v", list, err)
		}
		if p, err := plan.Parse(text(1001)); p != nil || err == nil || !strings.Contains(err.Error(), "there are 1001; 1000 at most were expected") {
			t.Errorf("%s: one more: %v", list, err)
		}
	}
}

// TestParseRefuses: a plan that is understood in part is not understood.
func TestParseRefuses(t *testing.T) {
	good := string(example(t))
	for name, test := range map[string]struct{ old, new, want string }{
		"unknown field":        {`"place"`, `"plaice"`, `unknown field "plaice"`},
		"field twice":          {`"place":`, `"place": "", "place":`, `the field "place" comes twice`},
		"twice, other letters": {`"place":`, `"Place": "", "place":`, `the field "place" comes twice`},
		"twice, nested":        {`"threshold": 3,`, `"threshold": 3, "threshold": 2,`, `the field "threshold" comes twice`},
		"later version":        {`plan 1"`, `plan 2"`, "format"},
		"a PIN":                {`"embedded": true}`, `"embedded": true, "pin": "648219"}`, `unknown field "pin"`},
		"a word for a number":  {`"threshold": 3`, `"threshold": "3"`, "line 17: the field custody.threshold has a string; a number was expected"},
		"a number for a word":  {`"embedded": true`, `"firmware": 3.5`, "the field devices.firmware has a number; a string was expected"},
		"a word for a list":    {`"pathLen": 0`, `"leaveOut": "keyUsage"`, "the field certificates.leaveOut has a string; a list was expected"},
		"a time of its own":    {`2026-11-01T09:00:00Z`, `2026-11-01 09:00`, "2026-11-01 09:00 is not a time; one such as 2027-01-15T09:00:00Z was expected"},
		"a comma too many":     {`"witnesses": [`, `"witnesses": [,`, "plan, line 9: "},
		"text behind":          {"\n}\n", "\n}\n{}", "more after the end"},
		"cut off":              {`"retention"`, "", "plan, line 58: "},
	} {
		changed := strings.Replace(good, test.old, test.new, 1)
		if changed == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := plan.Parse([]byte(changed)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; %q was expected", name, err, test.want)
		}
	}
}

// TestCheckNames: each problem is reported with its field.
func TestCheckNames(t *testing.T) {
	good := string(example(t))
	for name, test := range map[string]struct{ old, new, want string }{
		"no ceremony":         {"Example Root CA key ceremony", "", "ceremony: it is missing"},
		"two roles":           {`"Carla"`, `"Ada Admin"`, "people.custodians[0]: Ada Admin is people.administrator already"},
		"two roles, written":  {`"Carla"`, `"ADA\u00a0 Admin"`, "is people.administrator already"},
		"NFD":                 {`"Carla",`, `"Jos\u00e9", "Jose\u0301",`, "people.custodians[1]: Jose\u0301 is people.custodians[0] already"},
		"zero width":          {`"Carla"`, `"Car\u200bla"`, `people.custodians[0]: "Car\u200bla": the character U+200B in the name is invisible`},
		"bidirectional":       {`"Carla"`, `"\u202ealraC"`, "people.custodians[0]: \"\\u202ealraC\": the character U+202E in the name is invisible"},
		"invisible admin":     {`"Ada Admin"`, `"Ada\u00ad Admin"`, "people.administrator: "},
		"control character":   {`"Carla"`, `"Car\tla"`, "begins or ends with a space, or has control characters"},
		"long name":           {`"Carla"`, `"` + strings.Repeat("Щ", 101) + `"`, "people.custodians[0]: 101 characters; 100 at most were expected"},
		"long certificate":    {`"embedded": true`, `"embedded": true, "certificate": "` + strings.Repeat("7", 101) + `"`, "devices[0].certificate: 101 characters; 100 at most were expected"},
		"make in two lines":   {`"embedded": true`, `"embedded": true, "make": "Card\nContact"`, "devices[0].make: "},
		"threshold":           {`"threshold": 3`, `"threshold": 6`, "custody.threshold: 6; 2 to 5 was expected"},
		"threshold of one":    {`"threshold": 3`, `"threshold": 1`, "custody.threshold: 1; 2 to 5 was expected"},
		"long contact":        {`"contact": "Ada Admin, `, `"contact": "Ada Admin, or if she does not answer Wim Witness, `, "custody.contact: 66 characters; 60 at most were expected"},
		"no standby":          {`"standby": "standby"`, `"standby": "primary"`, "custody.standby: it is the device that makes the keys"},
		"no such device":      {`"device": "primary"`, `"device": "first"`, `custody.device: "first" is not one of the plan's devices`},
		"no serial":           {`"name": "standby", "embedded": true`, `"name": "standby"`, "devices[1].serial: it is missing"},
		"key type":            {"ec:secp384r1", "ec:secp384", "keys[0].type: "},
		"key leads out":       {`"ec:secp384r1"`, `"ec:secp384r1", "import": "../root.key"`, `keys[0].import: "../root.key" leads out of the folder of the plan`},
		"key in the evidence": {`"ec:secp384r1"`, `"ec:secp384r1", "import": "./issuing.csr"`, "keys[0].import: ./issuing.csr comes with the plan as a certificate, request or register too, and would remain with the evidence"},
		"one key, two names":  {`{"name": "root", "type": "ec:secp384r1"}`, `{"name": "root", "type": "ec:secp384r1", "import": "a"}, {"name": "toor", "type": "ec:secp384r1", "import": "./a"}`, "keys[1].import: ./a is imported twice"},
		"name of a file":      {`"name": "issuing"`, `"name": "../issuing"`, `certificates[1].name: "../issuing" is not a name`},
		"leads out":           {`"request": "issuing.csr"`, `"request": "../issuing.csr"`, "certificates[1].request: "},
		"issuer":              {`"issuer": "root",` + "\n" + `      "request"`, `"issuer": "toor",` + "\n" + `      "request"`, `certificates[1].issuer: "toor" is not a certificate before this one`},
		"outlives its issuer": {"2036-10-31", "2056-10-31", "it must lie within"},
		"CRL after the root":  {`"nextUpdate": "2027-11-01`, `"nextUpdate": "2057-11-01`, "crls[0].nextUpdate: "},
		"no key":              {`"key": "root"`, `"key": "tree"`, `certificates[0].key: "tree" is not one of the plan's keys`},
		"profile":             {`"profile": "root"`, `"profile": "toor"`, "certificates[0]: "},
		"retention":           {`"years": 25`, `"years": 0`, "retention.years: 0"},
	} {
		changed := strings.Replace(good, test.old, test.new, 1)
		if changed == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := parse(t, []byte(changed)).Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; %q was expected", name, err, test.want)
		}
	}
}

// TestCheckTwoRoots: what is said of two roots must fit together.
func TestCheckTwoRoots(t *testing.T) {
	good := string(exampleOf(t, "two-roots"))
	for name, test := range map[string]struct{ old, new, want string }{
		"one name":               {"Example Root CA Q1", "Example Root CA C1", "certificates[1].subject: CN=Example Root CA C1,O=Example Ltd,C=CH is the name of the root root-classical too"},
		"no such root":           {`"crossSigns": "root-pq"`, `"crossSigns": "root-qp"`, `certificates[2].crossSigns: "root-qp" is not a root of this plan before this certificate`},
		"a later one":            {`"crossSigns": "root-pq"`, `"crossSigns": "issuing-pq"`, `certificates[2].crossSigns: "issuing-pq" is not a root of this plan before this certificate`},
		"itself":                 {`"crossSigns": "root-pq"`, `"crossSigns": "root-classical"`, "certificates[2].issuer: it is the root that is cross-signed"},
		"another profile":        {`"profile": "cross"`, `"profile": "subordinate"`, "certificates[2]: profile: subordinate; cross was expected"},
		"a name":                 {`"profile": "cross"`, `"profile": "cross", "subject": "CN=Eve"`, "certificates[2].subject: it is that of the root that is cross-signed"},
		"two keys":               {`"profile": "cross"`, `"profile": "cross", "key": "root-pq"`, "certificates[2]: one of these was expected"},
		"from no root":           {`"issuer": "root-classical",` + "\n      \"crossSigns\"", "\"crossSigns\"", "certificates[2].issuer: it is missing"},
		"longer than the root":   {`"2036-10-31T23:59:59Z"`, `"2047-10-31T23:59:59Z"`, "certificates[2].notAfter: 2047-10-31 23:59:59 UTC is after the end of the root that is cross-signed"},
		"a CRL of a cross":       {`"issuer": "root-classical",` + "\n      \"thisUpdate\"", `"issuer": "pq-by-classical",` + "\n      \"thisUpdate\"", `crls[0].issuer: the key of "pq-by-classical" is in none of the plan's devices`},
		"below a cross":          {`"issuer": "root-pq",` + "\n      \"request\"", `"issuer": "pq-by-classical",` + "\n      \"request\"", `certificates[5].issuer: the key of "pq-by-classical" is in none of the plan's devices`},
		"something to leave out": {`"profile": "cross"`, `"profile": "cross", "leaveOut": ["keyUsage"]`, "certificates[2].leaveOut: there is no request"},
	} {
		changed := strings.Replace(good, test.old, test.new, 1)
		if changed == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if err := parse(t, []byte(changed)).Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; %q was expected", name, err, test.want)
		}
	}
}

// TestDatesOfTwoRoots: each date says whose it is.
func TestDatesOfTwoRoots(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range parse(t, exampleOf(t, "two-roots")).Schedule() {
		if what := d.What + d.Day.String(); seen[what] || seen[d.ID] {
			t.Errorf("%s on %s is there twice", d.What, d.Day)
		} else {
			seen[what], seen[d.ID] = true, true
		}
	}
}

// TestCheckTakesOlderNames: names that earlier releases took are taken, also in the
// rehearsal, which adds to each of them.
func TestCheckTakesOlderNames(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("a", 91), strings.Repeat("Щ", 91), "Jose\u0301", "\u674e", "Anna  Maria", "\ue000", "O'Brien\u2011M\u00fcller, Dr.",
	} {
		p := parse(t, example(t))
		p.People.Custodians[2] = name
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		if r, err := p.Rehearsal(); err != nil || r.Check() != nil {
			t.Errorf("the rehearsal: %v, %v", err, r.Check())
		}
	}
}

// TestSteps: nothing is signed before the backup was proved on a second device.
func TestSteps(t *testing.T) {
	var order []string
	for _, s := range parse(t, example(t)).Steps() {
		order = append(order, s.ID)
		if s.Title == "" || len(s.Do) == 0 || len(s.Expect) == 0 {
			t.Errorf("step %s says too little: %+v", s.ID, s)
		}
	}
	want := "open roll-call prepare-primary share import-primary key-root backup-root prepare-standby import-standby restore copy certificate-root certificate-issuing crl-root-crl-1 seal close"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("steps\n%s\nexpected\n%s", got, want)
	}
}

// TestRehearsal: every name says that it is practice, and nothing else differs.
func TestRehearsal(t *testing.T) {
	p := parse(t, example(t))
	before, _ := p.Bytes()
	r, err := p.Rehearsal()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	for _, name := range append(r.Everyone(), r.Ceremony, r.Certificates[0].Subject.CommonName, r.Certificates[1].Subject.Organization) {
		if !strings.HasPrefix(name, "PRACTICE ") {
			t.Errorf("%q does not say that it is practice", name)
		}
	}
	if len(r.Steps()) != len(p.Steps()) {
		t.Errorf("the rehearsal has %d steps, the ceremony %d", len(r.Steps()), len(p.Steps()))
	}
	if after, _ := p.Bytes(); string(after) != string(before) {
		t.Error("the plan itself was changed")
	}
}

// TestCheckTime: a clock that is years off is refused, and a rehearsal may be held at
// any time.
func TestCheckTime(t *testing.T) {
	p := &plan.Plan{Start: time.Date(2027, 1, 15, 9, 0, 0, 0, time.UTC), Retention: plan.Retention{Years: 10}}
	for when, good := range map[string]bool{
		"2027-01-15T09:00:00Z": true, "2026-02-01T00:00:00Z": true, "2036-12-31T00:00:00Z": true,
		"2025-12-31T00:00:00Z": false, "2037-01-16T00:00:00Z": false, "1970-01-01T00:00:00Z": false,
	} {
		at, err := time.Parse(time.RFC3339, when)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.CheckTime(at); (err == nil) != good {
			t.Errorf("%s: %v", when, err)
		}
		practice := *p
		practice.Practice = true
		if err := practice.CheckTime(at); err != nil {
			t.Errorf("%s, a rehearsal: %v", when, err)
		}
	}
}

// TestSubjects: a plan has names as objects, as strings and as those of requests, and
// what is published at several places. The witness hears a name that the plan does not
// say.
func TestSubjects(t *testing.T) {
	text := string(example(t))
	for _, change := range [][2]string{
		{`{"commonName": "Example Root CA", "organization": "Example Ltd", "country": "CH"}`, `"CN=Example-CA,OU=PKI,DC=example,DC=com"`},
		{`{"commonName": "Example Issuing CA 1", "organization": "Example Ltd", "country": "CH"}`, `"request"`},
		{`"http://pki.example.com/root.crl"`, `["ldap:///CN=Example-CA,DC=example,DC=com?certificateRevocationList?base", "http://pki.example.com/root.crl"]`},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("%s is not in the example", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	p := parse(t, []byte(text))
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	r, err := p.Rehearsal()
	if err != nil {
		t.Fatal(err)
	}
	if name := r.FindCertificate("root").Subject.String(); name != "CN=PRACTICE Example-CA,OU=PRACTICE PKI,DC=example,DC=com" || !r.FindCertificate("issuing").Subject.AsInRequest() {
		t.Errorf("the rehearsal's root is %s", name)
	}
	for _, s := range p.Steps() {
		if heard := strings.HasPrefix(s.Do[0], "Read the subject aloud"); heard != (s.ID == "certificate-issuing") {
			t.Errorf("step %s begins with %q", s.ID, s.Do[0])
		}
	}
	written, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := parse(t, written).Bytes(); err != nil || string(again) != string(written) {
		t.Errorf("a plan that was written and read is another one (%v)", err)
	}
	p.FindCertificate("root").Subject = p.FindCertificate("issuing").Subject
	if err := p.Check(); err == nil || !strings.Contains(err.Error(), "certificates[0].subject: it is as in the request, and there is no request; write the name") {
		t.Errorf("a root as in the request: %v", err)
	}
}

// TestRestores: sheets name keys as the certificates do, however a subject is written,
// and have room for the longest contact.
func TestRestores(t *testing.T) {
	p := parse(t, example(t))
	if got, want := p.Restores(), "the key of Example Root CA"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	var err error
	if p.Certificates[0].Subject, err = ca.ParseName(`CN=Old Root\, Ltd,O=Example`); err != nil {
		t.Fatal(err)
	}
	p.Keys = append(p.Keys, plan.Key{Name: "timestamp", Type: "rsa:4096"})
	if got, want := p.Restores(), "the keys of Old Root, Ltd and timestamp"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if plan.MaxContact != paper.MaxContact {
		t.Errorf("a plan allows a contact of %d characters, and a sheet has room for %d", plan.MaxContact, paper.MaxContact)
	}
}
