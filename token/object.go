package token

import (
	"bytes"

	"conclave/internal/secret"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// Record is all that an object tells.
type Record struct {
	Handle cryptoki.Handle
	// Output is the length in bytes of a signature, or of a block, that a key makes; 0
	// for what is no key.
	Output     int
	Attributes []cryptoki.Attribute
}

// object is an object of a token or of a session.
type object struct {
	handle     cryptoki.Handle
	class      cryptoki.Class
	attributes cryptoki.Template // all of them
	ref        byte              // of the key on the device that it is, or belongs to; 0 for none
	file       wire.FID          // that it was made of; 0 for objects of a session
	public     *wire.PublicKey   // of keys, if it is known
	value      secret.Bytes      // of secret keys
	software   *softwareKey      // of private keys in memory alone
	hidden     bool              // a provisional key of a session
	session    *Session          // whose object it is; nil for the token's
	changes    cryptoki.Template // of an alias: what is not as in its key
	// provisional is the key on the device that a pair of a session has.
	provisional *provisional
}

// record is what the object tells.
func (o *object) record() Record {
	return Record{Handle: o.handle, Output: o.output(), Attributes: o.attributes}
}

// output is the length of a signature or a block.
func (o *object) output() int {
	switch {
	case o.public == nil:
		return 0
	case o.public.Type == wire.KeyEC:
		return 2 * len(o.public.Curve.N)
	}
	return o.size()
}

// matches says whether an object has all attributes of a template. One whose value does
// not leave matches none.
func (o *object) matches(t cryptoki.Template) bool {
	for _, wanted := range t {
		if !o.has(wanted) {
			return false
		}
	}
	return true
}

func (o *object) has(wanted cryptoki.Attribute) bool {
	for _, a := range o.attributes {
		if a.Type == wanted.Type {
			return !a.Sensitive && bytes.Equal(a.Value, wanted.Value)
		}
	}
	return false
}
