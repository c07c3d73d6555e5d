package card_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/mldsa"

	"conclave/apdu"
	"conclave/card"
	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/internal/testrun"
	"conclave/wire"
)

// stepsVariable says how many steps TestModel takes.
const stepsVariable = "CONCLAVE_MODEL_STEPS"

// stepsOfADevice is how many a device lives through.
const stepsOfADevice = 1000

// TestModel sends random commands by several cards to one device, and compares
// each answer with that of an ideal one: 100,000 steps, or as many as
// CONCLAVE_MODEL_STEPS says. Of the devices every twentieth is a file.
func TestModel(t *testing.T) {
	steps := testrun.Times(40_000, 100_000)
	if testing.Short() {
		steps = 10_000
	}
	if given, err := strconv.Atoi(os.Getenv(stepsVariable)); err == nil {
		steps = given
	}
	random := testrun.Random(t)
	factory := memory.New()
	manufacture(t, factory)
	answers := map[string]int{}
	for round := range steps / stepsOfADevice {
		s := store.Store(memory.New())
		if round%20 == 19 {
			s = newSQLite(t)
		}
		if err := s.Update(func(w store.Writer) error { return copyAll(factory, w) }); err != nil {
			t.Fatal(err)
		}
		r := newRun(t, s, random)
		for range stepsOfADevice {
			r.step()
		}
		r.audit()
		for kind, n := range r.answers {
			answers[kind] += n
		}
	}
	r := run{t: t, answers: answers}
	r.checkVariety()
}

// run is one device and the cards on it, beside the ideal ones.
type run struct {
	t        *testing.T
	random   *rand.Rand
	store    store.Store
	cards    []*card.Card
	ideal    *ideal
	sessions []idealSession
	blobs    [][]byte // that were wrapped
	shares   [][]byte
	log      []exchanged
	answers  map[string]int // how often an instruction had which status word
}

// exchanged is a command and its answer, or what was done to a card.
type exchanged struct {
	card    int
	event   string
	command apdu.Command
	sw      apdu.Status
}

func newRun(t *testing.T, s store.Store, random *rand.Rand) *run {
	r := &run{t: t, random: random, store: s, answers: map[string]int{}}
	r.ideal = &ideal{files: map[wire.FID][]byte{}, blobs: map[string]*idealBlob{}}
	for _, fid := range []wire.FID{wire.EFDIR, wire.EFDevAut, wire.EFTokenInfo} {
		r.ideal.files[fid] = record(t, s, 2, uint16(fid))
	}
	r.ideal.made = maps.Clone(r.ideal.files)
	for range 2 + random.IntN(3) {
		r.cards = append(r.cards, openCard(t, s))
	}
	r.sessions = make([]idealSession, len(r.cards))
	for range 3 {
		r.shares = append(r.shares, r.bytes(32))
	}
	return r
}

func (r *run) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.random.Uint32())
	}
	return b
}

// one picks one of the values.
func one[T any](r *run, values ...T) T { return values[r.random.IntN(len(values))] }

// in says yes once in n times.
func (r *run) in(n int) bool { return r.random.IntN(n) == 0 }

func (r *run) step() {
	n := r.random.IntN(len(r.cards))
	switch {
	case r.in(100):
		r.log = append(r.log, exchanged{card: n, event: "is reset"})
		if err := r.cards[n].Reset(); err != nil {
			r.t.Fatal(err)
		}
		r.sessions[n] = idealSession{}
		return
	case r.in(100):
		r.log = append(r.log, exchanged{card: n, event: "is another process's"})
		r.cards[n] = openCard(r.t, r.store)
		r.sessions[n] = idealSession{}
		return
	}
	c := r.command(n)
	if !r.in(30) {
		r.send(n, c)
		return
	}
	b, err := c.Bytes()
	if err != nil {
		r.t.Fatal(err)
	}
	r.sendMalformed(n, r.malform(b))
}

