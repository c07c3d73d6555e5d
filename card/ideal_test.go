package card_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"conclave/apdu"
	"conclave/card"
	"conclave/wire"
)

// ideal is a device as it should be: plain values, no cryptography, no store. It
// says what each command must be answered with, and how the device is afterwards.
type ideal struct {
	options  wire.Options
	user, so idealPIN
	dkek     *idealDKEK // nil for none
	keys     map[byte]*idealKey
	files    map[wire.FID][]byte

	made  map[wire.FID][]byte // the files that every device has
	blobs map[string]*idealBlob
	sets  int // how many PINs and random DKEKs there were
}

type idealPIN struct {
	value      string
	tries, max int
	transport  bool
	set        int // its number among all that were set; 0 before the first initialisation
}

// idealSession is one card's: the numbers of the PINs that it has verified.
type idealSession struct {
	user, so int
	selected wire.FID
}

// reply is what a command must be answered with. data judges what comes with it;
// nil is for nothing.
type reply struct {
	sw   apdu.Status
	data func([]byte) error
}

func refuse(sw apdu.Status) reply { return reply{sw: sw} }

func exactly(sw apdu.Status, want []byte) reply {
	return reply{sw, func(got []byte) error {
		if !bytes.Equal(got, want) {
			return fmt.Errorf("data % X; % X was expected", got, want)
		}
		return nil
	}}
}

func (d *ideal) initialised() bool { return d.so.set != 0 }

func (d *ideal) loggedIn(s *idealSession) bool { return s.user != 0 && s.user == d.user.set }

type rule struct {
	min, max int
	user     bool // the user PIN must be verified
	run      func(*ideal, *idealSession, apdu.Command) reply
}

func rules() map[byte]rule {
	return map[byte]rule{
		wire.InsSelect:              {0, 16, false, (*ideal).selectFile},
		wire.InsReadBinary:          {3, 4, false, (*ideal).read},
		wire.InsUpdateBinary:        {5, 65535, true, (*ideal).update},
		wire.InsDeleteFile:          {0, 2, true, (*ideal).delete},
		wire.InsEnumerateObjects:    {0, 0, false, (*ideal).enumerate},
		wire.InsGetChallenge:        {0, 0, false, (*ideal).challenge},
		wire.InsVerify:              {0, 16, false, (*ideal).verify},
		wire.InsChangeReferenceData: {12, 32, false, (*ideal).change},
		wire.InsResetRetryCounter:   {0, 24, false, (*ideal).reset},
		wire.InsInitializeDevice:    {0, 255, false, (*ideal).initialize},
		wire.InsManageDKEK:          {0, 32, false, (*ideal).manageDKEK},
		wire.InsGenerateKeyPair:     {1, 2048, true, (*ideal).generate},
		wire.InsSign:                {0, 65535, true, (*ideal).sign},
		wire.InsDecipher:            {1, 1024, true, (*ideal).decipher},
		wire.InsWrapKey:             {0, 0, true, (*ideal).wrap},
		wire.InsUnwrapKey:           {0, 4096, true, (*ideal).unwrap},
	}
}

// answer carries out a command.
func (d *ideal) answer(s *idealSession, c apdu.Command) reply {
	r, known := rules()[c.INS]
	switch n := len(c.Data); {
	case c.INS == 0xC0 && c.CLA == 0: // GET RESPONSE, and there is none
		return refuse(apdu.ConditionsNotSatisfied)
	case c.CLA != wire.ClassISO && c.CLA != wire.ClassProprietary:
		return refuse(apdu.ClassUnknown)
	case !known:
		return refuse(apdu.InstructionUnknown)
	case n < r.min || n > r.max:
		return refuse(apdu.WrongLength)
	case r.user && !d.loggedIn(s):
		return refuse(apdu.SecurityNotSatisfied)
	}
	return r.run(d, s, c)
}

