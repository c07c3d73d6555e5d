//go:build goexperiment.runtimesecret

package secret

import "runtime/secret"

// Do calls f. The registers and the stack that f used are cleared when it returns,
// and what it allocated is when a collection finds that it is not reachable any
// more.
func Do(f func()) { secret.Do(f) }

// Erased says whether Do erases what is allocated in it. Foreign libraries must not
// be called in it then: the runtime of Go 1.26 does not survive that.
const Erased = true