// malform changes a command somewhere, mostly in its header.
func (r *run) malform(b []byte) []byte {
	at := r.random.IntN(len(b))
	if r.in(2) {
		at = r.random.IntN(min(7, len(b)))
	}
	switch r.random.IntN(4) {
	case 0:
		return b[:at]
	case 1:
		return append(b, r.bytes(1+r.random.IntN(3))...)
	}
	b[at] ^= 1 << r.random.IntN(8)
	return b
}

// sendMalformed sends what may still be a command.
func (r *run) sendMalformed(n int, b []byte) {
	c, err := apdu.ParseCommand(b)
	if err == nil {
		c.CLA &^= 0x10 // chains are not what is tested here
		if c.INS == wire.InsGenerateKeyPair || c.INS == wire.InsWrapKey {
			c.Ne = apdu.MaxExtendedNe // what comes is to be seen
		}
		r.send(n, c)
		return
	}
	answer, err := r.cards[n].Transmit(b)
	if err != nil || !bytes.Equal(answer, []byte{0x67, 0x00}) {
		r.fail(fmt.Sprintf("% X: answered % X, %v", b, answer, err))
	}
}

// send compares the card's answer with the ideal one.
func (r *run) send(n int, c apdu.Command) {
	exchange := apdu.Exchange
	if r.in(10) {
		exchange, c.Ne = apdu.ExchangeShort, min(c.Ne, apdu.MaxShortNe)
	}
	want := r.ideal.answer(&r.sessions[n], c)
	got, err := exchange(r.cards[n], c)
	r.log = append(r.log, exchanged{card: n, command: c, sw: got.SW})
	r.answers[fmt.Sprintf("%02X %04X", c.INS, uint16(got.SW))]++
	if c.INS == wire.InsSign && c.P2 == byte(wire.MLDSA) {
		r.answers[fmt.Sprintf("ML %04X", uint16(got.SW))]++
	}
	switch {
	case err != nil || got.SW != want.sw:
		r.fail(fmt.Sprintf("answered %04X, %v; %04X was expected", uint16(got.SW), err, uint16(want.sw)))
	case c.Ne == 0 || want.data == nil:
		if len(got.Data) > 0 {
			r.fail(fmt.Sprintf("answered % X; no data was expected", got.Data))
		}
		return
	case c.INS == wire.InsSign && !r.in(4):
		return // to verify costs more than all else
	}
	if err := want.data(got.Data); err != nil {
		r.fail(err.Error())
	}
	if c.INS == wire.InsWrapKey {
		r.blobs = append(r.blobs, got.Data)
	}
}

// fail says what went before.
func (r *run) fail(what string) {
	r.t.Helper()
	const shown = 60
	var text strings.Builder
	for _, x := range r.log[max(0, len(r.log)-shown):] {
		if x.event != "" {
			fmt.Fprintf(&text, "card %d %s\n", x.card, x.event)
			continue
		}
		b, err := x.command.Bytes()
		fmt.Fprintf(&text, "card %d: % X = %04X %v\n", x.card, b, uint16(x.sw), err)
	}
	r.t.Fatalf("step %d of the device:\n%s%s", len(r.log), text.String(), what)
}

// audit looks at all that the device has, through each card.
func (r *run) audit() {
	for n := range r.cards {
		for _, ref := range []wire.PINReference{wire.UserPIN, wire.SOPIN} {
			r.send(n, apdu.Command{INS: wire.InsVerify, P2: byte(ref)})
		}
		r.send(n, apdu.Command{INS: wire.InsVerify, P2: byte(wire.UserPIN), Data: []byte(r.ideal.user.value)})
		r.send(n, apdu.Command{INS: wire.InsEnumerateObjects, Ne: apdu.MaxExtendedNe})
		r.send(n, apdu.Command{CLA: 0x80, INS: wire.InsManageDKEK, Ne: 256})
		for _, fid := range slices.Sorted(maps.Keys(r.ideal.files)) {
			r.send(n, apdu.Command{INS: wire.InsReadBinary, P1: byte(fid.Prefix()), P2: fid.ID(), Data: []byte{0x54, 1, 0}, Ne: apdu.MaxExtendedNe})
		}
		for _, id := range slices.Sorted(maps.Keys(r.ideal.keys)) {
			c := apdu.Command{CLA: 0x80, INS: wire.InsSign, P1: id, P2: byte(wire.ECDSA), Data: []byte("audit"), Ne: apdu.MaxExtendedNe}
			if k := r.ideal.keys[id]; r.ideal.isMLDSA(id) {
				c.P2, c.Data = byte(wire.MLDSA), messageRepresentative(k.public.Encoded, mldsaMessage())
			}
			r.send(n, c)
		}
	}
}