func (d *ideal) selectFile(s *idealSession, c apdu.Command) reply {
	if !slices.Contains([]byte{0x00, 0x04, 0x0C}, c.P2) {
		return refuse(apdu.WrongP1P2)
	}
	switch {
	case c.P1 == 4 && bytes.Equal(c.Data, wire.AID()):
		*s = idealSession{}
		return d.shown(c, func(got []byte) error {
			if o, v, err := wire.ParseAppletFCP(got); err != nil || o != d.options || v != card.Version() {
				return fmt.Errorf("options %X, version %v, %w; options %X were expected", o, v, err, d.options)
			}
			return nil
		})
	case c.P1 == 4:
		return refuse(apdu.FileNotFound)
	case c.P1 != 0 && c.P1 != 8:
		return refuse(apdu.WrongP1P2)
	case len(c.Data) != 2:
		return refuse(apdu.FileNotFound)
	}
	fid := wire.FID(binary.BigEndian.Uint16(c.Data))
	content, there := d.files[fid]
	if fid.Prefix() == wire.PrefixKey {
		_, there = d.keys[fid.ID()]
	}
	if !there {
		return refuse(apdu.FileNotFound)
	}
	s.selected = fid
	return d.shown(c, func(got []byte) error {
		if n, err := wire.ParseFileSize(got); err != nil || n != len(content) {
			return fmt.Errorf("a size of %d, %w; %d was expected", n, err, len(content))
		}
		return nil
	})
}

// shown is the answer to a SELECT that may want none.
func (d *ideal) shown(c apdu.Command, data func([]byte) error) reply {
	if c.P2 == 0x0C {
		data = nil
	}
	return reply{apdu.OK, data}
}

// target is the file of READ and UPDATE BINARY.
func target(s *idealSession, c apdu.Command) wire.FID {
	if fid := wire.FID(c.P1)<<8 | wire.FID(c.P2); fid != 0 {
		return fid
	}
	return s.selected
}

func (d *ideal) read(s *idealSession, c apdu.Command) reply {
	fid := target(s, c)
	offset, err := wire.ParseReadAt(c.Data)
	content, there := d.files[fid]
	switch {
	case fid == 0:
		return refuse(apdu.CommandNotAllowed)
	case err != nil:
		return refuse(apdu.WrongData)
	case fid.Prefix() == wire.PrefixKey, fid.Prefix() == wire.PrefixProtectedData && !d.loggedIn(s):
		return refuse(apdu.SecurityNotSatisfied)
	case !there:
		return refuse(apdu.FileNotFound)
	}
	s.selected = fid
	rest := content[min(offset, len(content)):]
	switch {
	case len(rest) >= c.Ne:
		return exactly(apdu.OK, rest[:c.Ne])
	case len(rest) > 0 && (c.Ne == apdu.MaxShortNe || c.Ne == apdu.MaxExtendedNe):
		return exactly(apdu.OK, rest)
	}
	return exactly(apdu.EndOfFile, rest)
}

// hosts says whether hosts may write and delete a file.
func hosts(fid wire.FID) bool {
	switch p := fid.Prefix(); p {
	case wire.PrefixPrKD, wire.PrefixEECert:
		return fid.ID() != 0
	case wire.PrefixCD, wire.PrefixDCOD, wire.PrefixCACert, wire.PrefixProtectedData, wire.PrefixData:
		return true
	}
	return fid == wire.EFTokenInfo || fid == wire.EFStaging
}

func (d *ideal) update(s *idealSession, c apdu.Command) reply {
	fid := target(s, c)
	offset, data, err := wire.ParseUpdateAt(c.Data)
	content, there := d.files[fid]
	switch {
	case fid == 0:
		return refuse(apdu.CommandNotAllowed)
	case !hosts(fid):
		return refuse(apdu.SecurityNotSatisfied)
	case err != nil:
		return refuse(apdu.WrongData)
	case offset+len(data) > 0xFFFF:
		return refuse(apdu.NotEnoughMemory)
	case offset > 0 && !there:
		return refuse(apdu.FileNotFound)
	case offset > len(content):
		return refuse(apdu.WrongData)
	}
	s.selected = fid
	after := slices.Concat(content[:offset], data)
	if offset > 0 && len(after) < len(content) {
		after = append(after, content[len(after):]...)
	}
	d.files[fid] = after
	return refuse(apdu.OK)
}

