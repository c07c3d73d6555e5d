//go:build !windows

// Package profiles_test plays the test cases of OASIS's PKCS #11 profiles against a
// module. The cases are OASIS's and are not kept here:
// github.com/oasis-tcs/pkcs11, working/doc/profiles/test-cases/pkcs11-v3.2/mandatory.
//
// CONCLAVE_OASIS_CASES is the directory of the cases, CONCLAVE_OASIS_MODULE the module,
// and CONCLAVE_OASIS_PIN the PIN of the token in its first slot, which must have one key
// pair, of RSA-2048, and five data objects that can be seen without a login:
//
//	pkcs11-tool --module MODULE --login --keypairgen --key-type rsa:2048 --label testrsa --id 01
//	pkcs11-tool --module MODULE --login --write-object FILE --type data --label NAME   (five times)
package profiles_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"conclave/token/cryptoki"
)

// element is one of XML.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) (value string, found bool) {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// child is nothing if there is none.
func (e element) child(name string) (c element) {
	for _, c := range e.Children {
		if c.XMLName.Local == name {
			return c
		}
	}
	return element{}
}

func TestProfiles(t *testing.T) {
	dir, path := os.Getenv("CONCLAVE_OASIS_CASES"), os.Getenv("CONCLAVE_OASIS_MODULE")
	if dir == "" || path == "" {
		t.Skip("NOT TESTED: CONCLAVE_OASIS_CASES and CONCLAVE_OASIS_MODULE are not set; the comment of this package says what they are")
	}
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	names := headerNames(t)
	cases, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("%s has no cases (%v)", dir, err)
	}
	for _, file := range cases {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var all element
			if err := xml.Unmarshal(content, &all); err != nil {
				t.Fatal(err)
			}
			p := &player{t: t, library: library, names: names, symbols: map[string]string{"Pin": os.Getenv("CONCLAVE_OASIS_PIN")}}
			t.Cleanup(func() { p.function("C_Finalize", uint64(0)) }) // of a case that did not come to its end
			p.play(all.Children)
			t.Logf("%d calls, %d comparisons", p.calls, p.comparisons)
		})
	}
}

// headerNames are the constants of the module's header, without CK and what follows.
func headerNames(t *testing.T) map[string]uint64 {
	t.Helper()
	header, err := os.ReadFile("../../module/cryptoki.h")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]uint64{}
	for _, m := range regexp.MustCompile(`(?m)^#define (CK[A-Z]_\w+)\s+\(?(0x[0-9A-Fa-f]+|\d+)UL`).FindAllSubmatch(header, -1) {
		if n, err := strconv.ParseUint(string(m[2]), 0, 64); err == nil {
			names[string(m[1])] = n
		}
	}
	return names
}

// player plays one case.
type player struct {
	t                  *testing.T
	library            uintptr
	names              map[string]uint64
	symbols            map[string]string
	calls, comparisons int
	modulus            []byte
}

// play makes the calls, each of which is followed by its answer.
func (p *player) play(steps []element) {
	for ; len(steps) > 1; steps = steps[2:] {
		call, answer := steps[0], steps[1]
		name := call.XMLName.Local
		want, found := answer.attr("rv")
		if answer.XMLName.Local != name || !found {
			p.t.Fatalf("call %d, %s, has no answer", p.calls+1, name)
		}
		p.calls++
		rv := p.call(name, call, answer)
		p.comparisons++
		if rv != p.names["CKR_"+want] {
			p.t.Fatalf("call %d, %s: %v; %s was expected", p.calls, name, cryptoki.RV(rv), want)
		}
	}
}

// resolve gives what an attribute says, a symbol or a value.
func (p *player) resolve(value string) string {
	if name, found := strings.CutPrefix(value, "${"); found {
		name = strings.TrimSuffix(name, "}")
		bound, known := p.symbols[name]
		if !known {
			p.t.Fatalf("%s is not known at call %d", name, p.calls)
		}
		return bound
	}
	return value
}

// bind gives symbols their value.
func (p *player) bind(e element, attribute string, n uint64) {
	if value, _ := e.attr(attribute); strings.HasPrefix(value, "${") {
		p.symbols[strings.TrimSuffix(value[2:], "}")] = fmt.Sprint(n)
	}
}

// number reads a number, or names of one prefix.
func (p *player) number(e element, attribute, prefix string) (n uint64) {
	value, _ := e.attr(attribute)
	for _, part := range strings.FieldsFunc(p.resolve(value), func(r rune) bool { return r == '|' || r == ' ' }) {
		if v, err := strconv.ParseUint(part, 0, 64); err == nil {
			n |= v
		} else if v, known := p.names[prefix+part]; known {
			n |= v
		} else {
			p.t.Fatalf("%s%s is no name that the header has", prefix, part)
		}
	}
	return n
}