// checkVariety fails where the commands were too much of one kind to find much.
func (r *run) checkVariety() {
	for _, kind := range strings.Fields(`
		A4-9000 A4-6A82 A4-6A86 B1-9000 B1-6282 B1-6982 B1-6986 B1-6A82 D7-9000 D7-6982 D7-6A80 D7-6A82 E4-9000 E4-6982
		E4-6A82 58-9000 84-9000 20-9000 20-63C1 20-6983 20-6984 20-6A88 24-9000 24-63C1 24-6983 24-6A80 2C-9000 2C-6982
		2C-6986 2C-6A80 50-9000 50-63CE 50-6A80 50-6A81 52-9000 52-6986 52-6A89 52-6D00 46-9000 46-6A81 46-6984 46-6A88
		46-6A89 46-6985 68-9000 68-6A81 68-6984 68-6A88 62-9000 ML-9000 ML-6700 ML-6A80 ML-6A81 ML-6984 72-9000 72-6985 74-9000 74-6A80 74-6984 74-6A89`) {
		if kind = strings.Replace(kind, "-", " ", 1); r.answers[kind] == 0 && !testing.Short() {
			r.t.Errorf("%s (instruction, or ML for a signature with ML-DSA, and status word) was never seen", kind)
		}
	}
}

func hashes() []func() hash.Hash {
	return []func() hash.Hash{nil, sha1.New, sha256.New224, sha256.New, sha512.New384, sha512.New,
		nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}
}

// command makes one of those that card n may get. It looks at the ideal device, so
// that what is right comes often.
func (r *run) command(n int) apdu.Command {
	d := r.ideal
	if !d.initialised() && !r.in(4) {
		return r.initialization()
	}
	if !d.loggedIn(&r.sessions[n]) && r.in(4) {
		return apdu.Command{INS: wire.InsVerify, P2: byte(wire.UserPIN), Data: []byte(d.user.value)}
	}
	roll := r.random.IntN(128)
	for _, choice := range []struct {
		weight int
		make   func() apdu.Command
	}{
		{10, r.verification}, {5, r.pinChange}, {5, r.reset}, {1, r.initialization}, {5, r.dkek},
		{10, r.selection}, {8, r.reading}, {14, r.writing}, {8, r.deletion}, {12, r.generation}, {26, r.signature},
		{4, r.agreement}, {6, r.wrapping}, {8, r.unwrapping}, {2, r.challenge}, {4, r.enumeration},
	} {
		if roll -= choice.weight; roll < 0 {
			return choice.make()
		}
	}
	panic("the weights are 128 in all")
}

func (r *run) newUserPIN() []byte {
	return one(r, []byte("648219"), []byte("111111"), []byte("7654321"), []byte("87654321"), []byte("16 bytes of PIN."), []byte("short"))
}

// soPIN is mostly the right one, since there is no way back from a blocked one.
func (r *run) soPIN() []byte {
	if r.in(20) || !r.ideal.initialised() {
		return one(r, []byte("57621880"), []byte("12345678"))
	}
	return []byte(r.ideal.so.value)
}

func (r *run) userPIN() []byte {
	if r.in(4) {
		return r.newUserPIN()
	}
	return []byte(r.ideal.user.value)
}

func (r *run) verification() apdu.Command {
	c := apdu.Command{INS: wire.InsVerify, P2: byte(one(r, wire.UserPIN, wire.UserPIN, wire.SOPIN))}
	switch {
	case r.in(4):
	case c.P2 == byte(wire.SOPIN):
		c.Data = r.soPIN()
	default:
		c.Data = r.userPIN()
	}
	return c
}