func (d *ideal) delete(s *idealSession, c apdu.Command) reply {
	fid := s.selected
	if len(c.Data) == 2 {
		fid = wire.FID(binary.BigEndian.Uint16(c.Data))
	}
	isKey := fid.Prefix() == wire.PrefixKey
	_, there := d.files[fid]
	if isKey {
		_, there = d.keys[fid.ID()]
	}
	switch {
	case c.P1 != 2 && c.P1 != 0 || c.P2 != 0:
		return refuse(apdu.WrongP1P2)
	case len(c.Data) == 1:
		return refuse(apdu.WrongLength)
	case isKey && fid.ID() == 0, !isKey && !hosts(fid):
		return refuse(apdu.SecurityNotSatisfied)
	case !there:
		return refuse(apdu.FileNotFound)
	case isKey:
		delete(d.keys, fid.ID())
	default:
		delete(d.files, fid)
	}
	if fid == s.selected {
		s.selected = 0
	}
	return refuse(apdu.OK)
}

func (d *ideal) enumerate(*idealSession, apdu.Command) reply {
	var protected, open []wire.FID
	for _, fid := range slices.Sorted(maps.Keys(d.files)) {
		switch {
		case fid.Prefix() == wire.PrefixProtectedData:
			protected = append(protected, fid)
		case fid.Prefix() >= wire.PrefixPrKD:
			open = append(open, fid)
		}
	}
	listed := []wire.FID{wire.PrefixKey.File(0)}
	for _, id := range slices.Sorted(maps.Keys(d.keys)) {
		if id != 0 {
			listed = append(listed, wire.PrefixKey.File(id))
		}
	}
	return exactly(apdu.OK, wire.FIDs(slices.Concat(listed, open, protected)))
}

func (d *ideal) challenge(_ *idealSession, c apdu.Command) reply {
	switch {
	case c.P1 != 0 || c.P2 != 0:
		return refuse(apdu.WrongP1P2)
	case c.Ne == 0 || c.Ne > 1024:
		return refuse(apdu.WrongLength)
	}
	return reply{apdu.OK, func(got []byte) error {
		if len(got) != c.Ne {
			return fmt.Errorf("%d bytes; %d were expected", len(got), c.Ne)
		}
		return nil
	}}
}

// pin is the PIN that a command is about, and where the session notes it.
func (d *ideal) pin(s *idealSession, c apdu.Command) (p *idealPIN, verified *int, sw apdu.Status) {
	p, verified = &d.user, &s.user
	switch {
	case wire.PINReference(c.P2) == wire.SOPIN:
		p, verified = &d.so, &s.so
	case wire.PINReference(c.P2) != wire.UserPIN:
		return nil, nil, apdu.ReferenceNotFound
	}
	if c.P1 != 0 {
		return nil, nil, apdu.WrongP1P2
	}
	if !d.initialised() {
		return nil, nil, apdu.ReferenceNotFound
	}
	return p, verified, apdu.OK
}

// compare takes a try for a wrong PIN, and gives all back for the right one.
func (p *idealPIN) compare(value []byte, verified *int) apdu.Status {
	if p.tries > 0 && string(value) == p.value {
		p.tries = p.max
		return apdu.OK
	}
	*verified = 0
	p.tries = max(0, p.tries-1)
	return p.left()
}

func (p *idealPIN) left() apdu.Status {
	if p.tries == 0 {
		return apdu.AuthenticationBlocked
	}
	return apdu.TriesLeft(p.tries)
}

func (d *ideal) verify(s *idealSession, c apdu.Command) reply {
	p, verified, sw := d.pin(s, c)
	switch {
	case sw != apdu.OK:
		return refuse(sw)
	case len(c.Data) == 0 && *verified == p.set:
		return refuse(apdu.OK)
	case len(c.Data) == 0 && p.transport && p.tries > 0, len(c.Data) > 0 && p.transport:
		return refuse(apdu.ReferenceDataUnusable)
	case len(c.Data) == 0:
		return refuse(p.left())
	}
	if sw = p.compare(c.Data, verified); sw == apdu.OK {
		*verified = p.set
	}
	return refuse(sw)
}

// fits says whether a user PIN may be set beside that many tries.
func fits(value []byte, tries int) bool {
	most := 10
	switch len(value) {
	case 6:
		most = 3
	case 7:
		most = 5
	}
	return len(value) >= 6 && len(value) <= 16 && tries >= 1 && tries <= most
}

