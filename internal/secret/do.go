//go:build !goexperiment.runtimesecret

package secret

// Do calls f, and clears the stack that f used. In a build with
// GOEXPERIMENT=runtimesecret the registers are cleared too, and what f allocated is
// when a collection finds that it is not reachable any more.
func Do(f func()) {
	stack(false)
	f()
	stack(true)
}

// Erased says whether Do erases what is allocated in it. Foreign libraries must not
// be called in it then: the runtime of Go 1.26 does not survive that.
const Erased = false
