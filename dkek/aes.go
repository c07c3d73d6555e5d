package dkek

import (
	"fmt"
	"log/slog"

	"conclave/internal/secret"
)

// AESKey is an AES key of 16, 24 or 32 bytes.
type AESKey secret.Bytes

// Format implements fmt.Formatter: it never shows the key.
func (k AESKey) Format(f fmt.State, verb rune) { secret.Bytes(k).Format(f, verb) }

// LogValue implements slog.LogValuer: it never shows the key.
func (k AESKey) LogValue() slog.Value { return secret.Bytes(k).LogValue() }

// MarshalText implements encoding.TextMarshaler: it never shows the key.
func (k AESKey) MarshalText() ([]byte, error) { return secret.Bytes(k).MarshalText() }

// encodeAES writes the key and nothing else.
func encodeAES(key AESKey) (secret.Bytes, error) {
	if err := checkAES(len(key)); err != nil {
		return nil, err
	}
	return secret.Bytes(key).Clone(), nil
}

// decodeAES takes the key of size bytes that is the whole content.
func decodeAES(size int, content fields) (AESKey, error) {
	if err := checkAES(size); err != nil {
		return nil, err
	}
	if size > len(content) {
		return nil, fmt.Errorf("length %d runs past the end, %d bytes are left", size, len(content))
	}
	if err := checkPadding(content[size:]); err != nil {
		return nil, err
	}
	return AESKey(secret.Bytes(content[:size]).Clone()), nil
}

func checkAES(size int) error {
	if size != 16 && size != 24 && size != 32 {
		return fmt.Errorf("an AES key has 16, 24 or 32 bytes, not %d", size)
	}
	return nil
}
