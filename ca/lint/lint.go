// Package lint says how certificates and CRLs are judged before they are signed,
// and lets a program of its own do it: what that knows about the world's rules
// takes longer to load than most commands take to run. Package zlint is that
// judge.
package lint

import "fmt"

// Demands are the rules that a certificate is held to.
type Demands string

// All that browsers and mail programs demand; and what is reasonable where no
// public programme governs.
const (
	Public  Demands = "public"
	Private Demands = "private"
)

// Linter judges. An error means that the linter failed, or that it cannot read
// what it got.
//
// Signatures need not be good, so that what is to be signed can be judged before.
type Linter interface {
	// Certificate tells what is wrong with a certificate, DER.
	Certificate(der []byte, by Demands) ([]Finding, error)
	// CRL tells what is wrong with a CRL of CA certificates, DER.
	CRL(der []byte, by Demands) ([]Finding, error)
}

// Finding is what a lint objects to.
type Finding struct {
	Lint     string // zlint's name for it
	Severity string // "warn", "error" or "fatal"
	Details  string // what it found, or what it looks for
}

// String is one line: severity, details, and the name of the lint.
func (f Finding) String() string { return fmt.Sprintf("%s: %s (%s)", f.Severity, f.Details, f.Lint) }
