package token

import (
	"encoding/binary"

	"conclave/token/cryptoki"
)

// parameter reads the flat parameter of a mechanism from its beginning. What is
// missing reads as nothing, and end tells of it.
type parameter struct {
	rest   []byte
	broken bool
}

func (p *parameter) take(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.broken, p.rest = true, nil
		return nil
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parameter) number() uint64 {
	if b := p.take(8); b != nil {
		return binary.NativeEndian.Uint64(b)
	}
	return 0
}

func (p *parameter) string() []byte { return p.take(p.number()) }

// end says whether all was there, and nothing else.
func (p *parameter) end() error {
	if p.broken || len(p.rest) > 0 {
		return cryptoki.MechanismParamInvalid
	}
	return nil
}

// none is for mechanisms without a parameter.
func none(b []byte) error { return (&parameter{rest: b}).end() }
