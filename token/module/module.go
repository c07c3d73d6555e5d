//go:build !windows

// Package module calls a PKCS#11 module, ours or any other one, as the programs do that
// load one: by the addresses of its functions, without cgo.
//
// Begin with [Open]. What is here is what a test of an installed module needs: slots,
// a login, a search, signatures. It is no PKCS#11 library for applications: a program
// in Go that wants a key of a device has package hsm, without any module.
package module

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"

	"conclave/internal/secret"
	"conclave/token/cryptoki"
)

// Module is a module that is loaded and initialised.
type Module struct {
	library uintptr
	list    *functionList
	call    functions
}

// functions are those that are called. Numbers of PKCS#11 are a C long.
type functions struct {
	initialize func(args *initializeArgs) cryptoki.RV
	finalize   func(reserved uintptr) cryptoki.RV
	// getInterface is nil where the module is older.
	getInterface      func(name *byte, version *[2]byte, found **foundInterface, flags uint64) cryptoki.RV
	getInfo           func(info *libraryInfo) cryptoki.RV
	getSlotList       func(present uint8, slots *uint64, n *uint64) cryptoki.RV
	getSlotInfo       func(slot uint64, info *slotInfo) cryptoki.RV
	getTokenInfo      func(slot uint64, info *tokenInfo) cryptoki.RV
	openSession       func(slot, flags uint64, application, notify uintptr, session *uint64) cryptoki.RV
	closeSession      func(session uint64) cryptoki.RV
	login             func(session, user uint64, pin *byte, n uint64) cryptoki.RV
	logout            func(session uint64) cryptoki.RV
	findObjectsInit   func(session uint64, template *attribute, n uint64) cryptoki.RV
	findObjects       func(session uint64, objects *uint64, most uint64, n *uint64) cryptoki.RV
	findObjectsFinal  func(session uint64) cryptoki.RV
	getAttributeValue func(session, object uint64, template *attribute, n uint64) cryptoki.RV
	signInit          func(session uint64, m *mechanism, key uint64) cryptoki.RV
	sign              func(session uint64, data *byte, n uint64, signature *byte, length *uint64) cryptoki.RV
	verifyInit        func(session uint64, m *mechanism, key uint64) cryptoki.RV
	verify            func(session uint64, data *byte, n uint64, signature *byte, length uint64) cryptoki.RV
	digestInit        func(session uint64, m *mechanism) cryptoki.RV
	digest            func(session uint64, data *byte, n uint64, digest *byte, length *uint64) cryptoki.RV
	generateRandom    func(session uint64, random *byte, n uint64) cryptoki.RV
}

// The structures as a C compiler lays them out where a long has 8 bytes.
type (
	initializeArgs struct {
		_     [4]uintptr
		flags uint64
		_     uintptr
	}
	foundInterface struct {
		_        *byte
		function *[2]byte // the list begins with its version
		_        uint64
	}
	libraryInfo struct {
		_              [2]byte
		manufacturer   [32]byte
		_              uint64
		description    [32]byte
		libraryVersion [2]byte
	}
	slotInfo struct {
		description [64]byte
		_           [32]byte
		flags       uint64
		_, _        [2]byte
	}
	tokenInfo struct {
		label, manufacturer [32]byte
		model, serial       [16]byte
		flags               uint64
		_                   [10]uint64
		_, _                [2]byte
		_                   [16]byte
	}
	attribute struct {
		kind  cryptoki.AttributeType
		value *byte
		n     uint64
	}
	mechanism struct {
		kind cryptoki.MechanismType
		_    *byte
		_    uint64
	}
)

// Open loads the module in a file, as a program that has threads does.
func Open(path string) (*Module, error) {
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load the module: %w", err)
	}
	m := &Module{library: library}
	if err := m.resolve(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is no PKCS#11 module: %w", path, err), purego.Dlclose(library))
	}
	const osLocking = 2
	if rv := m.call.initialize(&initializeArgs{flags: osLocking}); rv != cryptoki.OK {
		return nil, errors.Join(fmt.Errorf("C_Initialize: %w", rv), purego.Dlclose(library))
	}
	return m, nil
}

// functionList is CK_FUNCTION_LIST: after the version, each function has its place.
type functionList struct {
	version   [2]byte
	functions [68]uintptr
}

