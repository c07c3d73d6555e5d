package wire

import (
	"conclave/apdu"
	"conclave/tlv"
)

// NewRedactor hides from a trace what a SmartCard-HSM exchange must keep
// secret: PINs, DKEK shares, random numbers (which become shares and
// passwords), decrypted data and the files that need the PIN to be read.
func NewRedactor() apdu.Redactor {
	var r redactor
	return r.masks
}

// redactor follows what the card selects, chains and answers in pieces.
type redactor struct {
	selected   FID
	chain      bool // the command continues the parts before it
	hideAnswer bool
}

func (r *redactor) masks(command, response []byte) (commandMask, responseMask []bool) {
	c, err := apdu.ParseCommand(command)
	if err != nil { // nothing is known about it: hide all but the header
		return mask(len(command), 4, len(command)), nil
	}
	fid := target(c, r.selected)
	if secretData(c, fid) {
		commandMask = maskData(command, c, r.chain)
	}
	r.chain = c.CLA&chainingBit != 0
	if c.INS != insGetResponse { // GET RESPONSE continues the answer before it
		r.hideAnswer = secretAnswer(c, fid)
	}
	if r.hideAnswer {
		responseMask = mask(len(response), 0, len(response)-2)
	}
	r.follow(c, fid, response)
	return commandMask, responseMask
}

// follow notes the file that a command has selected.
func (r *redactor) follow(c apdu.Command, fid FID, response []byte) {
	answer, err := apdu.ParseResponse(response)
	if err != nil || answer.SW != apdu.OK && answer.SW != apdu.EndOfFile && answer.SW>>8 != 0x61 {
		return
	}
	switch {
	case c.INS == InsSelect && len(c.Data) == 2:
		r.selected = FID(c.Data[0])<<8 | FID(c.Data[1])
	case c.INS == InsReadBinary, c.INS == InsUpdateBinary:
		r.selected = fid
	}
}

const (
	insGetResponse byte = 0xC0
	chainingBit    byte = 0x10
)

// target is the file that READ BINARY and UPDATE BINARY mean.
func target(c apdu.Command, selected FID) FID {
	if fid := FID(c.P1)<<8 | FID(c.P2); fid != 0 {
		return fid
	}
	return selected
}

func secretData(c apdu.Command, fid FID) bool {
	switch c.INS {
	case InsVerify, InsChangeReferenceData, InsResetRetryCounter, InsInitializeDevice, InsManageDKEK, InsDecipher:
		return true
	case InsUpdateBinary:
		return fid.Prefix() == PrefixProtectedData
	}
	return false
}

func secretAnswer(c apdu.Command, fid FID) bool {
	switch c.INS {
	case InsGetChallenge, InsDecipher:
		return true
	case InsReadBinary:
		return fid.Prefix() == PrefixProtectedData
	}
	return false
}

// maskData hides a command's data field. Of a whole INITIALIZE DEVICE the
// fields that are not PINs stay readable.
func maskData(command []byte, c apdu.Command, part bool) []bool {
	start := 5
	if len(command) > 4 && command[4] == 0 {
		start = 7
	}
	m := mask(len(command), start, start+len(c.Data))
	if c.INS != InsInitializeDevice || part || c.CLA&chainingBit != 0 {
		return m
	}
	cursor := tlv.Cursor(c.Data)
	for at := start; !cursor.Empty(); {
		tag, value, element, err := cursor.Next()
		if err != nil {
			break
		}
		hideFrom := len(element)
		if tag == tagUserPIN || tag == tagSOPIN {
			hideFrom -= len(value)
		}
		clear(m[at : at+hideFrom])
		at += len(element)
	}
	return m
}

// mask hides the bytes from start up to end of n.
func mask(n, start, end int) []bool {
	m := make([]bool, n)
	for i := max(0, start); i < min(end, n); i++ {
		m[i] = true
	}
	return m
}