// function calls one of C. Arguments are numbers, and pointers, which keep what they
// point to where it is.
func (p *player) function(name string, arguments ...any) uint64 {
	function, err := purego.Dlsym(p.library, name)
	if err != nil {
		p.t.Fatal(err)
	}
	var words []uintptr
	for _, a := range arguments {
		switch a := a.(type) {
		case unsafe.Pointer:
			words = append(words, uintptr(a))
		case uint64:
			words = append(words, uintptr(a))
		}
	}
	rv, _, _ := purego.SyscallN(function, words...)
	runtime.KeepAlive(arguments)
	return uint64(rv)
}

// wants compares.
func (p *player) wants(what string, good bool, got any) {
	p.comparisons++
	if !good {
		p.t.Errorf("call %d: %s is %v", p.calls, what, got)
	}
}

// Structures are read as bytes, at the places where C has their fields.
func number(b []byte, at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }

func address[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// call does one call, and holds what it gives against the answer.
func (p *player) call(name string, call, answer element) uint64 {
	slot := func() uint64 { return p.number(call.child("SlotID"), "value", "") }
	session := func() uint64 { return p.number(call.child("Session"), "value", "") }
	switch name {
	case "C_Initialize", "C_Finalize":
		return p.function(name, uint64(0))
	case "C_GetInfo":
		return p.info(answer)
	case "C_GetSlotList", "C_GetMechanismList":
		return p.list(name, call, answer)
	case "C_GetSlotInfo":
		b := make([]byte, 112)
		rv := p.function(name, slot(), address(b))
		flags := p.number(answer.child("SlotInfo").child("Flags"), "value", "CKF_")
		p.wants("the slot's flags", number(b, 96)&flags == flags, number(b, 96))
		return rv
	case "C_GetTokenInfo":
		b := make([]byte, 208)
		rv := p.function(name, slot(), address(b))
		// That a key need not be restored, and the like, is another token's.
		flags := p.number(answer.child("TokenInfo").child("Flags"), "value", "CKF_") &^ p.names["CKF_RESTORE_KEY_NOT_NEEDED"]
		p.wants("the token's flags", number(b, 96)&flags == flags, number(b, 96))
		return rv
	case "C_GetMechanismInfo":
		return p.mechanismInfo(slot(), call, answer)
	case "C_OpenSession":
		var handle [1]uint64
		rv := p.function(name, slot(), p.number(call.child("Flags"), "value", "CKF_"), uint64(0), uint64(0), address(handle[:]))
		p.bind(answer.child("Session"), "value", handle[0])
		return rv
	case "C_Login":
		value, _ := call.child("Pin").attr("value")
		pin := []byte(p.resolve(value))
		return p.function(name, session(), p.number(call.child("UserType"), "value", "CKU_"), address(pin), uint64(len(pin)))
	case "C_CloseAllSessions":
		return p.function(name, slot())
	case "C_CloseSession", "C_Logout", "C_FindObjectsFinal":
		return p.function(name, session())
	case "C_FindObjectsInit":
		template := p.template(call.child("Template"), true)
		return p.function(name, session(), address(template), uint64(len(template)))
	case "C_FindObjects":
		return p.find(session(), call, answer)
	case "C_GetAttributeValue":
		return p.attributes(session(), call, answer)
	case "C_SignInit":
		m := [3]uint64{p.number(call.child("Mechanism").child("Type"), "value", "CKM_")}
		return p.function(name, session(), address(m[:]), p.number(call.child("Key"), "value", ""))
	case "C_Sign":
		return p.sign(session(), call)
	}
	p.t.Fatalf("%s is not played yet", name)
	return 0
}

func (p *player) info(answer element) uint64 {
	b := make([]byte, 88)
	rv := p.function("C_GetInfo", address(b))
	version := answer.child("Info").child("CryptokiVersion")
	p.wants("the version of Cryptoki", uint64(b[0]) == p.number(version, "major", "") && uint64(b[1]) == p.number(version, "minor", ""), b[:2])
	p.wants("the library's flags", number(b, 40) == 0, number(b, 40))
	return rv
}

// list is of slots or mechanisms: their number, or as many as there is room for.
func (p *player) list(name string, call, answer element) uint64 {
	kind, first := "SlotList", uint64(1)
	if name == "C_GetMechanismList" {
		kind, first = "MechanismList", p.number(call.child("SlotID"), "value", "")
	}
	var n [1]uint64
	var found []uint64
	if _, room := call.child(kind).attr("length"); room {
		n[0] = p.number(call.child(kind), "length", "")
		found = make([]uint64, n[0])
	}
	rv := p.function(name, first, address(found), address(n[:]))
	p.bind(answer.child(kind), "length", n[0])
	for i, e := range answer.child(kind).Children {
		if e.XMLName.Local == "SlotID" {
			p.wants("the number of slots", i < len(found), len(found))
			p.bind(e, "value", found[i])
			continue
		}
		wanted := p.number(e, "value", "CKM_")
		p.wants(fmt.Sprintf("mechanism %#x", wanted), bytes.Contains(wide(found), wide([]uint64{wanted})), "not in the list")
	}
	return rv
}

func wide(numbers []uint64) (b []byte) {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(append(b, '|'), n)
	}
	return b
}

