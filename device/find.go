package device

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"conclave/apdu"
	"conclave/link/pcsc"
)

// Readers are the names of the cards in readers, as Open takes them. Whether a card is
// there is not looked at.
func Readers() ([]string, error) {
	readers, err := pcsc.Readers()
	names := make([]string, len(readers))
	for i, reader := range readers {
		names[i] = pcscPrefix + reader
	}
	return names, err
}

// Find gives the name that Open takes for what a device is called by: the name of an
// embedded one, the serial number of any, a part of a reader's name, with "pcsc:" before
// it or not, or "pcsc:" and the reader's place in the list, from 0 on. The name of an embedded device goes before all else. What is found
// nowhere stays as it is, and Open says so.
func (h Home) Find(called string) (string, error) {
	return h.find(called, Readers, h.Open)
}

func (h Home) find(called string, readers func() ([]string, error), open func(name string) (apdu.Conn, error)) (string, error) {
	names, err := h.List()
	part := strings.TrimPrefix(called, pcscPrefix)
	if err != nil || part == "" || slices.Contains(names, called) {
		return called, err
	}
	serial, err := regexp.MatchString(`^[A-Z]{2}[A-Z0-9]{3,9}$`, called)
	if err == nil && serial {
		if found := holding(called, names, h.Open); len(found) > 0 {
			return oneOf(called, found)
		}
	}
	list, _ := readers() // without PC/SC there are none
	if place, err := strconv.Atoi(part); err == nil && part != called && place >= 0 && place < len(list) {
		return list[place], nil
	} else if err == nil || slices.Contains(list, called) {
		return called, nil
	}
	found := slices.DeleteFunc(slices.Clone(list), func(reader string) bool {
		return !strings.Contains(strings.ToLower(reader[len(pcscPrefix):]), strings.ToLower(part))
	})
	if len(found) == 0 && serial {
		found = holding(called, list, open) // last, since other programs lose their logins
	}
	return oneOf(called, found)
}

// holding are the devices that have a serial number.
func holding(serial string, names []string, open func(name string) (apdu.Conn, error)) (found []string) {
	for _, name := range names {
		conn, err := open(name)
		if err != nil {
			continue // no card is there, or no device
		}
		if serialOn(conn) == serial {
			found = append(found, name)
		}
		conn.Close()
	}
	return found
}

func oneOf(called string, found []string) (string, error) {
	switch len(found) {
	case 0:
		return called, nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%q may be each of these devices: %s; name one of them", called, strings.Join(found, ", "))
}

// Serials gives the embedded device of each serial number.
func (h Home) Serials() map[string]string {
	serials := map[string]string{}
	names, _ := h.List() // where there are none, none has a number
	for _, name := range names {
		if conn, err := h.Open(name); err == nil {
			serials[serialOn(conn)] = name
			conn.Close()
		}
	}
	delete(serials, "")
	return serials
}
