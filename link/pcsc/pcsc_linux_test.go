package pcsc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/apdu"
	"conclave/internal/foreign"
	"conclave/internal/pcscdtest"
	"conclave/internal/testrun"
	"conclave/link"
	"conclave/link/linktest"
	"conclave/link/pcsc"
)

var (
	_ apdu.Conn       = (*pcsc.Card)(nil)
	_ apdu.Transactor = (*pcsc.Card)(nil)
)

func TestMain(m *testing.M) { os.Exit(pcscdtest.Wrap(m).Run()) }

// observer collects events in the background.
type observer struct {
	events chan pcsc.Event
	err    error // once events is closed
}

func observe(tb testing.TB) *observer {
	o := &observer{events: make(chan pcsc.Event, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(o.events)
		for event, err := range pcsc.Events(ctx) {
			if err != nil {
				o.err = err
				return
			}
			o.events <- event
		}
	}()
	tb.Cleanup(func() {
		cancel()
		for range o.events {
		}
	})
	return o
}

// await skips events until the one that is expected.
func (o *observer) await(tb testing.TB, kind pcsc.EventKind, reader string) {
	tb.Helper()
	expected, patience := pcsc.Event{Kind: kind, Reader: reader}, testrun.Patience(tb)
	for {
		select {
		case event, ok := <-o.events:
			if !ok {
				tb.Fatalf("waiting for %v: %v", expected, o.err)
			}
			if event == expected {
				return
			}
		case <-patience.Done():
			tb.Fatalf("no event %v", expected)
		}
	}
}

// insert puts card into the reader that vpcd offers at address, and waits until
// it is there. What it returns takes the card out and waits until it is gone;
// that happens at the latest at the end of the test.
func insert(tb testing.TB, card link.Card, address, reader string) (remove func()) {
	tb.Helper()
	o := observe(tb)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		link.Keep(ctx, link.TCP(address), card, linktest.ATR(), func(link.State, error) {})
	}()
	o.await(tb, pcsc.CardInserted, reader)
	removed := false
	remove = func() {
		if removed {
			return
		}
		removed = true
		cancel()
		<-done
		o.await(tb, pcsc.CardRemoved, reader)
	}
	tb.Cleanup(remove)
	return remove
}

func open(tb testing.TB, reader string) *pcsc.Card {
	tb.Helper()
	card, err := pcsc.Open(reader)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { card.Close() })
	return card
}

func want(tb testing.TB, card *pcsc.Card, command, response string) {
	tb.Helper()
	got, err := card.Transmit([]byte(command))
	if err != nil || string(got) != response {
		tb.Fatalf("% X was answered with % X, error %v; expected was % X", command, got, err, response)
	}
}

func TestLink(t *testing.T) {
	pcscdtest.Start(t)
	linktest.Run(t, link.MaxPayload, func(t *testing.T, card link.Card) apdu.Conn {
		insert(t, card, pcscdtest.VPCD, pcscdtest.Reader)
		return open(t, pcscdtest.Reader)
	})
}

// TestNoDelayedAcknowledgement holds the reason of link's quickACK: 40 ms and
// more for each exchange without it, 0.1 ms with it.
func TestNoDelayedAcknowledgement(t *testing.T) {
	pcscdtest.Start(t)
	insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card := open(t, "")
	before := delayedACKs(t)
	for range 100 {
		want(t, card, linktest.Status, linktest.LoggedOut)
	}
	if n := delayedACKs(t) - before; n > 10 {
		t.Errorf("%d acknowledgements were delayed in 100 exchanges", n)
	}
}

// delayedACKs is how many acknowledgements have waited for their timer in this
// network namespace, which is the tests' own (proc_net_snmp: TcpExt DelayedACKs).
func delayedACKs(t *testing.T) int {
	t.Helper()
	content, err := os.ReadFile("/proc/self/net/netstat")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(content)) {
		words := strings.Fields(line)
		if words[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = words
			continue
		}
		n, err := strconv.Atoi(words[slices.Index(names, "DelayedACKs")])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatal("the kernel counts no delayed acknowledgements")
	return 0
}

// TestOpenSC has OpenSC's tool judge a card that is served with link.Keep.
func TestOpenSC(t *testing.T) {
	foreign.Need(t, "opensc-tool")
	pcscdtest.Start(t)
	card := linktest.NewCard()
	insert(t, card, pcscdtest.VPCD, pcscdtest.Reader)
	run := func(options ...string) string {
		t.Helper()
		out, err := exec.Command("opensc-tool", append([]string{"--card-driver", "default", "--reader", "0"}, options...)...).CombinedOutput()
		if err != nil {
			t.Errorf("opensc-tool %q: %v\n%s", options, err, out)
		}
		return string(out)
	}
	if out := run("--atr"); !strings.Contains(out, "3b:fe:18:00:00:81:31:fe:45:80:31:81:54:48:53:4d:31:73:80:21:40:81:07:fa") {
		t.Errorf("--atr printed %s", out)
	}
	if out := run("--send-apdu", "80200000", "--send-apdu", "80220000", "--send-apdu", "00A40000026F0706"); strings.Count(out, "SW1=0x90, SW2=0x00") != 2 || !strings.Contains(out, "FF 5B FF FF FD 90") {
		t.Errorf("--send-apdu printed %s", out)
	}
	if !card.LoggedIn() {
		t.Error("the session ended without a reset")
	}
	if out := run("--reset"); card.LoggedIn() {
		t.Errorf("the session is open after --reset, which printed %s", out)
	}
}

