// Package apdu is the seam between a card and a host: one method that carries
// bytes, the typed command and response beside it, and decorators around it.
//
// A host begins with a [Conn], which package link or link/pcsc gives, and sends a
// [Command] with [Exchange], which collects a long response. A card begins
// with a [Responder] around a [Handler], or implements [Card] itself. [NewTrace]
// writes down what goes through a Conn, and [ReadTrace] plays it again, in place of
// a card.
//
// Shapes and limits are those of ISO 7816-3 section 12 and ISO 7816-4
// section 5. The package knows no command of any card: those of a SmartCard-HSM are
// in package wire.
package apdu

import "errors"

// Card answers command APDUs with response APDUs. Both are raw bytes, so that
// a malformed command can be expressed and a link needs no parser.
//
// A refusal of the card is a status word in the response; an error means that
// the link to the card is broken and its session is gone.
type Card interface {
	Transmit(command []byte) (response []byte, err error)
}

// Conn is a card at the end of a link.
type Conn interface {
	Card
	// Reset is a warm reset: the card forgets its session, nothing else.
	Reset() error
	// Close ends the link. To the card that is a loss of power.
	Close() error
}

// ErrReset is the error of a shared link whose card another process has reset:
// its session is over. The command was not carried out; the next one reaches
// the card.
var ErrReset = errors.New("the card was reset by another process")

// Roomy is a Conn that carries the longest extended APDUs, because no reader is in
// between.
type Roomy interface {
	Conn
	Roomy()
}

// Transactor is a Conn that other processes share. Between Begin and End no
// one else reaches the card; End leaves its session as it is.
type Transactor interface {
	Begin() error
	End() error
}
