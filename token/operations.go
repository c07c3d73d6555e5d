package token

import (
	"maps"
	"slices"
	"sync"

	"conclave/token/cryptoki"
)

// operations are those that are under way in a session, one of a kind at most.
type operations struct {
	mu     sync.Mutex
	byKind map[Operation]*operation
}

// get gives nil if there is none.
func (o *operations) get(kind Operation) *operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byKind[kind]
}

func (o *operations) put(kind Operation, begun *operation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byKind == nil {
		o.byKind = map[Operation]*operation{}
	}
	o.byKind[kind] = begun
}

// take ends an operation, of which the result may still be made.
func (o *operations) take(kind Operation) (*operation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.byKind[kind]
	if taken == nil {
		return nil, cryptoki.OperationNotInitialized
	}
	delete(o.byKind, kind)
	return taken, nil
}

// all gives all.
func (o *operations) all() []*operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(o.byKind))
}

// close ends all.
func (o *operations) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byKind = nil
}
