//go:build !unix

package safefile

// CheckWay refuses nothing: who may do what here, modes do not tell.
func CheckWay(string) error { return nil }

// CheckOwn refuses nothing: who may do what here, modes do not tell.
func CheckOwn(string) error { return nil }

// Exposed is false: who may read what here, modes do not tell.
func Exposed(string) bool { return false }