func (r *run) pinChange() apdu.Command {
	c := apdu.Command{INS: wire.InsChangeReferenceData, P2: byte(one(r, wire.UserPIN, wire.UserPIN, wire.SOPIN))}
	if c.P2 == byte(wire.SOPIN) {
		c.Data = slices.Concat(r.soPIN(), one(r, []byte("57621880"), []byte("12345678"), []byte("8765432")))
	} else {
		c.Data = slices.Concat(r.userPIN(), r.newUserPIN())
	}
	return c
}

func (r *run) reset() apdu.Command {
	c := apdu.Command{INS: wire.InsResetRetryCounter, P1: byte(r.random.IntN(4)), P2: byte(wire.UserPIN)}
	if c.P1 < 2 {
		c.Data = r.soPIN()
	}
	if c.P1%2 == 0 {
		c.Data = append(c.Data, r.newUserPIN()...)
	}
	return c
}

func (r *run) initialization() apdu.Command {
	data, err := wire.Initialization{
		Options: one[wire.Options](r, 0, 1, 1, 1, 2, 3, 0x21, 0x21, 0x80),
		UserPIN: r.newUserPIN(), SOPIN: r.soPIN(), Retries: one(r, 1, 3, 3, 3, 5, 10),
		DKEKShares: one(r, wire.NoDKEK, 0, 1, 1, 2, 2),
	}.Bytes()
	if err != nil {
		r.t.Fatal(err)
	}
	return apdu.Command{CLA: 0x80, INS: wire.InsInitializeDevice, Data: data}
}

func (r *run) dkek() apdu.Command {
	c := apdu.Command{CLA: 0x80, INS: wire.InsManageDKEK, Ne: apdu.MaxShortNe}
	if !r.in(3) {
		c.Data = one(r, r.shares...)
	}
	return c
}

func (r *run) id() byte { return byte(r.random.IntN(6)) }

func (r *run) fid() wire.FID {
	if r.in(8) {
		return one(r, wire.EFDIR, wire.EFDevAut, wire.EFTokenInfo, wire.EFStaging, 0x3F00)
	}
	return one(r, wire.PrefixPrKD, wire.PrefixCD, wire.PrefixDCOD, wire.PrefixCACert, wire.PrefixKey,
		wire.PrefixProtectedData, wire.PrefixProtectedData, wire.PrefixEECert, wire.PrefixEECert, wire.PrefixData).File(r.id())
}

// at makes a command for a file, or for the selected one.
func (r *run) at(ins byte, fid wire.FID) apdu.Command {
	if r.in(4) {
		return apdu.Command{INS: ins}
	}
	return apdu.Command{INS: ins, P1: byte(fid.Prefix()), P2: fid.ID()}
}

func (r *run) selection() apdu.Command {
	c := apdu.Command{INS: wire.InsSelect, P2: one[byte](r, 0, 4, 0x0C), Ne: apdu.MaxShortNe}
	c.Data = binary.BigEndian.AppendUint16(nil, uint16(r.fid()))
	if r.in(20) {
		c.P1, c.Data = 4, wire.AID()
	}
	return c
}

func (r *run) reading() apdu.Command {
	c := r.at(wire.InsReadBinary, r.fid())
	data, err := wire.ReadAt(one(r, 0, 0, 0, 1, 20, 300))
	if err != nil {
		r.t.Fatal(err)
	}
	c.Data, c.Ne = data, one(r, apdu.MaxShortNe, apdu.MaxExtendedNe, 0, 1, 100, 1000)
	return c
}

func (r *run) writing() apdu.Command {
	fid, offset, content := r.fid(), 0, r.bytes(r.random.IntN(40))
	if r.in(3) {
		offset = one(r, len(r.ideal.files[fid]), 1, 20)
	}
	if r.in(4) && len(r.blobs) > 0 {
		fid, offset, content = wire.EFStaging, 0, one(r, r.blobs...)
	}
	data, err := wire.UpdateAt(offset, content)
	if err != nil {
		r.t.Fatal(err)
	}
	c := r.at(wire.InsUpdateBinary, fid)
	c.Data = data
	return c
}