// mechanismInfo wants the flags; key sizes are the token's, and so is whether keys are
// wrapped with RSA.
func (p *player) mechanismInfo(slot uint64, call, answer element) uint64 {
	var b [3]uint64
	rv := p.function("C_GetMechanismInfo", slot, p.number(call.child("Type"), "value", "CKM_"), address(b[:]))
	flags := p.number(answer.child("MechanismInfo").child("Flags"), "value", "CKF_")
	if missing := flags &^ b[2]; missing != 0 {
		p.t.Logf("call %d: flags %#x of the mechanism are not there", p.calls, missing)
	}
	must := flags &^ (p.names["CKF_WRAP"] | p.names["CKF_UNWRAP"])
	p.wants("the mechanism's flags", b[2]&must == must, b[2])
	return rv
}

// attribute is CK_ATTRIBUTE.
type attribute struct {
	kind  uint64
	value *byte
	n     uint64
}

// template makes one of values, for a search, or with room for them. The labels of a
// case are its own (Conformance_Test_Cases, permitted variations), and are left out.
func (p *player) template(e element, search bool) (t []attribute) {
	for _, a := range e.Children {
		name, _ := a.attr("type")
		made := attribute{kind: p.names["CKA_"+name]}
		var value []byte
		switch {
		case search && name == "LABEL":
			continue
		case search && name == "CLASS":
			value = binary.NativeEndian.AppendUint64(nil, p.number(a, "value", "CKO_"))
		case search:
			text, _ := a.attr("value")
			value = []byte{0}
			if strings.EqualFold(text, "true") {
				value[0] = 1
			}
		default:
			if _, room := a.attr("length"); room {
				value = make([]byte, max(4096, p.number(a, "length", ""))) // that of a case is for its own object
			}
		}
		made.value, made.n = unsafe.SliceData(value), uint64(len(value))
		t = append(t, made)
	}
	return t
}

func (p *player) find(session uint64, call, answer element) uint64 {
	found := make([]uint64, p.number(call.child("Object"), "length", ""))
	var n [1]uint64
	rv := p.function("C_FindObjects", session, address(found), uint64(len(found)), address(n[:]))
	for i, e := range answer.child("Object").Children {
		p.wants("the number of objects", uint64(i) < n[0], n[0])
		p.bind(e, "value", found[i])
	}
	return rv
}

func (p *player) attributes(session uint64, call, answer element) uint64 {
	template := p.template(call.child("Template"), false)
	rv := p.function("C_GetAttributeValue", session, p.number(call.child("Object"), "value", ""), address(template), uint64(len(template)))
	for i, a := range answer.child("Template").Children {
		if template[i].value == nil || template[i].n > 4096 {
			p.bind(a, "length", template[i].n)
			continue
		}
		value := unsafe.Slice(template[i].value, template[i].n)
		name, _ := a.attr("type")
		text, _ := a.attr("value")
		switch name {
		case "MODULUS":
			p.modulus = bytes.Clone(value)
			p.wants("the modulus", len(value) == len(text)/2, len(value))
		case "PUBLIC_EXPONENT":
			p.wants("the exponent", new(big.Int).SetBytes(value).Cmp(big.NewInt(0x10001)) == 0, value)
		default:
			p.wants(name, len(value) > 0, "empty")
		}
	}
	return rv
}

// sign verifies what it gives with the modulus that was read: the key is the token's own.
func (p *player) sign(session uint64, call element) uint64 {
	text, _ := call.child("Data").attr("value")
	data, err := hex.DecodeString(text)
	if err != nil {
		p.t.Fatal(err)
	}
	signature := make([]byte, p.number(call.child("Signature"), "length", ""))
	n := [1]uint64{uint64(len(signature))}
	rv := p.function("C_Sign", session, address(data), uint64(len(data)), address(signature), address(n[:]))
	digest := sha256.Sum256(data)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(p.modulus), E: 0x10001}
	err = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature[:min(n[0], uint64(len(signature)))])
	p.wants("the signature", err == nil, err)
	return rv
}
