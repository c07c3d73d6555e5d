package main

import (
	"errors"
	"fmt"
)

// Run fails: modules are called as Unix has them.
func (cmd pkcs11Test) Run(*console) error {
	return fmt.Errorf("conclave pkcs11 test: %w on Windows", errors.ErrUnsupported)
}