func TestReaders(t *testing.T) {
	pcscdtest.Start(t)
	readers, err := pcsc.Readers()
	if expected := []string{pcscdtest.Reader, pcscdtest.SecondReader}; err != nil || !slices.Equal(readers, expected) {
		t.Errorf("readers %q, error %v; expected were %q", readers, err, expected)
	}
}

func TestOpen(t *testing.T) {
	pcscdtest.Start(t)
	if _, err := pcsc.Open(""); !errors.Is(err, pcsc.ErrNoCard) {
		t.Errorf("without a card: %v", err)
	}
	if _, err := pcsc.Open("Nitrokey"); !errors.Is(err, pcsc.ErrNoReader) || !strings.Contains(err.Error(), pcscdtest.SecondReader) {
		t.Errorf("a reader that is not there: %v", err)
	}
	insert(t, linktest.NewCard(), pcscdtest.SecondVPCD, pcscdtest.SecondReader)
	for _, query := range []string{"", pcscdtest.SecondReader, "1", "00 01", "Virtual"} {
		card, err := pcsc.Open(query)
		if err != nil {
			t.Errorf("%q: %v", query, err)
			continue
		}
		if card.Reader() != pcscdtest.SecondReader || !bytes.Equal(card.ATR(), linktest.ATR()) {
			t.Errorf("%q: reader %q, ATR % X", query, card.Reader(), card.ATR())
		}
		if err := card.Close(); err != nil {
			t.Errorf("%q: %v", query, err)
		}
	}
	for query, text := range map[string]string{"0": "no card", "7": pcscdtest.Reader, "Nitrokey": pcscdtest.SecondReader} {
		if _, err := pcsc.Open(query); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v does not contain %q", query, err, text)
		}
	}
}

func TestShortCommandsAreRefused(t *testing.T) {
	pcscdtest.Start(t)
	insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card := open(t, "")
	for _, command := range []string{"", "\x04"} { // vpcd would wait for ever
		if response, err := card.Transmit([]byte(command)); err == nil {
			t.Errorf("%d bytes were answered with % X", len(command), response)
		}
	}
	want(t, card, linktest.Status, linktest.LoggedOut)
}

