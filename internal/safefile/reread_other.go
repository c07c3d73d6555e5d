//go:build !linux

package safefile

import "os"

// Reread reads a file that was just written, perhaps from memory.
func Reread(path string) ([]byte, error) { return os.ReadFile(path) }
