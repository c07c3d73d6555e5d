package ca

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Name is a distinguished name as a plan writes it: an object with the fields that
// most have, encoded in the order of BR section 7.1.4.2; or any other as a string, RFC
// 4514, encoded in the order that it says; or "request", the one of the request.
type Name struct {
	CommonName   string `json:"commonName"`
	Organization string `json:"organization,omitempty"`
	Country      string `json:"country,omitempty"`
	Province     string `json:"province,omitempty"`
	Locality     string `json:"locality,omitempty"`

	text string // of one that the fields cannot say, which are empty then
}

// asInRequest is written in the place of a name.
const asInRequest = "request"

// AsInRequest says whether the name is that of the request, whatever it is.
func (n Name) AsInRequest() bool { return n.text == asInRequest }

// fields are the values of the fields, in the order of attributes.
func (n *Name) fields() []*string {
	return []*string{&n.Country, &n.Province, &n.Locality, &n.Organization, &n.CommonName}
}

// ParseName reads a name as in RFC 4514, CN=…,O=…,C=…, or "request".
func ParseName(text string) (Name, error) {
	if text == asInRequest {
		return Name{text: text}, nil
	}
	parsed, err := parseDN(text)
	switch slashed := slashedDN(text); {
	case err == nil:
		return parsed.name(), nil
	case slashed != nil:
		return Name{}, fmt.Errorf("name %q: it is written as OpenSSL's -subj has it; %s was expected", text, slashed)
	case strings.EqualFold(strings.TrimSpace(text), asInRequest):
		return Name{}, fmt.Errorf("name %q: in small letters and alone, %s was expected", text, asInRequest)
	}
	return Name{}, fmt.Errorf("name %q: %w", text, err)
}

// NameOf reads a name, DER, whose attributes must be text. The order is kept where the
// fields of Name cannot say all of it; string types are not.
func NameOf(content []byte) (Name, error) {
	parsed, err := readDN(content)
	if err != nil {
		return Name{}, err
	}
	for _, p := range parsed.parts() {
		if p.value != nil {
			return Name{}, fmt.Errorf("%s: text was expected", p)
		}
	}
	return parsed.name(), nil
}

// name gives what says it in a plan.
func (n dn) name() (name Name) {
	for _, parts := range n {
		i := slices.IndexFunc(attributes, func(a attribute) bool { return a.label == parts[0].label })
		if len(parts) > 1 || i < 0 || attributes[i].field == "" || *name.fields()[i] != "" {
			return Name{text: n.String()}
		}
		*name.fields()[i] = parts[0].text
	}
	return name
}

func (n Name) dn() (name dn) {
	if n.text != "" {
		name, _ = parseDN(n.text) // which it was made of
		return name
	}
	for i, value := range n.fields() {
		if *value != "" {
			name = append(name, []part{{attribute: attributes[i], text: *value}})
		}
	}
	return name
}

// DER encodes the name, RFC 5280 section 4.1.2.4: nil for one with text that is not
// UTF-8, and for that of a request.
func (n Name) DER() []byte {
	if n.AsInRequest() {
		return nil
	}
	return n.dn().der()
}

// String gives the name for people, as in RFC 4514.
func (n Name) String() string {
	if n.AsInRequest() {
		return "as in the request"
	}
	return n.dn().String()
}

// Map gives a name with other values, which fn makes of the attributes' short names
// and values.
func (n Name) Map(fn func(label, value string) string) Name {
	if n.AsInRequest() {
		return n
	}
	name := n.dn()
	for _, parts := range name {
		for i := range parts {
			parts[i].text = fn(parts[i].label, parts[i].text)
		}
	}
	return name.name()
}