func TestTransactionKeepsOthersOut(t *testing.T) {
	pcscdtest.Start(t)
	fake := linktest.NewCard()
	insert(t, fake, pcscdtest.VPCD, pcscdtest.Reader)
	first, second := open(t, ""), open(t, "")
	if err := first.Begin(); err != nil {
		t.Fatal(err)
	}
	const inside, outside = "\x00\x01\x00\x00", "\x00\x02\x00\x00"
	started, done := make(chan struct{}), make(chan error)
	go func() {
		close(started)
		if err := second.Begin(); err != nil {
			done <- err
			return
		}
		_, err := second.Transmit([]byte(outside))
		done <- errors.Join(err, second.End())
	}()
	<-started
	want(t, first, linktest.Login, linktest.LoggedIn)
	for range 500 {
		want(t, first, inside, string(linktest.Complement([]byte(inside))))
	}
	if err := first.End(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	commands := fake.Commands()
	if i := slices.IndexFunc(commands, func(c []byte) bool { return string(c) == outside }); i != len(commands)-1 || len(commands) != 502 {
		t.Errorf("the other connection's command was number %d of %d", i+1, len(commands))
	}
	want(t, first, linktest.Status, linktest.LoggedIn) // End leaves the session
	if err := first.End(); err == nil {
		t.Error("End without Begin: an error was expected")
	}
}

func TestResetByAnother(t *testing.T) {
	pcscdtest.Start(t)
	insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card, other := open(t, ""), open(t, "")
	for i, disturb := range []func() error{other.Reset, other.Close} {
		want(t, card, linktest.Login, linktest.LoggedIn)
		if err := disturb(); err != nil {
			t.Fatal(err)
		}
		if _, err := card.Transmit([]byte(linktest.Status)); !errors.Is(err, pcsc.ErrReset) {
			t.Errorf("after %s of the other connection: %v", [...]string{"Reset", "Close"}[i], err)
		}
		want(t, card, linktest.Status, linktest.LoggedOut)
	}
	other = open(t, "")
	if err := other.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := card.Begin(); !errors.Is(err, apdu.ErrReset) {
		t.Fatalf("a transaction after a reset: %v", err)
	}
	if err := card.Begin(); err != nil {
		t.Fatalf("the next transaction: %v", err)
	}
	want(t, card, linktest.Status, linktest.LoggedOut)
	if err := card.End(); err != nil {
		t.Fatal(err)
	}
}

// TestLeave: who has only looked disturbs no one.
func TestLeave(t *testing.T) {
	pcscdtest.Start(t)
	insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card := open(t, "")
	want(t, card, linktest.Login, linktest.LoggedIn)
	other, err := pcsc.Open("")
	if err != nil {
		t.Fatal(err)
	}
	want(t, other, linktest.Status, linktest.LoggedIn)
	if err := other.Leave(); err != nil {
		t.Fatal(err)
	}
	want(t, card, linktest.Status, linktest.LoggedIn)
	if err := other.Close(); err == nil {
		t.Error("Close after Leave: an error was expected")
	}
}

func TestRemoved(t *testing.T) {
	pcscdtest.Start(t)
	remove := insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card := open(t, "")
	remove()
	if _, err := card.Transmit([]byte(linktest.Status)); !errors.Is(err, pcsc.ErrRemoved) {
		t.Errorf("Transmit: %v", err)
	}
	if err := card.Begin(); !errors.Is(err, pcsc.ErrRemoved) {
		t.Errorf("Begin: %v", err)
	}
	insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	if _, err := card.Transmit([]byte(linktest.Status)); !errors.Is(err, pcsc.ErrRemoved) {
		t.Errorf("Transmit with another card in the reader: %v", err)
	}
}

func TestCardThatHangsUpIsRemoved(t *testing.T) {
	pcscdtest.Start(t)
	insert(t, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card := open(t, "")
	if response, err := card.Transmit([]byte(linktest.Break)); !errors.Is(err, pcsc.ErrRemoved) {
		t.Errorf("answered % X, error %v", response, err)
	}
}

func TestEvents(t *testing.T) {
	pcscdtest.Start(t)
	o := observe(t)
	o.await(t, pcsc.ReaderAdded, pcscdtest.Reader)
	o.await(t, pcsc.ReaderAdded, pcscdtest.SecondReader)
	remove := insert(t, linktest.NewCard(), pcscdtest.SecondVPCD, pcscdtest.SecondReader)
	o.await(t, pcsc.CardInserted, pcscdtest.SecondReader)
	observe(t).await(t, pcsc.CardInserted, pcscdtest.SecondReader) // who comes late sees it too
	remove()
	o.await(t, pcsc.CardRemoved, pcscdtest.SecondReader)
}

func TestWaitForCard(t *testing.T) {
	pcscdtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	type result struct {
		reader string
		err    error
	}
	first, second := make(chan result), make(chan result)
	wait := func(reader string, to chan result) {
		name, err := pcsc.WaitForCard(ctx, reader)
		to <- result{name, err}
	}
	go wait("0", first)
	go wait("", second)
	insert(t, linktest.NewCard(), pcscdtest.SecondVPCD, pcscdtest.SecondReader)
	if r := <-second; r.err != nil || r.reader != pcscdtest.SecondReader {
		t.Errorf("reader %q, error %v", r.reader, r.err)
	}
	cancel()
	if r := <-first; !errors.Is(r.err, context.Canceled) {
		t.Errorf("reader %q, error %v; the end of the context was expected", r.reader, r.err)
	}
}

func TestPCSCDRestarts(t *testing.T) {
	daemon := pcscdtest.Start(t)
	fake := linktest.NewCard()
	ctx, cancel := context.WithCancel(context.Background())
	states := make(chan link.State, 100)
	go func() {
		defer close(states)
		link.Keep(ctx, link.TCP(pcscdtest.VPCD), fake, linktest.ATR(), func(s link.State, _ error) { states <- s })
	}()
	defer func() {
		cancel()
		for range states {
		}
	}()
	o := observe(t)
	o.await(t, pcsc.CardInserted, pcscdtest.Reader)
	card := open(t, "")
	want(t, card, linktest.Login, linktest.LoggedIn)

	daemon.Stop(t)
	for event := range o.events {
		t.Log("after pcscd has stopped:", event)
	}
	if o.err == nil {
		t.Error("Events ended without an error when pcscd stopped")
	}
	_, err := card.Transmit([]byte(linktest.Status))
	if err == nil {
		t.Error("Transmit without pcscd: an error was expected")
	}
	t.Log(o.err, "|", err)
	if _, err := pcsc.Open(""); !errors.Is(err, pcsc.ErrNoService) {
		t.Errorf("Open without pcscd: %v", err)
	}

	await := func(expected link.State) {
		t.Helper()
		if s := <-states; s != expected {
			t.Fatalf("Keep reported %v, expected was %v", s, expected)
		}
	}
	await(link.Connected)
	await(link.Disconnected)
	await(link.Waiting)
	daemon.Restart(t)
	await(link.Connected)
	observe(t).await(t, pcsc.CardInserted, pcscdtest.Reader)
	want(t, open(t, ""), linktest.Status, linktest.LoggedOut)
}

func BenchmarkTransmit(b *testing.B) {
	pcscdtest.Start(b)
	insert(b, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	card := open(b, "")
	command := make([]byte, 40)
	for b.Loop() {
		if _, err := card.Transmit(command); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	pcscdtest.Start(b)
	insert(b, linktest.NewCard(), pcscdtest.VPCD, pcscdtest.Reader)
	for b.Loop() {
		card, err := pcsc.Open("")
		if err != nil {
			b.Fatal(err)
		}
		if err := card.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