// resolve finds the functions as a program does: in the list, which alone every module
// must have, and by C_GetInterface where there is more than version 2.40.
func (m *Module) resolve() error {
	address, err := purego.Dlsym(m.library, "C_GetFunctionList")
	if err != nil {
		return err
	}
	var get func(list **functionList) cryptoki.RV
	purego.RegisterFunc(&get, address)
	if rv := get(&m.list); rv != cryptoki.OK {
		return failed("C_GetFunctionList", rv)
	}
	for place, function := range map[int]any{
		0: &m.call.initialize, 1: &m.call.finalize, 2: &m.call.getInfo, 4: &m.call.getSlotList, 5: &m.call.getSlotInfo, 6: &m.call.getTokenInfo,
		12: &m.call.openSession, 13: &m.call.closeSession, 18: &m.call.login, 19: &m.call.logout, 24: &m.call.getAttributeValue,
		26: &m.call.findObjectsInit, 27: &m.call.findObjects, 28: &m.call.findObjectsFinal, 37: &m.call.digestInit, 38: &m.call.digest,
		42: &m.call.signInit, 43: &m.call.sign, 48: &m.call.verifyInit, 49: &m.call.verify, 64: &m.call.generateRandom,
	} {
		if m.list.functions[place] == 0 {
			return fmt.Errorf("its list lacks function %d", place)
		}
		purego.RegisterFunc(function, m.list.functions[place])
	}
	if address, err := purego.Dlsym(m.library, "C_GetInterface"); err == nil {
		purego.RegisterFunc(&m.call.getInterface, address)
	}
	return nil
}

// Close finalises the module and unloads it.
func (m *Module) Close() error {
	return errors.Join(failed("C_Finalize", m.call.finalize(0)), purego.Dlclose(m.library))
}

func failed(function string, rv cryptoki.RV) error {
	if rv == cryptoki.OK {
		return nil
	}
	return fmt.Errorf("%s: %w", function, rv)
}

// Interface gives the version of the interface that a program gets which asks for the
// newest one.
func (m *Module) Interface() (major, minor byte, err error) {
	if m.call.getInterface == nil {
		return m.list.version[0], m.list.version[1], nil
	}
	var found *foundInterface
	if rv := m.call.getInterface(nil, nil, &found, 0); rv != cryptoki.OK {
		return 0, 0, failed("C_GetInterface", rv)
	}
	return found.function[0], found.function[1], nil
}

// Describe gives what the module says of itself.
func (m *Module) Describe() (string, error) {
	var info libraryInfo
	err := failed("C_GetInfo", m.call.getInfo(&info))
	return fmt.Sprintf("%s, %s %d.%d", text(info.manufacturer[:]), text(info.description[:]), info.libraryVersion[0], info.libraryVersion[1]), err
}

// text is without the blanks that fill it up.
func text(padded []byte) string { return string(bytes.TrimRight(padded, " \x00")) }

// Token is a token in a slot, which has the name of its reader, or what stands for one.
type Token struct {
	Slot                               uint64
	SlotDescription                    string
	Removable                          bool
	Label, Manufacturer, Model, Serial string
	Flags                              cryptoki.Flags
}

// Tokens are the tokens in the slots.
func (m *Module) Tokens() (tokens []Token, err error) {
	var n uint64
	if err := failed("C_GetSlotList", m.call.getSlotList(1, nil, &n)); err != nil || n == 0 {
		return nil, err
	}
	slots := make([]uint64, n)
	if err := failed("C_GetSlotList", m.call.getSlotList(1, &slots[0], &n)); err != nil {
		return nil, err
	}
	for _, slot := range slots[:n] {
		var in slotInfo
		var info tokenInfo
		if err := errors.Join(failed("C_GetSlotInfo", m.call.getSlotInfo(slot, &in)), failed("C_GetTokenInfo", m.call.getTokenInfo(slot, &info))); err != nil {
			return nil, err
		}
		tokens = append(tokens, Token{
			Slot: slot, SlotDescription: text(in.description[:]), Removable: cryptoki.Flags(in.flags)&cryptoki.SlotRemovable != 0,
			Label: text(info.label[:]), Manufacturer: text(info.manufacturer[:]), Model: text(info.model[:]), Serial: text(info.serial[:]), Flags: cryptoki.Flags(info.flags),
		})
	}
	return tokens, nil
}