func (d *ideal) set(p *idealPIN, value []byte) apdu.Status {
	if p == &d.so && len(value) != 8 || p == &d.user && !fits(value, p.max) {
		return apdu.WrongData
	}
	d.sets++
	*p = idealPIN{value: string(value), tries: p.max, max: p.max, set: d.sets}
	return apdu.OK
}

func (d *ideal) change(s *idealSession, c apdu.Command) reply {
	p, verified, sw := d.pin(s, c)
	if sw != apdu.OK {
		return refuse(sw)
	}
	n := min(len(p.value), len(c.Data))
	if sw = p.compare(c.Data[:n], verified); sw != apdu.OK {
		return refuse(sw)
	}
	was := p.set
	if sw = d.set(p, c.Data[n:]); sw == apdu.OK && *verified == was {
		*verified = p.set
	}
	return refuse(sw)
}

func (d *ideal) reset(s *idealSession, c apdu.Command) reply {
	withSO, withPIN := c.P1 < 2, c.P1%2 == 0
	least, most := 0, 0
	if withSO {
		least, most = 8, 8
	}
	if withPIN {
		least, most = least+1, 24
	}
	forbidden := d.options&wire.OptionResetRetryCounter == 0 || withPIN && d.options&wire.OptionUnblockOnly != 0
	switch n := len(c.Data); {
	case wire.PINReference(c.P2) != wire.UserPIN, !d.initialised():
		return refuse(apdu.ReferenceNotFound)
	case c.P1 > 3:
		return refuse(apdu.WrongP1P2)
	case forbidden:
		return refuse(apdu.CommandNotAllowed)
	case n < least || n > most:
		return refuse(apdu.WrongLength)
	case !withSO && s.so != d.so.set:
		return refuse(apdu.SecurityNotSatisfied)
	}
	if withSO {
		if sw := d.so.compare(c.Data[:8], &s.so); sw != apdu.OK {
			return refuse(sw)
		}
		c.Data = c.Data[8:]
	}
	if withPIN {
		return refuse(d.set(&d.user, c.Data)) // the session has the number of the one before
	}
	d.user.tries = d.user.max
	return refuse(apdu.OK)
}

func (d *ideal) initialize(s *idealSession, c apdu.Command) reply {
	if c.P1 != 0 || c.P2 != 0 {
		return refuse(apdu.WrongP1P2)
	}
	if len(c.Data) == 0 {
		v := card.Version()
		return exactly(apdu.OK, []byte{0, 1, 0x30, 0, 0, v.Major, v.Minor})
	}
	init, err := wire.ParseInitialization(c.Data)
	known := wire.OptionResetRetryCounter | wire.OptionTransportPIN | wire.OptionUnblockOnly
	switch {
	case errors.Is(err, wire.ErrUnknownField):
		return refuse(apdu.FunctionNotSupported)
	case err != nil:
		return refuse(apdu.WrongData)
	case init.Options&^known != 0 || init.PublicKeys != nil || init.Biometrics[0] != nil || init.Biometrics[1] != nil:
		return refuse(apdu.FunctionNotSupported)
	case len(init.SOPIN) != 8 || !fits(init.UserPIN, init.Retries):
		return refuse(apdu.WrongData)
	}
	if d.initialised() {
		if sw := d.so.compare(init.SOPIN, &s.so); sw != apdu.OK {
			return refuse(sw)
		}
	}
	d.startOver(init)
	*s = idealSession{}
	if !d.user.transport {
		s.user = d.user.set
	}
	return refuse(apdu.OK)
}

func (d *ideal) startOver(init wire.Initialization) {
	d.options = init.Options
	d.user, d.so = idealPIN{max: init.Retries}, idealPIN{max: 15}
	d.set(&d.so, init.SOPIN)
	d.set(&d.user, init.UserPIN)
	d.user.transport = init.Options&wire.OptionTransportPIN != 0
	d.keys = map[byte]*idealKey{0: {}}
	d.files = maps.Clone(d.made)
	d.dkek = nil
	if init.DKEKShares != wire.NoDKEK {
		d.dkek = &idealDKEK{shares: init.DKEKShares}
	}
	if init.DKEKShares == 0 {
		d.sets++
		d.dkek.total = fmt.Sprintf("random %d", d.sets)
	}
}
