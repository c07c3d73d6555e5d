package memory_test

import (
	"testing"

	"conclave/card/store"
	"conclave/card/store/memory"
	"conclave/card/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(testing.TB) store.Store { return memory.New() }, nil)
}
