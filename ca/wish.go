package ca

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"conclave/internal/pqx509"
)

// Wish is an extension that a request asks for and a certificate will not have, or
// not with that value, and about which no one has decided.
type Wish struct {
	Extension string // its name, or its object identifier: what Spec.LeaveOut takes
	Asked     string // for people: the value that is asked for, and whether it is critical
	Planned   string // the one that the certificate will have, "" for none
	Follow    string // the options that follow it, "" if none do
}

// String says what is asked for, and what is planned.
func (w Wish) String() string {
	if w.Planned != "" {
		return fmt.Sprintf("it asks for %s (%s), but planned is %s", w.Extension, w.Asked, w.Planned)
	}
	return fmt.Sprintf("it asks for %s (%s), which the certificate will not have", w.Extension, w.Asked)
}

// refusal says what decides about it, too.
func (w Wish) refusal() string {
	leave := fmt.Sprintf("leave it out with --leave-out %s (in a plan: leaveOut)", w.Extension)
	if w.Follow != "" {
		return fmt.Sprintf("%s: follow it with %s, or %s", w, w.Follow, leave)
	}
	return fmt.Sprintf("%s: %s", w, leave)
}

const (
	// mostAsked is how many extensions, and how many attributes, a request may have;
	// real ones have ten.
	mostAsked = 100
	// longestOID is how many bytes an object identifier in it may have; X.690 sets no
	// limit, and those that are made of UUIDs (X.667) have twenty.
	longestOID = 320
)

// askedExtension is one that a request asks for. Its Id is nil where a number in the
// object identifier is longer than encoding/asn1 can hold, as those of UUIDs are.
type askedExtension struct {
	pkix.Extension
	oid string
}

// readAttributes reads what a request asks for, and remarks on what is passed over.
func (r *Request) readAttributes(attributes []asn1.RawValue) error {
	if len(attributes) > mostAsked {
		return fmt.Errorf("it has %d attributes; %d at most were expected", len(attributes), mostAsked)
	}
	for _, raw := range attributes {
		var a struct { // RFC 2986 section 4.1
			ID     asn1.RawValue
			Values []asn1.RawValue `asn1:"set"`
		}
		if _, err := asn1.Unmarshal(raw.FullBytes, &a); err != nil {
			return fmt.Errorf("its attributes cannot be read: %w", err)
		}
		id, err := readOID(a.ID)
		if err != nil {
			return fmt.Errorf("an attribute's object identifier %w", err)
		}
		switch id {
		case "1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14": // extensionRequest, RFC 2985 section 5.4.2, and older Windows' own
			if err := r.readExtensions(a.Values); err != nil {
				return err
			}
		default:
			r.remarks = append(r.remarks, "passed over: "+cmp.Or(attributeNames[id], fmt.Sprintf("the attribute %s, %d bytes", id, len(raw.Bytes))))
		}
	}
	return nil
}

// readOID reads an object identifier whose numbers may be of any size.
func readOID(der asn1.RawValue) (string, error) {
	if len(der.Bytes) > longestOID {
		return "", fmt.Errorf("has %d bytes; %d at most were expected", len(der.Bytes), longestOID)
	}
	var oid x509.OID
	if err := oid.UnmarshalBinary(der.Bytes); err != nil || der.Class != asn1.ClassUniversal || der.Tag != asn1.TagOID {
		return "", errors.New("is none (X.690 section 8.19)")
	}
	return oid.String(), nil
}

func (r *Request) readExtensions(values []asn1.RawValue) error {
	for _, value := range values {
		var asked []struct { // RFC 5280 section 4.1
			ID       asn1.RawValue
			Critical bool `asn1:"optional"`
			Value    []byte
		}
		if _, err := asn1.Unmarshal(value.FullBytes, &asked); err != nil {
			return fmt.Errorf("the extensions that it asks for cannot be read: %w", err)
		}
		if n := len(r.asked) + len(asked); n > mostAsked {
			return fmt.Errorf("it asks for %d extensions; %d at most were expected", n, mostAsked)
		}
		for _, e := range asked {
			oid, err := readOID(e.ID)
			if err != nil {
				return fmt.Errorf("an extension's object identifier %w", err)
			}
			if slices.ContainsFunc(r.asked, func(other askedExtension) bool { return other.oid == oid }) {
				return fmt.Errorf("it asks for %s twice", extensionName(oid))
			}
			id, _ := parseOID(oid)
			r.asked = append(r.asked, askedExtension{pkix.Extension{Id: id, Critical: e.Critical, Value: e.Value}, oid})
		}
	}
	return nil
}

// Remarks tell, a line each, of what is passed over in a request, since it only tells
// of the requester, of what a spec leaves out, and of the key identifier, if a spec that
// was completed has it.
func (r *Request) Remarks(spec Spec) []string {
	remarks := slices.Clone(r.remarks)
	for _, e := range r.asked {
		name := extensionName(e.oid)
		switch {
		case spec.leavesOut(e.oid):
			remarks = append(remarks, fmt.Sprintf("left out: %s (%s)", name, inWords(e.Extension)))
		case e.Id.Equal(oidSubjectKeyID) && spec.KeyID != nil:
			remarks = append(remarks, "followed: the key identifier, which what it has issued before may name")
		case passedOver[e.oid] != "":
			remarks = append(remarks, "passed over: "+passedOver[e.oid])
		case name == "keyUsage" && spec.Profile != OCSP && spec.Profile != CABFOCSP:
			if more := moreUsages(e.Value); more != "" {
				remarks = append(remarks, "passed over: the key usage "+more+", beside keyCertSign and cRLSign, which are those of a CA")
			}
		}
	}
	for _, name := range spec.LeaveOut {
		if !slices.ContainsFunc(r.asked, func(e askedExtension) bool { return e.oid == name || extensionName(e.oid) == name }) {
			remarks = append(remarks, "it does not ask for "+name+", which was to be left out")
		}
	}
	return remarks
}

