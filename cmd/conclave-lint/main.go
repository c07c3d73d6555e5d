// Conclave-lint judges certificates and CRLs for conclave: it reads a request on
// standard input and answers on standard output (package lint). It is a program of
// its own because the linter takes longer to load than most commands run.
package main

import (
	"fmt"
	"os"

	"conclave/ca/lint"
	"conclave/ca/lint/zlint"
)

func main() {
	if err := lint.Serve(os.Stdin, os.Stdout, zlint.Linter{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