func (r *run) deletion() apdu.Command {
	c := apdu.Command{INS: wire.InsDeleteFile, P1: one(r, byte(0), 1, 2, 2)}
	if !r.in(8) {
		c.Data = binary.BigEndian.AppendUint16(nil, uint16(r.fid()))
	}
	return c
}

func (r *run) generation() apdu.Command {
	request := wire.KeyRequest{CAR: "UTCA00001", CHR: fmt.Sprintf("ZZMODEL%05d", r.random.IntN(1000)), Key: wire.ECTemplate(p256())}
	if r.in(3) {
		request.Key = wire.MLDSATemplate(one(r, mldsa.MLDSA44(), mldsa.MLDSA44(), mldsa.MLDSA65(), mldsa.MLDSA87()))
	}
	if r.in(3) {
		uses := uint32(r.random.IntN(3))
		request.UseCounter = &uses
	}
	if r.in(3) {
		request.Algorithms = one(r, []byte{0x70}, []byte{0x60, 0x73, 0x92}, []byte{0x80, 0x70, 0x92}, []byte{0x92})
	}
	data, err := request.Bytes()
	if err != nil {
		r.t.Fatal(err)
	}
	return apdu.Command{INS: wire.InsGenerateKeyPair, P1: r.id(), P2: one(r, 0, 0, r.id()), Data: data, Ne: apdu.MaxExtendedNe}
}

func (r *run) signature() apdu.Command {
	id := r.id()
	if k := r.ideal.keys[id]; r.ideal.isMLDSA(id) && !r.in(4) {
		mu := messageRepresentative(k.public.Encoded, mldsaMessage())
		return apdu.Command{CLA: 0x80, INS: wire.InsSign, P1: id, P2: byte(wire.MLDSA), Data: one(r, mu, mu, mu, mu[:63]), Ne: apdu.MaxExtendedNe}
	}
	a := one[wire.Algorithm](r, wire.ECDSA, wire.ECDSA, wire.ECDSA|1, wire.ECDSA|3, wire.ECDSA|3, wire.ECDSA|5, wire.RSAPSS, wire.RSARaw, wire.MLDSA, wire.MLDSA|3, 0x99)
	return apdu.Command{CLA: 0x80, INS: wire.InsSign, P1: id, P2: byte(a), Data: r.bytes(one(r, 0, 20, 32, 32, 300)), Ne: apdu.MaxShortNe}
}

func (r *run) agreement() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: wire.InsDecipher, P1: r.id(), P2: byte(one(r, wire.ECDH, wire.ECDH, wire.RSADecryptRaw)),
		Data: one(r, theirKey().Q, theirKey().Q, []byte{4}), Ne: apdu.MaxShortNe}
}

func (r *run) wrapping() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: wire.InsWrapKey, P1: r.id(), P2: wire.WrapMode, Ne: apdu.MaxExtendedNe}
}

func (r *run) unwrapping() apdu.Command {
	c := apdu.Command{CLA: 0x80, INS: wire.InsUnwrapKey, P1: r.id(), P2: wire.UnwrapMode}
	if r.in(3) || len(r.blobs) == 0 {
		return c // what is in the staging file
	}
	c.Data = slices.Clone(one(r, r.blobs[max(0, len(r.blobs)-10):]...))
	if r.in(6) {
		c.Data[r.random.IntN(len(c.Data))] ^= 1
	}
	return c
}

func (r *run) challenge() apdu.Command {
	return apdu.Command{INS: wire.InsGetChallenge, Ne: one(r, 0, 8, 256, 1024, 1025)}
}

func (r *run) enumeration() apdu.Command {
	return apdu.Command{CLA: 0x80, INS: wire.InsEnumerateObjects, Ne: apdu.MaxExtendedNe}
}
