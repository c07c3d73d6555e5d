package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link/pcsc"
	"conclave/wire"
)

// deviceVariable names the device to use if --reader does not: an embedded
// one by its name, or pcsc: and a reader.
const deviceVariable = "CONCLAVE_DEVICE"

// pcscPrefix begins a reader in that variable, embeddedPrefix an embedded
// device in --reader.
const (
	pcscPrefix     = "pcsc:"
	embeddedPrefix = "embedded:"
)

// connect opens the card and selects the applet.
func (t *tool) connect() error {
	card, reader, err := t.open()
	if err != nil {
		return err
	}
	t.conn = card
	if t.verbose {
		t.Printf("Connecting to card in reader %s...\nUsing card driver SmartCard-HSM.\n", reader)
		t.conn = apdu.NewTrace(card, t.err, wire.NewRedactor())
	}
	if t.hsm, err = hsm.Open(t.conn); err != nil {
		t.conn.Close()
		return newFailure(err, "Failed to select application: %s", reason(err))
	}
	return nil
}

// open connects to the card that is wanted, and names its reader.
func (t *tool) open() (apdu.Conn, string, error) {
	if name, embedded := strings.CutPrefix(t.reader, embeddedPrefix); embedded {
		return t.openEmbedded(name)
	}
	if t.reader != "" {
		return t.openReader(t.reader)
	}
	name, err := t.fromEnvironment()
	if err != nil {
		return nil, "", err
	}
	if reader, ok := strings.CutPrefix(name, pcscPrefix); ok || name == "" {
		return t.openReader(reader)
	}
	card, reader, err := t.openEmbedded(name)
	if err == nil {
		t.line(usingReader, reader)
	}
	return card, reader, err
}

// fromEnvironment is the device that the environment names, as conclave finds it.
func (t *tool) fromEnvironment() (string, error) {
	name := os.Getenv(deviceVariable)
	home, err := t.home()
	if err != nil || name == "" {
		return name, nil // a reader needs no home
	}
	if name, err = home.Find(name); err != nil {
		return "", notConnected(err, "", "No readers found")
	}
	return name, nil
}

func (t *tool) openEmbedded(name string) (apdu.Conn, string, error) {
	home, err := t.home()
	if err != nil {
		return nil, "", notConnected(err, "", "No readers found")
	}
	card, err := home.Open(name)
	if err != nil {
		return nil, "", notConnected(err, "", "No readers found")
	}
	return card, embeddedPrefix + name, nil
}

// usingReader says which card is used if --reader does not.
const usingReader = "Using reader with a card: %s"

// openReader connects to a card in a reader that id names: its number, its
// name or the beginning of it, or the ATR of its card. If id is empty the first
// reader with a card is taken.
func (t *tool) openReader(id string) (apdu.Conn, string, error) {
	if t.wait {
		if err := t.waitForCard(id); err != nil {
			return nil, "", notConnected(err, "Error while waiting for a card: "+readerError, readerError)
		}
	}
	readers, err := pcsc.Readers()
	if err != nil || len(readers) == 0 {
		return nil, "", notConnected(err, "No smart card readers found.", "No readers found")
	}
	atr, isATR := parseATR(id)
	if isATR {
		return t.openATR(readers, id, atr)
	}
	reader, found := findReader(readers, id)
	if !found {
		return nil, "", readerNotFound(readers, id)
	}
	card, err := pcsc.Open(reader)
	switch {
	case errors.Is(err, pcsc.ErrNoCard):
		return nil, "", notConnected(nil, "Card not present.", "Card not present")
	case err != nil:
		return nil, "", notConnected(err, "", readerError)
	case id == "":
		t.line(usingReader, card.Reader())
	}
	return card, card.Reader(), nil
}

// findReader gives the name of the reader that id names. The empty id stays
// empty: package pcsc then takes the first reader with a card.
func findReader(readers []string, id string) (string, bool) {
	if id == "" || slices.Contains(readers, id) {
		return id, true
	}
	if i, err := strconv.ParseInt(id, 0, 32); err == nil {
		if i < 0 || int(i) >= len(readers) {
			return "", false
		}
		return readers[i], true
	}
	i := slices.IndexFunc(readers, func(reader string) bool { return strings.HasPrefix(reader, id) })
	if i < 0 {
		return "", false
	}
	return readers[i], true
}

// parseATR says whether a reader is named by the ATR of its card: TS, which is
// 3B or 3F (ISO 7816-3 section 8.1), and at least T0.
func parseATR(id string) ([]byte, bool) {
	atr, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(id))
	return atr, err == nil && len(atr) >= 2 && (atr[0] == 0x3B || atr[0] == 0x3F)
}

// openATR connects to the first card that has the ATR.
func (t *tool) openATR(readers []string, id string, atr []byte) (apdu.Conn, string, error) {
	for _, reader := range readers {
		card, err := pcsc.Open(reader)
		if err != nil {
			continue
		}
		if bytes.Equal(card.ATR(), atr) {
			t.line("Matched ATR in reader: %s", reader)
			return card, reader, nil
		}
		card.Close()
	}
	return nil, "", readerNotFound(readers, id)
}

// waitForCard waits for a card in a reader that package pcsc knows by id.
func (t *tool) waitForCard(id string) error {
	if readers, err := pcsc.Readers(); err == nil && len(readers) == 0 {
		t.line("Waiting for a reader to be attached...")
	}
	t.line("Waiting for a card to be inserted...")
	_, err := pcsc.WaitForCard(t.ctx, id)
	return err
}

func readerNotFound(readers []string, id string) error {
	return notConnected(nil, "Reader \""+id+"\" not found ("+strconv.Itoa(len(readers))+" reader(s) detected)", readerError)
}

// readerError is what OpenSC calls an error of a reader.
const readerError = "Generic reader error"

// notConnected is the error for a card that cannot be reached. OpenSC's tool
// has the line Failed to connect too, gives "Success" as the reason and exits
// with status 0.
func notConnected(err error, line, why string) error {
	if line != "" {
		line += "\n"
	}
	return newFailure(err, "%sFailed to connect to card: %s", line, why)
}
