package device

import (
	"fmt"
	"io/fs"
	"strings"

	"conclave/apdu"
	"conclave/hsm"
	"conclave/link/pcsc"
)

// OpenSerial connects to the card with a serial number, in whichever reader it
// is. The error wraps fs.ErrNotExist if there is none.
func OpenSerial(serial string) (apdu.Conn, error) {
	readers, err := pcsc.Readers()
	if err != nil {
		return nil, err
	}
	return searchSerial(serial, readers, func(reader string) (apdu.Conn, error) { return pcsc.Open(reader) })
}

// searchSerial looks into every reader.
func searchSerial(serial string, readers []string, open func(reader string) (apdu.Conn, error)) (apdu.Conn, error) {
	var found []string
	for _, reader := range readers {
		conn, err := open(reader)
		if err != nil {
			continue // no card is in it
		}
		if got := serialOn(conn); got == serial {
			return conn, nil
		} else if got != "" {
			found = append(found, got)
		}
		conn.Close()
	}
	return nil, fmt.Errorf("no reader holds the device with serial number %s; there is %s: %w", serial, orNone(found), fs.ErrNotExist)
}

// serialOn is the serial number of a card, empty if it has none.
func serialOn(conn apdu.Conn) string {
	h, err := hsm.Open(conn)
	if err != nil {
		return ""
	}
	serial, err := h.Serial()
	if err != nil {
		return ""
	}
	return serial
}

func orNone(items []string) string {
	if len(items) == 0 {
		return "none"
	}
	return strings.Join(items, ", ")
}