// MarshalJSON implements json.Marshaler: an object where the fields say all, else a
// string.
func (n Name) MarshalJSON() ([]byte, error) {
	if n.text != "" {
		return json.Marshal(n.text)
	}
	type object Name
	return json.Marshal(object(n))
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Name) UnmarshalJSON(content []byte) (err error) {
	if bytes.HasPrefix(content, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(content, &text); err != nil {
			return err
		}
		if *n, err = ParseName(text); err != nil {
			return fmt.Errorf("subject: %w", err)
		}
		return nil
	}
	type object Name
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var wrong *json.UnmarshalTypeError
	if err := d.Decode((*object)(n)); errors.As(err, &wrong) {
		return fmt.Errorf("subject: it has a %s; text was expected: a name as in RFC 4514, an object with commonName, organization…, or %q", wrong.Value, asInRequest)
	} else if err != nil {
		return fmt.Errorf("subject: %v", err) // its offset is none of the plan's
	}
	return nil
}

// Check tells what is wrong with a name that a private CA is to have.
func (n Name) Check() error { return n.check(false) }

func (n Name) check(public bool) error {
	if n.AsInRequest() {
		return errors.New("subject: there is no request whose name it could be; write the name, such as CN=Example Root CA,O=Example Ltd,C=CH")
	}
	name := n.dn()
	problems := []error{name.checkValues()}
	switch {
	case public:
		problems = append(problems, name.checkPublic())
	case n.text == "" && n.CommonName == "":
		problems = append(problems, errors.New("subject.commonName: it is missing"))
	}
	return errors.Join(problems...)
}

// Notes are what people should know of a name that is good.
func (n Name) Notes() []string { return n.dn().notes() }

func (n dn) notes() []string {
	if !n.has(labelEmail) {
		return nil
	}
	return []string{"the subject has an email address, which is for old software alone; a certificate has it in subjectAltName (RFC 5280 section 4.1.2.6)"}
}

// checkValues checks each attribute.
func (n dn) checkValues() error {
	var problems []error
	seen := map[string]bool{}
	for _, p := range n.parts() {
		if err := p.check(p.text); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", p.name(), err))
		}
		if seen[p.label] && !p.repeats {
			problems = append(problems, fmt.Errorf("%s: it appears twice; one value was expected", p.name()))
		}
		seen[p.label] = true
	}
	if size := len(n.der()); size > MaxName {
		problems = append(problems, fmt.Errorf("subject: %d bytes; %d at most were expected", size, MaxName))
	}
	return errors.Join(problems...)
}

// checkPublic wants a name to have what BR section 7.1.2.10.2 demands of a CA's, and
// nothing beyond what it lists, in the order of section 7.1.4.2.
func (n dn) checkPublic() error {
	var problems []error
	if !n.has("CN") {
		problems = append(problems, errors.New("subject.commonName: it is missing; the CA's was expected (BR section 7.1.2.10.2)"))
	}
	if !n.has("C") {
		problems = append(problems, errors.New("subject.country: it is missing; two letters were expected (BR section 7.1.2.10.2)"))
	}
	if !n.has("O") {
		problems = append(problems, errors.New("subject.organization: it is missing; the CA's was expected (BR section 7.1.2.10.2)"))
	}
	allowed := []string{"C", "ST", "L", "postalCode", "STREET", "O", "CN"}
	last := 0
	for _, parts := range n {
		if len(parts) > 1 {
			problems = append(problems, fmt.Errorf("subject: %s are one part of the name; each attribute in one of its own was expected (BR section 7.1.4.2)", dn{parts}))
		}
		for _, p := range parts {
			i := slices.Index(allowed, p.label)
			if i < 0 {
				problems = append(problems, fmt.Errorf("%s: the name of a public CA has none (BR section 7.1.2.10.2); leave it out", p.name()))
			} else if i < last {
				problems = append(problems, fmt.Errorf("%s: it comes after %s; the order C, ST, L, postalCode, STREET, O, CN was expected (BR section 7.1.4.2)", p.name(), allowed[last]))
			}
			last = max(last, i)
		}
	}
	return errors.Join(problems...)
}