// leavesOut says whether a spec leaves an extension out, whatever a request asks for.
func (s Spec) leavesOut(oid string) bool {
	return slices.Contains(s.LeaveOut, extensionName(oid)) || slices.Contains(s.LeaveOut, oid)
}

// leftOut is a note for those who agree to a certificate.
func (s Spec) leftOut() (notes []string) {
	if len(s.LeaveOut) > 0 {
		notes = append(notes, "left out of what the request may ask for: "+strings.Join(s.LeaveOut, ", "))
	}
	return notes
}

// checkLeaveOut wants the names of extensions.
func (s Spec) checkLeaveOut() error {
	var problems []error
	for i, name := range s.LeaveOut {
		if _, err := x509.ParseOID(name); err != nil && !isExtensionName(name) {
			problems = append(problems, fmt.Errorf("leaveOut: %q is not an extension; the name that the refusal of the request says, or an object identifier such as 1.2.3.4, was expected", name))
		}
		if slices.Contains(s.LeaveOut[:i], name) {
			problems = append(problems, fmt.Errorf("leaveOut: %s appears twice", name))
		}
	}
	return errors.Join(problems...)
}

// Undecided are the extensions that a request asks for, that the certificate of a
// spec will not have so, and that the spec does not leave out. A request that has
// another name than the spec's has an error: no decision lets it be followed.
func (r *Request) Undecided(spec Spec) ([]Wish, error) {
	wishes, err := r.undecided(spec)
	if err := errors.Join(spec.checkRequestedName(r), err); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return wishes, nil
}

func (r *Request) undecided(spec Spec) ([]Wish, error) {
	asked := slices.DeleteFunc(slices.Clone(r.asked), func(e askedExtension) bool {
		return passedOver[e.oid] != "" || spec.leavesOut(e.oid)
	})
	if len(asked) == 0 {
		return nil, nil
	}
	planned, err := spec.extensions()
	if err != nil {
		return nil, err
	}
	var wishes []Wish
	for _, e := range asked {
		w := Wish{Extension: extensionName(e.oid), Asked: inWords(e.Extension), Follow: spec.follow(e.Extension)}
		if i := slices.IndexFunc(planned, func(p pkix.Extension) bool { return p.Id.Equal(e.Id) }); i >= 0 {
			if covers(planned[i], e.Extension) {
				continue
			}
			if w.Planned = inWords(planned[i]); w.Planned == w.Asked { // such as policies with qualifiers
				w.Asked = fmt.Sprintf("%s, and more, %d bytes", w.Asked, len(e.Value))
			}
		}
		if e.Critical {
			w.Asked += ", critical"
		}
		wishes = append(wishes, w)
	}
	return wishes, nil
}

// extensions are those that a certificate of this spec has by itself, beside
// those that name keys and what the issuer publishes.
func (s Spec) extensions() ([]pkix.Extension, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	r, err := s.Profile.rules()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{NotBefore: s.NotBefore, NotAfter: s.NotAfter}
	s.extend(t, r)
	if err := s.addPolicies(t, r); err != nil {
		return nil, err
	}
	cert, err := sample(t)
	if err != nil {
		return nil, err
	}
	return cert.Extensions, nil
}

// sample signs a template with a key that is thrown away, so that crypto/x509 writes
// its extensions, and reads them.
func sample(t *x509.Certificate) (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t.SerialNumber = big.NewInt(1)
	der, err := pqx509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return pqx509.ParseCertificate(der)
}

// covers says whether a planned extension is what was asked for. A CA may get a
// path length that it did not ask for; and not the key usages beside its own,
// such as digitalSignature, that requests of CA software name as a matter of
// course.
func covers(planned, asked pkix.Extension) bool {
	if bytes.Equal(planned.Value, asked.Value) {
		return true
	}
	switch extensionName(planned.Id.String()) {
	case "basicConstraints":
		var have, want basicConstraints
		_, err := asn1.Unmarshal(planned.Value, &have)
		rest, wantErr := asn1.Unmarshal(asked.Value, &want)
		return err == nil && wantErr == nil && len(rest) == 0 && want == basicConstraints{have.CA, -1}
	case "keyUsage":
		var have, want asn1.BitString
		_, err := asn1.Unmarshal(planned.Value, &have)
		rest, wantErr := asn1.Unmarshal(asked.Value, &want)
		return err == nil && wantErr == nil && len(rest) == 0 && hasBits(want, have)
	case "extKeyUsage": // in whatever order
		var have, want []asn1.ObjectIdentifier
		_, err := asn1.Unmarshal(planned.Value, &have)
		rest, wantErr := asn1.Unmarshal(asked.Value, &want)
		return err == nil && wantErr == nil && len(rest) == 0 && slices.EqualFunc(sortedOIDs(have), sortedOIDs(want), asn1.ObjectIdentifier.Equal)
	}
	return false
}

func sortedOIDs(oids []asn1.ObjectIdentifier) []asn1.ObjectIdentifier {
	return slices.SortedFunc(slices.Values(oids), func(a, b asn1.ObjectIdentifier) int { return slices.Compare(a, b) })
}

// basicConstraints is that of RFC 5280 section 4.2.1.9.
type basicConstraints struct {
	CA      bool `asn1:"optional"`
	PathLen int  `asn1:"optional,default:-1"`
}

// hasBits says whether all of some bits are among others.
func hasBits(all, some asn1.BitString) bool {
	for i := range some.BitLength {
		if some.At(i) == 1 && all.At(i) == 0 {
			return false
		}
	}
	return true
}