// Session is a session with a token.
type Session struct {
	module *Module
	number uint64
}

// Session opens one for reading.
func (m *Module) Session(slot uint64) (Session, error) {
	s := Session{module: m}
	const serial = 4
	return s, failed("C_OpenSession", m.call.openSession(slot, serial, 0, 0, &s.number))
}

// Close ends the session.
func (s Session) Close() error { return failed("C_CloseSession", s.module.call.closeSession(s.number)) }

// Login logs the user in.
func (s Session) Login(pin secret.Bytes) error {
	return failed("C_Login", s.module.call.login(s.number, uint64(cryptoki.User), first(pin), uint64(len(pin))))
}

// Logout ends the login.
func (s Session) Logout() error { return failed("C_Logout", s.module.call.logout(s.number)) }

// first is where C finds bytes; nil for none.
func first(b []byte) *byte { return unsafe.SliceData(b) }

// Find gives the objects that have all attributes of a template.
func (s Session) Find(t cryptoki.Template) (objects []cryptoki.Handle, err error) {
	c := &s.module.call
	template := make([]attribute, len(t))
	for i, a := range t {
		template[i] = attribute{a.Type, first(a.Value), uint64(len(a.Value))}
	}
	if err := failed("C_FindObjectsInit", c.findObjectsInit(s.number, unsafe.SliceData(template), uint64(len(template)))); err != nil {
		return nil, err
	}
	for found := make([]uint64, 64); ; {
		var n uint64
		if err := failed("C_FindObjects", c.findObjects(s.number, &found[0], uint64(len(found)), &n)); err != nil || n == 0 {
			return objects, errors.Join(err, failed("C_FindObjectsFinal", c.findObjectsFinal(s.number)))
		}
		for _, o := range found[:n] {
			objects = append(objects, cryptoki.Handle(o))
		}
	}
}

// Attribute reads an attribute of an object.
func (s Session) Attribute(o cryptoki.Handle, kind cryptoki.AttributeType) ([]byte, error) {
	a := attribute{kind: kind}
	if err := failed("C_GetAttributeValue", s.module.call.getAttributeValue(s.number, uint64(o), &a, 1)); err != nil || a.n == 0 {
		return nil, err
	}
	value := make([]byte, a.n)
	a.value = &value[0]
	return value, failed("C_GetAttributeValue", s.module.call.getAttributeValue(s.number, uint64(o), &a, 1))
}

// Sign signs data, with a mechanism that takes no parameter.
func (s Session) Sign(kind cryptoki.MechanismType, key cryptoki.Handle, data []byte) ([]byte, error) {
	c := &s.module.call
	if err := failed("C_SignInit", c.signInit(s.number, &mechanism{kind: kind}, uint64(key))); err != nil {
		return nil, err
	}
	signature := make([]byte, 1024)
	n := uint64(len(signature))
	if err := failed("C_Sign", c.sign(s.number, first(data), uint64(len(data)), &signature[0], &n)); err != nil {
		return nil, err
	}
	return signature[:min(n, uint64(len(signature)))], nil
}

// Verify verifies what Sign has made.
func (s Session) Verify(kind cryptoki.MechanismType, key cryptoki.Handle, data, signature []byte) error {
	c := &s.module.call
	if err := failed("C_VerifyInit", c.verifyInit(s.number, &mechanism{kind: kind}, uint64(key))); err != nil {
		return err
	}
	return failed("C_Verify", c.verify(s.number, first(data), uint64(len(data)), first(signature), uint64(len(signature))))
}

// Digest hashes data, with a mechanism that takes no parameter.
func (s Session) Digest(kind cryptoki.MechanismType, data []byte) ([]byte, error) {
	c := &s.module.call
	if err := failed("C_DigestInit", c.digestInit(s.number, &mechanism{kind: kind})); err != nil {
		return nil, err
	}
	digest := make([]byte, 64)
	n := uint64(len(digest))
	err := failed("C_Digest", c.digest(s.number, first(data), uint64(len(data)), &digest[0], &n))
	return digest[:min(n, uint64(len(digest)))], err
}

// Random gives n random bytes of the token.
func (s Session) Random(n int) ([]byte, error) {
	random := make([]byte, n)
	return random, failed("C_GenerateRandom", s.module.call.generateRandom(s.number, first(random), uint64(n)))
}
