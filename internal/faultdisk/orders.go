package faultdisk

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
)

// Orders are what a child of a test does to the files of a directory, one after the
// other, each time the same.
type Orders struct {
	All  []string
	Do   func(dir, order string) error
	Look func(dir string) (state string, err error)
}

// done is the answer of a child that has carried out an order.
const done = "done"

// Child is the child's side, for testrun.Main. It stays on its thread: see Trace.
func (o Orders) Child(dir string, orders iter.Seq[string]) error {
	runtime.LockOSThread()
	for order := range orders {
		if err := o.Do(dir, order); err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println(done)
		}
	}
	return nil
}
