// Package secret holds bytes that must not be printed, logged or compared in
// variable time: PINs, passwords, shares and keys.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Bytes is a secret. Every way of formatting, logging or encoding it gives
// "[redacted]".
type Bytes []byte

// Format implements fmt.Formatter for every verb.
func (Bytes) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (Bytes) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and so JSON.
func (Bytes) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Equal compares in time that depends only on the lengths.
func (b Bytes) Equal(other Bytes) bool { return subtle.ConstantTimeCompare(b, other) == 1 }

// Clone returns a copy that is wiped on its own.
func (b Bytes) Clone() Bytes { return append(Bytes{}, b...) }

// Wipe overwrites the secret. It is best effort: the runtime may have copied
// the bytes before.
func (b Bytes) Wipe() { clear(b) }
