package token

import "conclave/token/cryptoki"

// Operation is a kind of operation that is begun, fed and ended.
type Operation uint64

// The operations of a session.
const (
	Encrypt       Operation = 1
	Decrypt       Operation = 2
	Sign          Operation = 3
	Verify        Operation = 4
	Digest        Operation = 5
	SignRecover   Operation = 6
	VerifyRecover Operation = 7
)

// operation is one that is under way.
type operation struct{}

// Begin begins an operation. The key is 0 for digests.
func (s *Session) Begin(op Operation, m cryptoki.Mechanism, key cryptoki.Handle) error {
	return cryptoki.MechanismInvalid
}

// Single does all of an operation that was begun with one piece of data. The signature
// is that which is to be verified.
func (s *Session) Single(op Operation, data, signature []byte) ([]byte, error) {
	return nil, cryptoki.OperationNotInitialized
}

// Update feeds an operation.
func (s *Session) Update(op Operation, data []byte) ([]byte, error) {
	return nil, cryptoki.OperationNotInitialized
}

// Final ends an operation.
func (s *Session) Final(op Operation, signature []byte) ([]byte, error) {
	return nil, cryptoki.OperationNotInitialized
}

// Cancel ends an operation without a result.
func (s *Session) Cancel(op Operation) {}
